"""A worker, in a process of its own: python -m benchmarks.inference.serving URL."""

import asyncio
import sys
import tempfile
from pathlib import Path

from glottis.config import Settings, parse_deployment
from glottis.core.broker import open_broker
from glottis.core.inference import InferenceWorker
from glottis.core.platform import open_engine
from glottis.plugins.conformance import loaded_with
from pydantic import SecretStr

from benchmarks.inference.providers import TOML, specs


async def _serve(url: str, folder: Path) -> None:
    deployment = parse_deployment(TOML, file="plugins.toml", environment={})
    held = deployment.for_worker({"recognize", "synthesize"})
    loaded = loaded_with(*specs())
    async with (
        open_broker(SecretStr(url), name="worker") as broker,
        open_engine(Settings(data_dir=folder), held, environment={}, loaded=loaded) as engine,
        InferenceWorker(broker, engine.routing.guards, engine.metrics).serving(),
    ):
        print("serving", flush=True)
        await asyncio.to_thread(sys.stdin.read)  # until whoever started it lets go


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="glottis-bench-") as folder:
        asyncio.run(_serve(sys.argv[1], Path(folder)))


if __name__ == "__main__":
    main()
