"""From audio to text with faster-whisper's parts. Blocking; safe to use from several threads at once.

`WhisperModel.transcribe` always encodes 30 s, which takes half a second on two cores however short the speech
is. The encoder takes less: 10 s cost a seventh of that. So this module goes its steps itself: it encodes a
window a little longer than the speech, and turns to the full one only when the reading looks wrong.
"""

import math
import zlib
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from glottis.plugins import AudioFrame, Word

from glottis_whisper.configuration import WhisperConfig
from glottis_whisper.languages import CODES, UNSPACED
from glottis_whisper.models import FoundModel
from glottis_whisper.passages import RATE_HZ, Passage, all_passages, speech_passages

FULL_WINDOW_S = 30.0
DRAFT_WINDOW_S = 5.0
MARGIN_S = 3.0
"""Silence that follows the speech in the window: without it, the model tends to say the end again."""

_POOR_LOGPROB = -1.0
_LOOPED_RATIO = 2.4
"""Both are Whisper's own: below and above them, it decodes again."""

_BEFORE, _AFTER = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
"""Marks that belong to the word after and before them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked of a decoding; `abandoned` is set once nobody waits for it any more.

    A draft is a quick reading: the most likely token each time, in a small window, and no second look. It
    starts with a capital as whole readings do; cut-off speech often lacks it.
    """

    code: str
    readings: int = 1
    word_times: bool = False
    is_draft: bool = False
    abandoned: Event = field(default_factory=Event)


@dataclass(frozen=True, slots=True)
class Reading:
    """A text, how sure the model is of a token of it (natural logarithm), and its tokens."""

    text: str
    logprob: float
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the model made of a passage: readings, the best first, and what they were made from."""

    readings: tuple[Reading, ...]
    no_speech: float
    is_cut_off: bool
    encoded: Any

    @property
    def is_looped(self) -> bool:
        best = self.readings[0]
        return self.is_cut_off or compression_ratio(best.text) > _LOOPED_RATIO

    @property
    def is_doubtful(self) -> bool:
        return self.is_looped or self.readings[0].logprob < _POOR_LOGPROB


@dataclass(frozen=True, slots=True)
class Heard:
    """The outcome: texts with their confidence (0 to 1), the best first; none where nothing was said."""

    readings: tuple[tuple[str, float], ...] = ()
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class _Language:
    tokenizer: Any
    suppressed: tuple[int, ...]


class Decoder:
    """A loaded model."""

    def __init__(self, model: FoundModel, config: WhisperConfig, *, workers: int, threads: int) -> None:
        """Load a model.

        Raises:
            RuntimeError, ValueError, OSError: the files are no model, or the device cannot be used.
        """
        import ctranslate2  # type: ignore[import-untyped]  # ships no types
        from faster_whisper import WhisperModel  # type: ignore[import-untyped]  # as above

        on_gpu = config.device == "cuda" or (
            config.device == "auto" and ctranslate2.get_cuda_device_count() > 0
        )
        self._config = config
        self._whisper = WhisperModel(
            str(model.folder),
            device="cuda" if on_gpu else "cpu",
            compute_type=config.compute_type or ("auto" if on_gpu else "int8"),
            cpu_threads=threads,
            num_workers=workers,
        )
        self._languages: dict[str, _Language] = {}
        known = self._whisper.hf_tokenizer.token_to_id
        is_multilingual = self._whisper.model.is_multilingual
        self.codes = (
            frozenset(code for code in CODES if known(f"<|{code}|>") is not None)
            if is_multilingual
            else frozenset({"en"})
        )

    def probe(self) -> None:
        """Send a second of silence through the whole model, without keeping what it makes of it."""
        passage = Passage(np.zeros(RATE_HZ, np.float32), ((0.0, 0.0),))
        wishes = Wishes(code="en")
        self._generate(self._encode(passage, 5.0), wishes, budget=4)

    def hear(self, clip: AudioFrame, wishes: Wishes) -> Heard:
        """Recognize a whole utterance at 16 kHz.

        Raises:
            RuntimeError, ValueError: the model failed.
        """
        samples = np.frombuffer(clip.pcm, "<i2").astype(np.float32) / np.float32(32_768)
        passages = (
            speech_passages(samples, threshold=self._config.vad_threshold)
            if self._config.vad_filter
            else all_passages(samples)
        )
        found: list[tuple[Passage, Decoded]] = []
        for passage in passages:
            if wishes.abandoned.is_set():
                break
            decoded = self._decode(passage, wishes)
            is_useless = wishes.is_draft and decoded.is_looped
            if not is_useless and not self._is_silence(decoded):
                found.append((passage, decoded))
        words = (
            tuple(word for passage, decoded in found for word in self._words(passage, decoded, wishes))
            if wishes.word_times
            else ()
        )
        readings = _combine([decoded for _, decoded in found], wishes)
        if wishes.is_draft:
            readings = tuple((text[:1].upper() + text[1:], sure) for text, sure in readings)
        return Heard(readings, words)

    def _decode(self, passage: Passage, wishes: Wishes) -> Decoded:
        budget = 32 + math.ceil(30 * passage.duration_s)
        shortest_s = DRAFT_WINDOW_S if wishes.is_draft else self._config.window_s
        window_s = min(FULL_WINDOW_S, max(shortest_s, passage.duration_s + MARGIN_S))
        decoded = self._generate(self._encode(passage, window_s), wishes, budget=budget)
        if (
            wishes.is_draft
            or not decoded.is_doubtful
            or self._is_silence(decoded)
            or wishes.abandoned.is_set()
        ):
            return decoded
        if window_s < FULL_WINDOW_S:
            again = self._generate(self._encode(passage, FULL_WINDOW_S), wishes, budget=budget)
            if decoded.is_looped or again.readings[0].logprob > decoded.readings[0].logprob:
                decoded = again
        if decoded.is_looped:
            decoded = self._generate(decoded.encoded, wishes, budget=budget, no_repeat=4)
        return decoded

    def _encode(self, passage: Passage, window_s: float) -> Any:
        """Encode a passage, followed by silence up to the length of the window."""
        frames = round(window_s * 100)
        # The extractor adds 10 ms of its own.
        padded = np.zeros((frames - 1) * RATE_HZ // 100, np.float32)
        kept = passage.samples[: len(padded)]
        padded[: len(kept)] = kept
        return self._whisper.encode(self._whisper.feature_extractor(padded)[:, :frames])

    def _generate(self, encoded: Any, wishes: Wishes, *, budget: int, no_repeat: int = 0) -> Decoded:
        """Let the model read; at most `budget` tokens, and no run of `no_repeat` tokens twice."""
        language = self._language(wishes.code)
        prompt = self._whisper.get_prompt(language.tokenizer, [], without_timestamps=True)
        longest = min(len(prompt) + budget, self._whisper.max_length)
        result = self._whisper.model.generate(
            encoded,
            [prompt],
            beam_size=1 if wishes.is_draft else max(self._config.beam_size, wishes.readings),
            num_hypotheses=1 if wishes.is_draft else wishes.readings,
            max_length=longest,
            no_repeat_ngram_size=no_repeat,
            suppress_tokens=language.suppressed,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        readings = tuple(
            # The score is the mean over the tokens without the end, which has a share in the sum.
            Reading(language.tokenizer.decode(ids).strip(), score * len(ids) / (len(ids) + 1), tuple(ids))
            for ids, score in zip(result.sequences_ids, result.scores, strict=True)
        )
        is_cut_off = len(readings[0].tokens) >= longest - len(prompt)
        return Decoded(readings, float(result.no_speech_prob), is_cut_off, encoded)

    def _is_silence(self, decoded: Decoded) -> bool:
        """Tell a reading of nothing from one of speech.

        Whisper's own rule needs a poor reading too, but base reads noise as Russian with confidence. Measured
        with base: speech up to 0.37 even at 0 dB, noise and tones from 0.52, where the reading is poor.
        """
        threshold = self._config.no_speech_threshold
        best = decoded.readings[0]
        is_poor = best.logprob < _POOR_LOGPROB
        return (
            not any(character.isalnum() for character in best.text)
            or decoded.no_speech > threshold
            or (is_poor and decoded.no_speech > 0.65 * threshold)
        )

    def _words(self, passage: Passage, decoded: Decoded, wishes: Wishes) -> list[Word]:
        """Find when each word of the best reading was said."""
        from faster_whisper.transcribe import (  # type: ignore[import-untyped]  # ships no types
            merge_punctuations,
        )

        tokenizer = self._language(wishes.code).tokenizer
        tokens = [token for token in decoded.readings[0].tokens if token < tokenizer.eot]
        frames = math.ceil(passage.duration_s * 100)
        (alignment,) = self._whisper.find_alignment(tokenizer, [tokens], decoded.encoded, frames) or ([],)
        merge_punctuations(alignment, _BEFORE, _AFTER)
        words: list[Word] = []
        for found in alignment:
            text = found["word"].strip()
            if text:
                start_s = min(float(found["start"]), passage.duration_s)
                end_s = min(max(float(found["end"]), start_s), passage.duration_s)
                start_s, end_s = passage.original(start_s, end_s)
                sure = min(max(float(found["probability"]), 0.0), 1.0)
                words.append(Word(text, round(start_s, 2), round(end_s, 2), round(sure, 3)))
        return words

    def _language(self, code: str) -> _Language:
        if code not in self._languages:
            from faster_whisper.tokenizer import (  # type: ignore[import-untyped]  # ships no types
                Tokenizer,
            )
            from faster_whisper.transcribe import get_suppressed_tokens

            is_multilingual = self._whisper.model.is_multilingual
            tokenizer = Tokenizer(
                self._whisper.hf_tokenizer, is_multilingual, task="transcribe", language=code
            )
            # Two threads may both make it: equal ones, of which one stays.
            self._languages[code] = _Language(tokenizer, get_suppressed_tokens(tokenizer, [-1]))
        return self._languages[code]


def compression_ratio(text: str) -> float:
    """Return how much smaller a text gets when packed: a loop packs well."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def _combine(found: list[Decoded], wishes: Wishes) -> tuple[tuple[str, float], ...]:
    """Join the passages, reading by reading; leave out those that differ only in case and marks."""
    if not found:
        return ()
    glue = "" if wishes.code in UNSPACED else " "
    combined: dict[str, tuple[str, float]] = {}
    for rank in range(wishes.readings):
        chosen = [(one.readings[min(rank, len(one.readings) - 1)], one.no_speech) for one in found]
        text = glue.join(reading.text for reading, _ in chosen)
        weight = sum(len(reading.tokens) + 1 for reading, _ in chosen)
        sure = sum(
            (len(reading.tokens) + 1) * math.exp(reading.logprob) * (1 - no_speech)
            for reading, no_speech in chosen
        )
        key = "".join(character for character in text.casefold() if character.isalnum())
        combined.setdefault(key, (text, round(min(max(sure / weight, 0.0), 1.0), 3)))
    return tuple(combined.values())
