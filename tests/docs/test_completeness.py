"""Whatever the code lets a person set, call, read or meet has its place in the documentation."""

import ast
import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from glottis.api import bodies
from glottis.api.cli.main import build
from glottis.api.errors import TOLD
from glottis.api.state import PREFIX
from glottis.api.websocket import messages
from glottis.config import (
    Deployment,
    Limits,
    Listening,
    ProjectEntry,
    ProviderEntry,
    Routes,
    Settings,
    VoiceChoice,
)
from glottis.config.deployment import SectionEntry
from glottis.config.settings import environment_name
from glottis.core.conversation.chunk_order import Disorder
from glottis.core.dialogue import STATUS
from glottis.core.errors import GlottisError
from glottis.core.metrics import Metrics
from glottis.core.store import Store
from glottis.core.store.records import InteractionType
from glottis.plugins import ErrorCategory, Kind, capabilities, hookspecs
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel
from typer.main import get_command

from tests.api.conftest import Serve
from tests.docs.blocks import DOCS, ROOT

CODE = [ROOT / room for room in ("api", "core", "plugins")]
API = ROOT / "api"
WEBSOCKET = API / "websocket"
CONVERSATION = ROOT / "core" / "conversation"
NOT_IN_THE_FILE = {"file", "lines"}
LOUD = {"warning", "error", "exception", "critical"}


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def require_told(names: Iterable[str], name: str) -> None:
    """Find each name on a page, as code in a sentence or a table."""
    text = re.sub(r"^```.*?^```$", "", page(name), flags=re.MULTILINE | re.DOTALL)
    spans = "\n".join(re.findall(r"`([^`\n]+)`", text))
    missing = [each for each in names if not re.search(rf"(?<!\w){re.escape(each)}(?!\w)", spans)]
    assert not missing, f"docs/{name}.md does not tell of {', '.join(missing)}"


def trees(*places: Path) -> Iterator[ast.AST]:
    for place in places:
        for file in sorted(place.rglob("*.py")):
            yield ast.parse(file.read_text(encoding="utf-8"))


def first_arguments(places: Iterable[Path], *functions: str) -> set[str]:
    """Collect the texts with which functions and methods of these names are called."""
    return {
        node.args[0].value
        for tree in trees(*places)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", None)) in functions
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def descendants(kind: type[GlottisError]) -> Iterator[type[GlottisError]]:
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


def test_every_setting_is_told() -> None:
    require_told(map(environment_name, Settings.model_fields), "configuration")


def test_every_key_of_plugins_toml_is_told() -> None:
    models = (ProviderEntry, Limits, Listening, Routes, ProjectEntry, VoiceChoice, SectionEntry)
    keys = {field.name for field in fields(Deployment)} - NOT_IN_THE_FILE
    for model in models:
        keys |= set(model.model_fields)
    require_told(sorted(keys), "configuration")


def test_every_hook_is_told() -> None:
    hooks = [name for name, value in vars(hookspecs).items() if inspect.isfunction(value)]
    assert "glottis_on_event" in hooks
    require_told(hooks, "providers-authoring")


def test_every_kind_category_and_capability_is_told() -> None:
    stated = {
        field.name
        for value in vars(capabilities).values()
        if inspect.isclass(value) and issubclass(value, capabilities.Capabilities)
        for field in fields(value)
    }
    contracts = {"".join(word.title() for word in kind.split("_")) for kind in Kind}
    require_told([*sorted(stated), *ErrorCategory, *sorted(contracts)], "providers-authoring")


def test_every_command_is_told() -> None:
    def names(prefix: str, command: Any) -> Iterator[str]:
        for name, inner in command.commands.items():
            if hasattr(inner, "commands"):
                yield from names(f"{prefix} {name}", inner)
            else:
                yield f"{prefix} {name}"

    require_told(names("glottis", get_command(build())), "operations")


def test_every_metric_is_told() -> None:
    metrics = [value for value in vars(Metrics()).values() if isinstance(value, MetricWrapperBase)]
    families = [next(iter(metric.describe())) for metric in metrics]
    require_told(
        (f"{family.name}{'_total' * (family.type == 'counter')}" for family in families), "operations"
    )


def test_every_collection_is_told() -> None:
    require_told((each.collection for each in Store.describe()), "operations")


def test_every_warning_and_error_in_the_log_is_told() -> None:
    require_told(sorted(first_arguments(CODE, *LOUD, "report")), "operations")


def fields_in(module: ModuleType) -> list[str]:
    """List the fields of the models that a module defines."""
    models = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, BaseModel) and value.__module__ == module.__name__
    ]
    return sorted({field for model in models for field in model.model_fields})


def test_every_field_of_a_request_is_told() -> None:
    require_told(fields_in(bodies), "api")


def test_every_field_of_a_message_is_told() -> None:
    require_told(fields_in(messages), "websocket")


def test_every_type_of_message_and_status_is_told() -> None:
    types = first_arguments([CONVERSATION, API], "put", "_put", "_extended") - {""}
    assert {"response", "pong", "paused"} <= types
    require_told([*types, *messages.TYPES, *STATUS], "websocket")
    shown = set(re.findall(r'^\{"type": "(\w+)"', page("websocket"), re.MULTILINE))
    assert shown == types | set(messages.TYPES)


def test_every_type_of_interaction_is_told() -> None:
    require_told(get_args(InteractionType), "api")


def test_every_code_of_an_error_is_told() -> None:
    known = {how.code for how in TOLD.values()}
    require_told(sorted(known), "api")
    codes = {kind.code for kind in descendants(GlottisError)} | {code.value for code in Disorder}
    require_told(sorted(codes - known), "websocket")


def test_every_close_code_is_told() -> None:
    constants = {
        node.value.value
        for tree in trees(WEBSOCKET)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    codes = {value for value in constants if isinstance(value, int) and 1_000 <= value < 5_000}
    codes |= {how.close for how in TOLD.values() if how.close is not None}
    told = {int(code) for code in re.findall(r"^\| (\d{4}) \|", page("websocket"), re.MULTILINE)}
    assert codes | {1009} == told


@pytest.mark.slow
async def test_every_route_is_told(serve: Serve) -> None:
    async with serve() as server:
        described = (await server.client.get("/openapi.json")).json()["paths"]
    text = page("api")
    for path, operations in described.items():
        for method in operations:
            assert f"`{method.upper()} {path}`" in text
    for path in ("/metrics", "/openapi.json", "/docs", f"{PREFIX}/voice/ws/{{session_id}}"):
        assert path in text


def test_every_provider_is_told() -> None:
    readme, configuration = (ROOT / "README.md").read_text(encoding="utf-8"), page("configuration")
    for file in (ROOT / "providers").glob("*/pyproject.toml"):
        folder = file.parent.name
        name = folder.replace("_", "-")
        assert re.search(name, readme, re.IGNORECASE), name
        assert f"[{name}](../providers/{folder}/README.md)" in configuration
