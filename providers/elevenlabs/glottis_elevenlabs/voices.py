"""The voices of an account, asked for a page at a time and remembered for a while."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from glottis.plugins import VoiceInfo

from glottis_elevenlabs.answers import Voice, VoicePage, decode
from glottis_elevenlabs.client import ElevenLabsClient
from glottis_elevenlabs.cloning import is_ours
from glottis_elevenlabs.languages import short_code

VOICE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
PAGE_SIZE = 100
REMEMBERED_S = 300.0


async def all_voices(client: ElevenLabsClient, *, category: str | None = None) -> AsyncGenerator[Voice, None]:
    """Give the voices of the account, or those of a category, page by page; some may come twice."""
    params: dict[str, str | int] = {"page_size": PAGE_SIZE}
    if category is not None:
        params["category"] = category
    seen: set[str] = set()
    token: str | None = None
    while token not in seen:
        if token is not None:
            seen.add(token)
            params["next_page_token"] = token
        page = decode(VoicePage, await client.json("GET", "/v2/voices", params=params))
        for voice in page.voices:
            yield voice
        token = page.next_page_token
        if not page.has_more or token is None:
            return


class VoiceList:
    """Lists the voices; asks again after five minutes, and once only for callers that come together.

    Voices that Glottis has trained are not among them: each belongs to a project.
    """

    def __init__(
        self,
        client: ElevenLabsClient,
        *,
        spoken: frozenset[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._spoken = tuple(sorted(spoken))
        self._clock = clock
        self._asking = asyncio.Lock()
        self._voices: tuple[VoiceInfo, ...] = ()
        self._good_until = float("-inf")

    async def get(self) -> tuple[VoiceInfo, ...]:
        async with self._asking:
            if self._clock() >= self._good_until:
                self._voices = await self._ask()
                self._good_until = self._clock() + REMEMBERED_S
            return self._voices

    async def _ask(self) -> tuple[VoiceInfo, ...]:
        found: dict[str, VoiceInfo] = {}
        async with aclosing(all_voices(self._client)) as voices:
            # The first page may repeat voices of later ones: the defaults are put in front.
            async for voice in voices:
                if not is_ours(voice.name):
                    found.setdefault(voice.voice_id, self._info(voice))
        return tuple(found.values())

    def _info(self, voice: Voice) -> VoiceInfo:
        labels = voice.labels or {}
        verified = [entry.locale or short_code(entry.language) for entry in voice.verified_languages or ()]
        if not verified and labels.get("language"):
            verified = [short_code(labels["language"])]
        return VoiceInfo(
            id=voice.voice_id,
            name=voice.name or voice.voice_id,
            languages=tuple(dict.fromkeys(verified)) or self._spoken,
            gender=labels.get("gender"),
        )
