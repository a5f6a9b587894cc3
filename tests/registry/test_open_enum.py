"""Open enums: every code that fits its field survives, and no other."""

from __future__ import annotations

import ast
import copy
import enum
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tlswire.registry
from tlswire.registry import (
    CipherSuite,
    CompressionMethod,
    ContentType,
    ExtensionType,
    NamedGroup,
    OpenEnum,
    ProtocolVersion,
    PskKeyExchangeMode,
    SignatureScheme,
    SSLv2CipherKind,
)

OPEN_ENUMS = [
    value
    for name in tlswire.registry.__all__
    if isinstance(value := getattr(tlswire.registry, name), type)
    and issubclass(value, OpenEnum)
    and value is not OpenEnum
]

# RFC 8701 §2 and §3.1, written out.
GREASE_TWO_BYTES = [
    0x0A0A, 0x1A1A, 0x2A2A, 0x3A3A, 0x4A4A, 0x5A5A, 0x6A6A, 0x7A7A,
    0x8A8A, 0x9A9A, 0xAAAA, 0xBABA, 0xCACA, 0xDADA, 0xEAEA, 0xFAFA,
]  # fmt: skip
GREASE_ONE_BYTE = [0x0B, 0x2A, 0x49, 0x68, 0x87, 0xA6, 0xC5, 0xE4]
GREASE = [
    *((enum_class, code) for code in GREASE_TWO_BYTES
      for enum_class in (CipherSuite, ExtensionType, NamedGroup, ProtocolVersion, SignatureScheme)),
    *((PskKeyExchangeMode, code) for code in GREASE_ONE_BYTE),
]  # fmt: skip

classes_and_codes = st.sampled_from(OPEN_ENUMS).flatmap(
    lambda enum_class: st.tuples(
        st.just(enum_class),
        st.one_of(
            st.sampled_from([int(member) for member in enum_class]),
            st.integers(0, 256**enum_class.SIZE - 1),
        ),
    )
)


def test_all_registries_are_exported() -> None:
    made_here = {kind for kind in OpenEnum.__subclasses__() if kind.__module__.startswith("tlswire.")}
    assert set(OPEN_ENUMS) == made_here


@given(classes_and_codes)
def test_a_code_survives(class_and_code: tuple[type[OpenEnum], int]) -> None:
    enum_class, code = class_and_code
    member = enum_class.of(code)
    assert type(member) is enum_class
    assert member == code
    assert int(member) == member.value == code
    assert hash(member) == hash(code)
    for twin in (enum_class(code), enum_class.BY_CODE[code]):
        assert type(twin) is enum_class
        assert twin == member
        assert twin.name == member.name
    assert int.from_bytes(member.to_bytes(enum_class.SIZE, "big"), "big") == code


@given(classes_and_codes)
def test_a_code_survives_pickling_and_copying(class_and_code: tuple[type[OpenEnum], int]) -> None:
    enum_class, code = class_and_code
    member = enum_class.of(code)
    for twin in (pickle.loads(pickle.dumps(member)), copy.copy(member), copy.deepcopy([member])[0]):
        assert type(twin) is enum_class
        assert twin == member
        assert twin.name == member.name


@given(classes_and_codes)
def test_is_known_tells_whether_the_code_has_a_name(class_and_code: tuple[type[OpenEnum], int]) -> None:
    enum_class, code = class_and_code
    member = enum_class.of(code)
    assert member.is_known == (code in {int(known) for known in enum_class})
    if member.is_known:
        assert member is enum_class[member.name]
        assert repr(member) == f"{enum_class.__name__}.{member.name}"
    else:
        assert repr(member) == f"{enum_class.__name__}(0x{code:0{2 * enum_class.SIZE}X})"
        assert eval(repr(member), {enum_class.__name__: enum_class}) == member


@pytest.mark.parametrize("enum_class", OPEN_ENUMS, ids=lambda enum_class: enum_class.__name__)
def test_a_code_that_does_not_fit_is_refused(enum_class: type[OpenEnum]) -> None:
    for code in (-1, 256**enum_class.SIZE):
        with pytest.raises(ValueError, match=enum_class.__name__):
            enum_class.of(code)
        with pytest.raises(ValueError, match=enum_class.__name__):
            enum_class(code)
        with pytest.raises(ValueError, match=enum_class.__name__):
            enum_class.BY_CODE[code]


@pytest.mark.parametrize("value", ["TLS_RSA_WITH_NULL_MD5", b"\x00\x01", None, 1.5])
def test_what_is_no_integer_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="CipherSuite"):
        CipherSuite(value)


@pytest.mark.parametrize("enum_class", OPEN_ENUMS, ids=lambda enum_class: enum_class.__name__)
def test_names_and_codes_are_a_bijection(enum_class: type[OpenEnum]) -> None:
    assert len({int(member) for member in enum_class}) == len(enum_class.__members__) == len(enum_class)
    assert {member.name for member in enum_class} == set(enum_class.__members__)


def test_unknown_codes_leave_the_registry_as_it_was() -> None:
    before, by_code = list(ContentType), dict(ContentType.BY_CODE)
    for code in range(256):
        ContentType.of(code)
        ContentType(code)
    assert list(ContentType) == before
    assert by_code == ContentType.BY_CODE


def test_zero_is_looked_up_and_not_made_anew() -> None:
    assert CompressionMethod.of(0) is CompressionMethod.null
    assert CipherSuite.of(0) is CipherSuite.TLS_NULL_WITH_NULL_NULL


def test_how_an_unknown_code_prints() -> None:
    assert CipherSuite.of(0x1234).name == "unknown_0x1234"
    assert str(CipherSuite.of(0x1234)) == "unknown_0x1234"
    assert repr(CipherSuite.of(0x1234)) == "CipherSuite(0x1234)"
    assert str(ContentType.of(0x80)) == "unknown_0x80"
    assert repr(ContentType.of(0x08)) == "ContentType(0x08)"
    assert str(SSLv2CipherKind.of(0x123456)) == "unknown_0x123456"


def test_how_a_known_code_prints() -> None:
    suite = CipherSuite.of(0x002F)
    assert str(suite) == suite.name == "TLS_RSA_WITH_AES_128_CBC_SHA"
    assert repr(suite) == "CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA"
    assert f"{suite}" == "TLS_RSA_WITH_AES_128_CBC_SHA"
    assert f"{suite:>30}" == "  TLS_RSA_WITH_AES_128_CBC_SHA"
    assert f"{suite:#06x} {suite:d}" == "0x002f 47"
    assert json.dumps([suite]) == "[47]"


@pytest.mark.parametrize(("enum_class", "code"), GREASE)
def test_grease_is_recognised(enum_class: type[OpenEnum], code: int) -> None:
    member = enum_class.of(code)
    assert member is enum_class.of(code)
    assert member is enum_class(code)
    assert member.is_grease
    assert not member.is_known
    assert str(member) == member.name == f"GREASE_0x{code:0{2 * enum_class.SIZE}X}"
    assert member not in list(enum_class)


def test_nothing_else_is_grease() -> None:
    for enum_class in OPEN_ENUMS:
        if enum_class.SIZE <= 2:
            found = {code for code in range(256**enum_class.SIZE) if enum_class.of(code).is_grease}
            assert found == {code for grease_class, code in GREASE if grease_class is enum_class}


# The class itself, whose members `enum` has not made: it is as one whose members it has


class Colour(OpenEnum, size=1):
    """A registry."""

    red = 1
    green = 2

    @property
    def is_red(self) -> bool:
        return self is Colour.red


Model = enum.IntEnum("Model", {"red": 1, "green": 2}, module=__name__)


@pytest.mark.parametrize(
    "ask",
    [
        lambda kind: [member.name for member in kind],
        lambda kind: [member.value for member in reversed(kind)],
        lambda kind: list(kind.__members__),
        lambda kind: len(kind),
        lambda kind: (kind(2) is kind.green, kind["green"] is kind.green, kind.green in kind),
        lambda kind: kind.red < kind.green == 2,
        lambda kind: {kind.red: "r"}[1],
        lambda kind: [pickle.loads(pickle.dumps(member, 2)) is member for member in kind],
        lambda kind: [copy.deepcopy(member) is member for member in kind],
        lambda kind: sorted(kind._value2member_map_),
        lambda kind: {"red", "green"} <= set(dir(kind)),
        lambda kind: type(kind.red) is kind,
        lambda kind: isinstance(kind.red, enum.IntEnum),
    ],
)
def test_an_open_enum_answers_like_an_int_enum(ask: Callable[[Any], object]) -> None:
    assert ask(Colour) == ask(Model)


def extend(kind: Any) -> None:
    class More(kind, **({"size": 1} if kind is Colour else {})):  # type: ignore[misc]
        blue = 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kind: setattr(kind, "red", 3),
        lambda kind: delattr(kind, "red"),
        lambda kind: kind["blue"],
        lambda kind: kind.blue,
        lambda kind: kind("red"),
        lambda kind: setattr(kind.red, "value", 5),
        extend,
    ],
)
def test_an_open_enum_refuses_like_an_int_enum(spoil: Callable[[Any], object]) -> None:
    with pytest.raises(Exception) as expected:  # noqa: PT011 (whatever enum raises)
        spoil(Model)
    with pytest.raises(expected.type):
        spoil(Colour)


def test_an_open_enum_may_have_methods() -> None:
    assert Colour.red.is_red
    assert not Colour(7).is_red


def test_two_names_for_a_code_are_refused() -> None:
    with pytest.raises(TypeError, match=r"Wrong\.azure: 1 has a name already"):

        class Wrong(OpenEnum, size=1):
            blue = 1
            azure = 1


def test_no_registry_uses_a_name_twice() -> None:
    for path in Path(tlswire.registry.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                names = [target.id for line in node.body if isinstance(line, ast.Assign) for target in line.targets]  # type: ignore[attr-defined]
                assert len(names) == len(set(names)), node.name
