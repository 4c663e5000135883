"""What projects have used since they began."""

from glottis.core.store.records import UsageRecord


class Usage:
    """Counters that outlive sessions and history."""

    async def totals(self, project: str) -> UsageRecord:
        """Return a project's totals; zeros for a project that was never used."""
        raise NotImplementedError
