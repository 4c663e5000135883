"""The voices of an account, asked for a page at a time and remembered for a while."""

import asyncio
import time
from collections.abc import Callable

from glottis.plugins import VoiceInfo

from glottis_elevenlabs.answers import Voice, VoicePage, decode
from glottis_elevenlabs.client import ElevenLabsClient
from glottis_elevenlabs.languages import short_code

PAGE_SIZE = 100
REMEMBERED_S = 300.0


class VoiceList:
    """Lists the voices; asks again after five minutes, and once only for callers that come together."""

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
        seen: set[str] = set()
        token: str | None = None
        while token not in seen:
            params: dict[str, str | int] = {"page_size": PAGE_SIZE}
            if token is not None:
                seen.add(token)
                params["next_page_token"] = token
            page = decode(VoicePage, await self._client.json("GET", "/v2/voices", params=params))
            # The first page may repeat voices of later ones: the defaults are put in front.
            for voice in page.voices:
                found.setdefault(voice.voice_id, self._info(voice))
            token = page.next_page_token
            if not page.has_more or token is None:
                break
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
