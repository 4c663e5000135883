"""Voice training, for Python: `async with open_training(url, project="demo") as training`."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
from glottis.api.client.errors import ProtocolError, ServerAway, UnknownProject
from glottis.api.client.session import VOICE, ask, fetch, http_client, refusal

_FINAL = {"completed", "failed", "cancelled"}
_PATIENCE_S = 30.0
_LONGEST_PAUSE_S = 2.0
_UNHEARD_S = 45.0
"""An event stream says something every 15 s, if only that it is still there."""
_EXAMINING_S = 600.0
"""Samples are listened to before they are answered."""
_SPEAKING_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A recording that a project has, and what the server thinks of it; `problems` are sentences."""

    id: str
    filename: str
    duration_s: float
    is_usable: bool
    problems: tuple[str, ...]
    speech_share: float
    clipped_share: float
    noise_db: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """A training at one moment; `progress` is 0 to 100, `voice_id` is empty until it is completed."""

    id: str
    project: str
    name: str
    language: str
    status: str
    progress: float
    message: str
    voice_id: str
    provider: str
    metrics: Mapping[str, Any]

    @property
    def is_over(self) -> bool:
        return self.status in _FINAL


class Training:
    """The samples, jobs and voices of one project; what cannot be done raises a `ClientError`."""

    def __init__(self, http: httpx.AsyncClient, project: str, patience_s: float) -> None:
        self._http = http
        self._project = project
        self._patience_s = patience_s

    async def upload(self, files: Sequence[Path]) -> tuple[Sample, ...]:
        """Add recordings, all or none, and return all that the project has then.

        Raises:
            OSError: a file cannot be read.
            Refused: one of them is no sample; says which, and why.
        """
        parts: list[tuple[str, tuple[str, IO[bytes]]]] = []
        with ExitStack() as stack:
            for path, name in zip(files, _names(files), strict=True):
                file = stack.enter_context(await asyncio.to_thread(path.open, "rb"))
                parts.append(("files", (name, file)))
            form = {"project": self._project}
            answer = await self._ask(
                "POST", "/samples", data=form, files=parts, timeout=httpx.Timeout(30.0, read=_EXAMINING_S)
            )
        return _samples(answer)

    async def samples(self) -> tuple[Sample, ...]:
        """List the recordings of the project, the oldest first."""
        return _samples(await self._ask("GET", "/samples", params={"project": self._project}))

    async def start(self, *, name: str | None = None, language: str | None = None) -> TrainingJob:
        """Train with all usable samples, or return the training that the project has running.

        Raises:
            Refused: there are too few usable samples, or nothing trains here.
        """
        wanted = {"project": self._project, "name": name, "language": language}
        form = {key: value for key, value in wanted.items() if value is not None}
        return _job(_read(await self._ask("POST", "/train", data=form), "job"))

    async def newest(self) -> TrainingJob | None:
        """Return the training that runs, or else the last one; None where there has been none."""
        job = _read(await self._ask("GET", "/status", params={"project": self._project}), "job")
        return None if job is None else _job(job)

    async def cancel(self, job_id: str) -> TrainingJob:
        """End a training; one that is over stays as it is."""
        return _job(_read(await self._ask("POST", f"/jobs/{job_id}/cancel"), "job"))

    async def follow(self, job_id: str) -> AsyncGenerator[TrainingJob, None]:
        """Give a training as it is and at each change, until it is over; over as many connections as needed.

        Raises:
            ServerAway: the server could not be reached for `patience_s` of `open_training`.
        """
        loop = asyncio.get_running_loop()
        heard_at, pause_s, last = loop.time(), 0.0, None
        while True:
            reason = "it ended the connection"
            try:
                async with aclosing(self._events(job_id)) as events:
                    async for job in events:
                        heard_at, pause_s = loop.time(), 0.0
                        if job != last:
                            last = job
                            yield job
                        if job.is_over:
                            return
            except (httpx.TransportError, ServerAway) as error:
                reason = str(error) or type(error).__name__
            if loop.time() + pause_s > heard_at + self._patience_s:
                raise ServerAway(f"the server is away: {reason}")
            # Many clients that were cut off together should not all come back together.
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - not for secrets
            pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s or 0.1)

    async def speak(
        self, text: str, *, voice: str = "default", language: str, provider: str | None = None
    ) -> tuple[bytes, str]:
        """Have a voice say something: a WAV file, and the provider that spoke."""
        options = {"format": "wav"} | ({} if provider is None else {"provider": provider})
        wanted = {"text": text, "voice": voice, "language": language, "options": options}
        body = {**wanted, "project": self._project}
        answer = await self._ask("POST", "/synthesize", json=body, timeout=_SPEAKING_S)
        return await fetch(self._http, str(_read(answer, "audio_url"))), str(_read(answer, "provider"))

    async def _events(self, job_id: str) -> AsyncGenerator[TrainingJob, None]:
        """Read what one connection tells of a job."""
        waiting = httpx.Timeout(min(10.0, self._patience_s), read=_UNHEARD_S)
        async with self._http.stream("GET", f"{VOICE}/jobs/{job_id}/events", timeout=waiting) as answer:
            if answer.is_error:
                await answer.aread()
                raise refusal(answer)
            async for line in answer.aiter_lines():
                if line.startswith("data:"):
                    yield _told(line.removeprefix("data:"))

    async def _ask(self, method: str, path: str, **what: object) -> httpx.Response:
        answer = await ask(self._http, method, f"{VOICE}{path}", **what)
        if answer.status_code == 404 and not path.startswith("/jobs/"):
            raise UnknownProject(f'there is no project "{self._project}", or not for this user')
        if answer.is_error:
            raise refusal(answer)
        return answer


@asynccontextmanager
async def open_training(
    url: str,
    *,
    project: str,
    user: str | None = None,
    password: str | None = None,
    patience_s: float = _PATIENCE_S,
) -> AsyncIterator[Training]:
    """Train voices for a project of the server at an address, such as `http://127.0.0.1:8080`.

    A server that is away for longer than `patience_s` while a training is followed is given up.
    """
    async with http_client(url, user=user, password=password) as http:
        http.headers["Accept-Language"] = "en"
        yield Training(http, project, patience_s)


def _names(files: Sequence[Path]) -> list[str]:
    """Name files so that the server's words about one of them can be told from those about another."""
    count = Counter(path.name for path in files)
    return [path.name if count[path.name] == 1 else "_".join(path.parts).lstrip("/_") for path in files]


def _read(answer: httpx.Response, key: str) -> Any:
    try:
        return answer.json()[key]
    except (KeyError, TypeError, ValueError):
        raise ProtocolError(f"{answer.url}: this is no Glottis server") from None


def _told(data: str) -> TrainingJob:
    try:
        return _job(json.loads(data))
    except ValueError:
        raise ProtocolError("the server tells of the training what nobody can read") from None


def _samples(answer: httpx.Response) -> tuple[Sample, ...]:
    try:
        return tuple(
            Sample(
                id=raw["id"],
                filename=raw["filename"],
                duration_s=raw["duration_seconds"],
                is_usable=raw["usable"],
                problems=tuple(raw["problems"]),
                speech_share=raw["speech_share"],
                clipped_share=raw["clipped_share"],
                noise_db=raw["noise_db"],
            )
            for raw in _read(answer, "samples")
        )
    except (KeyError, TypeError):
        raise ProtocolError(f"{answer.url}: the samples are described otherwise than expected") from None


def _job(raw: Any) -> TrainingJob:
    try:
        result = raw["result"] or {}
        return TrainingJob(
            id=raw["id"],
            project=raw["project"],
            name=raw["name"],
            language=raw["language"],
            status=raw["status"],
            progress=raw["progress"],
            message=raw["message"],
            voice_id=result.get("voice_id", ""),
            provider=result.get("provider") or raw["provider"],
            metrics=dict(result.get("metrics") or {}),
        )
    except (AttributeError, KeyError, TypeError):
        raise ProtocolError("the server describes a training otherwise than expected") from None
