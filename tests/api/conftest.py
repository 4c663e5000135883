"""A whole server on a free port of loopback, over the real MongoDB of the tests."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from glottis.api.app import create_app
from glottis.api.server import address_of, bind, serve_app
from glottis.config import Settings, parse_deployment
from glottis.core.access import hash_password
from glottis.core.platform import Platform, open_platform
from glottis.plugins import ProviderSpec
from glottis.plugins.conformance import loaded_with
from glottis.plugins.host import load_plugins
from websockets.asyncio.client import ClientConnection, connect

VOICE = "/api/v1/voice"
PASSWORD = "correct horse"
MOCK = """
enable = ["mock"]
[routes]
recognize = ["mock"]
synthesize = ["mock"]
intents = ["mock"]
[projects.demo]
origins = ["https://shop.example"]
[projects.demo.sections.pricing]
url = "/pricing"
names = { ru = ["цены"], en = ["prices"] }
[projects.other.greeting]
en = "Other speaking"
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `client` talks to it, without credentials unless some are given."""

    platform: Platform
    address: str
    client: httpx.AsyncClient
    draining: asyncio.Event

    async def start_session(self, **body: Any) -> dict[str, Any]:
        response = await self.client.post(f"{VOICE}/session/start", json={"project": "demo", **body})
        assert response.status_code == 201, response.text
        started: dict[str, Any] = response.json()
        return started

    def websocket(self, session_id: str, **options: Any) -> connect:
        url = f"{self.address.replace('http', 'ws', 1)}{VOICE}/ws/{session_id}"
        return connect(url, **options)


Serve = Callable[..., AbstractAsyncContextManager[Server]]


@pytest.fixture
def serve(store_settings: Callable[..., Settings]) -> Serve:
    """Run a server: `serve(toml, *specs, users={name: projects}, **settings)`.

    With `specs` the deployment's only plugin, "test", offers just these. With `send_buffer` the kernel takes
    about so many bytes of what a client does not read.
    """

    @asynccontextmanager
    async def serving(
        toml: str = MOCK,
        *specs: ProviderSpec,
        users: Mapping[str, tuple[str, ...] | None] | None = None,
        send_buffer: int | None = None,
        **settings: Any,
    ) -> AsyncIterator[Server]:
        chosen = store_settings(port=0, **settings)
        deployment = parse_deployment(toml, file="plugins.toml", environment={})
        loaded = loaded_with(*specs) if specs else load_plugins(deployment.enable, load_timeout_s=30.0)
        stop, draining = asyncio.Event(), asyncio.Event()
        async with open_platform(chosen, deployment, environment={}, loaded=loaded) as platform:
            for name, projects in (users or {}).items():
                hashed = await asyncio.to_thread(hash_password, PASSWORD)
                await platform.store.users.add(name, password_hash=hashed, projects=projects, replace=True)
            app = create_app(platform, draining=draining)
            sock = bind(chosen)
            if send_buffer is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
            sock.listen()
            running = asyncio.create_task(serve_app(app, chosen, sock, stop=stop.wait))
            try:
                async with httpx.AsyncClient(base_url=address_of(sock), timeout=60) as client:
                    yield Server(platform, address_of(sock), client, draining)
            finally:
                stop.set()
                await running
                sock.close()

    return serving


@pytest.fixture
async def server(serve: Serve) -> AsyncIterator[Server]:
    """A server of the mock providers, without users."""
    async with serve() as running:
        yield running


__all__ = ["MOCK", "PASSWORD", "VOICE", "ClientConnection", "Serve", "Server"]
