"""What has come of the jobs, by the database and by what the processes logged."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from rich.console import Console
from rich.table import Table

from benchmarks.chaos.places import Chaos, Place

_FINAL = frozenset({"completed", "failed", "cancelled"})

Database = AsyncDatabase[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Figures:
    """`steps_wrong`: steps that the results count twice, or not at all.

    `attempts_twice`: attempts that two processes began; `ends_twice`: jobs whose end was told twice.
    `unnamed` are whole files in the database that no document names, `fragments` parts of files.
    """

    jobs: int
    results: int
    failed: int
    lost: int
    voices: int
    voices_of_no_job: int
    steps_wrong: int
    attempts: Sequence[int]
    attempts_twice: int
    attempts_unknown: int
    ends_twice: int
    kills: int
    others_killed: int
    starts: int
    named: int
    unnamed: int
    fragments: int
    folders: int
    wall_s: float

    def wrong(self) -> list[str]:
        """Name what should not be."""
        return [
            f"{name}: {count}"
            for name, count in {
                "results missing": self.jobs - self.results,
                "voices too many or too few": self.voices - self.results,
                "voices of no job": self.voices_of_no_job,
                "steps counted twice, or not at all": self.steps_wrong,
                "attempts begun twice": self.attempts_twice,
                "attempts that the database knows nothing of": self.attempts_unknown,
                "ends told twice": self.ends_twice,
            }.items()
            if count
        ]


async def figures_of(
    database: Database,
    jobs: Sequence[str],
    places: Sequence[Place],
    *,
    steps: int,
    raging: Chaos,
    wall_s: float,
) -> Figures:
    """Count. `jobs` are the ids that were answered, one for each project."""
    found = {job["_id"]: job async for job in database["training_jobs"].find({})}
    voices = [voice async for voice in database["voices"].find({})]
    status = Counter(found[job]["status"] for job in jobs if job in found)
    completed = {key: job for key, job in found.items() if job["status"] == "completed"}
    begun = Counter(
        (line["job"], line["attempt"])
        for place in places
        for line in place.log()
        if line["event"] == "training begins"
    )
    told = await database["events"].find({"kind": "training.progress"}).to_list()
    ends = Counter(event["key"] for event in told if event["data"]["status"] in _FINAL)
    files, chunks = database["voice_files.files"], database["voice_files.chunks"]
    whole = [file["_id"] async for file in files.find({}, {"_id": 1})]
    return Figures(
        jobs=len(set(jobs)),
        results=status["completed"],
        failed=status["failed"],
        lost=len(set(jobs)) - status["completed"] - status["failed"],
        voices=len(voices),
        voices_of_no_job=sum(voice["_id"] not in completed for voice in voices),
        steps_wrong=sum(_steps_wrong(job, steps) for job in completed.values()),
        attempts=[job["attempt"] for job in found.values()],
        attempts_twice=sum(count - 1 for count in begun.values()),
        attempts_unknown=sum(job not in found or attempt > found[job]["attempt"] for job, attempt in begun),
        ends_twice=sum(count - 1 for count in ends.values()),
        kills=raging.kills,
        others_killed=raging.others_killed,
        starts=sum(place.starts for place in places),
        named=await files.count_documents({"metadata.pending": None}),
        unnamed=await files.count_documents({"metadata.pending": True}),
        fragments=len(await chunks.distinct("files_id", {"files_id": {"$nin": whole}})),
        folders=sum(place.folders_left() for place in places),
        wall_s=wall_s,
    )


def _steps_wrong(job: dict[str, Any], steps: int) -> int:
    counted = Counter(job["result"]["metrics"]["steps"])
    wanted = Counter(range(1, steps + 1))
    return (counted - wanted).total() + (wanted - counted).total()


def print_figures(figures: Figures, *, engine: str, console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    mean = statistics.mean(figures.attempts) if figures.attempts else 0.0
    for what, value in (
        ("engine", engine),
        ("jobs", figures.jobs),
        ("results", figures.results),
        ("failed", figures.failed),
        ("lost", figures.lost),
        ("voices", figures.voices),
        ("steps counted twice, or not at all", figures.steps_wrong),
        ("attempts begun by two processes", figures.attempts_twice),
        ("ends told twice", figures.ends_twice),
        ("attempts, mean and most", f"{mean:.1f}, {max(figures.attempts, default=0)}"),
        ("kills; of MongoDB or NATS", f"{figures.kills}; {figures.others_killed}"),
        ("processes started", figures.starts),
        ("files that a document names", figures.named),
        ("files left behind: whole, fragments", f"{figures.unnamed}, {figures.fragments}"),
        ("folders of jobs left behind", figures.folders),
        ("from the first job to the end of the last", f"{figures.wall_s:.0f} s"),
    ):
        table.add_row(what, str(value))
    console.print(table)
