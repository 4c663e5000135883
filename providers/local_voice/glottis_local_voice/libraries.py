"""The libraries that do the work: looked for at the start, and loaded when they are first needed."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from glottis.plugins import ErrorCategory, ProviderError

SPEAKING = ("numpy", "pyworld", "soxr")
TRAINING = (*SPEAKING, "sklearn.linear_model")


def look_for(names: Sequence[str]) -> None:
    """Find libraries without loading them: scikit-learn alone takes 100 MB, and seconds of a slow machine.

    Raises:
        ProviderError: UNAVAILABLE, naming the one that is not installed.
    """
    for name in names:
        package = name.partition(".")[0]
        if find_spec(package) is None:
            raise _unavailable(f"{package} is not installed")


def load(names: Sequence[str]) -> None:
    """Import libraries; blocks for up to some seconds the first time.

    Raises:
        ProviderError: UNAVAILABLE, naming the one that does not load.
    """
    for name in names:
        try:
            import_module(name)
        except ImportError as error:
            raise _unavailable(f"{name} does not load") from error


def _unavailable(what: str) -> ProviderError:
    message = f"{what}: pip install --force-reinstall glottis-local-voice"
    return ProviderError(ErrorCategory.UNAVAILABLE, message)
