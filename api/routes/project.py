"""What a project has done, and the voices that it may use."""

from glottis.api import answers
from glottis.api.documentation import VoicesQuery, documented
from glottis.api.replies import as_json
from glottis.api.state import VOICE, platform, require_origin
from glottis.api.visit import principal
from glottis.core.sessions import require_project
from quart import Blueprint, Response, request
from quart_schema import document_querystring, document_response

blueprint = Blueprint("project", __name__, url_prefix=VOICE)


@blueprint.get("/analytics/project/<project>")
@documented("voice assistant", 404)
@document_response(answers.Analytics, 200)
async def analytics(project: str) -> Response:
    """Get project-level voice statistics."""
    require_origin(project)
    statistics = await platform().sessions.statistics(project, principal())
    settings = platform().engine.settings
    return as_json(
        {
            "project": project,
            "sessions_total": statistics.usage.sessions_total,
            "interactions_total": statistics.usage.interactions_total,
            "active_sessions": statistics.active_sessions,
            "ws_max_connections": settings.ws_max_connections,
            "ws_ping_interval": settings.ws_ping_interval_s,
        }
    )


@blueprint.get("/voices")
@documented("voice assistant", 404)
@document_querystring(VoicesQuery)
@document_response(answers.Voices, 200)
async def voices() -> Response:
    """List the voices that a project may name: those of its synthesizers, and those trained in it."""
    project = request.args.get("project", "")
    require_origin(project)
    if project:
        require_project(principal(), project)
    trained = platform().trained_voices
    offered = await platform().engine.voices.of_project(project)
    listed: list[dict[str, object]] = [
        {
            "id": voice.info.id,
            "name": voice.info.name,
            "provider": voice.provider,
            "languages": list(voice.info.languages),
            "gender": voice.info.gender,
            "trained": False,
        }
        for voice in offered
        if not trained.is_trained(voice.provider, voice.info.id)
    ]
    listed += [
        {
            "id": voice.id,
            "name": voice.name,
            "provider": voice.provider,
            "languages": list(voice.languages),
            "gender": None,
            "trained": True,
        }
        for voice in await trained.of_project(project)
    ]
    return as_json({"voices": listed})
