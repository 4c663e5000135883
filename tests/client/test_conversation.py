"""Talking to a server, and what is told where that cannot be."""

import asyncio
import socket
from itertools import pairwise

import pytest
from glottis.api.client import (
    Audio,
    AudioData,
    AudioEnd,
    ClientError,
    Conversation,
    Endpointing,
    Interrupted,
    Message,
    Metrics,
    Problem,
    ProtocolError,
    Refused,
    Replaced,
    Response,
    ServerAway,
    SessionOver,
    Status,
    Transcription,
    UnknownProject,
    Wishes,
    WrongPassword,
    connect,
)
from websockets.asyncio.client import connect as connect_websocket

from tests.api.conftest import PASSWORD, VOICE, Serve, Server
from tests.program import until as until_it_holds

MANUAL = Wishes(endpointing=Endpointing(mode="manual"))


async def until(conversation: Conversation, kind: type[Message]) -> list[Message]:
    """Read up to the first message of a kind."""
    messages = []
    async for message in conversation:
        messages.append(message)
        if isinstance(message, kind):
            return messages
    raise AssertionError(f"the conversation ended without {kind.__name__}: {messages}")


async def until_it_ends(conversation: Conversation) -> list[Message]:
    return [message async for message in conversation]


async def spoken(server: Server, text: str) -> bytes:
    answer = await server.client.post(f"{VOICE}/synthesize", json={"text": text, "language": "en-US"})
    return (await server.client.get(answer.json()["audio_url"])).content


async def test_what_is_typed_is_answered_and_can_be_fetched(server: Server) -> None:
    async with connect(server.address, project="demo", language="en-US") as conversation:
        assert conversation.session.initial_greeting
        await conversation.say("show the prices")
        messages = await until(conversation, Response)
        response = messages[-1]
        assert isinstance(response, Response)
        assert response.text == "Opening prices."
        assert [(action.type, action.params["url"]) for action in response.suggested_actions] == [
            ("navigate", "/pricing")
        ]
        assert response.audio_url is not None
        assert await conversation.fetch(response.audio_url)
    statuses = [message.status for message in messages if isinstance(message, Status)]
    assert statuses == ["listening", "thinking", "speaking"]


async def test_what_is_said_is_heard_while_it_is_said(server: Server) -> None:
    audio = await spoken(server, "show the prices")
    async with connect(server.address, project="demo", language="en-US", wishes=MANUAL) as conversation:
        for start in range(0, len(audio), 3_000):
            await conversation.send_audio(audio[start : start + 3_000])
        await conversation.end_of_speech()
        messages = await until(conversation, Metrics)
    final = [each for each in messages if isinstance(each, Transcription) and each.is_final]
    assert [each.text for each in final] == ["show the prices"]
    assert isinstance(messages[-1], Metrics)
    assert set(messages[-1].latencies_ms) >= {"final", "reply", "done"}


async def test_an_utterance_may_come_whole(server: Server) -> None:
    audio = await spoken(server, "show the prices")
    async with connect(server.address, project="demo", language="en-US", wishes=MANUAL) as conversation:
        for _ in range(2):
            await conversation.send_audio(audio, is_final=True)
            assert isinstance((await until(conversation, Response))[-1], Response)


async def test_an_answer_is_streamed_and_stops_when_it_is_interrupted(server: Server) -> None:
    wishes = Wishes(reply="stream", reply_rate_hz=16_000)
    async with connect(server.address, project="demo", language="en-US", wishes=wishes) as conversation:
        await conversation.say("show the prices")
        messages = await until(conversation, AudioEnd)
        (audio,) = (message for message in messages if isinstance(message, Audio))
        assert (audio.format, audio.sample_rate) == ("pcm16", 16_000)
        data = b"".join(message.data for message in messages if isinstance(message, AudioData))
        assert isinstance(messages[-1], AudioEnd)
        assert len(data) / 32 == pytest.approx(messages[-1].duration_ms, abs=5)
        await conversation.playback(100)
        await conversation.interrupt()
        interrupted = (await until(conversation, Interrupted))[-1]
        assert isinstance(interrupted, Interrupted)
        assert (interrupted.turn_id, interrupted.reason, interrupted.position_ms) == (1, "client", 100)


async def test_what_the_person_does_on_the_page_goes_into_the_history(server: Server) -> None:
    async with connect(server.address, project="demo", user_id="u1") as conversation:
        await conversation.navigate("scroll", {"to": "top"})
        await conversation.flush()
        path = f"{VOICE}/session/{conversation.session.id}"

        async def written() -> bool:
            items = (await server.client.get(f"{path}/history")).json()["items"]
            return [(item["content"]["action"], item["user_id"]) for item in items] == [("scroll", "u1")]

        await until_it_holds(written)
    assert (await server.client.get(path)).status_code == 404


async def test_messages_are_numbered_without_a_gap(server: Server) -> None:
    async with connect(server.address, project="demo") as conversation:
        await conversation.say("one")
        messages = await until(conversation, Metrics)
    numbers = [message.seq for message in messages if not isinstance(message, AudioData)]
    assert all(later > earlier for earlier, later in pairwise(numbers))


async def test_a_mistake_is_told_and_the_conversation_goes_on(server: Server) -> None:
    async with connect(server.address, project="demo", wishes=MANUAL) as conversation:
        await conversation.send_audio(b"\x89PNG\r\n\x1a\n" + bytes(50), is_final=True)
        problem = (await until(conversation, Problem))[-1]
        assert isinstance(problem, Problem)
        assert problem.code == "unsupported_audio"
        await conversation.say("hello")
        await until(conversation, Response)


@pytest.mark.parametrize("said", ["", "x" * 100_000])
async def test_a_text_that_no_server_takes_is_refused_or_told(server: Server, said: str) -> None:
    async with connect(server.address, project="demo") as conversation:
        if said:
            await conversation.say(said)
            await until(conversation, Problem)
        else:
            with pytest.raises(ValueError, match="nothing"):
                await conversation.say(said)
        await conversation.say("hello")
        await until(conversation, Response)


async def test_more_is_said_than_may_be_under_way_at_once(server: Server) -> None:
    async with connect(server.address, project="demo") as conversation:
        reading = asyncio.create_task(until_it_ends(conversation))
        for number in range(600):
            await conversation.navigate("step", {"number": number})
        await conversation.flush()

        async def all_written() -> bool:
            items = await server.platform.store.interactions.history(conversation.session.id, limit=1_000)
            assert len(items) <= 600
            return {item.content["params"]["number"] for item in items} == set(range(600))

        await until_it_holds(all_written)
    assert await reading


async def test_a_wrong_password_is_told(serve: Serve) -> None:
    async with serve(users={"alice": ("demo",)}) as server:
        for password in (None, "wrong"):
            with pytest.raises(WrongPassword):
                async with connect(server.address, project="demo", user="alice", password=password):
                    pass
        with pytest.raises(WrongPassword):
            async with connect(server.address, project="demo"):
                pass
        with pytest.raises(UnknownProject):
            async with connect(server.address, project="other", user="alice", password=PASSWORD):
                pass
        async with connect(server.address, project="demo", user="alice", password=PASSWORD) as conversation:
            await conversation.say("hello")
            await until(conversation, Response)


async def test_wishes_that_no_server_grants_are_told(server: Server) -> None:
    with pytest.raises(Refused, match="language"):
        async with connect(server.address, project="demo", language="?"):
            pass


async def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        with pytest.raises(ServerAway, match=str(port)):
            async with connect(f"127.0.0.1:{port}", project="demo"):
                pass


async def test_what_is_no_glottis_server_is_told() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        with pytest.raises(ProtocolError, match="no Glottis server"):
            async with connect(f"http://127.0.0.1:{port}", project="demo"):
                pass


async def test_a_session_that_is_ended_elsewhere_ends_the_conversation(server: Server) -> None:
    async with connect(server.address, project="demo") as conversation:
        await until(conversation, Status)
        await server.client.delete(f"{VOICE}/session/{conversation.session.id}")
        with pytest.raises(SessionOver, match="ended"):
            await until_it_ends(conversation)
        with pytest.raises(SessionOver):
            await conversation.say("hello")


async def test_a_newer_connection_ends_the_conversation_here(server: Server) -> None:
    async with connect(server.address, project="demo") as conversation:
        await until(conversation, Status)
        async with connect_websocket(conversation.session.websocket_url):
            with pytest.raises(Replaced):
                await until_it_ends(conversation)
        with pytest.raises(ClientError):
            await conversation.flush()
