"""Speech to text."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from glottis.plugins.audio import AudioFrame
from glottis.plugins.capabilities import RecognizerCapabilities
from glottis.plugins.errors import ErrorCategory, ProviderError
from glottis.plugins.provider import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionOptions:
    """`language` is a BCP 47 tag; `alternatives` how many other readings the caller would like.

    `draft`: somebody is still speaking, and this is only to show what seems to have been said so far. A quick
    reading is worth more than a good one; a recognizer that knows only one way ignores it.
    """

    language: str = "ru-RU"
    alternatives: int = 0
    word_times: bool = False
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """One recognized word; times in seconds from the start of the audio."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of the same audio."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. `text` is empty when nothing was; `confidence` is 0 to 1."""

    text: str
    confidence: float
    language: str
    words: tuple[Word, ...] = ()
    alternatives: tuple[Alternative, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Partial:
    """What seems to have been said so far; `text` begins with `stable_prefix`, which never changes again."""

    text: str
    stable_prefix: str = ""


class RecognizerStream(Protocol):
    """One utterance on its way: frames in, partials out, a `Transcript` as the last item."""

    async def push(self, frame: AudioFrame) -> None:
        """Hand over audio; waits while the recognizer is behind."""

    async def end(self) -> None:
        """Say that the utterance is over."""

    def __aiter__(self) -> AsyncIterator[Partial | Transcript]: ...


class Recognizer(Provider, ABC):
    """Turns speech into text."""

    capabilities: RecognizerCapabilities

    @abstractmethod
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        """Recognize a whole utterance, at `capabilities.rate_hz`. Silence gives an empty text.

        Raises:
            ProviderError: and nothing else.
        """

    def open(self, options: RecognitionOptions) -> AbstractAsyncContextManager[RecognizerStream]:
        """Start a stream; leaving the context frees it. Only for `capabilities.streaming`."""
        raise ProviderError(ErrorCategory.UNSUPPORTED, f"{self.context.instance} does not recognize streams")
