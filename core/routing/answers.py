"""Whether what a provider returned is what its contract says. Inside the guard, a wrong answer is a failure.

A provider is somebody else's code: what it returns is written to JSON and to the database, and must not get
further than this if it cannot be.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import replace

from glottis.plugins import (
    Alternative,
    AudioFrame,
    Match,
    Partial,
    Progress,
    RecognitionOptions,
    ReplyAction,
    ReplyPiece,
    ReplySource,
    ReplyText,
    TrainingStage,
    Transcript,
    Verdict,
    Word,
)

_RATES_HZ = range(4_000, 384_001)
_as_json = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode


def transcript_of(value: object, options: RecognitionOptions) -> Transcript:
    """Check a transcript, and leave out of it what was not asked for.

    Raises:
        TypeError, ValueError: it breaks the contract.
    """
    if not isinstance(value, Transcript):
        raise TypeError(f"a recognizer returned a {type(value).__name__}, not a Transcript")
    _require_text(value.text)
    _require_text(value.language)
    _require_confidence(value.confidence)
    words = tuple(value.words) if options.word_times else ()
    alternatives = tuple(value.alternatives[: options.alternatives])
    parts: tuple[Word | Alternative, ...] = (*words, *alternatives)
    for part in parts:
        _require_text(part.text)
        _require_confidence(part.confidence)
    if not all(math.isfinite(word.start_s) and math.isfinite(word.end_s) for word in words):
        raise ValueError("the times of a word are not finite")
    return replace(value, words=words, alternatives=alternatives)


def partial_of(value: object) -> Partial:
    """Check a partial.

    Raises:
        TypeError, ValueError: it breaks the contract.
    """
    if not isinstance(value, Partial):
        raise TypeError(f"a stream of a recognizer gave a {type(value).__name__}, not a Partial")
    _require_text(value.text)
    _require_text(value.stable_prefix)
    return value


def match_of(value: object) -> Match | None:
    """Check what an intent handler found.

    Raises:
        TypeError, ValueError: it breaks the contract.
    """
    if value is None:
        return None
    if not isinstance(value, Match):
        raise TypeError(f"an intent handler returned a {type(value).__name__}, not a Match")
    _require_text(value.intent)
    _require_confidence(value.confidence)
    _require_json({"entities": dict(value.entities), "action": value.suggested_action})
    return value


def piece_of(value: object) -> ReplyPiece:
    """Check a piece of an answer.

    Raises:
        TypeError, ValueError: it breaks the contract.
    """
    match value:
        case ReplyText(text=text):
            _require_text(text)
        case ReplySource(title=title, url=url):
            _require_text(title)
            _require_text(url or "")
        case ReplyAction(type=kind, params=params):
            _require_text(kind)
            _require_json(dict(params))
        case _:
            raise TypeError(
                f"an intent handler answered with a {type(value).__name__}, not a piece of a reply"
            )
    return value


def frame_of(value: object) -> AudioFrame:
    """Check a frame of audio.

    Raises:
        TypeError, ValueError: it breaks the contract.
    """
    if not isinstance(value, AudioFrame) or not isinstance(value.pcm, bytes):
        raise TypeError(f"a synthesizer gave a {type(value).__name__}, not an AudioFrame of bytes")
    if value.rate_hz not in _RATES_HZ:
        raise ValueError(f"audio of {value.rate_hz} samples a second is not speech")
    return value


def progress_of(value: object) -> Progress:
    """Check how far a training says that it is.

    Raises:
        TypeError, ValueError: it breaks the contract.
    """
    if not isinstance(value, Progress):
        raise TypeError(f"a training gave a {type(value).__name__}, not a Progress")
    if not isinstance(value.percent, (int, float)) or not 0 <= value.percent <= 100:
        raise ValueError("a percentage is not a number from 0 to 100")
    said = value.message if isinstance(value.message, Mapping) else {"": value.message}
    for language, text in said.items():
        _require_text(language)
        _require_text(text)
    if value.voice is not None:
        _require_text(value.voice.voice_id)
        _require_json(dict(value.voice.metrics))
    return replace(value, stage=TrainingStage(value.stage))


def verdict_of(value: object) -> Verdict:
    """Check what a backend thinks of a sample.

    Raises:
        TypeError, ValueError: it breaks the contract.
    """
    if not isinstance(value, Verdict):
        raise TypeError(f"validate returned a {type(value).__name__}, not a Verdict")
    _require_text(value.reason)
    return value


def _require_text(text: object) -> None:
    if not isinstance(text, str):
        raise TypeError(f"a text is a {type(text).__name__}")
    text.encode()  # half a surrogate pair fits neither JSON nor MongoDB


def _require_confidence(confidence: object) -> None:
    if not isinstance(confidence, (int, float)) or not 0 <= confidence <= 1:
        raise ValueError("a confidence is not a number from 0 to 1")


def _require_json(value: object) -> None:
    _as_json(value).encode()
