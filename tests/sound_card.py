"""A sound card for programs under test: a module `sounddevice` that has files for its devices."""

from pathlib import Path

MODULE = """
import os
import threading
import time
from pathlib import Path

class PortAudioError(Exception):
    pass

class _Stream:
    def __init__(self, callback, **wanted):
        assert (wanted["channels"], wanted["dtype"]) == (1, "int16")
        if "SOUND_CARD" not in os.environ:
            raise PortAudioError("Error querying device -1")
        self.card = Path(os.environ["SOUND_CARD"])
        self.callback = callback
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(wanted["samplerate"],))

    def start(self):
        self.thread.start()

    def abort(self):
        self.over.set()
        self.thread.join()

    close = abort

    def __enter__(self):
        self.start()

    def __exit__(self, *_):
        self.abort()

    def run(self, rate_hz):
        due = time.monotonic()
        while not self.over.is_set():
            self.block(rate_hz // 25)
            due += 0.04
            time.sleep(max(0, due - time.monotonic()))

class RawInputStream(_Stream):
    def run(self, rate_hz):
        self.sound = (self.card / "microphone.pcm").open("rb")
        super().run(rate_hz)

    def block(self, samples):
        block = bytearray(self.sound.read(2 * samples).ljust(2 * samples, b"\\0"))
        self.callback(memoryview(block), samples, None, None)

class RawOutputStream(_Stream):
    def block(self, samples):
        block = bytearray(2 * samples)
        self.callback(memoryview(block), samples, None, None)
        with (self.card / "speaker.pcm").open("ab") as speaker:
            speaker.write(block)
"""


def install_sound_card(folder: Path, module: str = MODULE) -> str:
    """Put the module into a folder, for PYTHONPATH."""
    folder.mkdir(exist_ok=True)
    (folder / "sounddevice.py").write_text(module, encoding="utf-8")
    return str(folder)
