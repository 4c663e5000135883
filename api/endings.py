"""Close the WebSockets of sessions that end on any node."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from glottis.api.state import ServerState
from glottis.core.store import GAP, SESSION_ENDED, Sessions, StoredEvent, StoreUnavailable

_PAUSE_S = 1.0


@asynccontextmanager
async def endings_heard(here: ServerState) -> AsyncIterator[None]:
    """Close WebSockets while the context lasts."""
    may_have_missed = asyncio.Event()

    def hear(event: StoredEvent) -> None:
        if event.kind == GAP:
            may_have_missed.set()
        else:
            here.tell_ended(event.key)

    with here.platform.store.events.subscribe(SESSION_ENDED, hear):
        checking = asyncio.create_task(_check(here, may_have_missed), name="endings that were missed")
        try:
            yield
        finally:
            checking.cancel()
            await asyncio.wait([checking])


async def _check(here: ServerState, may_have_missed: asyncio.Event) -> None:
    """Look at each session that has a WebSocket here, whenever an ending may have been missed."""
    sessions = here.platform.store.sessions
    while True:
        await may_have_missed.wait()
        may_have_missed.clear()
        for session_id in list(here.websockets):
            if await _is_over(sessions, session_id):
                here.tell_ended(session_id)


async def _is_over(sessions: Sessions, session_id: str) -> bool:
    while True:
        try:
            session = await sessions.get(session_id)
        except StoreUnavailable:
            await asyncio.sleep(_PAUSE_S)
        else:
            return session is None or not session.is_live(datetime.now(UTC))
