"""For those who run the server: is it well, what does it count, what is plugged in."""

from glottis.api import answers
from glottis.api.documentation import Extras, documented
from glottis.api.errors import error_response
from glottis.api.replies import as_json
from glottis.api.state import NO_PROJECT, PREFIX, platform, require_origin, state
from glottis.core.metrics import CONTENT_TYPE
from quart import Blueprint, Response
from quart_schema import document_response, hide

blueprint = Blueprint("operations", __name__)

_OPEN = Extras(is_open=True)


@blueprint.get("/healthz")
@documented("operations", extras=_OPEN)
@document_response(answers.Health, 200)
async def healthz() -> Response:
    """Tell whether the process is alive."""
    return as_json({"status": "ok"})


@blueprint.get("/readyz")
@documented("operations", 503, extras=_OPEN)
@document_response(answers.Health, 200)
async def readyz() -> Response:
    """Tell whether requests will be served: providers started, database there, not shutting down."""
    if state().draining.is_set():
        return error_response(503, "the server is shutting down")
    await platform().store.ping()
    return as_json({"status": "ready"})


@blueprint.get("/metrics")
@hide
async def metrics() -> Response:
    """Give the Prometheus metrics of the server."""
    require_origin(NO_PROJECT)
    return Response(platform().engine.metrics.render(), content_type=CONTENT_TYPE)


@blueprint.get(f"{PREFIX}/plugins")
@documented("operations")
@document_response(answers.Plugins, 200)
async def plugins() -> Response:
    """List the plugins that are installed, with their state, providers and configuration schema."""
    require_origin(NO_PROJECT)
    return as_json({"plugins": platform().engine.host.describe()})
