"""Every cipher of the registry that can be had, against a published answer: each name means the cipher that it says.

Where the source gives a block and no mode, it is the first block in CBC mode under an IV of zeros.
"""

from __future__ import annotations

import pytest

from tlswire.crypto.ciphers import aead_cipher, block_cipher, stream_cipher
from tlswire.errors import DecryptError
from tlswire.registry import BulkCipher, CipherSuite, parameters

CIPHERS = {found.cipher.name: found.cipher for suite in CipherSuite if (found := parameters(suite)) is not None}
COUNTING = bytes(range(16)).hex()

# Cipher: origin, key, plaintext, ciphertext.  Whether an export suite has 5, 7 or 16 secret bytes, the cipher's key
# has 16 (RFC 2246 §6.3.1); RFC 6229 has shorter ones too, which the cipher takes as it takes those.
STREAM = [
    ("RC4_128", "RFC 6229 §2", "0102030405060708090a0b0c0d0e0f10", "00" * 16, "9ac7cc9a609d1ef7b2932899cde41b97"),
    ("RC4_56", "RFC 6229 §2", "01020304050607", "00" * 16, "293f02d47f37c9b633f2af5285feb46b"),
    ("RC4_40", "RFC 6229 §2", "0102030405", "00" * 16, "b2396305f03dc027ccc3524a0a1118a8"),
]  # fmt: skip

# Cipher: origin, key, IV, plaintext, ciphertext.
RC2 = ("RFC 2268 §5, of 128 effective bits", "88bca90e90875a7f0f79c384627bafb2", "00" * 8, "00" * 8, "2269552ab0f85ca6")
DES = (
    "FIPS 81, Table C1",
    "0123456789abcdef",
    "1234567890abcdef",
    b"Now is the time for all ".hex(),
    "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6",
)
BLOCK = {
    "DES_CBC": DES,
    "DES40_CBC": DES,
    "3DES_EDE_CBC": (
        "NIST CAVP, TCBCMMT3.rsp, COUNT = 2",
        "1a5d4c0825072a15a8ad9dfdaeda8c048adffb85bc4fced0",
        "7fcfa736f7548b6f",
        "983c3edacd939406010e1bc6ff9e12320ac5008117fa8f84",
        "d84fa24f38cf451ca2c9adc960120bd8ff9871584fe31cee",
    ),
    "RC2_CBC": RC2,
    "RC2_CBC_40": RC2,
    "RC2_CBC_56": RC2,
    "IDEA_CBC": (
        "X. Lai, On the Design and Security of Block Ciphers (1992)",
        "00010002000300040005000600070008",
        "00" * 8,
        "0000000100020003",
        "11fbed2b01986de5",
    ),
    "SEED_CBC": ("RFC 4269 App. B.1", "00" * 16, "00" * 16, COUNTING, "5ebac6e0054e166819aff1cc6d346cdb"),
    "AES_128_CBC": (
        "NIST SP 800-38A F.2.1",
        "2b7e151628aed2a6abf7158809cf4f3c",
        COUNTING,
        "6bc1bee22e409f96e93d7e117393172a",
        "7649abac8119b246cee98e9b12e9197d",
    ),
    "AES_256_CBC": (
        "NIST SP 800-38A F.2.5",
        "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
        COUNTING,
        "6bc1bee22e409f96e93d7e117393172a",
        "f58c4c04d6e5f1ba779eabfb5f7bfbd6",
    ),
    "CAMELLIA_128_CBC": (
        "RFC 3713 App. A",
        "0123456789abcdeffedcba9876543210",
        "00" * 16,
        "0123456789abcdeffedcba9876543210",
        "67673138549669730857065648eabe43",
    ),
    "CAMELLIA_256_CBC": (
        "RFC 3713 App. A",
        "0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff",
        "00" * 16,
        "0123456789abcdeffedcba9876543210",
        "9acc237dff16d76c20ef7c919e3a7509",
    ),
    "SM4_CBC": (
        "draft-ribose-cfrg-sm4-10 App. A.2.2.1",
        "0123456789abcdeffedcba9876543210",
        COUNTING,
        "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffffaaaaaaaabbbbbbbb",
        "78ebb11cc40b0a48312aaeb2040244cb4cb7016951909226979b0d15dc6a8f6d",
    ),
}

# Cipher: origin, key, nonce, associated data, plaintext, ciphertext with tag.
GCM_PLAINTEXT = """
    d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525
    b16aedf5aa0de657ba637b39"""
GCM_KEY, GCM_NONCE = "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888"
GCM_ASSOCIATED = "feedfacedeadbeeffeedfacedeadbeefabaddad2"
AEAD = {
    "AES_128_GCM": (
        "McGrew and Viega, The Galois/Counter Mode of Operation, test case 4",
        GCM_KEY, GCM_NONCE, GCM_ASSOCIATED, GCM_PLAINTEXT,
        """42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05
        1ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47""",
    ),
    "AES_256_GCM": (
        "McGrew and Viega, The Galois/Counter Mode of Operation, test case 16",
        2 * GCM_KEY, GCM_NONCE, GCM_ASSOCIATED, GCM_PLAINTEXT,
        """522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838
        c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b""",
    ),
    "CAMELLIA_128_GCM": (
        "draft-kato-ipsec-camellia-gcm-03, test case 4",
        GCM_KEY, GCM_NONCE, GCM_ASSOCIATED, GCM_PLAINTEXT,
        """d0d94a13b632f337a0cc9955b94fa020c815f903aab12f1efaf2fe9d90f729a6cccbfa986ef2ff2c33de418d9a252909
        1cf18fe652c1cfde13f826069f458869431576ea6a095456ec6b8101""",
    ),
    "CAMELLIA_256_GCM": (
        "draft-kato-ipsec-camellia-gcm-03, test case 16",
        2 * GCM_KEY, GCM_NONCE, GCM_ASSOCIATED, GCM_PLAINTEXT,
        """ad142c11579dd95e41f3c1f324dabc255864d920f1b65759d8f560d4948d447758dfdcf77aa9f62581c7ff572a037f81
        0cb1a9c4b3ca6ed638179b774e4b178d8fe26fdc95e2e7246dd94bec""",
    ),
    "SM4_GCM": (
        "RFC 8998 App. A.1",
        "0123456789abcdeffedcba9876543210", "00001234567800000000abcd", GCM_ASSOCIATED,
        """aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffff
        eeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa""",
        """17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15
        a56834cbcf98c397b4024a2691233b8d83de3541e4c2b58177e065a9bf7b62ec""",
    ),
    "AES_128_CCM": (
        "NIST CAVP, VNT128.rsp, Count = 50",
        "005e8f4d8e0cbf4e1ceeb5d87a275848", "0ec3ac452b547b9062aac8fa",
        "2f1821aa57e5278ffd33c17d46615b77363149dbc98470413f6543a6b749f2ca",
        "b6f345204526439daf84998f380dcfb4b4167c959c04ff65",
        "9575e16f35da3c88a19c26a7b762044f4d7bbbafeff05d754829e2a7752fa3a14890972884b511d8",
    ),
    "AES_256_CCM": (
        "NIST CAVP, VNT256.rsp, Count = 50",
        "d6ff67379a2ead2ca87aa4f29536258f9fb9fc2e91b0ed18e7b9f5df332dd1dc", "2f1d0717a822e20c7cd28f0a",
        "d50741d34c8564d92f396b97be782923ff3c855ea9757bde419f632c83997630",
        "98626ffc6c44f13c964e7fcb7d16e988990d6d063d012d33",
        "50e22db70ac2bab6d6af7059c90d00fbf0fb52eee5eb650e08aca7dec636170f481dcb9fefb85c05",
    ),
    "AES_128_CCM_8": (
        "RFC 3610 §8, packet vector 1",
        "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf", "00000003020100a0a1a2a3a4a5",
        "0001020304050607", "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
        "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0",
    ),
    "CHACHA20_POLY1305": (
        "RFC 8439 §2.8.2",
        "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "070000004041424344454647",
        "50515253c0c1c2c3c4c5c6c7",
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
        b"sunscreen would be it.".hex(),
        """d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b
        1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
        3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691""",
    ),
    "OLD_CHACHA20_POLY1305": (
        "draft-agl-tls-chacha20poly1305-04 §7",
        "4290bcb154173531f314af57f3be3b5006da371ece272afa1b5dbdd1100a1007", "cd7cf67be39c794a",
        "87e229d4500845a079c0", "86d09974840bded2a5ca",
        "e3e446f7ede9a19b62a4677dabf4e3d24b876bb284753896e1d6",
    ),
}  # fmt: skip


@pytest.mark.parametrize("vector", STREAM, ids=lambda vector: vector[0])
def test_stream_ciphers(vector: tuple[str, ...]) -> None:
    name, _, *digits = vector
    key, plaintext, ciphertext = map(bytes.fromhex, digits)
    assert stream_cipher(CIPHERS[name], key).update(plaintext) == ciphertext


@pytest.mark.parametrize("name", BLOCK)
def test_block_ciphers(name: str) -> None:
    key, iv, plaintext, ciphertext = map(bytes.fromhex, BLOCK[name][1:])
    assert len(key) == CIPHERS[name].key_length
    cipher = block_cipher(CIPHERS[name], key, iv)
    assert cipher.decryptor().update(ciphertext) == plaintext
    assert cipher.encryptor().update(plaintext) == ciphertext


@pytest.mark.parametrize("name", AEAD)
def test_aeads(name: str) -> None:
    key, nonce, associated, plaintext, ciphertext = map(bytes.fromhex, AEAD[name][1:])
    assert len(key) == CIPHERS[name].key_length
    aead = aead_cipher(CIPHERS[name], key)
    assert aead.decrypt(nonce, ciphertext, associated) == plaintext
    assert aead.decrypt(nonce, memoryview(ciphertext), associated) == plaintext
    assert aead.encrypt(nonce, plaintext, associated) == ciphertext
    assert len(ciphertext) - len(plaintext) == CIPHERS[name].tag_length


WITHOUT_A_VECTOR = {
    "AES_256_CCM_8": "AES_256_CCM",  # no source has one with 8 bytes of tag: it is that one's beginning
    "CHACHA20_POLY1305_draft_00": "CHACHA20_POLY1305",  # its nonce alone is made in another way
}


def test_a_ccm_tag_of_8_bytes_is_made_for_itself() -> None:
    key, nonce, associated, plaintext, ciphertext = map(bytes.fromhex, AEAD["AES_256_CCM"][1:])
    short = aead_cipher(CIPHERS["AES_256_CCM_8"], key).encrypt(nonce, plaintext, associated)
    assert short[: len(plaintext)] == ciphertext[: len(plaintext)]
    assert len(short) == len(plaintext) + 8
    assert short[len(plaintext) :] != ciphertext[len(plaintext) : -8]  # the length of the tag enters it (RFC 3610 §2.2)


def supported(cipher: BulkCipher) -> bool:
    make = {
        "stream": lambda key: stream_cipher(cipher, key),
        "block": lambda key: block_cipher(cipher, key, bytes(cipher.block_length)),
        "aead": lambda key: aead_cipher(cipher, key),
    }[cipher.kind]
    try:
        make(bytes(range(cipher.key_length)))
    except DecryptError:
        return False
    return True


def test_every_cipher_that_can_be_had_has_an_answer() -> None:
    can_be_had = {name for name, cipher in CIPHERS.items() if cipher.kind != "null" and supported(cipher)}
    assert can_be_had == {vector[0] for vector in STREAM} | set(BLOCK) | set(AEAD) | set(WITHOUT_A_VECTOR)
