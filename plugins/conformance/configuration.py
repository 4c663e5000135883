"""What a provider's configuration model must be."""

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

ENGINE_KEYS = frozenset({"use", "required", "limits"})

_SECRET = re.compile(r"(^|_)(api_?key|key|token|secret|password|passphrase|credentials?)$")


def nested_models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Give a model and every model that its fields hold."""
    seen: set[type[BaseModel]] = set()
    waiting = [model]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        yield current
        for field in current.model_fields.values():
            waiting += [part for part in _parts(field.annotation) if _is_model(part)]


def lax_models(model: type[BaseModel]) -> list[str]:
    """Name the models that would let a misspelt option pass."""
    return [part.__name__ for part in nested_models(model) if part.model_config.get("extra") != "forbid"]


def open_secrets(model: type[BaseModel]) -> list[str]:
    """Name the fields that look like secrets and would be shown, because they are plain text."""
    return [
        f"{part.__name__}.{name}"
        for part in nested_models(model)
        for name, field in part.model_fields.items()
        if _SECRET.search(name) and str in _parts(field.annotation)
    ]


def _parts(annotation: Any) -> list[Any]:
    arguments = get_args(annotation)
    if not arguments:
        return [annotation]
    return [part for argument in arguments for part in _parts(argument)]


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)
