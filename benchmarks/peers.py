"""The same work by other libraries: each function imports its library and gives the call to be timed.

A library that is not installed raises ImportError, and the table says so; the extra `bench` has the versions.
Handshake messages are given to each as it wants them: with their header of four bytes, or without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tlswire import CertificateRequestTLS12, ClientHello, HandshakeType

Call = Callable[[bytes], object]
"""Does the work on a whole stream, or on a handshake message with its header."""

HELLO = {"handshake_type": HandshakeType.client_hello}


def construct_records() -> Call:
    """What a user of construct writes."""
    import construct as c

    record = c.Struct("type" / c.Int8ub, "version" / c.Int16ub, "fragment" / c.Prefixed(c.Int16ub, c.GreedyBytes))
    stream = c.GreedyRange(record)
    return lambda raw: stream.parse(raw)


def construct_records_compiled() -> Call:
    """The same, compiled by construct."""
    import construct as c

    record = c.Struct("type" / c.Int8ub, "version" / c.Int16ub, "fragment" / c.Prefixed(c.Int16ub, c.GreedyBytes))
    stream = c.GreedyRange(record).compile()
    return lambda raw: stream.parse(raw)


def dpkt_records() -> Call:
    """dpkt's records; it stops in silence where it cannot go on."""
    from dpkt.ssl import tls_multi_factory

    return lambda raw: tls_multi_factory(raw)


def schema_hello() -> Call:
    """Our own declaration, read by construct: the reference."""
    return lambda raw: ClientHello.SCHEMA.parse(raw[4:], **HELLO)


def compiled_hello() -> Call:
    """An equivalent Struct of construct's own parts, compiled by construct."""
    import construct as c

    def vector(prefix: Any, item: Any) -> Any:
        return c.Prefixed(prefix, c.GreedyRange(item))

    name = c.Struct("name_type" / c.Int8ub, "name" / c.Prefixed(c.Int16ub, c.GreedyBytes))
    share = c.Struct("group" / c.Int16ub, "key_exchange" / c.Prefixed(c.Int16ub, c.GreedyBytes))
    bodies = {
        0: vector(c.Int16ub, name),
        10: vector(c.Int16ub, c.Int16ub),
        11: vector(c.Int8ub, c.Int8ub),
        13: vector(c.Int16ub, c.Int16ub),
        16: vector(c.Int16ub, c.Prefixed(c.Int8ub, c.GreedyBytes)),
        43: vector(c.Int8ub, c.Int16ub),
        45: vector(c.Int8ub, c.Int8ub),
        51: vector(c.Int16ub, share),
    }
    extension = c.Struct(
        "type" / c.Int16ub, "body" / c.Prefixed(c.Int16ub, c.Switch(c.this.type, bodies, default=c.GreedyBytes))
    )
    hello = c.Struct(
        "client_version" / c.Int16ub,
        "random" / c.Bytes(32),
        "session_id" / c.Prefixed(c.Int8ub, c.GreedyBytes),
        "cipher_suites" / vector(c.Int16ub, c.Int16ub),
        "compression_methods" / vector(c.Int8ub, c.Int8ub),
        "extensions" / vector(c.Int16ub, extension),
    ).compile()
    return lambda raw: hello.parse(raw[4:])


def dpkt_hello() -> Call:
    """dpkt's, whose extensions stay bytes."""
    from dpkt.ssl import TLSClientHello

    return lambda raw: TLSClientHello(raw[4:])


def tlslite_hello() -> Call:
    """tlslite-ng's."""
    from tlslite.messages import ClientHello as Hello
    from tlslite.utils.codec import Parser

    return lambda raw: Hello().parse(Parser(bytearray(raw[1:])))


def scapy_hello() -> Call:
    """scapy's, without a record around it."""
    from scapy.layers.tls.handshake import TLSClientHello

    return lambda raw: TLSClientHello(raw)


def cryptoparser_hello() -> Call:
    """cryptoparser's."""
    from cryptoparser.tls.subprotocol import TlsHandshakeClientHello

    return lambda raw: TlsHandshakeClientHello.parse_exact_size(raw)


def schema_request() -> Call:
    """Our own declaration, read by construct: the reference."""
    return lambda raw: CertificateRequestTLS12.SCHEMA.parse(raw[4:])


def compiled_request() -> Call:
    """An equivalent Struct of construct's own parts, compiled by construct."""
    import construct as c

    request = c.Struct(
        "certificate_types" / c.Prefixed(c.Int8ub, c.GreedyRange(c.Int8ub)),
        "supported_signature_algorithms" / c.Prefixed(c.Int16ub, c.GreedyRange(c.Int16ub)),
        "certificate_authorities" / c.Prefixed(c.Int16ub, c.GreedyRange(c.Prefixed(c.Int16ub, c.GreedyBytes))),
    ).compile()
    return lambda raw: request.parse(raw[4:])


def tlslite_request() -> Call:
    """tlslite-ng's; names stay bytes."""
    from tlslite.messages import CertificateRequest
    from tlslite.utils.codec import Parser

    return lambda raw: CertificateRequest((3, 3)).parse(Parser(bytearray(raw[1:])))


def scapy_request() -> Call:
    """scapy's; names stay bytes."""
    from scapy.layers.tls.handshake import TLSCertificateRequest
    from scapy.layers.tls.session import tlsSession

    session = tlsSession()
    session.tls_version = 0x0303
    return lambda raw: TLSCertificateRequest(raw, tls_session=session)


def cryptoparser_request() -> Call:
    """cryptoparser's, which reads every name."""
    from cryptoparser.tls.subprotocol import TlsHandshakeCertificateRequest

    return lambda raw: TlsHandshakeCertificateRequest.parse_exact_size(raw)


RECORDS = {
    "construct": construct_records,
    "construct compiled": construct_records_compiled,
    "dpkt": dpkt_records,
}
HELLOS = {
    "construct": schema_hello,
    "construct compiled": compiled_hello,
    "dpkt": dpkt_hello,
    "tlslite-ng": tlslite_hello,
    "scapy": scapy_hello,
    "cryptoparser": cryptoparser_hello,
}
REQUESTS = {
    "construct": schema_request,
    "construct compiled": compiled_request,
    "tlslite-ng": tlslite_request,
    "scapy": scapy_request,
    "cryptoparser": cryptoparser_request,
}
