"""What every request passes: its id, its origin, its credentials, and the metrics on the way out."""

import re
import time
import uuid

from glottis.api.addresses import (
    Networks,
    came_by_loopback,
    host_and_scheme,
    is_loopback_host,
    is_same_origin,
)
from glottis.api.visit import Visit, visit
from glottis.config import Deployment
from glottis.core.errors import Forbidden, GlottisError
from glottis.core.logs import bind_contextvars
from glottis.core.platform import Platform
from prometheus_client import Counter, Histogram
from quart import Quart, Response, g, request

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = _SAFE | {"POST", "PUT", "PATCH", "DELETE"}
_LINKED = "audio.fetch"
"""The one endpoint that a signed link opens without a password."""
_OPEN_PATHS = frozenset({"/healthz", "/readyz", "/openapi.json", "/docs"})
_CORS_METHODS = "GET, HEAD, POST, DELETE"
_CORS_HEADERS = "Authorization, Content-Type, Range, X-Request-ID"
_CORS_EXPOSED = "Accept-Ranges, Content-Range, ETag, Retry-After, X-Request-ID"


class Origins:
    """Which web pages may use the API: the server's own, and those that a project lists."""

    def __init__(self, deployment: Deployment) -> None:
        self._by_project = {
            name: frozenset(origin.lower() for origin in project.origins)
            for name, project in deployment.projects.items()
        }
        self._listed = frozenset().union(*self._by_project.values())

    def is_listed(self, origin: str) -> bool:
        """Tell whether some project lists an origin."""
        return origin.lower() in self._listed

    def require_for(self, project: str, origin: str | None) -> None:
        """Let a foreign page through only if this very project lists it.

        Raises:
            Forbidden: it does not.
        """
        if origin is not None and origin.lower() not in self._by_project.get(project, frozenset()):
            raise Forbidden("this origin is not among the project's origins")


class Gate:
    """Stands before and after every request of an app."""

    def __init__(self, platform: Platform, origins: Origins) -> None:
        self._authentication = platform.authentication
        self._metrics = platform.engine.metrics
        self._trusted: Networks = tuple(platform.engine.settings.trusted_proxies)
        self._origins = origins
        self._counted: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def register(self, app: Quart) -> None:
        """Put the gate into an app."""
        app.before_request(self.enter)
        app.after_request(self.leave)

    async def enter(self) -> Response | None:
        """Note when and whence a request comes, and find out who makes it."""
        started = time.perf_counter()
        given = request.headers.get("X-Request-ID")
        request_id = given if given and _REQUEST_ID.match(given) else uuid.uuid4().hex
        bind_contextvars(request_id=request_id)
        if request.view_args and "session_id" in request.view_args:
            bind_contextvars(session_id=request.view_args["session_id"])
        host, is_secure = host_and_scheme(request, self._trusted)
        origin = _foreign_origin(host, is_secure=is_secure)
        here = g.visit = Visit(started, request_id, host, is_secure, origin)
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return Response("", 204)
        self._require_own_or_listed(origin)
        if request.path not in _OPEN_PATHS and not request.path.startswith("/docs/"):
            await self._authenticate(here)
        return None

    async def leave(self, response: Response) -> Response:
        """Count the request, and tell the client its id."""
        here = visit()
        self._count(response.status_code, time.perf_counter() - here.started)
        response.headers["X-Request-ID"] = here.request_id
        origin = here.foreign_origin
        if origin is not None and self._origins.is_listed(origin):
            _allow_origin(response, origin)
        return response

    def _count(self, status: int, seconds: float) -> None:
        rule = request.url_rule.rule if request.url_rule is not None else "none"
        # Clients may make methods up, and each would be counted for ever.
        method = request.method if request.method in _METHODS else "other"
        key = (method, rule, status)
        if key not in self._counted:
            # Looking labels up costs more than counting; the keys are bounded by the routes.
            self._counted[key] = (
                self._metrics.requests.labels(*key),
                self._metrics.request_seconds.labels(rule),
            )
        requests, latency = self._counted[key]
        requests.inc()
        latency.observe(seconds)

    def _require_own_or_listed(self, origin: str | None) -> None:
        is_foreign = origin is not None and not self._origins.is_listed(origin)
        if is_foreign and request.method not in _SAFE:
            raise Forbidden("this origin may not use this server")

    async def _authenticate(self, here: Visit) -> None:
        try:
            here.principal = await self._authentication.authenticate(request.headers.get("Authorization"))
        except GlottisError as error:
            if request.endpoint != _LINKED or "signature" not in request.args:
                raise
            # The link may carry its own permission: the route decides.
            here.refusal = error
            return
        if here.principal.name is not None:
            return
        if not (is_loopback_host(here.host) and came_by_loopback(request)):
            # An open server trusts whoever reaches it: no page may reach it under a name of its own, and no
            # other machine once the last user is gone.
            raise Forbidden("without users this server answers only under a loopback name")


def _foreign_origin(host: str, *, is_secure: bool) -> str | None:
    origin = request.headers.get("Origin")
    if origin is None or is_same_origin(origin, host, secure=is_secure):
        return None
    return origin


def _allow_origin(response: Response, origin: str) -> None:
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Access-Control-Expose-Headers"] = _CORS_EXPOSED
    response.headers.add("Vary", "Origin")
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = _CORS_METHODS
        response.headers["Access-Control-Allow-Headers"] = _CORS_HEADERS
        response.headers["Access-Control-Max-Age"] = "600"
