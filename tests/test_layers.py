"""The architecture, kept: a file imports only from its own row or from rows above it.

The rows are those of docs/explanation/architecture.md.  The exception is a method's body, which may import
`display` for its HTML form; so only imports at the top of a module count for that row.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import tlswire

PACKAGE = Path(tlswire.__file__).parent

ROWS = (
    {"errors", "registry", "escaping", "values"},
    {"wire"},
    {"schema"},
    {"crypto"},
    {"session"},
    {"capture"},
    {"analysis"},
    {"display"},
    {"cli"},
)
RANK = {name: rank for rank, names in enumerate(ROWS) for name in names}
# The package's own front, and what only users' tests import, stand outside of the rows.
FRONT = {"__init__", "__main__", "testing"}

# The rows that do no I/O, and what they may import besides the standard library.
PURE = {"errors", "registry", "escaping", "values", "wire", "schema", "crypto", "session"}
PURE_DEPENDENCIES = {"construct", "cryptography", "tlswire"}
IO_MODULES = {"io", "os", "pathlib", "socket", "subprocess", "sys", "tempfile", "mmap", "gzip", "asyncio", "select"}
# `io.BytesIO` is what construct parses from: a stream in memory.
IO_EXCEPTIONS = {("wire", "io")}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[str, int, bool]]:
    """Each imported module's dotted name, its line, and whether the import is inside a function."""
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside.update(ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, node in inside
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the row"
            assert node.module is not None
            if node.module == "tlswire":
                for alias in node.names:
                    yield f"tlswire.{alias.name}", node.lineno, node in inside
            else:
                yield node.module, node.lineno, node in inside


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_its_own_row_or_rows_above(path: Path) -> None:
    here = room(path)
    if here in FRONT:
        return
    assert here in RANK, f"{path} stands in no row"
    wrong = []
    for name, line, inside in imports(ast.parse(path.read_text(encoding="utf-8"))):
        parts = name.split(".")
        if parts[0] != "tlswire" or len(parts) < 2 or parts[1] not in RANK:
            continue
        if RANK[parts[1]] > RANK[here] and not (inside and parts[1] == "display"):
            wrong.append(f"line {line}: {here} imports {name}")
    assert not wrong


@pytest.mark.parametrize(
    "path", [path for path in modules() if room(path) in PURE], ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_the_rows_without_io_import_only_what_they_may(path: Path) -> None:
    import sys

    here = room(path)
    wrong = []
    for name, line, _ in imports(ast.parse(path.read_text(encoding="utf-8"))):
        top = name.split(".")[0]
        foreign = top not in sys.stdlib_module_names and top not in PURE_DEPENDENCIES
        does_io = top in IO_MODULES and (here, top) not in IO_EXCEPTIONS
        if foreign or does_io:
            wrong.append(f"line {line}: {name}")
    assert not wrong


def test_the_library_depends_on_construct_and_cryptography_alone() -> None:
    from importlib.metadata import requires

    needed = [line for line in requires("tlswire") or [] if "extra ==" not in line]
    assert sorted(line.split(">")[0].split("=")[0].strip() for line in needed) == ["construct", "cryptography"]
