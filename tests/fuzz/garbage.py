"""What clients send, from right to rubbish: messages, nearly messages, sound in containers, parts of it."""

import base64
import functools
import io
import json
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from hypothesis import strategies as st

_LARGEST = 600_000
_RATE_HZ = 48_000
_CONTAINERS = {"webm": "libopus", "ogg": "libopus", "mp3": "mp3", "wav": "pcm_s16le", "flac": "flac"}


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is dropped without a word, and the client comes back."""


Step = str | bytes | Cut


@functools.cache
def contained(muxer: str) -> bytes:
    """Put a second of buzz into a container."""
    time_s = np.arange(_RATE_HZ) / _RATE_HZ
    buzz = (8_000 * np.sign(np.sin(2 * np.pi * 150 * time_s)) * (time_s % 0.3 > 0.1)).astype("<i2")
    out = io.BytesIO()
    with av.open(out, "w", format=muxer) as opened:
        stream = opened.add_stream(_CONTAINERS[muxer], rate=_RATE_HZ, layout="mono")
        assert isinstance(stream, av.AudioStream)
        sound = av.AudioFrame.from_ndarray(buzz.reshape(1, -1), format="s16", layout="mono")
        sound.sample_rate = _RATE_HZ
        for packet in (*stream.encode(sound), *stream.encode(None)):
            if packet.size:
                opened.mux(packet)
    return out.getvalue()


@st.composite
def broken_containers(draw: st.DrawFn) -> bytes:
    """Take a piece out of a container, perhaps with a few bytes wrong, or in two halves of different ones."""
    data = contained(draw(st.sampled_from(sorted(_CONTAINERS))))
    start = draw(st.one_of(st.just(0), st.integers(0, len(data) - 1)))
    end = draw(st.one_of(st.just(len(data)), st.integers(start, len(data))))
    piece = bytearray(data[start:end])
    for _ in range(draw(st.integers(0, 3))):
        if piece:
            piece[draw(st.integers(0, len(piece) - 1))] = draw(st.integers(0, 255))
    if draw(st.integers(0, 4)) == 0:
        piece += contained(draw(st.sampled_from(sorted(_CONTAINERS))))[draw(st.integers(0, 2_000)) :]
    return bytes(piece)


def _noise(count: int) -> bytes:
    return np.random.default_rng(count).integers(0, 256, count, np.uint8).tobytes()


sounds = st.one_of(
    broken_containers(),
    st.binary(max_size=200),
    st.sampled_from([0, 1, 2, 3, 639, 640, 641, 3_200, 64_000, _LARGEST]).map(bytes),
    st.sampled_from([640, 3_201, 64_000, 200_000]).map(_noise),
    st.sampled_from(sorted(_CONTAINERS)).map(contained),
)
numbers = st.one_of(
    st.integers(-2, 20),
    st.integers(),
    st.sampled_from([2**31, 2**53, 2**63, 2**64, 10**40, 10**4_299, 10**4_300 - 1, -(10**40)]),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1e308, float("nan"), float("inf")]),
)
texts = st.one_of(
    st.sampled_from(
        ["hello", "show the prices", "покажи цены", " ", "\n", "\0", ". . .", "🦻" * 40, "a" * 2_999]
    ),
    st.sampled_from(["a" * 3_001, "слово. " * 300, "\u202e\u0000x", "<speak>", "&amp;", "%s{0}"]),
    st.text(max_size=30),
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(["$set", "a.b", "", "type", "\0"]), texts), inner, max_size=3
        ),
    ),
    max_leaves=6,
)


def _deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def _or_odd(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what was asked for, now and then anything."""
    return st.integers(0, 9).flatmap(lambda number: json_values if number == 0 else strategy)


_audio_format = st.fixed_dictionaries(
    {},
    optional={
        "encoding": _or_odd(st.sampled_from(["pcm16", "auto", "opus"])),
        "sample_rate": _or_odd(st.sampled_from([1, 8_000, 8_001, 11_025, 16_000, 44_100, 48_000, 192_000])),
        "channels": _or_odd(st.integers(0, 9)),
    },
)
_reply = st.fixed_dictionaries(
    {},
    optional={
        "audio": _or_odd(st.sampled_from(["url", "stream", "none", "stream", "stream"])),
        "format": _or_odd(st.sampled_from(["mp3", "opus", "wav", "pcm16", None, "aac"])),
        "sample_rate": _or_odd(st.sampled_from([7_999, 8_000, 8_001, 22_050, 24_000, 47_999, 48_000])),
    },
)
_endpointing = st.fixed_dictionaries(
    {},
    optional={
        "mode": _or_odd(st.sampled_from(["voice", "manual"])),
        "silence_ms": _or_odd(st.sampled_from([32, 100, 608, 10_000, 1])),
        "minimum_speech_ms": _or_odd(st.sampled_from([32, 128, 2_000])),
        "interrupt_ms": _or_odd(st.sampled_from([32, 256, 5_000])),
        "longest_turn_s": _or_odd(st.sampled_from([1, 60, 600, 0])),
        "speculation": _or_odd(st.booleans()),
    },
)
_base64 = sounds.map(lambda sound: base64.b64encode(sound).decode())
_fields: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "ping": {},
    "text_input": {"text": _or_odd(texts)},
    "navigation_command": {
        "action": _or_odd(texts),
        "params": st.one_of(
            st.dictionaries(texts, json_values, max_size=3),
            json_values,
            st.sampled_from([150, 190, 250]).map(_deep),
        ),
    },
    "audio_chunk": {
        "data": _or_odd(st.one_of(_base64, texts, _base64.map(lambda data: data[:-1]))),
        "sequence": _or_odd(st.one_of(st.integers(0, 6), numbers)),
        "is_final": _or_odd(st.booleans()),
    },
    "end_of_speech": {},
    "interrupt": {},
    "playback": {"position_ms": numbers},
    "start": {
        "audio": _or_odd(_audio_format),
        "reply": _or_odd(_reply),
        "partials": _or_odd(st.booleans()),
        "endpointing": _or_odd(_endpointing),
        "resume_from": numbers,
        "audio_received": numbers,
    },
    "dance": {"steps": json_values},
}
_KINDS = (
    *sorted(_fields),
    "text_input",
    "text_input",
    "start",
    "start",
    "audio_chunk",
    "audio_chunk",
    "end_of_speech",
)


@st.composite
def messages(draw: st.DrawFn) -> str:
    """Make a message whose fields are right, nearly right, or left out."""
    kind = draw(st.sampled_from(_KINDS))
    message = {"type": kind}
    for name, values in _fields[kind].items():
        if draw(st.integers(0, 7)):
            message[name] = draw(values)
    if draw(st.integers(0, 9)) == 0:
        message[draw(texts)] = draw(json_values)
    # What JSON has no way to say, NaN and the like, goes out all the same: clients have such bugs.
    text = _written(message)
    if draw(st.integers(0, 9)) == 0:
        text = text[: draw(st.integers(0, len(text)))]
    return text


def _written(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**4_000:
        return "9" * 4_300  # more digits than Python writes
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_written(item)}" for key, item in value.items()) + "}"
    return json.dumps(value) if not isinstance(value, list) else f"[{','.join(map(_written, value))}]"


_rubbish = st.one_of(
    json_values.map(_written),
    st.text(max_size=50),
    st.sampled_from(["", "[" * 5_000, '{"type":"ping"}' * 2, '{"type":' * 300, "x" * 1_100_000]),
)


def _step(weight: int) -> st.SearchStrategy[Step]:
    if weight < 60:
        return messages()
    if weight < 85:
        return sounds
    return _rubbish if weight < 94 else st.builds(Cut)


steps: st.SearchStrategy[list[Step]] = st.lists(st.integers(0, 99).flatmap(_step), min_size=12, max_size=40)
