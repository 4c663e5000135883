"""pydantic's findings as problems of a file: each with its line, and an unknown key with those accepted."""

import re
from collections.abc import Iterable, Mapping
from inspect import isclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from glottis.config.problems import ConfigProblem, suggest
from glottis.config.toml_lines import line_of
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


def model_problems(
    error: ValidationError,
    *,
    file: str,
    lines: Mapping[tuple[str, ...], int],
    root: type[BaseModel],
    prefix: tuple[str, ...] = (),
    also: Iterable[str] = (),
) -> list[ConfigProblem]:
    """Turn pydantic's findings into problems. No value is repeated: it may have been a secret.

    `prefix` is where the model `root` stands in the file; `also` names keys that may stand beside its own.
    """
    problems = []
    for finding in error.errors(include_url=False, include_context=False):
        inner = tuple(str(part) for part in finding["loc"] if part != "[key]")
        path = (*prefix, *inner)
        message = _without_input(finding)
        if finding["type"] == "extra_forbidden":
            beside = () if inner[:-1] else also
            message = f"unknown key; {suggest(inner[-1], [*_keys_at(root, inner[:-1]), *beside])}"
        elif finding["type"] == "missing":
            message = "is required"
        # The elements of an array have no lines of their own.
        named = tuple(str(part) for part in finding["loc"] if not isinstance(part, int) and part != "[key]")
        problems.append(ConfigProblem(file, line_of(lines, (*prefix, *named)), ".".join(path), message))
    return problems


def _without_input(finding: ErrorDetails) -> str:
    """Return pydantic's message. A validator's own may repeat what it was given, which is taken out."""
    message = finding["msg"]
    if finding["type"] in {"value_error", "assertion_error"}:
        for text in sorted(_texts(finding["input"]), key=len, reverse=True):
            message = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", "***", message)
    return message


def _texts(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value} if value else set()
    if isinstance(value, Mapping):
        return {text for item in value.values() for text in _texts(item)}
    if isinstance(value, list):
        return {text for item in value for text in _texts(item)}
    return set()


def _keys_at(root: type[BaseModel], path: tuple[str, ...]) -> list[str]:
    """Follow a path through nested models, tables and arrays to the keys that may stand there."""
    nodes: list[Any] = [root]
    for part in path:
        nodes = [inner for node in nodes for inner in _inside(node, part)]
    return sorted({key for node in nodes if _is_model(node) for key in node.model_fields})


def _inside(node: Any, part: str) -> list[Any]:
    if _is_model(node):
        return _choices(node.model_fields[part].annotation) if part in node.model_fields else []
    arguments = get_args(node)
    if get_origin(node) is dict:
        return _choices(arguments[1])
    if get_origin(node) in {list, tuple, set, frozenset}:
        return _choices(arguments[0])
    return []


def _choices(annotation: Any) -> list[Any]:
    """List what an annotation such as `Model | None` may be."""
    origin = get_origin(annotation)
    if origin in {Union, UnionType}:
        return [choice for argument in get_args(annotation) for choice in _choices(argument)]
    if origin is Annotated:
        return _choices(get_args(annotation)[0])
    return [annotation]


def _is_model(node: Any) -> bool:
    return isclass(node) and issubclass(node, BaseModel)
