"""Doing one job for as long as it is ours."""

import asyncio
import logging
from contextlib import suppress

from glottis.core.jobs.contract import Claim, Work
from glottis.core.store import StoreError, StoreUnavailable

_RENEWALS_A_LEASE = 3
_STOP_GRACE_S = 5.0

log = logging.getLogger(__name__)


class Attendance:
    """One claim: runs the work, renews the lease, and stops when the job is ours no more."""

    def __init__(self, work: Work, claim: Claim) -> None:
        self.claim = claim
        self._work = work
        self._look = asyncio.Event()

    def look(self) -> None:
        """Find out at once whether the job is still ours."""
        self._look.set()

    async def attend(self) -> None:
        """Work until it is done or ours no more; being cancelled, put the job back."""
        running = asyncio.create_task(self._work.run(self.claim), name=f"job {self.claim.job_id}")
        try:
            while not running.done() and await self._is_ours():
                await self._until_due(running)
        except asyncio.CancelledError:
            if await _stopped(running, self.claim):
                with suppress(StoreError):  # its lease runs out, and another node takes it up
                    await self._work.put_back(self.claim)
            raise
        if not running.done():
            log.info("job is not ours any more", extra={"job": self.claim.job_id})
            await _stopped(running, self.claim)
        elif not running.cancelled() and (error := running.exception()) is not None:
            log.error("job crashed", exc_info=error, extra={"job": self.claim.job_id})

    async def _until_due(self, running: "asyncio.Task[None]") -> None:
        looking = asyncio.create_task(self._look.wait())
        try:
            pause_s = self._work.lease_s / _RENEWALS_A_LEASE
            await asyncio.wait({running, looking}, timeout=pause_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            looking.cancel()
        self._look.clear()

    async def _is_ours(self) -> bool:
        """Renew the lease. While the database does not answer the job goes on: its writes will tell."""
        try:
            return await self._work.renew(self.claim)
        except StoreUnavailable:
            return True


async def _stopped(running: "asyncio.Task[None]", claim: Claim) -> bool:
    """Cancel the work; False if it clings to its thread and is left behind."""
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=_STOP_GRACE_S)
    if not done:
        log.error("job does not let itself be stopped", extra={"job": claim.job_id})
    return bool(done)
