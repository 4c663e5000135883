"""Whisper behind the contract of recognizers."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version as installed_version
from typing import TypeVar

from glottis.plugins import (
    Alternative,
    AudioFrame,
    ErrorCategory,
    ProviderContext,
    ProviderError,
    RecognitionOptions,
    Recognizer,
    RecognizerCapabilities,
    Transcript,
)

from glottis_whisper.configuration import WhisperConfig
from glottis_whisper.decoding import Decoder, Heard, Wishes
from glottis_whisper.languages import code_for, language_tags
from glottis_whisper.models import FoundModel, find_model

MOST_ALTERNATIVES = 4

T = TypeVar("T")


def share_cores(cores: int) -> tuple[int, int]:
    """Return how many workers there should be, and how many threads each.

    Measured on two cores: two workers of one thread serve 1.4 times as much as one worker of two threads.
    """
    workers = cores if cores <= 2 else min(4, cores // 2)
    return workers, max(1, cores // workers)


class Whisper(Recognizer):
    """Recognizes whole utterances, in threads of its own."""

    capabilities: RecognizerCapabilities
    config: WhisperConfig

    def __init__(self, context: ProviderContext, config: WhisperConfig) -> None:
        super().__init__(context, config)
        workers, threads = share_cores(os.cpu_count() or 1)
        self._workers = config.num_workers or workers
        self._threads = config.cpu_threads or threads
        self.capabilities = replace(self.capabilities, max_concurrency=self._workers)
        if config.model.endswith(".en"):
            self.capabilities = replace(self.capabilities, languages=frozenset({"en"}))
        self._executor = ThreadPoolExecutor(self._workers, thread_name_prefix=f"{context.instance}-whisper")
        self._pending = 0
        self._loaded: tuple[FoundModel, Decoder] | None = None
        self._loading: asyncio.Future[tuple[FoundModel, Decoder]] | None = None

    async def warmup(self) -> None:
        """Load the model, and let every worker decode once."""
        decoder = await self._decoder()
        await asyncio.gather(*(self._in_thread(decoder.probe) for _ in range(self._workers)))

    async def health(self) -> None:
        """Decode a moment of silence."""
        decoder = await self._decoder()
        await self._in_thread(decoder.probe)

    async def aclose(self) -> None:
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)
        self._loaded = None

    @property
    def version(self) -> str:
        library = f"faster-whisper {installed_version('faster-whisper')}"
        if self._loaded is None:
            return f"{library} {self.config.model}"
        model = self._loaded[0]
        return f"{library} {model.name}@{model.checksum[:12]}"

    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        if clip.rate_hz != self.capabilities.rate_hz:
            raise ProviderError(
                ErrorCategory.INVALID_REQUEST,
                f"Whisper hears {self.capabilities.rate_hz} Hz, not {clip.rate_hz} Hz",
            )
        decoder = await self._decoder()
        code = code_for(options.language, decoder.codes)
        if code is None:
            raise ProviderError(
                ErrorCategory.UNSUPPORTED, f"{self.context.instance} does not know {options.language}"
            )
        self._admit()
        heard = await self._hear(decoder, clip, code, options)
        return _transcript(heard, options)

    async def _hear(
        self, decoder: Decoder, clip: AudioFrame, code: str, options: RecognitionOptions
    ) -> Heard:
        others = min(max(options.alternatives, 0), MOST_ALTERNATIVES)
        # Readings may differ in nothing but a comma: two for each that is wanted leave enough.
        wishes = Wishes(
            code=code, readings=1 + 2 * others, word_times=options.word_times, is_draft=options.draft
        )
        try:
            return await self._in_thread(lambda: decoder.hear(clip, wishes))
        finally:
            wishes.abandoned.set()

    def _admit(self) -> None:
        """Refuse work while too much waits already: a late answer helps nobody, and another may be free."""
        limit = self._workers + self.config.max_waiting
        if self._pending >= limit:
            wait_s = (self.capabilities.expected_latency_s or 1.0) * self._pending / self._workers
            raise ProviderError(
                ErrorCategory.RATE_LIMITED,
                f"{self.context.instance} is busy: {self._pending - self._workers} utterances wait already",
                retry_after_s=round(wait_s, 1),
            )

    async def _in_thread(self, call: Callable[[], T]) -> T:
        """Run a blocking call; a caller that goes before it has begun takes it along.

        One that has begun goes on to its end, and holds its place until then.
        """
        job = self._executor.submit(call)
        self._pending += 1
        waiting = asyncio.wrap_future(job)
        waiting.add_done_callback(self._finished)
        try:
            return await asyncio.shield(waiting)
        except (RuntimeError, ValueError) as error:
            self.context.log.exception("Whisper failed")
            raise ProviderError(ErrorCategory.INTERNAL, "Whisper could not decode this audio") from error
        finally:
            job.cancel()

    def _finished(self, _waiting: asyncio.Future[T]) -> None:
        self._pending -= 1

    async def _decoder(self) -> Decoder:
        """Give the model; the first caller loads it, and one after a failure tries again."""
        if self._loaded is None:
            if self._loading is None:
                loop = asyncio.get_running_loop()
                self._loading = loop.run_in_executor(self._executor, self._load)
            loading = self._loading
            try:
                # A thread cannot be cancelled: whoever comes next waits for the same one.
                self._loaded = await asyncio.shield(loading)
            finally:
                if loading.done():
                    self._loading = None
            codes = self._loaded[1].codes
            self.capabilities = replace(self.capabilities, languages=language_tags(codes))
        return self._loaded[1]

    def _load(self) -> tuple[FoundModel, Decoder]:
        model = find_model(self.config, self.context.data_dir, self.context.log)
        try:
            decoder = Decoder(model, self.config, workers=self._workers, threads=self._threads)
        except ImportError as error:
            raise ProviderError(
                ErrorCategory.UNAVAILABLE,
                "faster-whisper does not load: pip install --force-reinstall faster-whisper",
            ) from error
        except (RuntimeError, ValueError, OSError) as error:
            self.context.log.exception("a Whisper model does not load", extra={"path": str(model.folder)})
            raise ProviderError(
                ErrorCategory.UNAVAILABLE,
                f'the Whisper model "{model.name}" does not load on device "{self.config.device}"; '
                "the server's log says why",
            ) from error
        return model, decoder


def _transcript(heard: Heard, options: RecognitionOptions) -> Transcript:
    if not heard.readings:
        return Transcript("", 0.0, options.language)
    (text, confidence), *others = heard.readings
    alternatives = tuple(Alternative(*other) for other in others[: max(options.alternatives, 0)])
    return Transcript(text, confidence, options.language, heard.words, alternatives)
