"""Where an engine and the work that it brings to workers meet.

The store alone says whose a job is and how far: every claim has an attempt number, and what was claimed again
since cannot be written any more. So an engine need not be exact. It may offer a job twice, or too late, or to
somebody who is dead; all that it has to do is to bring each job to somebody sooner or later, and soon.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours, as long as nobody has a higher attempt."""

    job_id: str
    attempt: int


class Work(Protocol):
    """One kind of job, as its workers see it."""

    kind: str
    """The name of the kind: engines keep what is offered apart by it."""

    @property
    def lease_s(self) -> float:
        """How long a claim lasts that is not renewed."""
        ...

    def lanes(self) -> Sequence[str]:
        """Name what can be done here now, as `due` names it."""
        ...

    async def due(self) -> Sequence[tuple[str, str]]:
        """List jobs that wait for a worker: the id of each, and the lane that it is for.

        Raises:
            StoreUnavailable: nobody knows.
        """
        ...

    async def due_in_s(self, job_id: str) -> float | None:
        """Tell in how many seconds a job may be claimed, if nobody renews it; None if it is over.

        Raises as `due`.
        """
        ...

    async def claim(self, job_id: str) -> Claim | None:
        """Take a job, if it is due and can be done here. Raises as `due`."""
        ...

    async def renew(self, claim: Claim) -> bool:
        """Prolong a claim by its lease; False if it is ours no more, as the job was cancelled or taken.

        Raises:
            StoreUnavailable: nobody knows.
        """
        ...

    async def run(self, claim: Claim) -> None:
        """Do a job to its end, good or bad, which is written down before this returns.

        Being cancelled, it stops at once and writes nothing.
        """
        ...

    async def put_back(self, claim: Claim) -> None:
        """Let somebody else go on with a job that was stopped here, if it is still ours."""
        ...


class JobEngine(ABC):
    """Brings jobs to workers. All of it may be called by any node."""

    @abstractmethod
    async def offer(self, job_id: str, *, lane: str) -> None:
        """Tell workers of a job that was queued, for those that serve its lane.

        This and `withdraw` do not fail: who cannot be told finds out nevertheless, only later.
        """

    @abstractmethod
    async def withdraw(self, job_id: str) -> None:
        """Tell whoever works on a job that it is over."""

    @abstractmethod
    def working(self, *, slots: int) -> AbstractAsyncContextManager[None]:
        """Work on up to `slots` jobs at once while the context lasts; in the end put back the rest."""
