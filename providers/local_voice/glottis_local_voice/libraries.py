"""The libraries that do the work, loaded when they are first needed."""

from collections.abc import Sequence
from importlib import import_module

from glottis.plugins import ErrorCategory, ProviderError

SPEAKING = ("numpy", "pyworld", "soxr")
TRAINING = (*SPEAKING, "sklearn.linear_model")


def load(names: Sequence[str]) -> None:
    """Import libraries; blocks for up to two seconds.

    Raises:
        ProviderError: UNAVAILABLE, naming the one that does not load.
    """
    for name in names:
        try:
            import_module(name)
        except ImportError as error:
            message = f"{name} does not load: pip install --force-reinstall glottis-local-voice"
            raise ProviderError(ErrorCategory.UNAVAILABLE, message) from error
