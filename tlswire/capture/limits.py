"""How much the reading of a capture may hold on to, with the reasons for the defaults."""

from __future__ import annotations

from tlswire.values import Value, frozen


@frozen
class CaptureLimits(Value):
    """The bounds of TCP and IP reassembly.  Reaching one is told; what goes on, goes on.

    `reassembly_window`, bytes per direction: how much may wait behind a hole whose bytes nobody acknowledged.
    A sender cannot have more in flight than the receiver's window, which Linux lets grow to 6 MiB of buffer
    (tcp_rmem), half of it window.  Zeek gives up a hole after 4 KiB without any acknowledgement and 10 MB
    without further ones; Wireshark has no bound.
    `reassembly_total`, bytes over all connections, for the same.
    `acknowledged_patience`, frames: how long a hole that the receiver has acknowledged may still be filled.
    Captures of several receive queues are out of order by up to the queues' budget (net.core.netdev_budget,
    300 frames on Linux, 64 of one queue at a time).
    `open_connections`: how many are followed at a time.  When there are more, the longest silent are
    given up.
    `idle_seconds`, by the capture's clock: a connection that is silent longer is given up.  RFC 5382 §5
    lets no translator forget an established connection before 2 hours and 4 minutes.
    `closing_connections`: after a reset or both FINs, late and reordered segments still belong to the
    connection, until so many others have been closed.
    `closed_connections`: of so many, the addresses are remembered, so that a late segment is no new
    connection.
    `fragments_total`, bytes over all datagrams: how much of IP fragments may wait for others.  When there is
    more, the oldest datagram is given up.  Linux holds 4 MiB (ipfrag_high_thresh).
    `fragment_seconds`, by the capture's clock: how long a datagram waits for its fragments, and is known
    when they come again.  Linux gives up after 30 seconds (ipfrag_time), RFC 791 §3.2 has 15 as the least,
    RFC 8200 §4.5 has 60; identifications come round in less at a high rate (RFC 4963).
    `prelude`, bytes per direction: how far into a connection TLS may begin.  STARTTLS and proxies take
    less than 4 KB; Wireshark's and Suricata's detection looks at the first segments only.
    """

    reassembly_window: int = 4 << 20
    reassembly_total: int = 64 << 20
    acknowledged_patience: int = 256
    open_connections: int = 100_000
    idle_seconds: int = 7440
    closing_connections: int = 256
    closed_connections: int = 16_384
    fragments_total: int = 4 << 20
    fragment_seconds: int = 30
    prelude: int = 64 << 10
