"""What tells two distinguished names apart, in words, and which are near to one."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from tlswire.analysis.names import differences, nearest_names, shown
from tlswire.schema import DistinguishedName

KINDS = {"C": NameOID.COUNTRY_NAME, "O": NameOID.ORGANIZATION_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME}
KINDS |= {"CN": NameOID.COMMON_NAME}
Part = tuple[str, str] | tuple[str, str, _ASN1Type]


def name(*parts: Part) -> DistinguishedName:
    attributes = [x509.NameAttribute(KINDS[kind], value, *more) for kind, value, *more in parts]
    return DistinguishedName(x509.Name(attributes).public_bytes())


OURS = name(("C", "US"), ("O", "Example"), ("CN", "Issuing CA 1"))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (OURS, []),
        (
            name(("C", "US"), ("O", "Example", _ASN1Type.PrintableString), ("CN", "Issuing CA 1")),
            ["O is PrintableString and not UTF8String"],
        ),
        (name(("C", "US"), ("O", "EXAMPLE"), ("CN", "Issuing CA 1")), ["O 'EXAMPLE' is in another case"]),
        (
            name(("C", "US"), ("O", "Example"), ("CN", " Issuing  CA 1")),
            ["CN ' Issuing  CA 1' is with other white space"],
        ),
        (
            name(("C", "US"), ("O", "Example"), ("OU", "PKI"), ("CN", "Issuing CA 1")),
            ["it has one OU more, 'PKI'"],
        ),
        (name(("C", "US"), ("CN", "Issuing CA 1")), ["it has no O 'Example'"]),
        (
            name(("C", "US"), ("O", "Example"), ("CN", "Issuing CA 2")),
            ["CN is 'Issuing CA 2' and not 'Issuing CA 1'"],
        ),
        (name(("O", "Example"), ("C", "US"), ("CN", "Issuing CA 1")), ["the parts come in another order"]),
        (
            name(("C", "US"), ("O", "Example"), ("CN", "Ｉssuing CA 1")),
            ["CN 'Ｉssuing CA 1' is in another form of Unicode"],
        ),
        (DistinguishedName(b"\x30\x03abc"), ["a name that is no valid DER"]),
    ],
    ids=["equal", "type", "case", "space", "more", "less", "value", "order", "Unicode", "broken"],
)
def test_what_tells_them_apart(other: DistinguishedName, expected: list[str]) -> None:
    assert differences(OURS, other) == expected


def test_the_nearest_come_first_and_strangers_not_at_all() -> None:
    names = [
        name(("C", "US"), ("O", "Stranger"), ("CN", "Root")),
        name(("C", "US"), ("O", "Example"), ("CN", "Issuing CA 2")),
        name(("C", "US"), ("O", "Example"), ("OU", "PKI"), ("CN", "Issuing CA 1")),
        name(("C", "DE"), ("O", "Another"), ("CN", "Issuing CA 7")),
    ]
    assert [near.number for near in nearest_names(OURS, names)] == [2, 1, 3]
    assert [near.number for near in nearest_names(OURS, names, most=1)] == [2]
    assert nearest_names(OURS, names[:1]) == []


def test_a_name_is_cut_and_its_end_is_marked() -> None:
    assert shown(OURS) == "CN=Issuing CA 1,O=Example,C=US"
    assert shown(OURS, 9) == "CN=Issuin…"
    assert shown(None) == "a name that cannot be read"


def test_the_parts_that_are_compared_are_bounded() -> None:
    many = [name(*[("OU", f"part {start + number}") for number in range(200)]) for start in (0, 1)]
    assert len(differences(*many)) <= 100
