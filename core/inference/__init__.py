"""Recognition and synthesis by workers: processes of their own, that take work from the nodes by pull."""

from glottis.core.inference.errand import Learns
from glottis.core.inference.pace import Pace
from glottis.core.inference.remote import RemoteProviders
from glottis.core.inference.worker import InferenceWorker

__all__ = ["InferenceWorker", "Learns", "Pace", "RemoteProviders"]
