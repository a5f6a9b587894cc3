"""The codes of signatures and of the certificates that clients sign with.

Complete with IANA's registries as of 2026-09-29, in their spelling.
"""

from __future__ import annotations

from tlswire.registry.open_enum import OpenEnum


class HashAlgorithm(OpenEnum, size=1):
    """The hash of a signature algorithm in TLS 1.2 (RFC 5246 §7.4.1.4.1)."""

    none = 0
    md5 = 1
    sha1 = 2
    sha224 = 3
    sha256 = 4
    sha384 = 5
    sha512 = 6
    Intrinsic = 8  # RFC 8422 §5.1.3


class SignatureAlgorithm(OpenEnum, size=1):
    """The signature of a signature algorithm in TLS 1.2 (RFC 5246 §7.4.1.4.1)."""

    anonymous = 0
    rsa = 1
    dsa = 2
    ecdsa = 3
    ed25519 = 7  # RFC 8422 §5.1.3
    ed448 = 8
    gostr34102012_256 = 64  # RFC 9189
    gostr34102012_512 = 65


class SignatureScheme(OpenEnum, size=2, grease=True):
    """A signature with its hash (RFC 8446 §4.2.3).

    TLS 1.2 reads the two bytes as a HashAlgorithm and a SignatureAlgorithm (RFC 5246 §7.4.1.4.1).
    """

    rsa_pkcs1_sha1 = 0x0201
    ecdsa_sha1 = 0x0203
    rsa_pkcs1_sha256 = 0x0401
    ecdsa_secp256r1_sha256 = 0x0403
    rsa_pkcs1_sha256_legacy = 0x0420  # RFC 9963
    rsa_pkcs1_sha384 = 0x0501
    ecdsa_secp384r1_sha384 = 0x0503
    rsa_pkcs1_sha384_legacy = 0x0520
    rsa_pkcs1_sha512 = 0x0601
    ecdsa_secp521r1_sha512 = 0x0603
    rsa_pkcs1_sha512_legacy = 0x0620
    eccsi_sha256 = 0x0704  # draft-wang-tls-raw-public-key-with-ibc
    iso_ibs1 = 0x0705
    iso_ibs2 = 0x0706
    iso_chinese_ibs = 0x0707
    sm2sig_sm3 = 0x0708  # RFC 8998
    gostr34102012_256a = 0x0709  # RFC 9367
    gostr34102012_256b = 0x070A
    gostr34102012_256c = 0x070B
    gostr34102012_256d = 0x070C
    gostr34102012_512a = 0x070D
    gostr34102012_512b = 0x070E
    gostr34102012_512c = 0x070F
    rsa_pss_rsae_sha256 = 0x0804
    rsa_pss_rsae_sha384 = 0x0805
    rsa_pss_rsae_sha512 = 0x0806
    ed25519 = 0x0807
    ed448 = 0x0808
    rsa_pss_pss_sha256 = 0x0809
    rsa_pss_pss_sha384 = 0x080A
    rsa_pss_pss_sha512 = 0x080B
    ecdsa_brainpoolP256r1tls13_sha256 = 0x081A  # RFC 8734
    ecdsa_brainpoolP384r1tls13_sha384 = 0x081B
    ecdsa_brainpoolP512r1tls13_sha512 = 0x081C
    mldsa44 = 0x0904  # draft-ietf-tls-mldsa
    mldsa65 = 0x0905
    mldsa87 = 0x0906
    slhdsa_sha2_128s = 0x0911  # draft-reddy-tls-slhdsa
    slhdsa_sha2_128f = 0x0912
    slhdsa_sha2_192s = 0x0913
    slhdsa_sha2_192f = 0x0914
    slhdsa_sha2_256s = 0x0915
    slhdsa_sha2_256f = 0x0916
    slhdsa_shake_128s = 0x0917
    slhdsa_shake_128f = 0x0918
    slhdsa_shake_192s = 0x0919
    slhdsa_shake_192f = 0x091A
    slhdsa_shake_256s = 0x091B
    slhdsa_shake_256f = 0x091C

    # Pairs of TLS 1.2 that TLS 1.3 only reserves (RFC 8446 App. B.3.1.3).
    rsa_pkcs1_md5 = 0x0101
    dsa_md5 = 0x0102
    ecdsa_md5 = 0x0103
    dsa_sha1 = 0x0202
    rsa_pkcs1_sha224 = 0x0301
    dsa_sha224 = 0x0302
    ecdsa_sha224 = 0x0303
    dsa_sha256 = 0x0402
    dsa_sha384 = 0x0502
    dsa_sha512 = 0x0602
    gostr34102012_256 = 0x0840  # RFC 9189
    gostr34102012_512 = 0x0841

    # GOST before RFC 9189, never registered.
    gostr34102001_gostr3411 = 0xEDED
    gostr34102012_256_gostr34112012_256 = 0xEEEE
    gostr34102012_512_gostr34112012_512 = 0xEFEF


class ClientCertificateType(OpenEnum, size=1):
    """Which certificates a server takes from clients (RFC 5246 §7.4.4)."""

    rsa_sign = 1
    dss_sign = 2
    rsa_fixed_dh = 3
    dss_fixed_dh = 4
    rsa_ephemeral_dh = 5  # SSL 3.0
    dss_ephemeral_dh = 6  # SSL 3.0
    fortezza_dms = 20  # SSL 3.0
    ecdsa_sign = 64  # RFC 8422
    rsa_fixed_ecdh = 65
    ecdsa_fixed_ecdh = 66
    gost_sign256 = 67  # RFC 9189
    gost_sign512 = 68

    # Never registered, but met on the wire.
    gost_sign94 = 21  # draft-chudov-cryptopro-cptls-04
    gost_sign01 = 22
    ibc_params = 80  # GM/T 0024-2014
    gost_sign256_legacy = 238  # OpenSSL before RFC 9189
    gost_sign512_legacy = 239
