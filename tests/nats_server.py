"""A real NATS server, on a port that is free."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

PROGRAM = Path(sys.executable).with_name("nats-server")
_READY = b"Server is ready"


class NatsServer:
    """A server that may be killed and started again, at the same URL, with what it had written down."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = -1
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(exist_ok=True)
        self._config = folder / "nats.conf"
        store = json.dumps(str(folder / "store"))
        self._config.write_text(f"jetstream {{ store_dir: {store}, sync_interval: always }}\n")

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it serves."""
        command = [str(PROGRAM), "-c", str(self._config), "-a", "127.0.0.1", "-p", str(self._port)]
        ports = ["--ports_file_dir", str(self._folder)]
        self._process = subprocess.Popen(command + ports, stderr=subprocess.PIPE)
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if _READY in line:
                break
        else:
            raise AssertionError(b"".join(said).decode())
        threading.Thread(target=_drain, args=[self._process.stderr], daemon=True).start()
        (file,) = self._folder.glob(f"*_{self._process.pid}.ports")
        self._port = urlsplit(json.loads(file.read_text("utf-8"))["nats"][0]).port or 0
        assert self._port > 0

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _drain(pipe: IO[bytes]) -> None:
    with pipe:
        for _ in pipe:
            pass


@contextmanager
def nats_server(folder: Path) -> Iterator[NatsServer]:
    """Run a server while the context lasts."""
    server = NatsServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
