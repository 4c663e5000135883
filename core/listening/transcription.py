"""One utterance, read while it is being said."""

from collections.abc import Callable, Sequence

from glottis.core.routing import Guard
from glottis.core.speech import Heard
from glottis.plugins import Partial, RecognitionOptions, Recognizer


class LiveTranscription:
    """Reads one utterance while it is being said, by the first recognizer of a chain that can.

    `partial` hears what seems to have been said so far; the stable prefix of one never changes in those
    after it, nor in the final. `settled` hears what is read at a pause, as `finish` would give it. Both are
    called on the event loop. Make it on the event loop, and close it.
    """

    def __init__(
        self,
        chain: Sequence[Guard[Recognizer]],
        options: RecognitionOptions,
        *,
        wants_partials: bool,
        partial: Callable[[Partial], None],
        settled: Callable[[Heard], None],
    ) -> None:
        raise NotImplementedError

    def push(self, pcm: bytes) -> None:
        """Hand over PCM16, 16 kHz, mono; never waits."""
        raise NotImplementedError

    def pause(self) -> None:
        """Say that the speaker pauses: what there is, is read as if this were the end, and `settled` told."""
        raise NotImplementedError

    async def finish(self, *, nothing_since_pause: bool = False) -> Heard:
        """Say that the utterance is over, and give the final reading; `Heard.seconds` is what was waited for.

        With `nothing_since_pause`, nobody has spoken since the last `pause`, so that its reading is the final.

        Raises:
            Unprocessable: the last recognizer refused the request itself.
            Unavailable: every recognizer failed.
        """
        raise NotImplementedError

    async def aclose(self) -> None:
        """Drop everything; calls under way are cancelled."""
        raise NotImplementedError
