"""The WebSocket's address: who may connect, and to which session."""

from glottis.api.addresses import host_and_scheme, is_loopback_host, is_same_origin
from glottis.api.errors import told
from glottis.api.state import VOICE, ServerState, state
from glottis.api.websocket.channel import GOING_AWAY, Channel
from glottis.core.access import ANYONE
from glottis.core.conversation import Seat
from glottis.core.errors import Forbidden, GlottisError
from glottis.core.logs import bind_contextvars, clear_contextvars
from glottis.core.store import SessionRecord, StoreUnavailable
from quart import Quart, websocket

TOO_MANY = 4429
_REFUSED = 4403
_TRY_LATER = 1013


def register_websocket(app: Quart) -> None:
    """Serve the sessions of an app over WebSocket."""
    app.add_websocket(f"{VOICE}/ws/<session_id>", "websocket", _serve)


async def _serve(session_id: str) -> None:
    here = state()
    # A refusal has to be told by a close code, and only an accepted socket has one.
    await websocket.accept()
    clear_contextvars()
    bind_contextvars(session_id=session_id)
    if here.draining.is_set():
        await websocket.close(GOING_AWAY, "the server is restarting; connect again")
        return
    if not here.places.take():
        await websocket.close(TOO_MANY, "too many connections; try again later")
        return
    gauge = here.platform.engine.metrics.websockets
    gauge.inc()
    try:
        with here.websocket_of(session_id) as ended:
            session = await _session(session_id, here)
            seat = session and await _seat(session, here)
            if seat:
                socket = websocket._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  # the proxy's own way
                settings = here.platform.engine.settings
                channel = Channel(socket, seat, here.residents, settings, draining=here.draining, ended=ended)
                await channel.serve()
    finally:
        here.places.give_back()
        gauge.dec()


async def _session(session_id: str, here: ServerState) -> SessionRecord | None:
    """Find the session of a connection; its id is the credential. Closes the socket if it may not be used."""
    try:
        session = await here.platform.sessions.live(session_id, ANYONE)
        await _require_origin(session, here)
    except Forbidden as error:
        await websocket.close(_REFUSED, error.detail)
    except (GlottisError, StoreUnavailable) as error:
        how, detail = told(error)
        await websocket.close(how.close or _TRY_LATER, detail)
    else:
        return session
    return None


async def _seat(session: SessionRecord, here: ServerState) -> Seat | None:
    """Join the session's conversation; closes the socket if that cannot be."""
    try:
        return await here.residents.sit_down(session)
    except StoreUnavailable as error:
        await websocket.close(_TRY_LATER, told(error)[1])
        return None


async def _require_origin(session: SessionRecord, here: ServerState) -> None:
    trusted = tuple(here.platform.engine.settings.trusted_proxies)
    host, secure = host_and_scheme(websocket._get_current_object(), trusted)  # type: ignore[attr-defined]  # noqa: SLF001  # as above
    origin = websocket.headers.get("Origin")
    if origin is not None and not is_same_origin(origin, host, secure=secure):
        here.origins.require_for(session.project, origin)
    if not is_loopback_host(host) and await here.platform.authentication.is_open():
        raise Forbidden("without users this server answers only under a loopback name")
