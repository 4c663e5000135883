"""A real NATS server, on a port that is free."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PROGRAM = Path(sys.executable).with_name("nats-server")
_READY = b"Server is ready"
_PORT = re.compile(r"Listening for client connections on 127\.0\.0\.1:(\d+)")


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
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE)
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line.decode())
            if _READY in line:
                break
        else:
            raise AssertionError("".join(said))
        threading.Thread(target=_drain, args=[self._process.stderr], daemon=True).start()
        (self._port,) = (int(port) for port in _PORT.findall("".join(said)))

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
