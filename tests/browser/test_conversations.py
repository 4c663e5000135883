"""A browser talks with a real server: its microphone, its MediaRecorder, its player."""

import base64
from typing import Any

import httpx
import pytest

from tests.browser.conftest import Visit, Visiting
from tests.program import VOICE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

EBML = [0x1A, 0x45, 0xDF, 0xA3]
QUESTION = "Please show me the pricing page"
HEARD = "please show me the pricing page"
PLAYED = """
new Promise((done) => {
    const played = () => done([voice.player.currentTime, voice.player.duration]);
    voice.player.ended ? played() : (voice.player.onended = played);
})
"""


def plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalpha() or letter == " ").strip()


def heads(visit: Visit) -> list[list[int]]:
    """Give the first bytes of each piece of audio that was sent."""
    found = []
    for said in visit.seen:
        sent: dict[str, Any] = said.get("sent", {})
        if "binary" in said:
            found.append(said["head"])
        elif sent.get("type") == "audio_chunk" and sent["data"]:
            found.append(list(base64.b64decode(sent["data"])[:4]))
    return found


async def assert_answered(visit: Visit) -> None:
    """Follow one spoken turn: words while it is heard, all of them, the answer, and its sound."""
    response = await visit.until("response")
    drafts = [message for message in visit.received("transcription") if not message["is_final"]]
    (final,) = [message for message in visit.received("transcription") if message["is_final"]]
    assert drafts
    assert all(plain(message["text"]).startswith("please") for message in drafts if message["text"])
    assert plain(final["text"]) == HEARD
    assert [action["url"] for action in response["suggested_actions"]] == ["/pricing"]
    position_s, duration_s = await visit.page.evaluate(PLAYED)
    assert position_s == duration_s > 0.8


async def assert_remembered(caller: httpx.AsyncClient, visit: Visit) -> None:
    history = (await caller.get(f"{VOICE}/session/{visit.session_id}/history")).json()["items"]
    assert [item["type"] for item in history] == ["recognition", "assistant"]
    assert plain(history[0]["content"]["text"]) == HEARD


async def test_the_client_of_the_documentation_is_heard_and_plays_the_answer(
    visiting: Visiting, caller: httpx.AsyncClient
) -> None:
    async with visiting("client.js", 0.5, QUESTION, 1.0) as visit:
        await assert_answered(visit)
        assert heads(visit)[0] == EBML
        await assert_remembered(caller, visit)


@pytest.mark.parametrize("client", ["client.js", "first_version.js"])
async def test_chunks_of_a_second_are_heard_with_a_header_in_the_first_alone(
    visiting: Visiting, client: str
) -> None:
    async with visiting(client, 0.5, QUESTION, 1.0, chunk_ms=1_000) as visit:
        await assert_answered(visit)
        first, *others = heads(visit)
        assert first == EBML
        assert others
        assert EBML not in others


async def test_a_recording_that_is_stopped_ends_the_turn_at_once(visiting: Visiting) -> None:
    async with visiting("first_version.js", QUESTION, 10.0, chunk_ms=1_000) as visit:
        await visit.until("transcription", is_final=False)
        await visit.page.evaluate("voice.finish()")
        await visit.until("response")
        last = [said["sent"] for said in visit.seen if said.get("sent", {}).get("type") == "audio_chunk"][-1]
        assert last["is_final"]
        assert plain(visit.received("transcription")[-1]["text"]).startswith("please")


async def test_who_speaks_over_the_answer_silences_the_player(visiting: Visiting) -> None:
    async with visiting("client.js", 0.5, "What can you do?", 3.5, QUESTION, 1.0) as visit:
        await visit.until("paused", turn_id=1)
        await visit.until("interrupted", turn_id=1, reason="speech")
        assert await visit.page.evaluate("voice.player.paused || voice.player.currentSrc === ''")
        visit.seen.clear()
        await assert_answered(visit)
        turns = [said["received"].get("turn_id", 2) for said in visit.seen if "received" in said]
        assert set(turns) == {2}
