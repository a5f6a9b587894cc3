"""Frozen, slotted dataclasses that share their methods.

`dataclasses` compiles half a dozen methods for each class, which takes half a millisecond: for the hundred
classes of a TLS library longer than all else that is done to import it. So a `Value` has the methods of a
frozen dataclass from one base class, by its fields, and the one that must be fast, the constructor, is
compiled when the class is first called.

    @frozen
    class Point(Value):
        x: int
        y: int = 0
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

V = TypeVar("V", bound="Value")


class Value:
    """The base of all classes that `@frozen` makes: the methods of a frozen dataclass."""

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

    if not TYPE_CHECKING:  # where `dataclass_transform` knows better

        def __setattr__(self, name: str, value: object) -> None:
            _refuse_change(self, name, "assign to")
            object.__setattr__(self, name, value)

        def __delattr__(self, name: str) -> None:
            _refuse_change(self, name, "delete")
            object.__delattr__(self, name)


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def frozen(cls: type[V]) -> type[V]:
    """Make a subclass of `Value` a frozen, slotted dataclass of its annotated fields.

    Raises TypeError where `dataclass` does, and for a `default_factory`.
    """
    # Of frozen=True are `Value.__setattr__` and `__delattr__`, and what is told to those who ask. (A dataclass
    # that is not frozen does not inherit from one that is.)
    inherits = dataclasses.is_dataclass(cls)
    made = dataclasses.dataclass(init=False, repr=False, eq=False, frozen=inherits, slots=True)(cls)
    vars(made)["__dataclass_params__"].frozen = True
    fields = _fields(made)
    if any(field.default_factory is not dataclasses.MISSING for field in fields):
        raise TypeError(f"{cls.__name__}: a value has no use for a default_factory")
    has_default = [field.default is not dataclasses.MISSING for field in fields]
    if has_default != sorted(has_default):
        raise TypeError(f"{cls.__name__}: a field without default follows one with")
    if "__init__" not in vars(made):
        made.__init__ = _Constructor(made)  # type: ignore[assignment]
    return made


class _Constructor:
    """The `__init__` of a class until it is first asked for, when it makes the real one and gives way to it."""

    def __init__(self, kind: type[Value]) -> None:
        self.kind = kind

    def __get__(self, instance: object | None, owner: type) -> Callable[..., None]:
        made = _compile_constructor(self.kind)
        self.kind.__init__ = made  # type: ignore[method-assign]
        return made if instance is None else types.MethodType(made, instance)


def _compile_constructor(kind: type[Value]) -> Callable[..., None]:
    """Return the `__init__` of a class, with the signature that a dataclass gives it."""
    fields = _fields(kind)
    names = [field.name for field in fields]
    lines = [f"    _set_{name}(self, {name})" for name in names]
    text = "\n".join([f"def __init__({', '.join(['self', *names])}):", *lines, "    return None"])
    setters: dict[str, Any] = {f"_set_{name}": getattr(kind, name).__set__ for name in names}
    exec(compile(text, f"<tlswire {kind.__qualname__}.__init__>", "exec"), setters)
    made: types.FunctionType = setters["__init__"]
    made.__qualname__ = f"{kind.__qualname__}.__init__"
    made.__defaults__ = tuple(field.default for field in fields if field.default is not dataclasses.MISSING)
    made.__annotations__ = {field.name: field.type for field in fields} | {"return": None}
    return made


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
