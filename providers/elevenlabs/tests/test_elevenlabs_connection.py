"""Over a real connection to a real server on this machine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from glottis.plugins import ErrorCategory, ProviderError, SynthesisOptions

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: audio/pcm\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"4\r\n\x01\x02\x03\x04\r\n"
END = b"0\r\n\r\n"

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Answers each request with the same function, and notes when a connection ends."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.connections = 0
        self.is_gone = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await read_request(reader):
                await self.answer(reader, writer)
        except ConnectionError:
            pass
        finally:
            self.is_gone.set()
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> bool:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return False
    sizes = [
        line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    ]
    await reader.readexactly(int(sizes[0]) if sizes else 0)
    return True


@asynccontextmanager
async def running(answer: Answer) -> AsyncIterator[tuple[Server, str]]:
    server = Server(answer)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        yield server, f"http://127.0.0.1:{port}"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


async def whole(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + CHUNK + END)
    await writer.drain()


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send one chunk and then nothing more; end when the other side has gone."""
    writer.write(HEAD + CHUNK)
    await writer.drain()
    await reader.read()


async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + CHUNK)
    await writer.drain()
    writer.close()


def speech(provider: Any) -> Any:
    return provider.synthesize("Hello.", SynthesisOptions(language="en"))


async def test_closing_the_iterator_closes_the_connection(speaker: Any) -> None:
    async with running(endless) as (server, address):
        provider = await speaker(base_url=address)
        async with aclosing(speech(provider)) as frames:
            assert (await anext(frames)).pcm == b"\x01\x02\x03\x04"
            assert not server.is_gone.is_set()
        async with asyncio.timeout(5):
            await server.is_gone.wait()


async def test_cancelling_in_the_middle_closes_the_connection(speaker: Any) -> None:
    async with running(endless) as (server, address):
        provider = await speaker(base_url=address)
        has_begun = asyncio.Event()

        async def listen() -> None:
            async for _ in speech(provider):
                has_begun.set()

        task = asyncio.create_task(listen())
        async with asyncio.timeout(5):
            await has_begun.wait()
            task.cancel()
            await asyncio.wait({task})
            await server.is_gone.wait()
        assert task.cancelled()


async def test_a_stream_that_the_server_cuts_is_an_error_after_what_came(speaker: Any) -> None:
    async with running(cut) as (_, address):
        frames = speech(await speaker(base_url=address))
        assert (await anext(frames)).pcm == b"\x01\x02\x03\x04"
        with pytest.raises(ProviderError) as caught:
            await anext(frames)
        assert caught.value.category is ErrorCategory.UNAVAILABLE


async def test_a_stream_that_stalls_is_a_timeout(speaker: Any) -> None:
    async with running(endless) as (server, address):
        frames = speech(await speaker(base_url=address, read_timeout_s=0.2))
        assert (await anext(frames)).pcm == b"\x01\x02\x03\x04"
        with pytest.raises(ProviderError) as caught:
            await anext(frames)
        assert caught.value.category is ErrorCategory.TIMEOUT
        async with asyncio.timeout(5):
            await server.is_gone.wait()


async def test_a_server_that_is_not_there_is_unavailable(speaker: Any) -> None:
    async with running(whole) as (_, address):
        provider = await speaker(base_url=address)
    with pytest.raises(ProviderError) as caught:
        await anext(speech(provider))
    assert caught.value.category is ErrorCategory.UNAVAILABLE


async def test_one_connection_serves_one_request_after_another(speaker: Any) -> None:
    async with running(whole) as (server, address):
        provider = await speaker(base_url=address)
        for _ in range(3):
            assert [frame.pcm async for frame in speech(provider)] == [b"\x01\x02\x03\x04"]
        assert server.connections == 1
        await provider.aclose()
        async with asyncio.timeout(5):
            await server.is_gone.wait()
