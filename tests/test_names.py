"""The front of the package: which names it has, where they come from, and that importing it costs next to nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import tlswire

FRONT = Path(tlswire.__file__)


def declared() -> dict[str, tuple[str, str]]:
    """The names as type checkers see them: for each the module and its name there."""
    (block,) = (
        node
        for node in ast.parse(FRONT.read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    names = {}
    for statement in block.body:
        assert isinstance(statement, ast.ImportFrom)
        assert statement.module is not None
        names.update({alias.asname or alias.name: (statement.module, alias.name) for alias in statement.names})
    return names


def in_a_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_what_is_exported_is_what_is_declared() -> None:
    assert sorted(tlswire.__all__) == sorted({*declared(), "__version__"})


@pytest.mark.parametrize(("name", "home"), declared().items(), ids=declared())
def test_a_name_is_what_its_module_has(name: str, home: tuple[str, str]) -> None:
    module, its_name = home
    assert getattr(tlswire, name) is getattr(import_module(module), its_name)


def test_all_names_can_be_imported_at_once() -> None:
    shown = in_a_process("from tlswire import *; print(Connection.__name__, open.__name__, Handshake.__module__)")
    assert shown == "Connection open_trace tlswire.session.handshake"


def test_the_packages_are_there_without_being_imported() -> None:
    assert in_a_process("import tlswire; print(tlswire.capture.CaptureReader.__name__)") == "CaptureReader"


def test_dir_has_all_names() -> None:
    shown = in_a_process("import tlswire; print(*dir(tlswire))").split()
    assert {*tlswire.__all__, "capture", "session"} <= set(shown)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'tlswire' has no attribute 'Conection'"):
        tlswire.Conection  # noqa: B018
    assert not hasattr(tlswire, "__wrapped__")


@pytest.mark.parametrize("name", ["construct", "cryptography", "tlswire.registry"])
def test_importing_the_package_alone_imports_nothing_more(name: str) -> None:
    assert in_a_process(f"import sys, tlswire; print({name!r} in sys.modules)") == "False"
