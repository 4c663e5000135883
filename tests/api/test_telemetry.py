"""Turns as OpenTelemetry tells of them, received by a collector of the test's own."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from .conftest import VOICE, Serve
from .sockets import send, until

Spans = asyncio.Queue[Any]


@pytest.fixture
async def collector() -> AsyncIterator[tuple[str, Spans]]:
    """A collector on a free port: its URL, and the spans that it was sent."""
    spans: Spans = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        body = await reader.readexactly(length)
        assert head.startswith("post /v1/traces ")
        request = ExportTraceServiceRequest.FromString(
            gzip.decompress(body) if "content-encoding: gzip" in head else body
        )
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    spans.put_nowait(span)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", spans


@asynccontextmanager
async def answered(serve: Serve, endpoint: str | None) -> AsyncIterator[str]:
    """Have a turn answered by a server that reports to an endpoint; the server has stopped afterwards."""
    async with serve(otlp_endpoint=endpoint) as server:
        session_id = (await server.start_session(language="en-US"))["session_id"]
        async with server.websocket(session_id) as socket:
            await socket.send(json.dumps({"type": "text_input", "text": "show the prices"}))
            while json.loads(await socket.recv()).get("type") != "response":
                pass
            assert json.loads(await socket.recv())["status"] == "listening"
        yield session_id


async def test_a_turn_is_a_span_with_its_parts_and_without_its_words(
    serve: Serve, collector: tuple[str, Spans]
) -> None:
    endpoint, spans = collector
    async with answered(serve, endpoint) as session_id:
        pass
    sent = {span.name: span for span in (spans.get_nowait() for _ in range(spans.qsize()))}
    assert set(sent) == {"turn", "answer", "speak"}
    turn = sent["turn"]
    attributes = {item.key: item.value for item in turn.attributes}
    assert attributes["glottis.session_id"].string_value == session_id
    assert attributes["glottis.intent"].string_value == "navigate"
    assert "prices" not in str(turn)
    for part in ("answer", "speak"):
        assert sent[part].parent_span_id == turn.span_id
        assert turn.start_time_unix_nano <= sent[part].start_time_unix_nano
        assert sent[part].end_time_unix_nano <= turn.end_time_unix_nano


async def test_of_a_spoken_turn_the_span_tells_how_long_hearing_took(
    serve: Serve, collector: tuple[str, Spans]
) -> None:
    endpoint, spans = collector
    async with serve(otlp_endpoint=endpoint) as server:
        body = {"text": "show the prices", "language": "en-US"}
        spoken = (await server.client.post(f"{VOICE}/synthesize", json=body)).json()
        audio = (await server.client.get(spoken["audio_url"])).content
        session_id = (await server.start_session(language="en-US"))["session_id"]
        async with server.websocket(session_id) as socket:
            await socket.send(audio)
            await send(socket, "end_of_speech")
            await until(socket, "response")
            await until(socket, "status")
    sent = {span.name: span for span in (spans.get_nowait() for _ in range(spans.qsize()))}
    assert set(sent) == {"turn", "hear", "answer", "speak"}
    assert sent["hear"].end_time_unix_nano <= sent["answer"].end_time_unix_nano
    assert "prices" not in str(sent)


async def test_without_an_endpoint_nothing_is_reported(serve: Serve, collector: tuple[str, Spans]) -> None:
    async with answered(serve, None):
        pass
    assert collector[1].empty()


async def test_a_collector_that_is_away_costs_nobody_anything(serve: Serve) -> None:
    async with answered(serve, "http://127.0.0.1:9"):
        pass
