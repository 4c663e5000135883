"""A worker to be killed: hears and speaks a while, and then hangs."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator

from glottis.core.broker import open_broker
from glottis.core.inference import InferenceWorker, Pace
from glottis.core.metrics import Metrics
from glottis.plugins import (
    AudioFrame,
    RecognitionOptions,
    SynthesisOptions,
    Transcript,
)
from glottis.plugins.conformance import ScriptedRecognizer, ScriptedSynthesizer
from pydantic import SecretStr

from tests.inference.conftest import guard_over, ramp


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Ears(ScriptedRecognizer):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        tell("hearing")
        try:
            await asyncio.Event().wait()
        finally:
            tell("stopped")
        raise AssertionError


class Mouth(ScriptedSynthesizer):
    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        tell("speaking")
        try:
            for start in range(0, 3_000, 1_000):
                yield ramp(start, 1_000)
            await asyncio.Event().wait()
        finally:
            tell("stopped")


async def main(url: str, prefix: str, act: str, pace: str) -> None:
    fake = Ears() if act == "ears" else Mouth()
    guard = guard_over(fake, fake.spec(), name=act)
    async with open_broker(SecretStr(url), name="worker", prefix=prefix) as broker:
        worker = InferenceWorker(broker, [guard], Metrics(), pace=Pace(**json.loads(pace)))
        async with worker.serving():
            tell("serving")
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
