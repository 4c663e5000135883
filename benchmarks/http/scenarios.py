"""What is asked of a server, what is expected of it, and what the system before this one did."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from benchmarks.http import floor
from benchmarks.http.seeding import AUDIO_ID, SPOKEN, STARTED
from benchmarks.http.servers import AUTHORIZATION, VOICE
from benchmarks.http.wrk import Request

TALKING_SESSIONS = 64


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of request. Targets hold for one worker at concurrency 16.

    `floor` names the bare route that does the least that this one has to; `seed_per_s` was measured without
    authentication, with 0 and with 10,000 sessions stored.
    """

    name: str
    floor: str
    status: int
    target_per_s: float | None = None
    target_of_floor: float | None = None
    target_of_empty: float | None = None
    seed_per_s: tuple[float, float | None] = (0.0, None)
    writes: bool = False


SESSION_START = Scenario(
    "session start",
    floor="POST",
    status=201,
    target_per_s=700,
    target_of_empty=0.9,
    seed_per_s=(344, 176),
    writes=True,
)
RECOGNIZE = Scenario(
    "recognize, text_hint", floor="POST", status=200, target_of_floor=0.8, seed_per_s=(5_674, None)
)
SYNTHESIZE = Scenario(
    "synthesize, cached",
    floor="POST",
    status=202,
    target_per_s=2_000,
    target_of_empty=0.9,
    seed_per_s=(2_287, 1_787),
)
AUDIO = Scenario(
    "audio by URL, 100 KB",
    floor="GET 100 KB",
    status=200,
    target_per_s=833,
    target_of_empty=0.9,
    seed_per_s=(833, None),
)
RESPOND = Scenario(
    "respond",
    floor="POST",
    status=202,
    target_per_s=1_100,
    target_of_empty=0.9,
    seed_per_s=(553, 121),
    writes=True,
)
SCENARIOS = (SESSION_START, RECOGNIZE, SYNTHESIZE, AUDIO, RESPOND)

INSERT = "Beanie insert"
FLOOR_REQUESTS = {
    "GET": Request("/bare"),
    "GET 100 KB": Request("/audio"),
    "POST": Request("/validated", (floor.BODY,)),
    "POST + Beanie insert": Request("/inserted", (floor.BODY,)),
}
FLOORS = (*FLOOR_REQUESTS, INSERT)


async def requests_for(base: str) -> dict[str, Request]:
    """Make up the requests of each scenario, and see that the server answers each as it should."""
    async with httpx.AsyncClient(
        base_url=base, headers={"Authorization": AUTHORIZATION}, timeout=30
    ) as client:
        unknown = await client.post(f"{VOICE}/recognize", headers={"Authorization": ""})
        if unknown.status_code != httpx.codes.UNAUTHORIZED:
            raise SystemExit("the server does not ask for authentication")
        sessions = [await _started(client) for _ in range(TALKING_SESSIONS)]
        requests = _requests(sessions)
        for scenario in SCENARIOS:
            for _ in range(2):  # the second time from the cache
                answer = await _ask(client, requests[scenario.name])
                if answer.status_code != scenario.status:
                    raise SystemExit(f"{scenario.name}: {answer.status_code}: {answer.text}")
            if scenario is SYNTHESIZE and not answer.json()["cached"]:
                raise SystemExit("the second synthesis did not come from the cache")
            if scenario is RESPOND and not answer.json()["audio_url"]:
                raise SystemExit("the answer has no audio")
    return requests


def _requests(sessions: Sequence[str]) -> dict[str, Request]:
    def post(path: str, *bodies: dict[str, str]) -> Request:
        return Request(VOICE + path, tuple(map(json.dumps, bodies)), AUTHORIZATION)

    text, language = "Hello there, how are you?", "en-US"
    return {
        SESSION_START.name: post("/session/start", {"project": STARTED, "language": "ru-RU"}),
        RECOGNIZE.name: post("/recognize", {"text_hint": text, "language": language}),
        SYNTHESIZE.name: post("/synthesize", {"text": text, "language": language}),
        AUDIO.name: Request(f"{VOICE}/audio/{AUDIO_ID}", (), AUTHORIZATION),
        RESPOND.name: post(
            "/dialog/respond",
            *({"session_id": session, "project": SPOKEN, "text": "hello"} for session in sessions),
        ),
    }


async def _started(client: httpx.AsyncClient) -> str:
    answer = await client.post(f"{VOICE}/session/start", json={"project": SPOKEN, "language": "en-US"})
    return str(answer.raise_for_status().json()["session_id"])


async def _ask(client: httpx.AsyncClient, request: Request) -> httpx.Response:
    if not request.bodies:
        return await client.get(request.path)
    return await client.post(request.path, content=request.bodies[0], headers=request.headers)
