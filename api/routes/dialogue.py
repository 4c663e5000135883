"""Intents and answers."""

from glottis.api import answers
from glottis.api.bodies import Intent, Respond, read_body
from glottis.api.documentation import documented
from glottis.api.replies import as_json, audio_url
from glottis.api.routes.speech import require_length
from glottis.api.state import VOICE, platform, require_origin
from glottis.api.visit import principal
from glottis.core.conversation import Answer
from glottis.core.errors import NotFound
from glottis.core.logs import bind_contextvars
from glottis.core.sessions import require_project
from quart import Blueprint, Response
from quart_schema import document_request, document_response

blueprint = Blueprint("dialogue", __name__, url_prefix=f"{VOICE}/dialog")


@blueprint.post("/intent")
@documented("voice assistant", 400, 404, 413, 422)
@document_request(Intent)
@document_response(answers.IntentAnswer, 200)
async def intent() -> Response:
    """Analyze user intent from text."""
    body = await read_body(Intent)
    require_origin(body.project)
    require_project(principal(), body.project)
    require_length(body.text)
    dialogue = platform().engine.dialogue
    context = dialogue.context(
        project=body.project,
        language=body.language,
        current_page=body.context.current_page,
        previous_intents=body.context.previous_intents,
    )
    understood = await dialogue.understand(body.text, context)
    match = understood.match
    return as_json(
        {
            "intent": match.intent,
            "confidence": round(match.confidence, 4),
            "entities": dict(match.entities),
            "suggested_action": match.suggested_action and dict(match.suggested_action),
            "provider": understood.handler and understood.handler.name,
        }
    )


@blueprint.post("/respond")
@documented("voice assistant", 400, 404, 413, 422)
@document_request(Respond)
@document_response(answers.DialogAnswer, 202)
async def respond() -> Response:
    """Generate dialog response."""
    body = await read_body(Respond)
    require_origin(body.project)
    require_length(body.text)
    session = await platform().sessions.live(body.session_id, principal())
    if session.project != body.project:
        raise NotFound("no such session in this project")
    bind_contextvars(session_id=session.id)
    answer = await platform().turns.answer(session, body.text)
    return as_json(
        {"type": "response", **answered(answer, audio_url(answer.audio.id) if answer.audio else None)}, 202
    )


def answered(answer: Answer, url: str | None) -> dict[str, object]:
    """Describe an answer as both the HTTP route and the WebSocket do."""
    reply = answer.reply
    return {
        "text": reply.text,
        "audio_url": url,
        "sources": [{"title": source.title, "url": source.url} for source in reply.sources],
        "suggested_actions": [{"type": action.type, **action.params} for action in reply.actions],
        "intent": reply.intent,
    }
