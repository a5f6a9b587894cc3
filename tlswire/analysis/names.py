"""How near two distinguished names are, and what tells them apart, in words.

Of a client whose issuer was not among a server's names one wants to know whether it was nearly there: the same name
with another type of string, in another case, or with one part more.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from tlswire.escaping import escape
from tlswire.schema import Attribute, DistinguishedName
from tlswire.values import Value, frozen

_SHOWN = 80  # characters of a value
_MOST_PARTS = 50  # of a name that are compared; real ones have ten at most, and the work grows as the square
_ALIKE = 0.6  # values that are less like each other than that are two values, and not one that was written otherwise


def shown(name: DistinguishedName | None, most: int = 200) -> str:
    """A name as RFC 4514 writes it, which is harmless to show, cut after `most` characters."""
    if name is None:
        return "a name that cannot be read"
    text = str(name)
    return text if len(text) <= most else text[:most] + "…"


@frozen
class NearName(Value):
    """A name that is near to another: `number`, its place in the list, from 0; `differences`, in words."""

    number: int
    name: DistinguishedName
    differences: tuple[str, ...]


def nearest_names(wanted: DistinguishedName, names: Iterable[DistinguishedName], most: int = 3) -> list[NearName]:
    """The names that have the most in common with `wanted`, the nearest first; none that has nothing in common.

    Parameters: `most`, how many.
    """
    parts = set(_parts(wanted))
    scored = []
    for number, name in enumerate(names):
        others = set(_parts(name))
        common, all_parts = len(parts & others), len(parts | others)
        # Every second name of a list is of the same country: that alone makes no neighbour.
        telling = {part for part in parts & others if part[0] != _COUNTRY}
        if telling or _alike(wanted, name):
            scored.append((-common / all_parts, number, name))
    scored.sort(key=lambda one: one[:2])
    return [NearName(number, name, tuple(differences(wanted, name))) for _, number, name in scored[:most]]


def differences(name: DistinguishedName, other: DistinguishedName) -> list[str]:
    """What `other` has in another way than `name`, in words and harmless to show; nothing, if their bytes are equal."""
    if name.der == other.der:
        return []
    if name.error is not None or other.error is not None:
        return ["a name that is no valid DER"]
    found: list[str] = []
    left, right = list(name.attributes[:_MOST_PARTS]), list(other.attributes[:_MOST_PARTS])
    for one in tuple(left):
        twin = next((two for two in right if _same(one, two)), None)
        if twin is not None:
            left.remove(one)
            right.remove(twin)
            found += _spelling(one, twin)
    for one in tuple(left):
        twin = max((two for two in right if two.type == one.type), key=lambda two: _likeness(one, two), default=None)
        if twin is not None:
            left.remove(one)
            right.remove(twin)
            found.append(f"{one.short_name} is {_quoted(twin)} and not {_quoted(one)}")
    found += [f"it has no {one.short_name} {_quoted(one)}" for one in left]
    found += [f"it has one {two.short_name} more, {_quoted(two)}" for two in right]
    if not found:
        found.append("the parts come in another order" if name.comparable != other.comparable else "the DER is another")
    return found


_COUNTRY = "2.5.4.6"


def _parts(name: DistinguishedName) -> list[tuple[str, str | bytes]]:
    return [(attribute.type, attribute.comparable) for attribute in name.attributes[:_MOST_PARTS]]


def _same(one: Attribute, other: Attribute) -> bool:
    return (one.type, one.comparable) == (other.type, other.comparable)


def _alike(name: DistinguishedName, other: DistinguishedName) -> bool:
    """Whether their last parts, which are the authorities' own names, read nearly the same."""
    if not name.attributes or not other.attributes:
        return False
    return _likeness(name.attributes[-1], other.attributes[-1]) >= _ALIKE


def _likeness(one: Attribute, other: Attribute) -> float:
    if one.type != other.type or one.value is None or other.value is None:
        return 0.0
    return SequenceMatcher(None, one.value[:_SHOWN].casefold(), other.value[:_SHOWN].casefold()).ratio()


def _spelling(one: Attribute, other: Attribute) -> list[str]:
    """What tells two attributes apart that RFC 5280 §7.1 takes for the same."""
    found = []
    if one.string_type != other.string_type:
        found.append(f"{one.short_name} is {_kind(other)} and not {_kind(one)}")
    if one.value != other.value and one.value is not None and other.value is not None:
        if one.value.casefold() == other.value.casefold():
            what = "in another case"
        elif one.value.split() == other.value.split():
            what = "with other white space"
        elif one.value.casefold().split() == other.value.casefold().split():
            what = "in another case and with other white space"
        else:
            what = "in another form of Unicode"
        found.append(f"{one.short_name} {_quoted(other)} is {what}")
    return found


def _kind(attribute: Attribute) -> str:
    return attribute.string_type or "no string"


def _quoted(attribute: Attribute) -> str:
    return f"'{escape(attribute.value, _SHOWN)}'" if attribute.value is not None else f"#{attribute.raw.hex()[:_SHOWN]}"
