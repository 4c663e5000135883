"""Sessions: start, look at, end, read back."""

from glottis.api import answers
from glottis.api.bodies import SessionStart, VoicePreference, read_body
from glottis.api.documentation import Extras, HistoryQuery, documented
from glottis.api.replies import as_json, timestamp, websocket_url, whole_number
from glottis.api.state import VOICE, platform, require_origin, state
from glottis.api.visit import principal
from glottis.core.store import InteractionRecord, SessionRecord
from quart import Blueprint, Response
from quart_schema import document_querystring, document_request, document_response

blueprint = Blueprint("sessions", __name__, url_prefix=f"{VOICE}/session")

_NO_PREFERENCE = VoicePreference()
_STARTED = Extras(
    links={"get_look": "path", "get_history": "path", "post_respond": "body", "delete_end": "path"}
)


@blueprint.post("/start")
@documented("voice assistant", 400, 404, 413, 422, extras=_STARTED)
@document_request(SessionStart)
@document_response(answers.Session, 201)
async def start() -> Response:
    """Create a voice conversation session."""
    body = await read_body(SessionStart)
    require_origin(body.project)
    preference = body.voice_preference or _NO_PREFERENCE
    session = await platform().sessions.start(
        principal(),
        project=body.project,
        language=body.language,
        user_id=body.user_id,
        voice_provider=preference.provider,
        voice_id=preference.voice_id,
    )
    return as_json(_described(session), 201)


@blueprint.get("/<session_id>")
@documented("voice assistant", 404)
@document_response(answers.Session, 200)
async def look(session_id: str) -> Response:
    """Retrieve session metadata."""
    session = await platform().sessions.live(session_id, principal())
    require_origin(session.project)
    return as_json(_described(session))


@blueprint.delete("/<session_id>")
@documented("voice assistant", 404, extras=Extras(empty=204))
async def end(session_id: str) -> Response:
    """Terminate a voice session."""
    sessions = platform().sessions
    session = await sessions.live(session_id, principal())
    require_origin(session.project)
    await sessions.end(session_id, principal())
    state().tell_ended(session_id)
    return Response("", 204)


@blueprint.get("/<session_id>/history")
@documented("voice assistant", 404, 422)
@document_querystring(HistoryQuery)
@document_response(answers.History, 200)
async def history(session_id: str) -> Response:
    """Get the interaction history of a session: its newest items, oldest first."""
    limit = whole_number("limit", default=50, least=1, most=200)
    sessions = platform().sessions
    require_origin((await sessions.known(session_id, principal())).project)
    items = await sessions.history(session_id, principal(), limit=limit)
    return as_json({"session_id": session_id, "items": [_item(item) for item in items]})


def _described(session: SessionRecord) -> dict[str, object]:
    return {
        "session_id": session.id,
        "websocket_url": websocket_url(session.id),
        "expires_at": timestamp(session.expires_at),
        "initial_greeting": platform().sessions.greeting(session),
    }


def _item(item: InteractionRecord) -> dict[str, object]:
    return {
        "session_id": item.session_id,
        "project": item.project,
        "user_id": item.user_id,
        "timestamp": timestamp(item.at),
        "type": item.type,
        "content": dict(item.content),
        "provider": item.provider,
        "latencies_ms": {stage: round(value, 3) for stage, value in item.latencies_ms.items()},
    }
