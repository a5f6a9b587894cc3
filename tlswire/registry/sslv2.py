"""The cipher kinds of SSL 2.0, as SSLv2-compatible hellos list them."""

from __future__ import annotations

from tlswire.registry.cipher_suites import CipherSuite
from tlswire.registry.open_enum import OpenEnum


class SSLv2CipherKind(OpenEnum, size=3):
    """A cipher of SSL 2.0 (its specification of 1995, App. C.4; RFC 6101 App. E.1)."""

    SSL_CK_RC4_128_WITH_MD5 = 0x010080
    SSL_CK_RC4_128_EXPORT40_WITH_MD5 = 0x020080
    SSL_CK_RC2_128_CBC_WITH_MD5 = 0x030080
    SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5 = 0x040080
    SSL_CK_IDEA_128_CBC_WITH_MD5 = 0x050080
    SSL_CK_DES_64_CBC_WITH_MD5 = 0x060040
    SSL_CK_DES_192_EDE3_CBC_WITH_MD5 = 0x0700C0

    # Not in the specification, but in SSLeay.
    SSL_CK_DES_64_CBC_WITH_SHA = 0x060140
    SSL_CK_DES_192_EDE3_CBC_WITH_SHA = 0x0701C0
    SSL_CK_RC4_64_WITH_MD5 = 0x080080
    SSL_CK_DES_64_CFB64_WITH_MD5_1 = 0xFF8000
    SSL_CK_NULL = 0xFF8010

    @property
    def cipher_suite(self) -> CipherSuite | None:
        """The suite of SSL 3.0 or TLS that this stands for if its first byte is zero, else None.

        RFC 5246 App. E.2.
        """
        return CipherSuite.of(self._value_) if self._value_ <= 0xFFFF else None

    @classmethod
    def _pseudo_name(cls, code: int) -> str:
        return CipherSuite.of(code).name if code <= 0xFFFF else super()._pseudo_name(code)


# Every cipher suite of SSL 3.0 and TLS may stand in an SSLv2-compatible hello (RFC 5246 App. E.2), so none is unknown.
SSLv2CipherKind.BY_CODE.update({suite._value_: SSLv2CipherKind._pseudo_member(suite._value_) for suite in CipherSuite})
