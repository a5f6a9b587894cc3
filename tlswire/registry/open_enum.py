"""Open enums: named codes of a wire field that has room for more codes than there are names.

The strategy: an `OpenEnum` is an `enum.IntEnum` that refuses no code which fits its field.  A code without a
name becomes a pseudo-member: an instance of the class, equal to its number, but no entry of the class
(iteration gives the named codes alone).  Pseudo-members are made on demand and not kept, since peers choose
them; only the 16 (or 8) GREASE codes of RFC 8701, in registries that have them, are made beforehand.
Calling an enum class takes ten times as long as a look-up in a dictionary, so decoders use `BY_CODE`, a
dictionary that makes what it lacks, or `of`, which is the same with a method call's cost.

`enum` takes 7 us to make a member, since a member may be anything; here it is an integer of its own, and there
are nine hundred.  So `OpenEnumType` lets `enum` make the class without them and puts them in: in a fifth of the
time.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, ClassVar, Self

# RFC 8701 §2: two-byte codes for cipher suites, extensions, groups, signature schemes, versions; one-byte
# codes for PskKeyExchangeMode.
GREASE_CODES: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {1: tuple(0x0B + 0x1F * n for n in range(8)), 2: tuple(0x0A0A + 0x1010 * n for n in range(16))}
)

_INTEGER_PRESENTATIONS = "bcdoxX"


class _Members(dict[int, Any]):
    """The members of an open enum by code; subscription makes pseudo-members and does not keep them."""

    def __init__(self, enum_class: type[OpenEnum], members: dict[int, Any]) -> None:
        super().__init__(members)
        self._enum_class = enum_class

    def __missing__(self, code: int) -> Any:
        return self._enum_class(code)


class OpenEnumType(enum.EnumType):
    """The class of open enums: what a class body assigns integers to are members."""

    @classmethod
    def __prepare__(metacls, *_: Any, **settings: Any) -> Any:  # noqa: N804 (as in enum)
        return {}

    def __new__(metacls, cls: str, bases: tuple[type, ...], classdict: Any, **settings: Any) -> Any:
        body = enum.EnumType.__prepare__(cls, bases)
        codes: dict[str, int] = {}
        for name, value in classdict.items():
            if type(value) is int and not name.startswith("__"):
                codes[name] = value
            else:
                body[name] = value
        made: Any = super().__new__(metacls, cls, bases, body, **settings)
        for order, (name, code) in enumerate(codes.items()):
            if code in made._value2member_map_:
                raise TypeError(f"{cls}.{name}: {code} has a name already")
            member = int.__new__(made, code)
            member._name_, member._value_, member._sort_order_, member.__objclass__ = name, code, order, made
            made._member_names_.append(name)
            made._member_map_[name] = made._value2member_map_[code] = member
            type.__setattr__(made, name, member)
        if codes:
            made.BY_CODE = _Members(made, {code: made._pseudo_member(code) for code in made._grease})
            made.BY_CODE.update(made._value2member_map_)
        return made


class OpenEnum(enum.IntEnum, metaclass=OpenEnumType):
    """A registry of codes of `SIZE` bytes in which unknown codes survive.

    Subclasses say `class X(OpenEnum, size=2, grease=True)`: `size`, the bytes of the field on the wire;
    `grease`, whether RFC 8701 reserves codes in this registry.  `X(code)`, `X.of(code)` and `X.BY_CODE[code]`
    are the same; each raises ValueError only for what is no integer in 0..256**SIZE-1.
    """

    SIZE: ClassVar[int]
    BY_CODE: ClassVar[dict[int, Any]]
    _grease: ClassVar[frozenset[int]]

    def __init_subclass__(cls, *, size: int, grease: bool = False) -> None:
        cls.SIZE = size
        cls._grease = frozenset(GREASE_CODES[size] if grease else ())

    @classmethod
    def of(cls, code: int) -> Self:
        """Return the member for `code`, or a pseudo-member if it has no name.

        Raises ValueError if `code` does not fit in `SIZE` bytes.
        """
        member: Self = cls.BY_CODE[code]
        return member

    @property
    def name(self) -> str:
        """The name in the registry, or one made up of the code."""
        return self._name_  # the one that `Enum` has takes three times as long

    @property
    def is_known(self) -> bool:
        """Whether the code has a name in the registry; GREASE codes have none."""
        return self._name_ in type(self)._member_map_

    @property
    def is_grease(self) -> bool:
        """Whether RFC 8701 reserves the code to keep peers tolerant of unknown ones."""
        return self._value_ in self._grease

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or not 0 <= value < 256**cls.SIZE:
            return None  # which enum turns into a ValueError
        known: Self | None = cls.BY_CODE.get(value)
        return cls._pseudo_member(value) if known is None else known

    @classmethod
    @lru_cache(maxsize=4096)  # who makes codes up, makes the same ones up again and again
    def _pseudo_member(cls, code: int) -> Self:
        member = int.__new__(cls, code)
        member._name_ = cls._pseudo_name(code)
        member._value_ = code
        return member

    @classmethod
    def _pseudo_name(cls, code: int) -> str:
        return f"{'GREASE' if code in cls._grease else 'unknown'}_{cls._hex(code)}"

    @classmethod
    def _hex(cls, code: int) -> str:
        return f"0x{code:0{2 * cls.SIZE}X}"

    def __str__(self) -> str:
        return self._name_

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}.{self._name_}" if self.is_known else f"{name}({self._hex(self._value_)})"

    def __format__(self, format_spec: str) -> str:
        """Format as the name, or as the number where `format_spec` ends with an integer presentation."""
        if format_spec and format_spec[-1] in _INTEGER_PRESENTATIONS:
            return int.__format__(self, format_spec)
        return str.__format__(str(self), format_spec)
