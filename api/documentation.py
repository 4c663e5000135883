"""The API's own description: OpenAPI at /openapi.json, and pages to try it at /docs, without a CDN."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal, TypeVar

from glottis.api.answers import Failure
from glottis.api.bodies import Intent, Respond, Synthesize
from pydantic import BaseModel, Field
from quart import Quart, Response, send_from_directory
from quart_schema import (
    DataSource,
    HttpSecurityScheme,
    Info,
    OpenAPIProvider,
    QuartSchema,
    document_response,
    hide,
    tag,
)
from werkzeug.routing import Rule

Route = TypeVar("Route", bound=Callable[..., Any])

_EXTRAS = "_glottis_documented"
_ABOUT = """\
Sessions, speech recognition and synthesis, and dialogue, over HTTP. A session also has a WebSocket: its
`websocket_url` names it. A body may spell its fields in camelCase too. A failure is `{"detail": "..."}`."""
_AUDIO_TYPES = ("audio/mpeg", "audio/ogg", "audio/wav")
_MEANINGS = {
    204: "Done; there is no body",
    304: "Not modified",
    400: "Invalid request",
    401: "Credentials are missing or wrong",
    403: "This origin or host name may not be used",
    404: "Not found",
    413: "Too large",
    415: "Invalid audio format",
    416: "The range lies outside the audio",
    422: "Validation error",
    503: "Overloaded or unavailable; Retry-After says when to try again",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Glottis API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = 'SwaggerUIBundle({url: "../openapi.json", dom_id: "#swagger-ui", deepLinking: true});'
_CONTENT_SECURITY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


class HistoryQuery(BaseModel):
    limit: int = Field(50, ge=1, le=200, description="Number of history items")


class VoicesQuery(BaseModel):
    project: str | None = Field(None, description="Project identifier")


class ProjectQuery(BaseModel):
    project: str | None = Field(None, description="Project identifier")


class JobsQuery(ProjectQuery):
    limit: int = Field(10, ge=1, le=25, description="Number of jobs")


class AudioQuery(BaseModel):
    expires: str | None = Field(None, description="Of a signed link: when it ends")
    signature: str | None = Field(None, description="Of a signed link: stands for credentials")


class AudioHeaders(BaseModel):
    range: str | None = Field(None, description="The bytes that are wanted", examples=["bytes=0-99"])
    if_range: str | None = Field(None, description="The ETag that the range is of")
    if_none_match: str | None = Field(None, description="The ETag that is here already")


@dataclass(frozen=True, slots=True)
class Extras:
    """What the description of a route has beyond its models.

    `empty` is a status without a body, `audio` those whose body is sound; with `has_events` the 200 is a
    stream of events. `links` say where the session of a 201 goes: the operation's id, and whether it takes it
    in its path or in its body.
    """

    empty: int | None = None
    audio: tuple[int, ...] = ()
    is_open: bool = False
    has_events: bool = False
    links: Mapping[str, Literal["path", "body"]] = field(default_factory=dict)


def documented(section: str, *failures: int, extras: Extras = Extras()) -> Callable[[Route], Route]:
    """Name the section of a route, and every status beside its success and what the gate answers."""

    def decorate(route: Route) -> Route:
        setattr(route, _EXTRAS, extras)
        for status in sorted({*failures} if extras.is_open else {401, 403, 503, *failures}):
            document_response(Failure, status)(route)
        return tag([section])(route)

    return decorate


def register_documentation(app: Quart, *, text_max_chars: int) -> None:
    """Serve the description of an app whose routes are all registered."""
    extension = QuartSchema(
        info=Info(title="Glottis", version=version("glottis"), description=_ABOUT),
        security_schemes={"basic": HttpSecurityScheme(scheme="basic")},
        security=[{"basic": []}],
    )
    # The extension would wrap every response; only its description of the routes is wanted.
    app.config.setdefault("QUART_SCHEMA_CONVERSION_PREFERENCE", "pydantic")
    app.config.setdefault("QUART_SCHEMA_CONVERT_CASING", False)
    described = _Provider(app, extension).schema()
    for body in (Intent, Respond, Synthesize):
        described["components"]["schemas"][body.__name__]["properties"]["text"]["maxLength"] = text_max_chars
    text = json.dumps(described, ensure_ascii=False)

    @app.get("/openapi.json")
    @hide
    async def openapi() -> Response:
        return Response(text, content_type="application/json")

    @app.get("/docs")
    @hide
    async def docs() -> Response:
        headers = {"Content-Security-Policy": _CONTENT_SECURITY}
        return Response(_PAGE, headers=headers, content_type="text/html; charset=utf-8")

    @app.get("/docs/<name>")
    @hide
    async def docs_asset(name: str) -> Response:
        if name == "start.js":
            return Response(_START, content_type="text/javascript")
        return await send_from_directory(_swagger_ui(), name)


class _Provider(OpenAPIProvider):
    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        paths, components = super().build_paths(rule)
        extras: Extras = getattr(self._app.view_functions[rule.endpoint], _EXTRAS, Extras())
        for operations in paths.values():
            for operation in operations.values():
                responses = operation["responses"]
                for status in [*responses]:
                    responses[status]["description"] = _MEANINGS.get(status, "Success")
                if extras.empty is not None:
                    responses[extras.empty] = {"description": _MEANINGS[extras.empty]}
                for status in extras.audio:
                    responses[status] = _audio_response()
                if extras.has_events:
                    responses[200] = _event_stream()
                if extras.links:
                    responses[201]["links"] = _session_links(extras.links)
                if extras.is_open:
                    operation["security"] = []
        return paths, components

    def build_request_body(self, model: Any, source: DataSource) -> tuple[dict[str, Any], dict[str, Any]]:
        body, components = super().build_request_body(model, source)
        return {**_by_name(body, components), "required": True}, components

    def build_response_object(self, model: Any, headers_model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        response, components = super().build_response_object(model, headers_model)
        return _by_name(response, components), components


def _by_name(value: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """Let a body refer to its schema, which thus has a name for those who generate clients."""
    for content in value["content"].values():
        schema = content["schema"]
        components[schema["title"]] = schema
        content["schema"] = {"$ref": f"#/components/schemas/{schema['title']}"}
    return value


def _session_links(links: Mapping[str, str]) -> dict[str, Any]:
    session_id = "$response.body#/session_id"
    in_path = {"parameters": {"session_id": session_id}}
    in_body = {"requestBody": {"session_id": session_id, "project": "$request.body#/project"}}
    return {
        operation: {"operationId": operation, **(in_path if place == "path" else in_body)}
        for operation, place in links.items()
    }


def _audio_response() -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {"description": "Audio", "content": dict.fromkeys(_AUDIO_TYPES, binary)}


def _event_stream() -> dict[str, Any]:
    text = {"type": "string"}
    event = {"type": "object", "properties": {"event": text, "data": text}}
    content = {"text/event-stream": {"schema": event}}
    return {"description": "Server-sent events", "content": content}


def _swagger_ui() -> Path:
    with as_file(files("flask_swagger_ui") / "dist") as folder:
        return folder
