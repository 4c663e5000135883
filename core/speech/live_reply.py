"""The audio of one reply, made from frames while the reply is still being thought of."""

from glottis.core.speech.requests import SpokenAudio
from glottis.plugins import AudioFrame


class LiveReply:
    """Audio that can be fetched by its id from now on, and hears its frames as they come."""

    id: str
    content_type: str

    def write(self, frame: AudioFrame) -> None:
        """Append a frame; never waits. Frames may change their sample rate."""
        raise NotImplementedError

    async def finish(self, *, provider: str) -> SpokenAudio | None:
        """Store all of it; None, and nothing stored, if there was no audio.

        Raises:
            TooLarge: the audio would not fit the cache.
        """
        raise NotImplementedError

    async def abandon(self) -> None:
        """Drop it: whoever listens hears it end in an error, and its id names nothing any more."""
        raise NotImplementedError
