"""Long work: queued in the store, done by whoever has room, gone on with elsewhere when its worker dies."""

from glottis.core.jobs.brokered import BrokeredJobs
from glottis.core.jobs.contract import Claim, JobEngine, Work
from glottis.core.jobs.embedded import EmbeddedJobs

__all__ = ["BrokeredJobs", "Claim", "EmbeddedJobs", "JobEngine", "Work"]
