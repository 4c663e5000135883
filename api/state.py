"""What the handlers of a request work with."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from glottis.api.connection_places import ConnectionPlaces
from glottis.api.gate import Origins
from glottis.api.visit import visit
from glottis.core.conversation import Conversation, Residents
from glottis.core.platform import Platform
from quart import Quart, current_app

PREFIX = "/api/v1"
VOICE = f"{PREFIX}/voice"
NO_PROJECT = ""
"""What belongs to no project: no page of another origin may have it."""
_KEY = "glottis"


@dataclass(slots=True)
class ServerState:
    """The platform, and what belongs to this server process."""

    platform: Platform
    origins: Origins
    draining: asyncio.Event
    places: ConnectionPlaces
    residents: Residents
    websockets: dict[str, set[asyncio.Event]] = field(default_factory=dict)
    """The open WebSockets by their session: for each an event that tells it that the session was ended."""
    listeners: dict[str, set[Conversation]] = field(default_factory=dict)
    """The conversations with a connection, by their project: they are told of its trainings."""
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    """Set each time when the last WebSocket has closed."""

    @contextmanager
    def websocket_of(self, session_id: str) -> Iterator[asyncio.Event]:
        """Know of a WebSocket while it is open; the event is set when its session is ended."""
        ended = asyncio.Event()
        self.websockets.setdefault(session_id, set()).add(ended)
        try:
            yield ended
        finally:
            others = self.websockets[session_id]
            others.discard(ended)
            if not others:
                del self.websockets[session_id]
            if not self.websockets:
                self.quiet.set()

    def tell_ended(self, session_id: str) -> None:
        """Have the WebSockets of a session closed."""
        for ended in self.websockets.get(session_id, ()):
            ended.set()


def attach(app: Quart, state: ServerState) -> None:
    """Give an app its state."""
    app.extensions[_KEY] = state


def server_state(app: Quart) -> ServerState:
    """Return the state of an app."""
    return cast(ServerState, app.extensions[_KEY])


def state() -> ServerState:
    """Return the state of the app that serves this request."""
    return server_state(current_app)


def platform() -> Platform:
    """Return the platform behind this request."""
    return state().platform


def require_origin(project: str) -> None:
    """Let a page of another origin act only in projects that list it.

    Raises:
        Forbidden: this project does not.
    """
    state().origins.require_for(project, visit().foreign_origin)
