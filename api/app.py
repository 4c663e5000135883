"""The Quart app over a platform. Any ASGI server can serve it."""

import asyncio
from collections.abc import AsyncGenerator

from glottis.api.connection_places import ConnectionPlaces
from glottis.api.conversations import residents_of
from glottis.api.documentation import register_documentation
from glottis.api.endings import endings_heard
from glottis.api.errors import register_error_handlers
from glottis.api.gate import Gate, Origins
from glottis.api.http_connection import PULLED_PATHS, LeanHTTPConnection
from glottis.api.routes import blueprints
from glottis.api.state import PREFIX, VOICE, ServerState, attach
from glottis.api.trainings import trainings_told
from glottis.api.websocket import register_websocket
from glottis.api.websocket.connection import BoundedWebsocketConnection, PromptWebsocket
from glottis.core.platform import Platform
from quart import Quart

_SAMPLES_AT_ONCE = 10
"""So many of the largest files, or more smaller ones, make a request."""


def create_app(
    platform: Platform, *, draining: asyncio.Event | None = None, places: ConnectionPlaces | None = None
) -> Quart:
    """Make the app. Setting `draining` tells it to refuse new work and to finish what runs.

    `places` are those of a server with several processes; without, this process has them all.
    """
    settings = platform.engine.settings
    app = Quart(__name__, static_folder=None)
    app.asgi_http_class = LeanHTTPConnection
    app.asgi_websocket_class = BoundedWebsocketConnection
    app.websocket_class = PromptWebsocket
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config[PULLED_PATHS] = {
        f"{VOICE}/samples": max(settings.max_body_bytes, _SAMPLES_AT_ONCE * settings.sample_max_bytes)
    }
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = True
    origins = Origins(platform.engine.deployment)
    places = places or ConnectionPlaces(settings.ws_max_connections)
    here = ServerState(platform, origins, draining or asyncio.Event(), places, residents_of(platform))
    attach(app, here)
    _open(app, here)
    register_error_handlers(app)
    Gate(platform, origins).register(app)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    register_websocket(app)
    platform.engine.host.loaded.register_routes(app, PREFIX)
    register_documentation(app, text_max_chars=settings.text_max_chars)
    return app


def _open(app: Quart, here: ServerState) -> None:
    @app.while_serving
    async def hearing() -> AsyncGenerator[None, None]:
        async with here.residents.running(), endings_heard(here), trainings_told(here):
            yield
