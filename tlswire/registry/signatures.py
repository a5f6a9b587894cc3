"""The codes of signatures and certificates."""

from __future__ import annotations

from tlswire.registry.open_enum import OpenEnum


class HashAlgorithm(OpenEnum, size=1):
    """The hash of a TLS 1.2 signature algorithm (RFC 5246 §7.4.1.4.1)."""

    none = 0
    md5 = 1
    sha1 = 2
    sha224 = 3
    sha256 = 4
    sha384 = 5
    sha512 = 6
    Intrinsic = 8  # RFC 8422


class SignatureAlgorithm(OpenEnum, size=1):
    """The signature of a TLS 1.2 signature algorithm (RFC 5246 §7.4.1.4.1)."""

    anonymous = 0
    rsa = 1
    dsa = 2
    ecdsa = 3
    ed25519 = 7
    ed448 = 8
    gostr34102012_256 = 64
    gostr34102012_512 = 65


class SignatureScheme(OpenEnum, size=2, grease=True):
    """A signature algorithm with its hash (RFC 8446 §4.2.3); before TLS 1.3 a HashAlgorithm and a SignatureAlgorithm."""

    rsa_pkcs1_sha1 = 0x0201
    ecdsa_sha1 = 0x0203
    rsa_pkcs1_sha256 = 0x0401
    ecdsa_secp256r1_sha256 = 0x0403
    rsa_pkcs1_sha384 = 0x0501
    ecdsa_secp384r1_sha384 = 0x0503
    rsa_pkcs1_sha512 = 0x0601
    ecdsa_secp521r1_sha512 = 0x0603
    sm2sig_sm3 = 0x0708
    rsa_pss_rsae_sha256 = 0x0804
    rsa_pss_rsae_sha384 = 0x0805
    rsa_pss_rsae_sha512 = 0x0806
    ed25519 = 0x0807
    ed448 = 0x0808
    rsa_pss_pss_sha256 = 0x0809
    rsa_pss_pss_sha384 = 0x080A
    rsa_pss_pss_sha512 = 0x080B
    mldsa44 = 0x0904
    mldsa65 = 0x0905
    mldsa87 = 0x0906


class ClientCertificateType(OpenEnum, size=1):
    """Which certificates a server takes (RFC 5246 §7.4.4)."""

    rsa_sign = 1
    dss_sign = 2
    rsa_fixed_dh = 3
    dss_fixed_dh = 4
    rsa_ephemeral_dh = 5
    dss_ephemeral_dh = 6
    fortezza_dms = 20
    ecdsa_sign = 64
    rsa_fixed_ecdh = 65
    ecdsa_fixed_ecdh = 66
    gost_sign256 = 67
    gost_sign512 = 68
