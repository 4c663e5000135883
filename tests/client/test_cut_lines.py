"""Connections that are cut, anywhere: what both sides say arrives all the same, once, and in order."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from glottis.api.client import (
    AudioData,
    AudioEnd,
    Conversation,
    Endpointing,
    Message,
    Response,
    Resumed,
    ServerAway,
    Status,
    Transcription,
    Wishes,
    connect,
)

from tests.api.conftest import VOICE, Server
from tests.program import until as until_it_holds

from .cutting import CuttingProxy
from .test_conversation import spoken, until

SEEDS = range(6)
MANUAL = Wishes(endpointing=Endpointing(mode="manual"))
STREAMED = Wishes(reply="stream", reply_rate_hz=16_000)

Cut = Callable[..., AbstractAsyncContextManager[tuple[CuttingProxy, Conversation]]]


@pytest.fixture
def converse(server: Server) -> Cut:
    """Converse over a proxy: `async with converse(cuts=[100, 5_000]) as (proxy, conversation)`."""

    @asynccontextmanager
    async def conversing(
        *cuts: int, wishes: Wishes = MANUAL, patience_s: float = 30
    ) -> AsyncIterator[tuple[CuttingProxy, Conversation]]:
        async with (
            CuttingProxy(server.address, cuts).serving() as proxy,
            connect(
                proxy.address, project="demo", language="en-US", wishes=wishes, patience_s=patience_s
            ) as conversation,
        ):
            yield proxy, conversation

    return conversing


def some_cuts(seed: int, *, most_bytes: int) -> list[int]:
    source = random.Random(seed)  # noqa: S311 - the same every time
    return [source.randrange(most_bytes) for _ in range(8)]


def texts(messages: list[Message], kind: type[Response | Transcription]) -> list[str]:
    return [each.text for each in messages if isinstance(each, kind) and getattr(each, "is_final", True)]


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_typed_and_done_is_taken_in_once(seed: int, server: Server, converse: Cut) -> None:
    said = [f"line {number} of a long letter" for number in range(8)]
    messages: list[Message] = []
    async with converse(*some_cuts(seed, most_bytes=1_500)) as (proxy, conversation):
        for number, text in enumerate(said):
            await conversation.navigate("step", {"number": number})
            await conversation.say(text)
            messages += await until(conversation, Response)
        await conversation.flush()
        path = f"{VOICE}/session/{conversation.session.id}/history?limit=200"

        async def items() -> list[dict[str, Any]]:
            read: list[dict[str, Any]] = (await server.client.get(path)).json()["items"]
            return read

        async def all_written() -> bool:
            steps = [
                item["content"]["params"]["number"] for item in await items() if "params" in item["content"]
            ]
            return sorted(steps) == list(range(len(said)))

        await until_it_holds(all_written)
        typed = [item["content"]["text"] for item in await items() if item["type"] == "user"]
        assert proxy.cut > 1
    assert texts(messages, Response) == said
    assert typed == said


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_said_is_heard_once_and_whole(seed: int, server: Server, converse: Cut) -> None:
    said = ["show the prices", "one two three", "and a last word"]
    audio = [await spoken(server, text) for text in said]
    messages: list[Message] = []
    async with converse(*some_cuts(seed, most_bytes=20_000)) as (proxy, conversation):
        for each in audio:
            for start in range(0, len(each), 700):
                await conversation.send_audio(each[start : start + 700])
            await conversation.end_of_speech()
        # Not until all is answered: who goes on speaking interrupts.
        while len(texts(messages, Transcription)) < len(said):
            messages += await until(conversation, Transcription)
        assert proxy.cut > 1
    assert texts(messages, Transcription) == said


@pytest.mark.parametrize("seed", SEEDS)
async def test_an_answer_is_heard_once_and_whole(seed: int, converse: Cut) -> None:
    said = "a few words"
    async with converse(wishes=STREAMED) as (_, conversation):
        await conversation.say(said)
        whole = audio_of(await until(conversation, AudioEnd))
    async with converse(*some_cuts(seed, most_bytes=len(whole)), wishes=STREAMED) as (proxy, conversation):
        await conversation.say(said)
        messages = await until(conversation, AudioEnd)
        assert proxy.cut > 0
    assert audio_of(messages) == whole
    assert all(each.is_complete for each in messages if isinstance(each, Resumed))


def audio_of(messages: list[Message]) -> bytes:
    return b"".join(each.data for each in messages if isinstance(each, AudioData))


async def test_what_is_said_while_the_server_is_away_is_answered_when_it_is_back(converse: Cut) -> None:
    async with converse() as (proxy, conversation):
        await until(conversation, Status)
        proxy.is_away = True
        proxy.cut_all()
        await conversation.say("anybody there?")
        proxy.is_away = False
        assert texts(await until(conversation, Response), Response) == ["anybody there?"]


async def test_a_server_that_stays_away_is_told(converse: Cut) -> None:
    async with converse(patience_s=0.5) as (proxy, conversation):
        await until(conversation, Status)
        proxy.is_away = True
        proxy.cut_all()
        with pytest.raises(ServerAway):
            await until(conversation, Response)
        with pytest.raises(ServerAway):
            await conversation.say("anybody there?")
