"""Recognition and synthesis."""

import asyncio
import base64
import binascii
import time

from glottis.api import answers
from glottis.api.bodies import Recognize, Synthesize, read_body
from glottis.api.documentation import documented
from glottis.api.replies import as_json, audio_url
from glottis.api.state import VOICE, platform, require_origin
from glottis.api.visit import principal
from glottis.core.audio import PcmFormat
from glottis.core.errors import InvalidInput, TooLarge, Unprocessable
from glottis.core.sessions import require_project
from glottis.core.speech import Heard, SpeechRequest
from glottis.plugins import DEFAULT_VOICE, RecognitionOptions, Transcript
from quart import Blueprint, Response
from quart_schema import document_request, document_response

blueprint = Blueprint("speech", __name__, url_prefix=VOICE)

_DECODED_HERE_BYTES = 64 * 1024


@blueprint.post("/recognize")
@documented("voice assistant", 400, 404, 413, 415, 422)
@document_request(Recognize)
@document_response(answers.Recognition, 200)
async def recognize() -> Response:
    """Convert audio to text."""
    started = time.perf_counter()
    body = await read_body(Recognize)
    _enter(body.project)
    if body.text_hint:
        heard = Heard(Transcript(body.text_hint, 1.0, body.language), None, 0.0)
    else:
        heard = await _hear(body)
    return as_json(_recognized(heard, seconds=time.perf_counter() - started))


@blueprint.post("/synthesize")
@documented("voice assistant", 400, 404, 413, 422)
@document_request(Synthesize)
@document_response(answers.Synthesis, 202)
async def synthesize() -> Response:
    """Convert text to speech audio."""
    body = await read_body(Synthesize)
    project = body.project
    if project is None and body.voice != DEFAULT_VOICE:
        # A trained voice says of itself whose it is.
        project = await platform().trained_voices.project_of(body.voice, principal())
    _enter(project)
    require_length(body.text)
    audio = await platform().speaker.say(
        SpeechRequest(
            text=body.text,
            scope=principal().audio_scope(project or ""),
            project=project or "",
            language=body.language,
            voice=body.voice,
            provider=body.options.provider,
            emotion=body.emotion,
            speed=body.options.speed,
            format=body.options.format,
            extra=body.options.model_extra or {},
        )
    )
    return as_json(
        {
            "audio_url": audio_url(audio.id),
            "duration_seconds": round(audio.duration_s, 3),
            "cached": audio.cached,
            "provider": audio.provider,
        },
        202,
    )


def require_length(text: str) -> None:
    """Refuse a text that is longer than the server takes.

    Raises:
        Unprocessable: it is.
    """
    most = platform().engine.settings.text_max_chars
    if len(text) > most:
        raise Unprocessable(f"text: has {len(text)} characters; at most {most} are taken")


def decode_base64(text: str, *, field: str = "audio_base64") -> bytes:
    """Decode what a client sent as base64 in a field, with or without a `data:` prefix.

    Raises:
        InvalidInput: it is not base64.
    """
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(f"{field}: is not valid base64") from None


def _enter(project: str | None) -> None:
    require_origin(project or "")
    if project is not None:
        require_project(principal(), project)


async def _hear(body: Recognize) -> Heard:
    encoded = body.audio_base64 or ""
    most = platform().engine.settings.audio_max_bytes
    if len(encoded) * 3 // 4 > most + 64:
        raise TooLarge(f"audio_base64: more than {most} bytes of audio")
    if len(encoded) > _DECODED_HERE_BYTES:
        audio = await asyncio.to_thread(decode_base64, encoded)
    else:
        audio = decode_base64(encoded)
    declared = None
    if body.audio is not None:
        declared = PcmFormat(
            encoding=body.audio.encoding,
            sample_rate=body.audio.sample_rate,
            channels=body.audio.channels,
        )
    options = RecognitionOptions(
        language=body.language, alternatives=body.max_alternatives, word_times=body.word_times
    )
    return await platform().engine.recognition.hear(
        audio, options, project=body.project or "", provider=body.provider, declared=declared
    )


def _recognized(heard: Heard, *, seconds: float) -> dict[str, object]:
    transcript = heard.transcript
    alternatives = [
        {"text": other.text, "confidence": round(other.confidence, 4)} for other in transcript.alternatives
    ]
    recognized: dict[str, object] = {
        "text": transcript.text,
        "confidence": round(transcript.confidence, 4),
        "language": transcript.language,
        "processing_time_ms": round(1_000 * seconds, 3),
        "alternatives": alternatives or None,
        "provider": heard.provider,
    }
    if transcript.words:
        recognized["words"] = [
            {"text": word.text, "start": word.start_s, "end": word.end_s, "confidence": word.confidence}
            for word in transcript.words
        ]
    return recognized
