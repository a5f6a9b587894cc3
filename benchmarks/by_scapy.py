"""scapy's whole job: from a capture and the server's key to the records of application data, counted.

python benchmarks/by_scapy.py KEY CAPTURE
"""

from __future__ import annotations

import sys
from typing import Any


def main(key: str, capture: str) -> int:
    """Reads the whole capture."""
    from scapy.config import conf
    from scapy.layers.tls.cert import PrivKeyRSA
    from scapy.layers.tls.record import TLS, TLSApplicationData
    from scapy.sendrecv import sniff
    from scapy.sessions import TCPSession

    conf.tls_session_enable = True
    conf.tls_sessions.server_rsa_key = PrivKeyRSA(key)
    count = 0

    def take(packet: Any) -> None:
        nonlocal count
        while (packet := packet.getlayer(TLS)) is not None:
            count += sum(isinstance(message, TLSApplicationData) for message in packet.msg)
            packet = packet.payload

    sniff(offline=capture, session=TCPSession, prn=take, store=False)
    return count


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
