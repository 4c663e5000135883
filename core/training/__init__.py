"""Voices made from samples: recordings, jobs, and what comes of them."""

from glottis.core.training.feed import JobFeed
from glottis.core.training.phrases import in_language
from glottis.core.training.samples import Samples, Upload
from glottis.core.training.training import Training
from glottis.core.training.voices import TrainedVoices

__all__ = ["JobFeed", "Samples", "TrainedVoices", "Training", "Upload", "in_language"]
