import asyncio
import re
from pathlib import Path

import pytest
import uvloop
from glottis.core.broker import Broker, BrokerUnavailable, Message, open_broker
from pydantic import SecretStr

from tests.nats_server import NatsServer, nats_server


async def test_a_message_is_heard_by_whoever_listens(broker: Broker) -> None:
    heard: asyncio.Queue[Message] = asyncio.Queue()
    inbox = broker.new_inbox()
    async with broker.subscribing(inbox, heard.put):
        await broker.publish(inbox, b"hello", headers={"a": "b"}, reply="there")
        message = await heard.get()
    assert (message.subject, message.payload, message.reply) == (inbox, b"hello", "there")
    assert message.headers == {"a": "b"}


async def test_messages_are_heard_in_order_and_one_at_a_time(broker: Broker) -> None:
    heard: list[bytes] = []
    inside = 0
    done = asyncio.Event()

    async def hear(message: Message) -> None:
        nonlocal inside
        assert inside == 0
        inside += 1
        await asyncio.sleep(0)
        inside -= 1
        heard.append(message.payload)
        if len(heard) == 100:
            done.set()

    async with broker.subscribing(broker.subject("news"), hear):
        for number in range(100):
            await broker.publish(broker.subject("news"), str(number).encode())
        await done.wait()
    assert heard == [str(number).encode() for number in range(100)]


async def test_a_request_is_answered(broker: Broker) -> None:
    async def hear(message: Message) -> None:
        await broker.publish(message.reply, message.payload.upper(), headers={"by": "me"})

    inbox = broker.new_inbox()
    async with broker.subscribing(inbox, hear):
        answer = await broker.request(inbox, b"who?", timeout_s=10)
    assert (answer.payload, answer.headers) == (b"WHO?", {"by": "me"})


async def test_asking_where_nobody_listens_fails_at_once(broker: Broker) -> None:
    with pytest.raises(BrokerUnavailable, match="no responders"):
        await broker.request(broker.new_inbox(), timeout_s=60)


async def test_who_is_cancelled_as_the_answer_comes_is_cancelled(broker: Broker) -> None:
    asking: list[asyncio.Task[Message]] = []

    async def hear(message: Message) -> None:
        await broker.publish(message.reply, b"now")
        (answer,) = broker._client._resp_map.values()
        answer.add_done_callback(lambda _: asking[0].cancel())

    inbox = broker.new_inbox()
    async with broker.subscribing(inbox, hear):
        asking.append(asyncio.create_task(broker.request(inbox, timeout_s=10)))
        await asyncio.wait(asking)
    assert asking[0].cancelled()


async def test_a_message_that_is_too_large_is_refused(broker: Broker) -> None:
    with pytest.raises(BrokerUnavailable, match="payload"):
        await broker.publish("somewhere", bytes(broker.max_payload + 1))


async def test_what_a_listener_cannot_say_does_not_end_its_listening(broker: Broker) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(message: Message) -> None:
        await heard.put(message.payload)
        raise BrokerUnavailable("too bad")

    inbox = broker.new_inbox()
    async with broker.subscribing(inbox, hear):
        for said in (b"one", b"two"):
            await broker.publish(inbox, said)
        assert [await heard.get(), await heard.get()] == [b"one", b"two"]


async def test_a_broker_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(BrokerUnavailable) as refusal:
        async with open_broker(SecretStr("nats://me:secret@127.0.0.1:1"), name="test", timeout_s=0.2):
            pass
    assert "nats://127.0.0.1:1" in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        ",",
        "nats://",
        "nats://me:secret@[::1",
        "nats://me:secret@there:secret",
        "nats://me:secret@there:99999",
        "nats://me:se/cret@there",
        "nats://me:se#cret@there",
        "nats://me:se?cret@there:4222",
        "http://me:secret@there",
        "nats://me:secret@there,nats://me:se,cret@there",
    ],
)
async def test_what_is_no_address_is_refused_in_a_sentence_that_quotes_nothing_of_it(url: str) -> None:
    with pytest.raises(BrokerUnavailable) as refusal:
        async with open_broker(SecretStr(url), name="test"):
            pass
    assert "GLOTTIS_NATS_URL is to be" in str(refusal.value)
    assert not {"se", "secret", "cret"} & set(re.split(r"\W", str(refusal.value)))


async def test_a_server_may_be_named_without_a_scheme(nats_url: str) -> None:
    async with open_broker(SecretStr(nats_url.removeprefix("nats://")), name="test") as broker:
        assert broker.is_connected


async def test_a_password_that_is_to_be_encrypted_is_not_said_to_a_server_without_tls(nats_url: str) -> None:
    said = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id": "x", "version": "2.10.0", "headers": true, "jetstream": true}\r\n')
        said.extend(await reader.read())
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(BrokerUnavailable, match="does without TLS"):
            async with open_broker(SecretStr(f"tls://me:secret@127.0.0.1:{port}"), name="test", timeout_s=1):
                pass
    assert not said
    with pytest.raises(BrokerUnavailable, match="does without TLS"):
        async with open_broker(SecretStr(nats_url.replace("nats:", "tls:")), name="test", timeout_s=1):
            pass


async def test_after_an_outage_it_listens_and_speaks_again(tmp_path: Path) -> None:
    with nats_server(tmp_path / "nats") as server:
        async with open_broker(SecretStr(server.url), name="test") as broker:
            heard: asyncio.Queue[bytes] = asyncio.Queue()

            async def hear(message: Message) -> None:
                await heard.put(message.payload)

            async with broker.subscribing("news", hear):
                server.kill()
                await _said(broker, "news", is_heard=False)
                server.start()
                await _said(broker, "news", is_heard=True)
                assert await heard.get() == b"well"


async def test_who_is_sent_away_by_the_server_comes_back(nats_url: str) -> None:
    heard = asyncio.Event()

    async def hear(_message: Message) -> None:
        heard.set()

    async with open_broker(SecretStr(nats_url), name="test") as broker, asyncio.timeout(30):
        inbox = broker.new_inbox()
        async with broker.subscribing(inbox, hear):
            await broker.publish("much-too-long" * 1_000)
            while not broker._client.stats["reconnects"]:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
            while not heard.is_set():
                await _said(broker, inbox, is_heard=True)
                await asyncio.sleep(0.01)


async def _said(broker: Broker, subject: str, *, is_heard: bool) -> None:
    """Say something until it can be said, or cannot."""
    async with asyncio.timeout(30):
        while True:
            try:
                await broker.publish(subject, b"well")
            except BrokerUnavailable:
                if not is_heard:
                    return
            else:
                if is_heard:
                    return
            await asyncio.sleep(0.01)


def test_a_connection_is_given_up_while_the_server_is_away_by_the_loop_of_the_program(
    tmp_path: Path,
) -> None:
    """Not asyncio's own loop, which forgives what is written to a closed connection."""

    async def give_up(server: NatsServer) -> None:
        async with open_broker(SecretStr(server.url), name="test") as broker:
            server.kill()
            while broker.is_connected:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
            with pytest.raises(BrokerUnavailable):
                await broker.request(broker.subject("anybody"), timeout_s=0.1)

    with nats_server(tmp_path / "nats") as server:
        uvloop.run(give_up(server))


async def test_a_server_without_jetstream_is_refused(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats")
    (tmp_path / "nats" / "nats.conf").write_text("")
    server.start()
    try:
        with pytest.raises(BrokerUnavailable, match="start it with -js"):
            async with open_broker(SecretStr(server.url), name="test"):
                pass
    finally:
        server.kill()
