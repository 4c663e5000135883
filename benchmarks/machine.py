"""The machine that is measured on: which CPUs serve and which ask, and who else is using them."""

import os
import platform
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

QUIET_CORES = 0.15
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PPID, _UTIME, _CSTIME = 1, 11, 14  # fields of /proc/PID/stat, counted from the state that follows the name


@dataclass(frozen=True, slots=True)
class Placement:
    """CPUs of the servers, and CPUs of MongoDB and the clients; the same ones where there are too few."""

    serving: tuple[int, ...]
    asking: tuple[int, ...]

    @property
    def is_apart(self) -> bool:
        return not set(self.serving) & set(self.asking)

    def __str__(self) -> str:
        serving, asking = (",".join(map(str, cpus)) for cpus in (self.serving, self.asking))
        return f"servers on CPU {serving}; MongoDB and clients on CPU {asking}"


def placement(workers: int) -> Placement:
    """Give each worker a CPU and keep one for the rest; with too few, everything shares everything."""
    cpus = tuple(range(os.cpu_count() or 1))
    if workers < len(cpus):
        return Placement(cpus[:workers], cpus[workers : workers + 1])
    return Placement(cpus, cpus)


def describe() -> dict[str, object]:
    """Describe the kind of machine, without naming it."""
    models = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    ]
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "cpus": os.cpu_count(),
        "cpu": models[0].partition(":")[2].strip() if models else platform.machine(),
        "memory_gib": round(memory_kb / 2**20),
        "python": platform.python_version(),
        "nice": os.nice(0),
    }


class ForeignLoad:
    """How many cores processes that are not ours have used since this was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._others_s = _busy_s() - used_s([os.getpid()])

    def cores(self) -> float:
        seconds = time.monotonic() - self._started
        return max(0.0, _busy_s() - used_s([os.getpid()]) - self._others_s) / max(seconds, _TICK_S)


def _busy_s() -> float:
    user, nice, system = map(int, Path("/proc/stat").read_text().split(maxsplit=4)[1:4])
    return (user + nice + system) * _TICK_S


def used_s(pids: Iterable[int]) -> float:
    """Add up the CPU time of processes and their descendants, with that of the children they have reaped."""
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for pid, fields in _processes():
        parents[pid] = int(fields[_PPID])
        used[pid] = sum(map(int, fields[_UTIME : _CSTIME + 1])) * _TICK_S
    ours = set(pids)
    is_growing = True
    while is_growing:
        found = {pid for pid, parent in parents.items() if parent in ours} - ours
        ours |= found
        is_growing = bool(found)
    return sum(used.get(pid, 0.0) for pid in ours)


def _processes() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                text = (folder / "stat").read_text()
            except OSError:  # it has just ended
                continue
            yield int(folder.name), text.rpartition(")")[2].split()
