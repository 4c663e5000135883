"""Every voice that may be named."""

from dataclasses import dataclass

from glottis.core.routing import Guard, Routing
from glottis.plugins import Kind, ProviderError, Synthesizer, VoiceInfo


@dataclass(frozen=True, slots=True)
class OfferedVoice:
    """A voice and the instance that speaks with it."""

    info: VoiceInfo
    provider: str


class Voices:
    """Asks the synthesizers for their voices."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing

    async def of_project(self, project: str) -> list[OfferedVoice]:
        """List the voices of every synthesizer in a project's routes; one that fails offers none."""
        offered: list[OfferedVoice] = []
        for guard in self._routing.routed(Kind.SYNTHESIZER, project):
            offered += [OfferedVoice(info, guard.name) for info in await _voices(guard)]
        return offered


async def _voices(guard: Guard[Synthesizer]) -> list[VoiceInfo]:
    try:
        return list(await guard.call(lambda provider: provider.voices()))
    except ProviderError:
        # Counted by the guard; the other voices are still worth listing.
        return []
