"""What speaking needs to know of voices that were trained here."""

from typing import Any, Protocol

from glottis.core.routing import Guard


class Trained(Protocol):
    """Where trained voices are found."""

    async def spoken(self, name: str, *, project: str) -> tuple[Guard[Any], str] | None:
        """Give the synthesizer of the trained voice that a caller names, and what it calls the voice.

        It has learnt the voice on return. None where this is no trained voice, but perhaps a provider's own.

        Raises:
            Unprocessable: it is another project's.
            Unavailable: its synthesizer does not run, or could not learn it.
        """
        ...
