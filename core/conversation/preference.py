"""The voice that a session would like to hear."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from glottis.core.access import ANYONE
from glottis.core.errors import Unprocessable
from glottis.core.speech import SpeechRequest
from glottis.core.store import SessionRecord
from glottis.plugins import DEFAULT_VOICE

T = TypeVar("T")


async def as_preferred(
    session: SessionRecord,
    speak: Callable[[SpeechRequest], Awaitable[T]],
    *,
    text: str,
    format: str,  # noqa: A002 - the API's own word for it
) -> T:
    """Have an answer spoken as the session prefers; where the route cannot, with the project's usual voice.

    Raises:
        Unprocessable, Unavailable: as `speak`.
    """
    plain = SpeechRequest(
        text=text,
        scope=ANYONE.audio_scope(session.project),
        project=session.project,
        language=session.language,
        format=format,
    )
    if session.voice_id or session.voice_provider:
        preferred = replace(plain, voice=session.voice_id or DEFAULT_VOICE, provider=session.voice_provider)
        try:
            return await speak(preferred)
        except Unprocessable:
            pass
    return await speak(plain)
