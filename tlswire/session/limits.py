"""How much a connection may hold on to, with the reasons for the defaults."""

from __future__ import annotations

from tlswire.values import Value, frozen


@frozen
class Limits(Value):
    """The bounds of one `Connection`, in bytes.  Reaching one is a `LimitReached` event; what goes on, goes on.

    `buffered_bytes`, per direction: how much may wait for what the other side has to say first.  A server's
    whole first flight with a 64 KB list of authorities, and a response behind it, fits easily.
    `handshake_message`: the longest handshake message that is put together.  The length field allows 16 MB;
    OpenSSL takes certificate chains of 100 KB, Schannel messages of 32 KB, and a CertificateRequest cannot
    exceed 131,000 bytes.
    `handshakes`: how many one connection may begin; servers that renegotiate without end cut off after a few (Apache
    and nginx after none, OpenSSL's default is to refuse the client's).  What comes then counts for the last one.
    `discard_block`: discarded bytes are told in pieces of at most this size.
    """

    buffered_bytes: int = 1 << 20
    handshake_message: int = 1 << 18
    discard_block: int = 1 << 14
    handshakes: int = 1000
