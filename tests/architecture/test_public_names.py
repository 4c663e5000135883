"""A package's `__all__` is what it exposes, no more and no less."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("api", "config", "core", "plugins")
INITS = sorted(init for room in ROOMS for init in (ROOT / room).rglob("__init__.py"))


def package_of(init: Path) -> str:
    return ".".join(("glottis", *init.parent.relative_to(ROOT).parts))


def order(name: str) -> tuple[int, str]:
    """Sort as ruff does: constants, classes, functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("package", [package_of(init) for init in INITS])
def test_a_package_exposes_what_its_all_names(package: str) -> None:
    module = importlib.import_module(package)
    exposed = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    named = list(getattr(module, "__all__", ()))
    assert set(named) == exposed
    assert named == sorted(named, key=order)


@pytest.mark.parametrize("init", INITS, ids=package_of)
def test_an_init_holds_nothing_but_imports(init: Path) -> None:
    for statement in ast.parse(init.read_text(encoding="utf-8")).body:
        is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        is_all = isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__"
        assert is_docstring or is_all or isinstance(statement, ast.ImportFrom), ast.unparse(statement)
