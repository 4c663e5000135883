"""Speech for clients to speak: Piper's, as PCM16 at 16 kHz."""

import logging
import tempfile
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
from glottis.core.audio import normalize, resample
from glottis.plugins import AudioFrame, ProviderContext, SynthesisOptions, Synthesizer, SynthesizerSpec

RATE_HZ = 16_000
FRAME_MS = 20
_AUDIBLE = 330  # of 32,768: -40 dBFS
FRAME_BYTES = 2 * RATE_HZ * FRAME_MS // 1_000


async def spoken(texts: Sequence[str]) -> list[bytes]:
    """Have sentences spoken, each without silence of its own before and after it."""
    (entry,) = entry_points(group="glottis.plugins", name="piper")
    offered: list[SynthesizerSpec] = []
    entry.load().glottis_register_synthesizers(offered.append)
    (spec,) = offered
    with tempfile.TemporaryDirectory(prefix="glottis-speech-") as folder:
        context = ProviderContext("piper", Path(folder), spec.capabilities, logging.getLogger("piper"))
        engine = spec.create(context, spec.config.model_validate({}))
        if not isinstance(engine, Synthesizer):
            raise TypeError("this is no synthesizer")
        await engine.warmup()
        said = [await _said(engine, text) for text in texts]
        await engine.aclose()
    return said


async def _said(engine: Synthesizer, text: str) -> bytes:
    frames = [frame async for frame in engine.synthesize(text, SynthesisOptions(language="en-US"))]
    whole = AudioFrame(b"".join(frame.pcm for frame in frames), frames[0].rate_hz)
    samples = np.frombuffer(resample(normalize(whole), rate_hz=RATE_HZ).pcm, "<i2")
    (loud,) = np.nonzero(np.abs(samples.astype(np.int32)) > _AUDIBLE)
    return samples[loud[0] : loud[-1] + 1].tobytes()
