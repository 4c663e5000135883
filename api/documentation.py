"""The API's own description: OpenAPI at /openapi.json, and pages to try it at /docs, without a CDN."""

import json
from collections.abc import Callable
from importlib.metadata import version
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, TypeVar

from glottis.api.answers import Failure
from pydantic import BaseModel, Field
from quart import Quart, Response, send_from_directory
from quart_schema import (
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
_AUDIO_TYPES = ("audio/mpeg", "audio/ogg", "audio/wav")
_MEANINGS = {
    204: "Done; there is no body",
    304: "Not modified",
    400: "Invalid request",
    401: "Credentials are missing or wrong",
    403: "This origin may not do this",
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


def documented(
    section: str, *failures: int, empty: int | None = None, audio: tuple[int, ...] = ()
) -> Callable[[Route], Route]:
    """Name the section of a route, and every status beside its success.

    `empty` is a status without a body, `audio` those whose body is sound.
    """

    def decorate(route: Route) -> Route:
        setattr(route, _EXTRAS, (empty, audio))
        for status in failures if section == "operations" else (401, *failures):
            document_response(Failure, status)(route)
        return tag([section])(route)

    return decorate


def register_documentation(app: Quart) -> None:
    """Serve the description of an app whose routes are all registered."""
    extension = QuartSchema(
        info=Info(title="Glottis", version=version("glottis"), description=__doc__),
        security_schemes={"basic": HttpSecurityScheme(scheme="basic")},
        security=[{"basic": []}],
    )
    # The extension would wrap every response; only its description of the routes is wanted.
    app.config.setdefault("QUART_SCHEMA_CONVERSION_PREFERENCE", "pydantic")
    app.config.setdefault("QUART_SCHEMA_CONVERT_CASING", False)
    text = json.dumps(_Provider(app, extension).schema(), ensure_ascii=False)

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
        view = self._app.view_functions[rule.endpoint]
        empty, audio = getattr(view, _EXTRAS, (None, ()))
        for operations in paths.values():
            for operation in operations.values():
                responses = operation["responses"]
                for status in [*responses]:
                    responses[status]["description"] = _MEANINGS.get(status, "Success")
                if empty is not None:
                    responses[empty] = {"description": _MEANINGS[empty]}
                for status in audio:
                    responses[status] = _audio_response()
        return paths, components


def _audio_response() -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {"description": "Audio", "content": dict.fromkeys(_AUDIO_TYPES, binary)}


def _swagger_ui() -> Path:
    with as_file(files("flask_swagger_ui") / "dist") as folder:
        return folder
