"""Files and functions stay small. What is over the limit already is listed, may shrink, and may not grow."""

import ast
from collections.abc import Iterator
from pathlib import Path

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 50

LARGER_FILES: dict[str, int] = {}
LARGER_FUNCTIONS: dict[str, int] = {}


def functions(file: Path, tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield f"{file}:{node.name}", node.end_lineno - node.lineno + 1


def test_no_file_is_long(root: Path, python_files: list[Path]) -> None:
    lengths = {
        str(file): len((root / file).read_text(encoding="utf-8").splitlines()) for file in python_files
    }
    long = {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FILE}
    assert long == LARGER_FILES, "shorten what grew; take off the list, or lower there, what shrank"


def test_no_function_is_long(root: Path, python_files: list[Path]) -> None:
    long = {
        name: length
        for file in python_files
        for name, length in functions(file, ast.parse((root / file).read_text(encoding="utf-8")))
        if length > MOST_LINES_OF_A_FUNCTION
    }
    assert long == LARGER_FUNCTIONS, "shorten what grew; take off the list, or lower there, what shrank"
