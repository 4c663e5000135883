"""The example of the documentation, as somebody would run it."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.api.conftest import Server
from tests.docs.blocks import DOCS, titled


async def test_the_client_of_the_documentation_converses(server: Server, tmp_path: Path) -> None:
    script = tmp_path / "conversation.py"
    script.write_text(titled(DOCS / "api.md", "conversation.py"), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", script, server.address, stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert out == b"answer: Opening prices.\n"
