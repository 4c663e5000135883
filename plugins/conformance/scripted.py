"""Fakes for tests of what calls providers: they do what a script says, and remember how they were called.

    recognizer = ScriptedRecognizer("hello", ProviderError(ErrorCategory.QUOTA, "gone"), [gate, "late"], HANG)

The first call hears "hello", the second fails, the third waits for the event `gate`, the fourth and all after
it hang until they are cancelled. `spec()` offers the fake as a plugin does.
"""

import asyncio
import logging
from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Generic, TypeVar

from glottis.plugins.audio import AudioFrame
from glottis.plugins.capabilities import (
    Capabilities,
    IntentCapabilities,
    RecognizerCapabilities,
    SynthesizerCapabilities,
)
from glottis.plugins.conformance.scripts import Act, C, Call, CallLog, Play, Script, act_out
from glottis.plugins.errors import ErrorCategory, ProviderError
from glottis.plugins.intent import DialogueContext, IntentHandler, Match, ReplyPiece, ReplyText
from glottis.plugins.peers import Peers
from glottis.plugins.provider import Provider, ProviderContext
from glottis.plugins.recognizer import (
    Partial,
    RecognitionOptions,
    Recognizer,
    RecognizerStream,
    Transcript,
)
from glottis.plugins.specs import IntentHandlerSpec, RecognizerSpec, SynthesizerSpec
from glottis.plugins.speech import DEFAULT_VOICE, SynthesisOptions, VoiceInfo
from glottis.plugins.synthesizer import Synthesizer
from glottis.plugins.text import is_speakable
from glottis.plugins.training import BaseSpeech, TrainingTools

P = TypeVar("P", bound=Provider)

Heard = str | Transcript | Partial


def tone(duration_s: float = 0.1, *, rate_hz: int = 16_000) -> AudioFrame:
    """Make a square wave of 200 Hz: audio that is plainly not silence."""
    half = rate_hz // 400
    samples = array("h", (8_000 if n // half % 2 else -8_000 for n in range(round(duration_s * rate_hz))))
    return AudioFrame(samples.tobytes(), rate_hz)


class ScriptedPeers(Peers):
    """Speaks tones, whichever instance is asked, for as long as speech would take."""

    async def speak(
        self, instance: str, text: str, options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        yield tone(0.05 * len(text) + 0.1, rate_hz=24_000)


class ScriptedTools(TrainingTools):
    """Hears `texts` in turn, and speaks tones; give your own tools where a backend needs real ones."""

    def __init__(self, texts: tuple[str, ...] = ("one two three",)) -> None:
        self._texts = cycle(texts)

    async def transcribe(self, audio: AudioFrame, language: str) -> Transcript:
        return Transcript(next(self._texts), 1.0, language)

    async def speak(self, text: str, language: str, *, instance: str | None = None) -> BaseSpeech:
        return BaseSpeech(tone(0.05 * len(text) + 0.1, rate_hz=24_000), instance or "base", DEFAULT_VOICE)


class ScriptedProvider(Provider, Generic[C]):
    """What the fakes have in common.

    `log` holds the calls; `warming` and `probing` are the plays of every `warmup` and `health`; `warmups`,
    `probes` and `closes` count.
    """

    def __init__(self, instance: str, capabilities: Capabilities, *, version: str = "") -> None:
        context = ProviderContext(instance, Path(), capabilities, logging.getLogger(__name__))
        super().__init__(context)
        self.log: CallLog[C] = CallLog()
        self.warming: Play[None] = ()
        self.probing: Play[None] = ()
        self.warmups = self.probes = self.closes = 0
        self._version = version

    @property
    def calls(self) -> list[C]:
        return self.log.calls

    @property
    def version(self) -> str:
        return self._version

    async def warmup(self) -> None:
        self.warmups += 1
        async for _ in act_out(self.warming):
            pass

    async def health(self) -> None:
        self.probes += 1
        async for _ in act_out(self.probing):
            pass

    async def aclose(self) -> None:
        self.closes += 1


@dataclass(eq=False, kw_only=True)
class RecognizerCall(Call):
    """`frames` holds the clip, or what was pushed on the stream; `is_over` is set when that was ended."""

    options: RecognitionOptions
    frames: list[AudioFrame] = field(default_factory=list)
    is_over: bool = False


class ScriptedRecognizer(ScriptedProvider[RecognizerCall], Recognizer):
    """Hears what its script says; a bare text is heard with confidence 0.9 in the language asked for.

    `recognize` passes over the partials of a play. On a stream, each `Partial` waits for one more frame and
    the first other result for `end()`; partials for which no frame came are passed over.
    """

    def __init__(
        self,
        *plays: Play[Heard] | Act[Heard],
        instance: str = "scripted-recognizer",
        capabilities: RecognizerCapabilities | None = None,
        version: str = "",
    ) -> None:
        super().__init__(instance, capabilities or RecognizerCapabilities(), version=version)
        self.script: Script[Heard] = Script(plays or ("hello",))

    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        call = RecognizerCall(method="recognize", options=options, frames=[clip], is_over=True)
        with self.log.enter(call):
            async with aclosing(act_out(self.script.take())) as results:
                async for result in results:
                    if not isinstance(result, Partial):
                        return _transcript(result, options)
        return Transcript("", 0.0, options.language)

    @asynccontextmanager
    async def open(self, options: RecognitionOptions) -> AsyncIterator[RecognizerStream]:
        if not self.capabilities.streaming:
            raise ProviderError(ErrorCategory.UNSUPPORTED, f"{self.context.instance} recognizes no streams")
        call = RecognizerCall(method="open", options=options)
        with self.log.enter(call):
            yield _ScriptedStream(call, self.script.take())

    def spec(self, name: str = "scripted") -> RecognizerSpec:
        """Offer this fake: `create` hands it out with the engine's context."""
        return RecognizerSpec(name=name, create=_handing_out(self), capabilities=self.capabilities)


class _ScriptedStream:
    def __init__(self, call: RecognizerCall, play: Play[Heard]) -> None:
        self._call, self._play = call, play
        self._heard = 0
        self._changed = asyncio.Event()

    async def push(self, frame: AudioFrame) -> None:
        self._call.frames.append(frame)
        self._tell()

    async def end(self) -> None:
        self._call.is_over = True
        self._tell()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def __aiter__(self) -> AsyncIterator[Partial | Transcript]:
        async with aclosing(act_out(self._play)) as results:
            async for result in results:
                is_partial = isinstance(result, Partial)
                while not self._call.is_over and not (is_partial and len(self._call.frames) > self._heard):
                    await self._changed.wait()
                if not isinstance(result, Partial):
                    yield _transcript(result, self._call.options)
                    return
                if len(self._call.frames) > self._heard:
                    self._heard += 1
                    yield result
        yield Transcript("", 0.0, self._call.options.language)


@dataclass(eq=False, kw_only=True)
class SynthesizerCall(Call):
    """`pieces` holds the text, or as much of a stream of text as was taken."""

    options: SynthesisOptions
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class ScriptedSynthesizer(ScriptedProvider[SynthesizerCall], Synthesizer):
    """Speaks the frames of its script, and a tone of 0.1 s where it has none.

    A call's play is acted out for every speakable piece of a stream of text; an empty play is zero audio.
    A text with nothing speakable gives no frames, whatever the script says.
    """

    def __init__(
        self,
        *plays: Play[AudioFrame] | Act[AudioFrame],
        instance: str = "scripted-synthesizer",
        capabilities: SynthesizerCapabilities | None = None,
        voices: Sequence[VoiceInfo] = (),
        version: str = "",
    ) -> None:
        given = capabilities or SynthesizerCapabilities(streaming=True, text_stream=True, speed=True)
        super().__init__(instance, given, version=version)
        self.script: Script[AudioFrame] = Script(plays or (tone(),))
        self._voices = tuple(voices)

    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        call = SynthesizerCall(method="synthesize", options=options)
        with self.log.enter(call):
            if self._voices and options.voice not in {DEFAULT_VOICE, *(voice.id for voice in self._voices)}:
                raise ProviderError(ErrorCategory.INVALID_REQUEST, f"there is no voice {options.voice}")
            play = self.script.take()
            async for piece in _pieces(text):
                call.pieces.append(piece)
                if not is_speakable(piece):
                    continue
                async with aclosing(act_out(play)) as frames:
                    async for frame in frames:
                        yield frame

    async def voices(self) -> Sequence[VoiceInfo]:
        return self._voices

    def spec(self, name: str = "scripted") -> SynthesizerSpec:
        """Offer this fake: `create` hands it out with the engine's context."""
        return SynthesizerSpec(name=name, create=_handing_out(self), capabilities=self.capabilities)


@dataclass(eq=False, kw_only=True)
class IntentCall(Call):
    """`match` is what `respond` was given."""

    utterance: str
    context: DialogueContext
    match: Match | None = None


class ScriptedIntentHandler(ScriptedProvider[IntentCall], IntentHandler):
    """Matches and answers as its two scripts say; a bare text is an answer of that text.

    Without scripts, everything is the intent "echo" and is answered with the utterance.
    """

    def __init__(
        self,
        *,
        matches: Sequence[Play[Match | None] | Act[Match | None]] = (),
        replies: Sequence[Play[ReplyPiece | str] | Act[ReplyPiece | str]] = (),
        instance: str = "scripted-intents",
        capabilities: IntentCapabilities | None = None,
        version: str = "",
    ) -> None:
        super().__init__(instance, capabilities or IntentCapabilities(), version=version)
        self.matches: Script[Match | None] = Script(matches or (Match("echo", 0.9),))
        self.replies: Script[ReplyPiece | str] | None = Script(replies) if replies else None

    async def match(self, utterance: str, context: DialogueContext) -> Match | None:
        call = IntentCall(method="match", utterance=utterance, context=context)
        with self.log.enter(call):
            async with aclosing(act_out(self.matches.take())) as results:
                async for result in results:
                    return result
        return None

    async def respond(
        self, match: Match, utterance: str, context: DialogueContext
    ) -> AsyncGenerator[ReplyPiece, None]:
        call = IntentCall(method="respond", utterance=utterance, context=context, match=match)
        with self.log.enter(call):
            play: Play[ReplyPiece | str] = self.replies.take() if self.replies else (utterance,)
            async with aclosing(act_out(play)) as pieces:
                async for piece in pieces:
                    yield ReplyText(piece) if isinstance(piece, str) else piece

    def spec(self, name: str = "scripted") -> IntentHandlerSpec:
        """Offer this fake: `create` hands it out with the engine's context."""
        return IntentHandlerSpec(name=name, create=_handing_out(self), capabilities=self.capabilities)


def _handing_out(provider: P) -> Callable[[ProviderContext, object], P]:
    def create(context: ProviderContext, _config: object) -> P:
        provider.context = context
        return provider

    return create


def _transcript(heard: str | Transcript, options: RecognitionOptions) -> Transcript:
    return Transcript(heard, 0.9, options.language) if isinstance(heard, str) else heard


async def _pieces(text: str | AsyncIterator[str]) -> AsyncIterator[str]:
    if isinstance(text, str):
        yield text
        return
    async for piece in text:
        yield piece
