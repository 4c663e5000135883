"""HTTP to ElevenLabs: one client a provider, every failure one of ours."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from typing import Any

import httpx
from glottis.plugins import ErrorCategory, ProviderError

from glottis_elevenlabs.config import ElevenLabsConfig
from glottis_elevenlabs.failures import HTTPX_ERRORS, failure, from_exception, read_refusal

# A turn of a conversation comes every few seconds: a connection that waits for it saves the TLS handshake.
KEEPALIVE_S = 60.0


class ElevenLabsClient:
    """Sends requests; errors are `ProviderError`, and none keeps hold of the request with its key."""

    def __init__(self, config: ElevenLabsConfig, log: logging.Logger) -> None:
        self._config = config
        self._log = log
        self._http: httpx.AsyncClient | None = None

    async def open(self) -> None:
        """Get ready to send. Nothing is sent."""
        config = self._config
        # Reading the certificates takes tens of milliseconds.
        tls = await asyncio.to_thread(httpx.create_ssl_context)
        self._http = httpx.AsyncClient(
            base_url=config.base_url,
            headers={"xi-api-key": config.api_key.get_secret_value()},
            timeout=httpx.Timeout(config.read_timeout_s, connect=config.connect_timeout_s),
            limits=httpx.Limits(keepalive_expiry=KEEPALIVE_S),
            verify=tls,
        )

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def send(
        self, method: str, path: str, *, voice: str | None = None, **content: Any
    ) -> httpx.Response:
        """Send a request and wait for the head of a 2xx answer, whose body the caller reads and closes.

        `voice` is the voice that the request names; `content` what `httpx.AsyncClient.build_request` takes.
        """
        if self._http is None:
            raise failure(ErrorCategory.UNAVAILABLE)
        problem: ProviderError
        try:
            request = self._http.build_request(method, path, **content)
            response = await self._http.send(request, stream=True)
            if response.is_success:
                return response
            try:
                await response.aread()
            finally:
                await response.aclose()
            problem = self._refused(response, voice)
        except HTTPX_ERRORS as error:
            problem = self._broken(error)
        raise problem

    async def body(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Give the body of an answer as it arrives."""
        try:
            async for chunk in response.aiter_bytes():
                yield chunk
            return
        except HTTPX_ERRORS as error:
            problem = self._broken(error)
        raise problem

    async def json(self, method: str, path: str, **content: Any) -> Any:
        """Send a request and decode the JSON of its answer."""
        response = await self.send(method, path, **content)
        try:
            text = b"".join([chunk async for chunk in self.body(response)])
        finally:
            await response.aclose()
        try:
            return json.loads(text)
        except ValueError:
            pass
        raise failure(ErrorCategory.INTERNAL)

    def _refused(self, response: httpx.Response, voice: str | None) -> ProviderError:
        refusal = read_refusal(response)
        facts = {
            "http_status": refusal.status,
            "vendor_code": refusal.code,
            "vendor_request_id": response.headers.get("request-id", ""),
        }
        self._log.warning("ElevenLabs refused a request", extra=facts)
        return refusal.error(voice=voice)

    def _broken(self, error: Exception) -> ProviderError:
        self._log.warning("a request to ElevenLabs broke", extra={"cause": type(error).__name__})
        return from_exception(error)
