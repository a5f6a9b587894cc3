"""The distinguished names that the servers of the captures send: shapes of real CAs, names of none.

A root store of the years 1996 to 2020 holds names of every kind: nine attributes long, copyright notices in
an OU, e-mail addresses, national letters in five string types, several attributes in one RDN, the same name
twice (a root and its cross-certificate).  `authority_names(count)` is a fixed list, the same on every run, so
that a capture can be compared with it byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator

import der

OIDS = {
    "CN": "2.5.4.3",
    "SN": "2.5.4.4",
    "serialNumber": "2.5.4.5",
    "C": "2.5.4.6",
    "L": "2.5.4.7",
    "ST": "2.5.4.8",
    "street": "2.5.4.9",
    "O": "2.5.4.10",
    "OU": "2.5.4.11",
    "title": "2.5.4.12",
    "postalCode": "2.5.4.17",
    "GN": "2.5.4.42",
    "x500UniqueIdentifier": "2.5.4.45",
    "dnQualifier": "2.5.4.46",
    "organizationIdentifier": "2.5.4.97",
    "emailAddress": "1.2.840.113549.1.9.1",
    "UID": "0.9.2342.19200300.100.1.1",
    "DC": "0.9.2342.19200300.100.1.25",
}

# One attribute: type (a key of OIDS or a dotted OID), text, and the string type that the CA chose
Attribute = tuple[str, str, int]

P, U, T, I, B = der.PRINTABLE, der.UTF8, der.T61, der.IA5, der.BMP  # noqa: E741


def attribute(kind: str, text: str, tag: int) -> bytes:
    """AttributeTypeAndValue (RFC 5280 §4.1.2.4)."""
    value = der.bit_string(text.encode()) if tag == der.BIT_STRING else der.string(tag, text)
    return der.sequence(der.oid(OIDS.get(kind, kind)), value)


def name(*rdns: Attribute | list[Attribute]) -> bytes:
    """The DER of a Name; an RDN with several attributes is a list of them."""
    return der.sequence(
        *(der.set_of(*(attribute(*item) for item in (rdn if isinstance(rdn, list) else [rdn]))) for rdn in rdns)
    )


# The three that every server here lists first.  The first is the issuer of the client's certificate.
CLIENT_ISSUER = name(("C", "US", P), ("O", "Example Corporation", P), ("CN", "Example Client Issuing CA", P))
PLAIN = [
    CLIENT_ISSUER,
    name(("DC", "test", I), ("DC", "example", I), ("CN", "Example Enterprise Root CA", U)),
    name(
        ("C", "US", P),
        ("O", "Veritrust Networks, Inc.", P),
        ("OU", "Class 3 Public Primary Certification Authority", P),
    ),
]
UNLISTED_ISSUER = name(("C", "US", P), ("O", "Example Corporation", P), ("CN", "Forgotten Issuing CA", P))
SERVER_ISSUER = name(("C", "US", P), ("O", "Example Corporation", P), ("CN", "Example Server CA", P))


def _shapes(n: int) -> Iterator[bytes]:
    """One round of every shape; `n` keeps the rounds apart, as generations of one CA are in a real store."""
    year = 1996 + n
    yield name(
        ("C", "US", P),
        ("O", "Veritrust Networks, Inc.", P),
        ("OU", "Veritrust Trust Network", P),
        ("OU", f"(c) {year} Veritrust Networks, Inc. - For authorized use only", P),
        ("CN", f"Veritrust Class {n % 4 + 1} Public Primary Certification Authority - G{n + 1}", P),
    )
    yield name(
        ("C", "ZA", P),
        ("ST", "Western Cape", P),
        ("L", "Cape Town", P),
        ("O", "Protea Consulting cc", P),
        ("OU", "Certification Services Division", P),
        ("CN", f"Protea Premium Server CA {n}", P),
        ("emailAddress", f"premium-server-{n}@protea.example", I),
    )
    yield name(
        ("O", "Entrusted.example", P),
        ("OU", f"www.entrusted.example/CPS_{year} incorp. by ref. (limits liab.)", P),
        ("OU", f"(c) {year} Entrusted.example Limited", P),
        ("CN", f"Entrusted.example Certification Authority ({2048 << n % 2})", P),
    )
    yield name(
        ("C", "HU", P),
        ("ST", "Hungary", P),
        ("L", "Budapest", P),
        ("O", "HálóZár Hálózatbiztonsági Kft.", T),
        ("OU", "Tanúsítványkiadók", T),
        ("CN", f"HálóZár Közjegyzői (Class A) Tanúsítványkiadó {n}".replace("ő", "ö"), T),
    )
    yield name(
        ("C", "HU", P),
        ("L", "Budapest", U),
        ("O", "Mikroszignó Kft.", U),
        [("organizationIdentifier", f"VATHU-2358449{n}", U)],
        ("CN", f"e-Szignó Gyökér Tanúsítvány Főkiadó {year}", U),
    )
    yield name(
        ("C", "DE", P),
        ("O", "Prüfstelle Süd GmbH", B),
        ("OU", "Zertifizierungsdienste für öffentliche Schlüssel", B),
        ("CN", f"Prüfstelle Wurzel {n}", B),
    )
    yield name(("C", "JP", P), ("O", "株式会社例示認証", U), ("OU", f"公開ルート認証局{n}", U))
    yield name(("C", "GR", P), ("O", "Ελληνική Αρχή Πιστοποίησης", B), ("CN", f"Ρίζα {n}", der.UNIVERSAL))
    yield name(
        ("C", "ES", P),
        ("L", "C/ Muntaner 244 Barcelona (see current address at www.firma.example/address)", P),
        ("O", "Agencia de Certificación Ejemplo", T),
        ("serialNumber", f"A6263406{n}", P),
        ("CN", f"Autoridad de Certificación Raíz {n}", T),
        ("emailAddress", f"ca{n}@firma.example", I),
    )
    # '@' and '*' are outside PrintableString's alphabet; CAs used them in it all the same
    yield name(("C", "BR", P), ("O", "Certificadora Exemplo", P), ("CN", f"raiz{n}@certificadora.example", P))
    yield name(("O", "Example * Wildcard & Sons", P), ("emailAddress", f"pki_{n}@sons.example", P))
    # several attributes in one RDN
    yield name(
        ("C", "CH", P),
        ("O", "Beispiel AG", U),
        [("CN", f"Beispiel Root {n}", U), ("serialNumber", f"CHE-105.{n:03}.841", P)],
    )
    yield name([("C", "FI", P), ("O", "Esimerkki Oyj", U), ("OU", f"Varmennepalvelut {n}", U)])
    yield name(
        ("DC", "example", I),
        ("DC", "corp", I),
        ("DC", f"site{n}", I),
        ("CN", "Configuration", P),
        ("CN", f"corp-DC{n:02}-CA", P),
    )
    # Windows CAs sanitise and lengthen; OUs over X.520's bound of 64
    yield name(
        ("C", "US", P),
        ("ST", "Washington", P),
        ("L", "Redmond", P),
        ("O", "Example Software Corporation", P),
        ("OU", f"Copyright (c) {year} Example Software Corp. " + "All rights reserved. " * 6, P),
        ("CN", f"Example Software Root Authority {n}", P),
    )
    yield name(
        ("C", "FR", P),
        ("O", "Société d'Exemple, S.A.", U),
        ("street", f'{n}, rue "Où-ça" + 1; cedex <17>', U),
        ("postalCode", f"750{n:02}", der.NUMERIC),
        ("OU", "0002 43390517" + str(n), U),
        ("CN", "AC Racine Société, #1 ", U),
    )
    yield name(("C", "TR", P), ("L", "Ankara", U), ("O", "Örnek Bilişim A.Ş.", U), ("CN", f"Örnek Kök {n}", U))
    yield name(("O", f"Root CA {n}", P))
    yield name(("CN", f"localhost {n}", I), ("1.3.6.1.4.1.32473.1", f"private attribute {n}", U))
    yield name(("UID", f"ca-{n}", U), ("title", "Root", P), ("GN", "Ada", P), ("SN", "Example", P), ("C", "GB", P))
    yield name(("C", "IT", P), ("O", "Esempio S.p.A.", P), ("x500UniqueIdentifier", f"id-{n}", der.BIT_STRING))
    yield name(("C", "PL", P), ("O", "Przykład Sp. z o.o.", U), ("dnQualifier", f"q{n}", P), ("CN", "Urząd", B))


# Seen once each in a store, and at their worst on a terminal, in HTML or in an RFC 4514 string
_ODD = [
    name(("O", "", U), ("CN", "empty organization", U)),
    name(("CN", "control \x1b[31mred\x1b[0m characters\r\n\x07", U)),
    name(("CN", "<script>alert(1)</script>", U)),
    name(("CN", "nul\x00byte.example", U)),
    name(("CN", " leading and trailing spaces  ", P)),
    name(("CN", "#hash, and+plus=equals\\backslash;semicolon", U)),
    name(("CN", "right-to-left \u202eoverride", U)),
    name(("CN", "L" * 700, U)),
]


def _malformed() -> Iterator[bytes]:
    """What is no Name, or none that a strict reader takes, for a server that sends whatever it is given."""
    good = name(("C", "US", P), ("O", "Good until here", P))
    yield b""  # RFC 5246 §7.4.4 wants at least one byte
    yield der.sequence()  # no RDN at all: DER, and a Name
    yield good[:-4]  # ends early
    yield good + b"\0\0"  # ends late
    yield good[:1] + b"\x7f" + good[2:]  # says that it is longer than it is
    yield b"\x30\x80" + good[2:] + b"\0\0"  # indefinite length: BER
    yield b"\x30\x81" + bytes([len(good) - 2]) + good[2:]  # a length in more octets than it needs
    yield b"\x31" + good[1:]  # a SET where a SEQUENCE has to be
    yield der.sequence(der.set_of())  # an RDN without attributes
    yield der.sequence(der.set_of(der.sequence(der.oid(OIDS["CN"]))))  # an attribute without a value
    yield der.sequence(der.set_of(der.sequence(der.oid(OIDS["CN"]), der.integer(42))))
    yield der.sequence(der.set_of(der.sequence(der.tlv(0x06), der.string(U, "no type"))))
    yield der.sequence(der.set_of(der.sequence(der.oid(OIDS["CN"]), der.tlv(U, b"\xff\xfe not UTF-8"))))
    yield der.sequence(der.set_of(der.sequence(der.oid(OIDS["CN"]), der.tlv(B, b"odd"))))
    yield name(("CN", "a VisibleString", der.VISIBLE))
    yield bytes(range(256))
    yield b"CN=Not DER,O=Example"


MALFORMED = list(_malformed())


def authority_names(count: int) -> list[bytes]:
    """The first `count` of an endless, fixed list of names, all different, as long and odd as real ones."""
    names = list(PLAIN)
    generation = 0
    while len(names) < count:
        names += _shapes(generation)
        if generation == 0:
            names += _ODD
        generation += 1
    return names[:count]
