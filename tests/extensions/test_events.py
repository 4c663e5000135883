"""Plugins that listen."""

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from glottis.plugins import SessionEnded

if TYPE_CHECKING:
    from tests.extensions.conftest import Open, Site

LISTENERS = {
    "plain": "    heard.append(event)\n    told.set()",
    "returning an awaitable": "    return hear(event)",
    "async": "    await hear(event)",
}
SOURCE = """
import threading

heard = []
told = threading.Event()

async def hear(event):
    await asyncio.sleep(0)
    heard.append(event)
    told.set()

@hookimpl
{definition} glottis_on_event(event):
{body}
"""


def event(number: int) -> SessionEnded:
    return SessionEnded(at=float(number), session_id="s", project="p")


async def heard(told: threading.Event) -> None:
    assert await asyncio.to_thread(told.wait, 20)


@pytest.mark.parametrize("way", LISTENERS)
async def test_a_plugin_hears_what_happens(way: str, site: "Site", open_host: "Open") -> None:
    definition = "async def" if way == "async" else "def"
    site.install("listener", SOURCE.format(definition=definition, body=LISTENERS[way]))
    async with open_host('enable = ["listener"]') as host:
        host.emit(event(1))
        module = site.module("listener")
        assert module.heard == []
        await heard(module.told)
        assert module.heard == [event(1)]


@pytest.mark.parametrize(
    "fault", ["raise ValueError('deaf')", "raise SystemExit", "raise asyncio.CancelledError"]
)
@pytest.mark.parametrize("definition", ["def", "async def"])
async def test_a_listener_that_fails_does_not_keep_others_from_hearing(
    fault: str, definition: str, site: "Site", open_host: "Open", caplog: pytest.LogCaptureFixture
) -> None:
    site.install("broken", f"@hookimpl\n{definition} glottis_on_event():\n    {fault}\n")
    site.install("listener", SOURCE.format(definition="def", body=LISTENERS["plain"]))
    # pluggy calls the plugin that came last first.
    async with open_host('enable = ["listener", "broken"]') as host:
        module = site.module("listener")
        for number in (1, 2):
            module.told.clear()
            host.emit(event(number))
            await heard(module.told)
        assert module.heard == [event(1), event(2)]
    failures = [record for record in caplog.records if record.getMessage() == "plugin failed on an event"]
    assert [vars(record)["plugin"] for record in failures] == ["broken", "broken"]


async def test_a_listener_in_a_thread_does_not_block_the_event_loop(site: "Site", open_host: "Open") -> None:
    site.install("slow", SOURCE.format(definition="def", body="    told.set()\n    gate.wait()"))
    async with open_host('enable = ["slow"]') as host:
        host.emit(event(1))
        await heard(site.module("slow").told)
        site.gate.set()


async def test_what_was_emitted_before_the_end_is_still_told(site: "Site", open_host: "Open") -> None:
    site.install("listener", SOURCE.format(definition="def", body=LISTENERS["plain"]))
    async with open_host('enable = ["listener"]') as host:
        for number in range(5):
            host.emit(event(number))
    assert site.module("listener").heard == [event(number) for number in range(5)]
    host.emit(event(6))
    assert len(site.module("listener").heard) == 5
