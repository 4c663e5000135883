"""`${NAME}` in plugins.toml: values that live in the environment and are never written down or shown."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

Path = tuple[str, ...]


def references(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Find each `${NAME}` in a tree of TOML values, with the path at which it stands."""
    if isinstance(value, str):
        for name in _REFERENCE.findall(value):
            yield path, name
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from references(item, (*path, str(key)))
    elif isinstance(value, list):
        for item in value:
            yield from references(item, path)


def expand(value: Any, environment: Mapping[str, str]) -> Any:
    """Put the environment's values in place of each `${NAME}`.

    Raises:
        KeyError: a name is not set.
    """
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: environment[match[1]], value)
    if isinstance(value, Mapping):
        return {key: expand(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, environment) for item in value]
    return value
