"""Recordings of speech to train with: made by eSpeak NG, as files that somebody would upload."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from glottis.core.audio import encode_clip
from glottis.plugins import AudioFrame, Kind, ProviderContext, SynthesisOptions, Synthesizer
from glottis.plugins.host import load_plugins

TEXTS = (
    "The quick brown fox jumps over the lazy dog near the river bank.",
    "She sells sea shells by the sea shore, and the shells she sells are surely sea shells.",
    "How much wood would a woodchuck chuck if a woodchuck could chuck wood?",
    "Peter Piper picked a peck of pickled peppers from the pepper garden.",
)


@cache
def clips() -> tuple[AudioFrame, ...]:
    """Speak each of the texts; in a thread, as a loop may run here already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_spoken())).result()


@cache
def recordings() -> tuple[bytes, ...]:
    """Give a WAV file for each of the texts."""
    return tuple(encode_clip(clip, "wav") for clip in clips())


async def _spoken() -> tuple[AudioFrame, ...]:
    loaded = load_plugins(["espeak"], load_timeout_s=30.0)
    with TemporaryDirectory() as folder:
        spec = loaded.spec(Kind.SYNTHESIZER, "espeak")
        assert spec is not None
        context = ProviderContext("espeak", Path(folder), spec.capabilities, logging.getLogger("espeak"))
        provider = spec.create(context, spec.config())
        assert isinstance(provider, Synthesizer)
        await provider.warmup()
        options = SynthesisOptions(language="en-US")
        spoken = []
        for text in TEXTS:
            frames = [frame async for frame in provider.synthesize(text, options)]
            spoken.append(AudioFrame(b"".join(frame.pcm for frame in frames), frames[0].rate_hz))
        await provider.aclose()
    loaded.close()
    return tuple(spoken)
