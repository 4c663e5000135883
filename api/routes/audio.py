"""Synthesized audio by its id: whole, in ranges, or as it is being made."""

from glottis.api.documentation import AudioHeaders, AudioQuery, Extras, documented
from glottis.api.errors import error_response
from glottis.api.state import NO_PROJECT, VOICE, platform, require_origin
from glottis.api.visit import principal, visit
from glottis.core.access import project_of
from glottis.core.errors import NotFound
from glottis.core.speech import LiveAudio
from glottis.core.store import AudioRecord
from quart import Blueprint, Response, request
from quart_schema import document_headers, document_querystring

_LONGEST_S = 1_800.0
"""No audio grows for so long; a client that has stopped reading is let go then."""

blueprint = Blueprint("audio", __name__, url_prefix=f"{VOICE}/audio")


@blueprint.get("/<audio_id>")
@documented("voice assistant", 404, 416, extras=Extras(audio=(200, 206), empty=304))
@document_querystring(AudioQuery)
@document_headers(AudioHeaders)
async def fetch(audio_id: str) -> Response:
    """Retrieve cached audio."""
    record = await _permitted(audio_id)
    if isinstance(record, LiveAudio):
        return _growing(record)
    etag = f'"{record.id}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        # What an id names never changes, but whom it is for may not be guessed by a shared cache.
        "Cache-Control": "private, max-age=3600, immutable",
    }
    if request.if_none_match.contains_weak(record.id):
        return Response("", 304, headers=headers)
    span = _range(record, etag)
    if span is None:
        return Response(record.data, 200, headers=headers, content_type=record.content_type)
    start, stop = span
    if start >= stop:
        headers["Content-Range"] = f"bytes */{record.size_bytes}"
        return error_response(416, "the range lies outside the audio", headers=headers)
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{record.size_bytes}"
    return Response(record.data[start:stop], 206, headers=headers, content_type=record.content_type)


def _growing(audio: LiveAudio) -> Response:
    """Send what there is and what is still to come: nobody knows yet how long that is, or its ranges."""
    is_wanted = request.method != "HEAD"
    response = Response(audio.read() if is_wanted else b"", 200, content_type=audio.content_type)
    response.headers.pop("Content-Length", None)
    response.headers["Cache-Control"] = "no-store"
    response.timeout = _LONGEST_S
    return response


def _range(record: AudioRecord, etag: str) -> tuple[int, int] | None:
    """Return the asked-for span of bytes; None for all of them, an empty span if it cannot be satisfied."""
    asked = request.range
    condition = request.headers.get("If-Range")
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or condition not in {None, etag}:
        return None
    if (asked.ranges[0][0] or 0) <= -record.size_bytes:
        return 0, record.size_bytes  # the last bytes, and more of them than there are
    span = asked.range_for_length(record.size_bytes)
    return span if span is not None else (0, 0)


async def _permitted(audio_id: str) -> AudioRecord | LiveAudio:
    """Fetch audio for those who may hear it; for everybody else it does not exist."""
    link = request.args
    is_signed = platform().links.is_valid(
        audio_id, expires=link.get("expires", ""), signature=link.get("signature", "")
    )
    refusal = visit().refusal
    if refusal is not None and not is_signed:
        raise refusal
    record = await platform().speaker.fetch(audio_id)
    if not is_signed:
        if not principal().may_hear(record.scope):
            raise NotFound("no such audio; it may have expired")
        require_origin(project_of(record.scope) or NO_PROJECT)
    return record
