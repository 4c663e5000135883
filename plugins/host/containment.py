"""The wall around a provider: only `ProviderError` gets out."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from glottis.plugins.errors import ErrorCategory, ProviderError

log = logging.getLogger(__name__)


@contextmanager
def contained(instance: str, redact: Callable[[str], str] = str) -> Iterator[None]:
    """Run a provider's code; turn whatever else it lets out into `ProviderError(INTERNAL)`.

    `redact` takes secrets out of what the provider says to the public.

    Cancellation passes through untouched; a provider that cancels itself has failed.
    """
    try:
        yield
    except ProviderError as error:
        error.public_message = redact(str(error.public_message))
        raise
    except TimeoutError as error:
        raise ProviderError(ErrorCategory.TIMEOUT, f"{instance} took too long") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise ProviderError(ErrorCategory.INTERNAL, f"{instance} cancelled itself") from error
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        # Somebody else's code may raise anything, and one provider must not take the server down.
        log.exception("provider raised what is not a ProviderError", extra={"provider": instance})
        raise ProviderError(ErrorCategory.INTERNAL, f"{instance} failed inside") from error
