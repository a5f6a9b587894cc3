"""The cipher kinds of SSL 2.0, as SSLv2-compatible hellos list them."""

from __future__ import annotations

from tlswire.registry.cipher_suites import CipherSuite
from tlswire.registry.open_enum import OpenEnum


class SSLv2CipherKind(OpenEnum, size=3):
    """A cipher of SSL 2.0 (its draft of 1995, App. C.4; RFC 6101 App. E.1)."""

    SSL_CK_RC4_128_WITH_MD5 = 0x010080
    SSL_CK_RC4_128_EXPORT40_WITH_MD5 = 0x020080
    SSL_CK_RC2_128_CBC_WITH_MD5 = 0x030080
    SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5 = 0x040080
    SSL_CK_IDEA_128_CBC_WITH_MD5 = 0x050080
    SSL_CK_DES_64_CBC_WITH_MD5 = 0x060040
    SSL_CK_DES_192_EDE3_CBC_WITH_MD5 = 0x0700C0

    @property
    def cipher_suite(self) -> CipherSuite | None:
        """The suite of SSL 3.0 or TLS that a kind with a first byte of zero stands for, else None.

        RFC 5246 App. E.2.
        """
        return CipherSuite.of(self._value_) if self._value_ <= 0xFFFF else None

    @classmethod
    def _pseudo_name(cls, code: int) -> str:
        return CipherSuite.of(code).name if code <= 0xFFFF else super()._pseudo_name(code)
