"""What is left of a tree of settings without its mistakes, so that the rest of it can be checked too."""

from collections.abc import Mapping, Sequence
from typing import Any

Path = tuple[str | int, ...]


def without(tree: Mapping[str, Any], mistakes: Sequence[Path]) -> dict[str, Any]:
    """Return a copy of a tree that lacks what the paths lead to, or the last part there is on the way."""
    pruned: dict[str, Any] = _copy(tree)
    # From the end: what is taken out of an array moves everything behind it.
    for path in sorted(set(mistakes), key=_place, reverse=True):
        _take_out(pruned, path)
    return pruned


def _take_out(tree: dict[str, Any], path: Path) -> None:
    parent: Any = tree
    for key in path[:-1]:
        inner = _inside(parent, key)
        if not isinstance(inner, (dict, list)):
            _remove(parent, key)
            return
        parent = inner
    _remove(parent, path[-1])


def _inside(node: Any, key: str | int) -> Any:
    if isinstance(node, dict):
        return node.get(key)
    return node[key] if isinstance(key, int) and key < len(node) else None


def _remove(node: Any, key: str | int) -> None:
    if isinstance(node, dict):
        node.pop(key, None)
    elif isinstance(key, int) and key < len(node):
        del node[key]


def _place(path: Path) -> tuple[tuple[bool, int, str], ...]:
    """Order paths: their parts are names and numbers, which do not compare."""
    return tuple((isinstance(part, int), part if isinstance(part, int) else 0, str(part)) for part in path)


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
