"""Key exchange with a Kerberos ticket (RFC 2712 §3); the server sends no ServerKeyExchange."""

from __future__ import annotations

from tlswire.registry import KeyExchange
from tlswire.schema.key_exchange import ClientKeyExchange
from tlswire.wire import Opaque, message, wire


@ClientKeyExchange.FORMS.register(KeyExchange.KRB5, KeyExchange.KRB5_EXPORT)
@message
class KerberosWrapper(ClientKeyExchange):
    """A ticket for the server, and a premaster secret encrypted under the ticket's session key (RFC 2712 §3).

    The RFC leaves the lengths out; OpenSSL up to 1.0.2 and Java write 16 bits before each.  Neither sends an
    authenticator, which is then empty.
    """

    ticket: bytes = wire(Opaque(0, 2**16 - 1))
    authenticator: bytes = wire(Opaque(0, 2**16 - 1))
    encrypted_pre_master_secret: bytes = wire(Opaque(0, 2**16 - 1))
