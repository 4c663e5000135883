"""The tables of these pages, read out of the code: `make docs` has cog write them, `make check` compare them.

What a key or a field means to a reader stands in meanings.toml; a missing meaning is an error.
"""

import asyncio
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from glottis.api import bodies
from glottis.api.cli.main import build
from glottis.api.documentation import register_documentation
from glottis.api.errors import TOLD
from glottis.api.routes import blueprints
from glottis.api.websocket import messages
from glottis.config import (
    Limits,
    Listening,
    ProjectEntry,
    ProviderEntry,
    RouteChains,
    RouteEntry,
    Settings,
    VoiceChoice,
)
from glottis.config.deployment import SectionEntry
from glottis.config.settings import environment_name
from glottis.core.errors import GlottisError
from glottis.core.metrics import Metrics
from glottis.core.store import Store
from glottis.plugins.host import load_plugins
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel
from quart import Quart
from typer.main import get_command

HERE = Path(__file__).parent
PROVIDERS = HERE.parent / "providers"
DEPLOYMENT: Mapping[str, type[BaseModel]] = {
    "providers": ProviderEntry,
    "limits": Limits,
    "routes": RouteChains,
    "route": RouteEntry,
    "listening": Listening,
    "projects": ProjectEntry,
    "voices": VoiceChoice,
    "sections": SectionEntry,
}
DAY_S = 86_400
_MEANINGS: Mapping[str, Mapping[str, str]] = tomllib.loads(
    (HERE / "meanings.toml").read_text(encoding="utf-8")
)

Rows = Iterable[Sequence[str]]


def settings() -> str:
    """Tell every setting of the environment."""
    properties = Settings.model_json_schema(by_alias=False)["properties"]
    rows = [
        (
            f"`{environment_name(name)}`",
            _setting_default(name, field.get_default(call_default_factory=True)),
            _bounds(properties[name]),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]
    return _table(("environment", "default", "values", "meaning"), rows)


def shipped() -> str:
    """Show the plugins.toml that comes with Glottis."""
    return f"\n```toml\n{(HERE.parent / 'plugins.toml').read_text(encoding='utf-8')}```\n\n"


def routes() -> str:
    """Tell every route with its statuses, as the server's own description does."""
    app = Quart(__name__, static_folder=None)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    register_documentation(app, text_max_chars=Settings.model_fields["text_max_chars"].default)

    async def described() -> Any:
        return await (await app.test_client().get("/openapi.json")).get_json()

    rows = []
    for path, operations in asyncio.run(described())["paths"].items():
        for method, operation in operations.items():
            statuses = sorted(operation["responses"])
            done = ", ".join(status for status in statuses if status < "400")
            refused = ", ".join(status for status in statuses if status >= "400")
            rows.append((f"`{method.upper()} {path}`", done, refused, operation["summary"]))
    return _table(("route", "done", "refused", "does"), rows)


def deployment(table: str) -> str:
    """Tell the keys of one kind of table in plugins.toml."""
    return _fields(DEPLOYMENT[table], _MEANINGS[table], first="key")


def body(name: str) -> str:
    """Tell the fields of a JSON body of the API, or of an object in one."""
    return _fields(getattr(bodies, name), _MEANINGS[name], first="field")


def message(name: str) -> str:
    """Tell the fields of a message that a client sends over the WebSocket, beside its type."""
    return _fields(getattr(messages, name), _MEANINGS[name], first="field", hidden=("type",))


def errors() -> str:
    """Tell each error of ours with its status, its code and, if a WebSocket cannot go on, its close code."""
    rows = [
        (str(how.status), f"`{how.code}`", str(how.close or ""), _first_sentence(kind))
        for kind, how in TOLD.items()
    ]
    return _table(("status", "code", "closes with", "when"), rows)


def message_errors() -> str:
    """Tell the error codes that only a WebSocket knows."""
    known = {how.code for how in TOLD.values()}
    rows = [
        (f"`{kind.code}`", _first_sentence(kind))
        for kind in _descendants(GlottisError)
        if kind.code not in known
    ]
    return _table(("code", "when"), rows)


def metrics() -> str:
    """Tell every metric by the name under which Prometheus finds it."""
    rows = []
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # noqa: SLF001  # told nowhere else
            rows.append((f"`{name}`", family.type, labels, family.documentation))
    return _table(("metric", "type", "labels", "counts"), rows)


def commands() -> str:
    """Tell every command of `glottis` with its arguments and options."""
    return _table(("command", "does"), _commands("glottis", get_command(build())))


def documents() -> str:
    """Tell what is in the database."""
    rows = [(f"`{each.collection}`", each.holds) for each in Store.describe()]
    return _table(("collection", "holds"), rows)


def providers() -> str:
    """Tell what is bundled: each provider's kinds, licence and description, by its own metadata."""
    projects = {
        file.parent.name.replace("_", "-"): tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        for file in sorted(PROVIDERS.glob("*/pyproject.toml"))
    }
    loaded = load_plugins(list(projects), load_timeout_s=60.0)
    rows = []
    try:
        for record in loaded.records:
            if record.name not in projects:
                continue
            if record.error:
                raise RuntimeError(f"{record.name}: {record.error}")
            project = projects[record.name]
            kinds = sorted({spec.kind.replace("_", " ") for spec in record.specs})
            folder = record.name.replace("-", "_")
            link = f"[{record.name}](../providers/{folder}/README.md)"
            rows.append((link, ", ".join(kinds), project["license"], project["description"]))
    finally:
        loaded.close()
    return _table(("provider", "kinds", "licence", "what it is"), rows)


def _fields(
    model: type[BaseModel], meanings: Mapping[str, str], *, first: str, hidden: Sequence[str] = ()
) -> str:
    schema = model.model_json_schema()
    fields = {name: field for name, field in model.model_fields.items() if name not in hidden}
    if list(fields) != list(meanings):
        raise ValueError(
            f"{model.__name__} has {', '.join(fields)}; meanings.toml tells {', '.join(meanings)}"
        )
    rows = [
        (
            f"`{name}`",
            "**required**" if field.is_required() else _default(field.get_default(call_default_factory=True)),
            _bounds(schema["properties"][name]),
            meanings[name],
        )
        for name, field in fields.items()
    ]
    return _table((first, "default", "values", "meaning"), rows)


def _default(value: Any) -> str:
    """Write a default as one would type it; nothing where there is none, or it is a table of its own."""
    if value is None or isinstance(value, BaseModel) or value in ([], {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{_number(value)}`" if isinstance(value, int | float) else f"`{value}`"


def _number(value: float) -> str:
    return str(value).removesuffix(".0")


def _setting_default(name: str, value: Any) -> str:
    if isinstance(value, Path):
        return f"`{value}`".replace(str(Path.home()), "~")
    written = _default(value)
    if name.endswith("_bytes"):
        for unit, size in (("GiB", 1024**3), ("MiB", 1024**2)):
            if value % size == 0:
                return f"{written} ({value // size} {unit})"
    if name.endswith("_s") and isinstance(value, int) and value % DAY_S == 0:
        return f"{written} ({value // DAY_S} days)"
    return written


def _bounds(schema: Mapping[str, Any]) -> str:
    """Say which values a JSON schema allows, as far as a reader wants to know."""
    schemas = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    return ", ".join(dict.fromkeys(filter(None, map(_bounds_of_one, schemas))))


def _bounds_of_one(schema: Mapping[str, Any]) -> str:
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    pattern = schema.get("pattern", "")
    if pattern.startswith("^(") and pattern.endswith(")$") and "[" not in pattern:
        choices = pattern[2:-2].split("|")
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    above, least, most = (schema.get(key) for key in ("exclusiveMinimum", "minimum", "maximum"))
    if above is not None:
        return f"above {_number(above)}" + (f", to {_number(most)}" if most is not None else "")
    if least is not None:
        return f"{_number(least)} to {_number(most)}" if most is not None else f"{_number(least)} and more"
    if "maxLength" in schema:
        return f"up to {schema['maxLength']} characters"
    return f"up to {schema['maxItems']} items" if "maxItems" in schema else ""


def _commands(name: str, command: Any) -> Iterator[tuple[str, str]]:
    for part, inner in sorted(getattr(command, "commands", {}).items()):
        yield from _commands(f"{name} {part}", inner)
    if not hasattr(command, "commands"):
        words = [name]
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                words.append(parameter.name.upper())
            elif not parameter.hidden:
                words.append(f"[{parameter.opts[0]}]")
        yield f"`{' '.join(words)}`", command.help


def _descendants(kind: type[GlottisError]) -> Iterator[type[GlottisError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def _first_sentence(kind: type) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0]


def _table(head: Sequence[str], rows: Rows) -> str:
    lines = [head, ["---"] * len(head), *rows]
    written = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return f"\n{written}\n\n"
