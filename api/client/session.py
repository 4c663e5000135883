"""The session over HTTP: started before the conversation, ended after it."""

from contextlib import suppress
from dataclasses import dataclass

import httpx
from glottis.api.client.errors import (
    ClientError,
    ProtocolError,
    Refused,
    ServerAway,
    UnknownProject,
    WrongPassword,
)

VOICE = "/api/v1/voice"
_GOODBYE_S = 5.0
_REFUSALS: dict[int, type[ClientError]] = {
    401: WrongPassword,
    429: ServerAway,
}


@dataclass(frozen=True, slots=True)
class Session:
    """What the server has opened."""

    id: str
    websocket_url: str
    initial_greeting: str


def http_client(
    url: str, *, user: str | None, password: str | None, timeout_s: float = 30.0
) -> httpx.AsyncClient:
    """Make a client of the server at an address, such as `http://127.0.0.1:8080`."""
    auth = None if user is None else httpx.BasicAuth(user, password or "")
    base_url = url if "://" in url else f"http://{url}"
    return httpx.AsyncClient(base_url=base_url, auth=auth, timeout=timeout_s)


async def start_session(
    http: httpx.AsyncClient, *, project: str, language: str | None, user_id: str | None
) -> Session:
    """Open a session.

    Raises:
        WrongPassword, UnknownProject, Refused, ServerAway, ProtocolError: it cannot be.
    """
    wanted = {"project": project, "language": language, "user_id": user_id}
    body = {name: value for name, value in wanted.items() if value is not None}
    answer = await ask(http, "POST", f"{VOICE}/session/start", json=body)
    if answer.status_code == 404:
        raise UnknownProject(f'there is no project "{project}", or not for this user')
    if answer.status_code != 201:
        raise refusal(answer)
    try:
        raw = answer.json()
        return Session(raw["session_id"], raw["websocket_url"], raw.get("initial_greeting") or "")
    except (KeyError, TypeError, ValueError):
        raise ProtocolError(f"{http.base_url}: this is no Glottis server") from None


async def end_session(http: httpx.AsyncClient, session: Session) -> None:
    """End a session, if the server is still there."""
    with suppress(httpx.HTTPError):  # it expires by itself
        await http.delete(f"{VOICE}/session/{session.id}", timeout=_GOODBYE_S)


async def fetch(http: httpx.AsyncClient, url: str) -> bytes:
    """Fetch audio whole.

    Raises:
        Refused, ServerAway: it cannot be had.
    """
    answer = await ask(http, "GET", url)
    if answer.is_error:
        raise refusal(answer)
    return answer.content


async def ask(http: httpx.AsyncClient, method: str, url: str, **what: object) -> httpx.Response:
    """Send a request; `what` are httpx's own keywords.

    Raises:
        Refused, ServerAway: it could not be sent, or was not answered.
    """
    try:
        return await http.request(method, url, **what)  # type: ignore[arg-type]  # httpx's own keywords
    except httpx.InvalidURL as error:
        raise Refused(f"{http.base_url}: {error}") from None
    except httpx.RequestError as error:
        reason = str(error) or type(error).__name__
        raise ServerAway(f"no server answers at {http.base_url}: {reason}") from error


def refusal(answer: httpx.Response) -> ClientError:
    """Make the error that an answer with a status of 400 and more stands for."""
    try:
        detail = str(answer.json()["detail"])
    except (KeyError, TypeError, ValueError):
        return ProtocolError(f"{answer.url} answers {answer.status_code}: this is no Glottis server")
    if answer.status_code >= 500:
        return ServerAway(detail)
    return _REFUSALS.get(answer.status_code, Refused)(detail)
