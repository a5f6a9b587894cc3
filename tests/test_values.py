"""Frozen values: what a frozen, slotted dataclass of the standard library does, these do. (Messages: tests/wire.)"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from typing import Any

import pytest

from tlswire.values import Struct, Value, frozen, slotted


@frozen
class Point(Value):
    """A point."""

    x: int
    y: int = 0
    secret: bytes = dataclasses.field(default=b"", repr=False)
    note: str = dataclasses.field(default="", compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Model:
    """A point."""

    x: int
    y: int = 0
    secret: bytes = dataclasses.field(default=b"", repr=False)
    note: str = dataclasses.field(default="", compare=False)


ARGUMENTS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, 2), {}),
    ((), {"x": 1, "note": "n"}),
    ((1, 2, b"s"), {"note": "n"}),
]
WRONG: list[tuple[tuple[Any, ...], dict[str, Any]]] = [((), {}), ((1, 2, b"", "", 5), {}), ((1,), {"z": 1})]


@pytest.mark.parametrize(("positional", "named"), ARGUMENTS)
def test_a_value_is_made_shown_and_compared_like_a_dataclass(
    positional: tuple[Any, ...], named: dict[str, Any]
) -> None:
    point, model = Point(*positional, **named), Model(*positional, **named)
    assert repr(point) == repr(model).replace("Model", "Point")
    assert dataclasses.asdict(point) == dataclasses.asdict(model)
    assert point == Point(*positional, **named)
    assert hash(point) == hash(model)
    assert point == dataclasses.replace(point, note="another")
    assert point != dataclasses.replace(point, secret=b"another")
    assert copy.copy(point) == copy.deepcopy(point) == pickle.loads(pickle.dumps(point)) == point


@pytest.mark.parametrize(("positional", "named"), WRONG)
def test_wrong_arguments_are_the_same_error(positional: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError) as expected:
        Model(*positional, **named)
    with pytest.raises(TypeError) as caught:
        Point(*positional, **named)
    assert str(caught.value) == str(expected.value).replace("Model", "Point")


def test_the_class_looks_like_a_dataclass() -> None:
    assert inspect.signature(Point) == inspect.signature(Model)
    assert Point.__match_args__ == Model.__match_args__  # type: ignore[attr-defined]
    assert [field.name for field in dataclasses.fields(Point)] == ["x", "y", "secret", "note"]
    assert not hasattr(Point(1), "__dict__")


@pytest.mark.parametrize("name", ["x", "other"])
def test_nothing_can_be_changed(name: str) -> None:
    point = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot assign to field '{name}'"):
        setattr(point, name, 2)
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot delete field '{name}'"):
        delattr(point, name)


def test_a_value_inherits_the_fields_of_another() -> None:
    assert Point(1)  # so that its constructor is made, and not inherited

    @frozen
    class Space(Point):
        z: int = 3

    assert (Space(1).x, Space(1).z) == (1, 3)
    assert Space(1) != Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Space(1).z = 4  # type: ignore[misc]


def test_a_subclass_without_fields_shares_the_constructor() -> None:
    class Named(Point):
        __slots__ = ()

    assert Named(1, 2).y == 2
    assert Named(1, 2) != Point(1, 2)
    assert repr(Named(1)).endswith("Named(x=1, y=0, note='')")


def test_what_a_value_cannot_have() -> None:
    with pytest.raises(TypeError, match="Wrong: a field without default follows one with"):

        @frozen
        class Wrong(Value):
            x: int = 0
            y: int


# What can be changed


@slotted
class Counter(Struct):
    """A counter."""

    name: str
    count: int = 0
    seen: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class CounterModel:
    """A counter."""

    name: str
    count: int = 0
    seen: list[int] = dataclasses.field(default_factory=list)


@pytest.mark.parametrize(("positional", "named"), [(("a",), {}), (("a", 2, [3]), {}), ((), {"name": "a", "seen": [1]})])
def test_a_struct_is_made_shown_and_compared_like_a_dataclass(
    positional: tuple[Any, ...], named: dict[str, Any]
) -> None:
    counter, model = Counter(*positional, **named), CounterModel(*positional, **named)
    assert repr(counter) == repr(model).replace("CounterModel", "Counter")
    assert counter == Counter(*positional, **named)
    assert counter != dataclasses.replace(counter, count=9)
    assert pickle.loads(pickle.dumps(counter)) == copy.deepcopy(counter) == counter
    assert not hasattr(counter, "__dict__")


def test_a_struct_can_be_changed_and_is_no_key() -> None:
    counter, other = Counter("a"), Counter("a")
    counter.count += 1
    counter.seen.append(1)
    assert (counter.count, counter.seen, other.seen) == (1, [1], [])
    with pytest.raises(TypeError, match="unhashable type: 'Counter'"):
        hash(counter)
    with pytest.raises(AttributeError):
        counter.other = 1  # type: ignore[attr-defined]


def test_a_struct_has_the_signature_of_a_dataclass() -> None:
    assert str(inspect.signature(Counter)) == str(inspect.signature(CounterModel))
