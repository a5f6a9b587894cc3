"""Python source that is written by a program: lines, local names, constants; compiled, and seen in tracebacks.

The decoder and the encoder of a declaration are functions made of such source. It is registered in
`linecache`, so a traceback, a debugger and `inspect.getsource` show it as if it stood in a file.
"""

from __future__ import annotations

import itertools
import linecache
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# What generated code means by these names, and no local variable may hide.
_RESERVED = {"Refused", "bytes", "len", "list", "map", "range", "tuple", "type"}
_numbers = itertools.count(1)


class Refused(Exception):  # noqa: N818 (it says no more than that; the reference says what was wrong)
    """Generated code gives up: the bytes or the value are not of the declaration."""


# What generated code raises where it gives up.
DECODER_REFUSALS = (Refused, IndexError, struct.error)
ENCODER_REFUSALS = (Refused, struct.error, TypeError, ValueError, AttributeError, OverflowError)


class Source:
    """One function while it is written.

    Parameters: `name`, its name; `parameters`, those of its signature.
    """

    def __init__(self, name: str, *parameters: str) -> None:
        self.name = name
        self._lines = [f"def {name}({', '.join(parameters)}):"]
        self._depth = 1
        self._taken = {name, *parameters, *_RESERVED}
        self._constants: dict[str, Any] = {"Refused": Refused}
        self._names_of: dict[int, str] = {}

    def add(self, *lines: str) -> None:
        """Add lines at the current depth."""
        self._lines.extend("    " * self._depth + line for line in lines)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Indent what is added within; `head` is the line above, such as `while position < end:`."""
        self.add(head)
        self._depth += 1
        yield
        self._depth -= 1

    def local(self, hint: str) -> str:
        """Return a name, like `hint`, that nothing has yet."""
        names = itertools.chain((hint,), (f"{hint}_{number}" for number in itertools.count(2)))
        name = next(name for name in names if name not in self._taken)
        self._taken.add(name)
        return name

    def constant(self, hint: str, value: Any) -> str:
        """Return the name by which the code refers to `value`."""
        name = self._names_of.get(id(value))
        if name is None:
            name = self._names_of[id(value)] = self.local(hint)
            self._constants[name] = value
        return name

    def compile(self) -> Callable[..., Any]:
        """Return the function."""
        text = "\n".join(self._lines) + "\n"
        file = f"<tlswire {self.name} {next(_numbers)}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec"), self._constants)
        function: Callable[..., Any] = self._constants[self.name]
        return function
