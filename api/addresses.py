"""Where the client thinks that it is talking to: host, scheme and origin of a request."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

from quart import Request, Websocket

Networks = tuple[IPv4Network | IPv6Network, ...]
_SECURE = frozenset({"https", "wss"})


def host_and_scheme(request: Request | Websocket, trusted: Networks) -> tuple[str, bool]:
    """Return the host (with its port) that the client named, and whether the way there is encrypted.

    `X-Forwarded-Host` and `X-Forwarded-Proto` count only from a proxy in `trusted`.
    """
    host = request.host
    secure = request.scheme in _SECURE
    if trusted and _is_trusted(_peer(request), trusted):
        forwarded_host = request.headers.get("X-Forwarded-Host", "").split(",")[0].strip()
        forwarded_scheme = request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower()
        host = forwarded_host or host
        secure = forwarded_scheme in _SECURE if forwarded_scheme else secure
    return host, secure


def is_same_origin(origin: str, host: str, *, secure: bool) -> bool:
    """Tell whether a page of `origin` was served by this host."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.netloc.lower() == host.lower() and (parts.scheme == "https") == secure


def is_loopback_host(host: str) -> bool:
    """Tell whether a Host header names this machine itself."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or name.endswith(".localhost") or ip_address(name).is_loopback
    except ValueError:
        return False


def came_by_loopback(request: Request | Websocket) -> bool:
    """Tell whether the client connected to a loopback address, whatever name it calls the server by."""
    server = request.scope.get("server")
    try:
        return server is not None and ip_address(server[0]).is_loopback
    except ValueError:
        return False


def _peer(request: Request | Websocket) -> str:
    return request.remote_addr or ""


@lru_cache(maxsize=1_024)
def _is_trusted(address: str, trusted: Networks) -> bool:
    try:
        peer = ip_address(address)
    except ValueError:
        return False
    return any(peer in network for network in trusted)
