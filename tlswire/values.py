"""Slotted dataclasses that share their methods: frozen ones (`Value`), and ones that can be changed (`Struct`).

`dataclasses` compiles half a dozen methods for each class, which takes half a millisecond: for the hundred
classes of a TLS library longer than all else that is done to import it. So these have the methods of a
dataclass from a base class, by their fields, and the one that must be fast, the constructor, is compiled when
the class is first called.

    @frozen                     @slotted
    class Point(Value):         class Counter(Struct):
        x: int                      name: str
        y: int = 0                  count: int = 0
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

V = TypeVar("V", bound="Value")
S = TypeVar("S", bound="Struct")


class _Fields:
    """The methods of a dataclass, by its fields."""

    __slots__ = ()

    def __repr__(self) -> str:
        shown = (f"{field.name}={getattr(self, field.name)!r}" for field in _fields(type(self)) if field.repr)
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(_compared(self))

    def __getstate__(self) -> list[Any]:
        return [getattr(self, field.name) for field in _fields(type(self))]

    def __setstate__(self, values: list[Any]) -> None:
        for field, value in zip(_fields(type(self)), values, strict=True):
            object.__setattr__(self, field.name, value)


class Value(_Fields):
    """The base of all classes that `@frozen` makes."""

    __slots__ = ()

    if not TYPE_CHECKING:  # where `dataclass_transform` knows better

        def __setattr__(self, name: str, value: object) -> None:
            _refuse_change(self, name, "assign to")
            object.__setattr__(self, name, value)

        def __delattr__(self, name: str) -> None:
            _refuse_change(self, name, "delete")
            object.__delattr__(self, name)


class Struct(_Fields):
    """The base of all classes that `@slotted` makes."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def frozen(cls: type[V]) -> type[V]:
    """Make a subclass of `Value` a frozen, slotted dataclass of its annotated fields.

    Raises TypeError where `dataclass` does.
    """
    # Of frozen=True are `Value.__setattr__` and `__delattr__`, and what is told to those who ask. (A dataclass
    # that is not frozen does not inherit from one that is.)
    made = _made(cls, inherits_frozen=dataclasses.is_dataclass(cls))
    vars(made)["__dataclass_params__"].frozen = True
    return made


@dataclass_transform(field_specifiers=(dataclasses.field,))
def slotted(cls: type[S]) -> type[S]:
    """Make a subclass of `Struct` a slotted dataclass of its annotated fields.

    Raises TypeError where `dataclass` does.
    """
    return _made(cls)


def _made(cls: type[Any], *, inherits_frozen: bool = False) -> type[Any]:
    made: type[Any] = dataclasses.dataclass(init=False, repr=False, eq=False, frozen=inherits_frozen, slots=True)(cls)
    has_default = [_has_default(field) for field in _fields(made)]
    if has_default != sorted(has_default):
        raise TypeError(f"{cls.__name__}: a field without default follows one with")
    if "__init__" not in vars(made):
        made.__init__ = _Constructor(made)
    return made


class _Constructor:
    """The `__init__` of a class until it is first asked for, when it makes the real one and gives way to it."""

    def __init__(self, kind: type[Any]) -> None:
        self.kind = kind

    def __get__(self, instance: object | None, owner: type) -> Callable[..., None]:
        made = _compile_constructor(self.kind)
        self.kind.__init__ = made
        return made if instance is None else types.MethodType(made, instance)


class _Factory:
    """What a signature shows as the default of a field that has a factory."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


def _compile_constructor(kind: type[Any]) -> Callable[..., None]:
    """Return the `__init__` of a class, with the signature that a dataclass gives it."""
    fields = _fields(kind)
    is_frozen = issubclass(kind, Value)
    names: dict[str, Any] = {"_FACTORY": _FACTORY}
    lines = []
    for field in fields:
        name = value = field.name
        if field.default_factory is not dataclasses.MISSING:
            names[f"_make_{name}"] = field.default_factory
            value = f"_make_{name}() if {name} is _FACTORY else {name}"
        if is_frozen:
            names[f"_set_{name}"] = getattr(kind, name).__set__
        lines.append(f"    _set_{name}(self, {value})" if is_frozen else f"    self.{name} = {value}")
    parameters = ", ".join(["self", *(field.name for field in fields)])
    text = "\n".join([f"def __init__({parameters}):", *lines, "    return None"])
    exec(compile(text, f"<tlswire {kind.__qualname__}.__init__>", "exec"), names)
    made: types.FunctionType = names["__init__"]
    made.__qualname__ = f"{kind.__qualname__}.__init__"
    made.__defaults__ = tuple(
        _FACTORY if field.default is dataclasses.MISSING else field.default for field in fields if _has_default(field)
    )
    made.__annotations__ = {field.name: field.type for field in fields} | {"return": None}
    return made


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _fields(kind: type) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(kind)


def _compared(instance: Any) -> tuple[Any, ...]:
    """Return the values by which `instance` is equal to another."""
    return tuple([getattr(instance, field.name) for field in _fields(type(instance)) if field.compare])


def _refuse_change(instance: Value, name: str, change: str) -> None:
    """Raise FrozenInstanceError, but for what a subclass that is no value has of its own."""
    kind = type(instance)
    if "__dataclass_fields__" in vars(kind) or name in kind.__dataclass_fields__:  # type: ignore[attr-defined]
        raise dataclasses.FrozenInstanceError(f"cannot {change} field {name!r}")
