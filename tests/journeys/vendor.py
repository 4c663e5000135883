"""A stand-in for ElevenLabs on a free port of loopback: real HTTP, which can be out of order."""

import asyncio
import json
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

BEEP = array("h", ([9_000] * 25 + [-9_000] * 25) * 441).tobytes()  # a second of 441 Hz at 22,050 Hz


class Vendor:
    """Speaks beeps and hears a fixed text; answers 500 to everything while it is out of order."""

    def __init__(self) -> None:
        self.address = ""
        self.is_out_of_order = True
        self.requests: list[str] = []

    def asked(self, path: str) -> int:
        """Count the requests for a path."""
        return sum(path in request for request in self.requests)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            headers = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
            await reader.readexactly(int(headers.get("content-length", 0)))
            path = head.split()[1]
            self.requests.append(path)
            writer.write(self._answer(path))
            await writer.drain()
        except asyncio.IncompleteReadError:
            pass  # a connection that was opened and not used
        finally:
            writer.close()

    def _answer(self, path: str) -> bytes:
        if self.is_out_of_order:
            return _response("500 Internal Server Error", "text/html", b"<h1>out of order</h1>")
        if "text-to-speech" in path:
            return _response("200 OK", "audio/pcm", BEEP)
        if "speech-to-text" in path:
            return _response("200 OK", "application/json", json.dumps({"text": "it was heard"}).encode())
        return _response("200 OK", "application/json", b"{}")


@asynccontextmanager
async def vendor() -> AsyncIterator[Vendor]:
    """Run one, out of order at first."""
    made = Vendor()
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        made.address = f"http://{host}:{port}"
        yield made


def _response(status: str, content_type: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body
