"""What is left of a tree of settings without its mistakes, so that the rest of it can be checked too."""

from collections.abc import Mapping, Sequence
from typing import Any

Path = tuple[str, ...]


def without(tree: Mapping[str, Any], mistakes: Sequence[Path]) -> dict[str, Any]:
    """Return a copy of a tree that lacks what the paths lead to, or the last table there is on the way."""
    pruned: dict[str, Any] = _copy(tree)
    for path in mistakes:
        table: Any = pruned
        for key in path[:-1]:
            if not isinstance(table, dict) or not isinstance(table.get(key), dict):
                break
            table = table[key]
        else:
            key = path[-1]
        if isinstance(table, dict):
            table.pop(key, None)
    return pruned


def _copy(value: Any) -> Any:
    return {key: _copy(item) for key, item in value.items()} if isinstance(value, Mapping) else value
