"""Files with secrets: keys in every form that OpenSSL and IIS write, what is no key, key logs, passwords.

The key is that of tests/captures/keys, which OpenSSL made; the other forms of it are written here by `cryptography`.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import PBES, serialize_key_and_certificates

from tlswire.capture import CaptureReader, load_key_log, load_server_keys, read_password
from tlswire.crypto import Secrets
from tlswire.errors import SecretsError
from tlswire.session import ApplicationData, Reason, Undecryptable

KEYS = Path(__file__).parents[1] / "captures" / "keys"
PASSWORD = b"renegotiate"
PEM = (KEYS / "server.pem").read_bytes()
KEY = load_pem_private_key(PEM, None)
assert isinstance(KEY, RSAPrivateKey)
NUMBERS = (KEY.public_key().public_numbers().n, KEY.public_key().public_numbers().e)
ELLIPTIC = ec.generate_private_key(ec.SECP256R1())
EXPECTED = "expected an RSA private key in PEM, DER or PKCS #12"

# Of export suites; cryptography makes none so small.  Made with `openssl genrsa -traditional 512`.
PEM_512 = b"""-----BEGIN RSA PRIVATE KEY-----
MIIBOgIBAAJBALSH6Yj9xf83IkZlQkb3dNpYVUQwiUV7WROs0Df8XwlmVK49/uLg
0jt0Ho3yF7TKEKoS9uw4uf05f7N4TK2MZMsCAwEAAQJBAJWTAigRcqnI6Wn/3ZDk
1/lMNKFBwYpC74PAq+em/qrOrN/3sCma9abIfi7kdgc2EILCs81HCx+xhSG4NVUt
k6ECIQDXbRN9wIk5RyfbjBzg5agCYZgMkqQg2lt3W6xOGubCuwIhANaIVxl8eKaM
PFwEOFvJnJv9443ahF0iX7uohOz+ru0xAiAtrWsclt6Bzpyc6LCW3xsophjfUZiL
fsE2JbH7PakAUQIgGjeVNVchw3C126TkYks0KVgQnABNVrhhrKQ+glvpcrECIG9z
4Ct/J4BAcXws59Zq/RMQJQ14RkS0R8ztDDBKtBj/
-----END RSA PRIVATE KEY-----
"""


def certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    day = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 1, day, day + datetime.timedelta(days=9))
    return builder.sign(KEY, hashes.SHA256())


CERTIFICATE = certificate()
CERTIFICATE_PEM = CERTIFICATE.public_bytes(Encoding.PEM)
ELLIPTIC_PEM = ELLIPTIC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
SECRET = BestAvailableEncryption(PASSWORD)


def private(
    encoding: Encoding = Encoding.PEM,
    form: PrivateFormat = PrivateFormat.PKCS8,
    encryption: KeySerializationEncryption = SECRET,
) -> bytes:
    return KEY.private_bytes(encoding, form, encryption)


def pkcs12(key: object, encryption: KeySerializationEncryption = SECRET) -> bytes:
    return serialize_key_and_certificates(b"test", key, CERTIFICATE, None, encryption)  # type: ignore[arg-type]


# What IIS exports for older systems: PBE with SHA-1 and 3DES, and a MAC with SHA-1.
LEGACY = (
    PrivateFormat.PKCS12.encryption_builder()
    .kdf_rounds(2000)
    .key_cert_algorithm(PBES.PBESv1SHA1And3KeyTripleDESCBC)
    .hmac_hash(hashes.SHA1())
    .build(PASSWORD)
)

FORMS: dict[str, tuple[Callable[[], bytes], bytes | None]] = {
    "PKCS #1": (lambda: PEM, None),
    "PKCS #1, a password that is not needed": (lambda: PEM, b"something"),
    "PKCS #8": (lambda: private(encryption=NoEncryption()), None),
    "PKCS #8, encrypted": (lambda: private(), PASSWORD),
    "PKCS #1, encrypted": (lambda: private(form=PrivateFormat.TraditionalOpenSSL), PASSWORD),
    "lines end in CRLF": (lambda: PEM.replace(b"\n", b"\r\n"), None),
    "text around it": (
        lambda: b"Bag Attributes\n  friendlyName: x\n" + CERTIFICATE_PEM + b"Key\n" + PEM + b"end",
        None,
    ),
    "DER, PKCS #1": (lambda: private(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()), None),
    "DER, PKCS #8": (lambda: private(Encoding.DER, encryption=NoEncryption()), None),
    "DER, PKCS #8, encrypted": (lambda: private(Encoding.DER), PASSWORD),
    "PKCS #12": (lambda: pkcs12(KEY), PASSWORD),
    "PKCS #12, legacy": (lambda: pkcs12(KEY, LEGACY), PASSWORD),
    "PKCS #12, no password": (lambda: pkcs12(KEY, NoEncryption()), None),
}


def load(tmp_path: Path, data: bytes, password: bytes | None = None) -> list[object]:
    path = tmp_path / "file"
    path.write_bytes(data)
    return [key.public_numbers for key in load_server_keys(path, password)]


def refused(tmp_path: Path, data: bytes, password: bytes | None = None) -> str:
    with pytest.raises(SecretsError) as caught:
        load(tmp_path, data, password)
    assert caught.value.file == str(tmp_path / "file")
    message = str(caught.value).removeprefix(f"{tmp_path / 'file'}: ")
    assert "\n" not in message
    assert PASSWORD.decode() not in message
    return message


@pytest.mark.parametrize(("make_file", "password"), FORMS.values(), ids=FORMS)
def test_every_form_of_a_key(tmp_path: Path, make_file: Callable[[], bytes], password: bytes | None) -> None:
    assert load(tmp_path, make_file(), password) == [NUMBERS]


@pytest.mark.parametrize("name", ["server.pem", "server.der", "server-encrypted.pem", "server.p12"])
def test_keys_that_openssl_wrote(name: str) -> None:
    (key,) = load_server_keys(KEYS / name, PASSWORD if name in ("server-encrypted.pem", "server.p12") else None)
    assert key.public_numbers == NUMBERS
    assert key.name == str(KEYS / name)


def test_a_pfx_with_its_chain_as_windows_exports_it() -> None:
    # As IIS Manager and older Windows make them: the certificates under RC2 with 40 bits, the key under 3DES, its
    # provider's name and LocalKeySet beside it.  With server.pem as the key, an issuer of its own, and OpenSSL 3.0.22:
    # openssl pkcs12 -export -legacy -inkey server.pem -in s.pem -certfile ca.pem -name le-1234 -LMK -keyex \
    #   -CSP "Microsoft RSA SChannel Cryptographic Provider" -iter 2000 -passout "pass:Pässword 1"
    file = Path(__file__).with_name("server-and-chain.pfx")
    (key,) = load_server_keys(file, "Pässword 1".encode())
    assert key.public_numbers == NUMBERS
    with pytest.raises(SecretsError, match="the password is wrong"):
        load_server_keys(file, b"Password 1")


def test_several_keys_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.pem"
    path.write_bytes(PEM_512 + CERTIFICATE_PEM + ELLIPTIC_PEM + PEM)
    keys = load_server_keys(path)
    assert [key.name for key in keys] == [f"{path}#1", f"{path}#2"]
    assert [repr(key) for key in keys] == [f"<RSAKey '{path}#1', 512 bits>", f"<RSAKey '{path}#2', 2048 bits>"]


# Passwords


@pytest.mark.parametrize("name", [name for name, (_, password) in FORMS.items() if password == PASSWORD])
def test_a_password_is_needed_and_has_to_be_the_right_one(tmp_path: Path, name: str) -> None:
    data = FORMS[name][0]()
    for password in (b"wrong", b""):
        assert refused(tmp_path, data, password) == "the password is wrong, or the key is damaged"
    without = refused(tmp_path, data)
    if name.startswith("PKCS #12"):
        assert without == "PKCS #12 with a password, and none was given; or it is damaged"
    else:
        assert without == "the key is encrypted, and no password was given"


@pytest.mark.parametrize("data", [b"secret", b"secret\n", b"secret\r\n", b"secret\nanother line\n"])
def test_a_password_is_the_first_line_of_its_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "password"
    path.write_bytes(data)
    assert read_password(path) == b"secret"


def test_a_password_keeps_its_blanks(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b" pass word \n")
    assert read_password(path) == b" pass word "


def test_a_password_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match="cannot be read: no such file or directory"):
        read_password(tmp_path / "password")


# What is no RSA key


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", f"the file is empty; {EXPECTED}"),
        (CERTIFICATE_PEM, f"no private key: this is a certificate; {EXPECTED}"),
        (CERTIFICATE.public_bytes(Encoding.DER), f"no private key: this is a certificate; {EXPECTED}"),
        (
            KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            f"no private key: this is a public key; {EXPECTED}",
        ),
        (ELLIPTIC_PEM, f"this is a key for EC, and only RSA key exchange can be decrypted; {EXPECTED}"),
        (
            ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
            f"this is a key for Ed25519, and only RSA key exchange can be decrypted; {EXPECTED}",
        ),
        (PEM[:400], f"the PEM has no end; {EXPECTED}"),
        (b"-----BEGIN", f"the PEM has no end; {EXPECTED}"),
        (PEM[:200] + PEM[300:], f"the key is damaged; {EXPECTED}"),
        (b"no key at all", f"no private key: it cannot be read as one; {EXPECTED}"),
        (
            private(Encoding.DER, encryption=NoEncryption())[:-1],
            f"no private key: it cannot be read as one; {EXPECTED}",
        ),
        (b"\0" * ((1 << 20) + 1), f"over 1048576 bytes long, which is too much; {EXPECTED}"),
    ],
    ids=range(12),
)
def test_what_is_no_rsa_key(tmp_path: Path, data: bytes, message: str) -> None:
    assert refused(tmp_path, data) == message


def test_pkcs12_without_a_key(tmp_path: Path) -> None:
    message = refused(tmp_path, pkcs12(None), PASSWORD)
    assert message == f"PKCS #12 without a private key (export it with the key); {EXPECTED}"


def test_pkcs12_with_another_key(tmp_path: Path) -> None:
    data = serialize_key_and_certificates(b"test", ELLIPTIC, None, None, SECRET)
    assert refused(tmp_path, data, PASSWORD).startswith("this is a key for EC")


def test_a_key_that_is_damaged_anywhere_crashes_nothing(tmp_path: Path) -> None:
    """Keys are not checked for consistency: whatever loads may be wrong, and decrypts nothing that verifies."""
    for name, data in (("der", private(Encoding.DER, encryption=NoEncryption())), ("p12", pkcs12(KEY))):
        for position in range(0, len(data), 7):
            path = tmp_path / name
            path.write_bytes(data[:position] + bytes([data[position] ^ 0x55]) + data[position + 1 :])
            try:
                keys = load_server_keys(path, PASSWORD if name == "p12" else None)
            except SecretsError:
                continue
            assert len(keys) == 1


# Of a key that is wrong in one number OpenSSL may make the best: it computes with the primes, sees that this is no
# root, and computes with d.  Then the key does open what was encrypted to it.
NUMBERS_OF_A_KEY = ("e", "d", "p", "q", "dmp1", "dmq1", "iqmp")
WRONG_NUMBERS: dict[str, Callable[[int], int]] = {
    "2 more": lambda number: number + 2,
    "even": lambda number: number & ~1,
    "0": lambda number: 0,
    "1": lambda number: 1,
    "longer": lambda number: number << 64 | 1,
}


def inconsistent(*names: str, change: Callable[[int], int]) -> bytes:
    """The key in DER (RFC 8017 App. A.1.2), with the modulus as it is and other numbers changed."""
    private_numbers = KEY.private_numbers()
    numbers = {"n": private_numbers.public_numbers.n, "e": private_numbers.public_numbers.e}
    numbers |= {name: getattr(private_numbers, name) for name in ("d", "p", "q", "dmp1", "dmq1", "iqmp")}
    numbers |= {name: change(numbers[name]) for name in names}
    integers = [number.to_bytes(number.bit_length() // 8 + 1, "big") for number in (0, *numbers.values())]
    return element(0x30, b"".join(element(0x02, integer) for integer in integers))


def element(tag: int, contents: bytes) -> bytes:
    """An element of DER (X.690 §8.1, §10.1)."""
    length = len(contents).to_bytes((len(contents).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (length if len(contents) < 128 else bytes([0x80 | len(length)]) + length) + contents


def plaintext_and_reasons(key: Path) -> tuple[bytes, set[Reason]]:
    reader = CaptureReader(
        [KEYS.parent / "apache-tls12-3-names" / "capture.pcapng"], secrets=Secrets(load_server_keys(key))
    )
    events = [event for _, event in reader if event is not None]
    data = b"".join(event.data for event in events if isinstance(event, ApplicationData))
    return data, {event.reason for event in events if isinstance(event, Undecryptable)}


@pytest.fixture(scope="module")
def plaintext() -> bytes:
    data, reasons = plaintext_and_reasons(KEYS / "server.pem")
    assert data
    assert not reasons
    return data


@pytest.mark.parametrize("change", WRONG_NUMBERS.values(), ids=WRONG_NUMBERS)
@pytest.mark.parametrize("name", NUMBERS_OF_A_KEY)
def test_a_key_with_a_wrong_number_gives_the_right_plaintext_or_none(
    tmp_path: Path, plaintext: bytes, name: str, change: Callable[[int], int]
) -> None:
    key = tmp_path / "wrong.der"
    key.write_bytes(inconsistent(name, change=change))
    data, reasons = plaintext_and_reasons(key)
    if data:
        assert (data, reasons) == (plaintext, set())
    else:
        assert reasons
        assert reasons <= {Reason.wrong_key, Reason.premaster_invalid, Reason.previous_epoch_encrypted}


@pytest.mark.parametrize("names", [("e",), ("d", "p"), ("d", "dmq1", "q"), ("d", "iqmp"), NUMBERS_OF_A_KEY])
def test_a_key_that_fits_the_certificate_and_is_none_gives_nothing(tmp_path: Path, names: tuple[str, ...]) -> None:
    key = tmp_path / "wrong.der"
    key.write_bytes(inconsistent(*names, change=lambda number: number + 2))
    data, reasons = plaintext_and_reasons(key)
    assert not data
    assert reasons
    assert reasons <= {Reason.wrong_key, Reason.premaster_invalid, Reason.previous_epoch_encrypted}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match="cannot be read: no such file or directory"):
        load_server_keys(tmp_path / "none.pem")
    with pytest.raises(SecretsError, match="cannot be read: is a directory"):
        load_server_keys(os.fspath(tmp_path))


# Key logs

RANDOM, MASTER = "ab" * 32, "cd" * 48


def test_a_key_log(tmp_path: Path) -> None:
    path = tmp_path / "keys.log"
    path.write_text(f"# comment\r\nCLIENT_RANDOM {RANDOM} {MASTER}\r\nnonsense\r\n\r\nCLIENT_RANDOM {RANDOM} 00\r\n")
    log = load_key_log(path)
    assert [(entry.label, entry.identifier.hex(), entry.secret.hex()) for entry in log.entries] == [
        ("CLIENT_RANDOM", RANDOM, MASTER)
    ]
    assert [problem.line for problem in log.problems] == [3, 5]
    assert MASTER not in repr(log)


def test_an_empty_key_log(tmp_path: Path) -> None:
    path = tmp_path / "keys.log"
    path.write_text("# nothing yet\n")
    assert load_key_log(path).entries == []


def test_what_is_no_key_log(tmp_path: Path) -> None:
    path = tmp_path / "keys.log"
    path.write_bytes(PEM)
    with pytest.raises(SecretsError, match=r"keys\.log: no key log: line 1: "):
        load_key_log(path)


def test_a_file_that_is_no_key_log_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "trace.pcap"
    path.write_bytes(b"no entry\n" * 2000 + f"CLIENT_RANDOM {RANDOM} {MASTER}\n".encode())
    with pytest.raises(SecretsError, match=r"trace\.pcap: no key log: line 1: "):
        load_key_log(path)
    path.write_bytes(f"CLIENT_RANDOM {RANDOM} {MASTER}\n".encode() + b"no entry\n" * 2000)
    assert len(load_key_log(path).problems) == 2000


def test_a_key_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match="cannot be read: no such file or directory"):
        load_key_log(tmp_path / "keys.log")
