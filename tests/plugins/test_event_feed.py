import asyncio
import threading
from typing import Any

import pytest
from glottis.plugins import Event
from glottis.plugins.host.events import EventFeed, Listener
from glottis.plugins.host.redaction import Redaction


def feed_of(*listeners: Listener, **options: Any) -> EventFeed:
    feed = EventFeed(listeners, redaction=Redaction(["hunter2"]), **options)
    feed.start()
    return feed


async def test_the_oldest_event_gives_way_when_a_listener_is_slow() -> None:
    heard: list[float] = []
    busy, go_on = asyncio.Event(), asyncio.Event()

    async def listen(event: Event) -> None:
        heard.append(event.at)
        busy.set()
        await go_on.wait()

    feed = feed_of(Listener("slow", listen), capacity=3)
    feed.put(Event(at=0))
    await busy.wait()
    for number in range(1, 8):
        feed.put(Event(at=number))
    go_on.set()
    await feed.aclose()
    assert heard == [0, 5, 6, 7]
    assert feed.dropped == 4


async def test_a_listener_that_takes_too_long_is_cut_and_told_the_next_event() -> None:
    heard: list[float] = []
    done = asyncio.Event()

    async def listen(event: Event) -> None:
        heard.append(event.at)
        if event.at == 0:
            await asyncio.Event().wait()
        done.set()

    feed = feed_of(Listener("slow", listen), timeout_s=0.1)
    feed.put(Event(at=0))
    feed.put(Event(at=1))
    await done.wait()
    await feed.aclose()
    assert heard == [0, 1]


async def test_a_listener_that_hangs_in_its_thread_is_told_nothing_more_and_others_are() -> None:
    release = threading.Event()
    hung: list[float] = []
    heard: list[float] = []
    done = asyncio.Event()

    def hang(event: Event) -> None:
        hung.append(event.at)
        release.wait()

    async def listen(event: Event) -> None:
        heard.append(event.at)
        if event.at == 1:
            done.set()

    feed = feed_of(Listener("hung", hang), Listener("good", listen), timeout_s=0.1)
    feed.put(Event(at=0))
    feed.put(Event(at=1))
    await done.wait()
    assert (hung, heard) == ([0], [0, 1])
    release.set()
    await feed.aclose()


async def test_a_failure_is_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    async def listen(_event: Event) -> None:
        raise ValueError("hunter2")

    feed = feed_of(Listener("broken", listen))
    feed.put(Event(at=0))
    await feed.aclose()
    (record,) = caplog.records
    assert vars(record)["error"].startswith("glottis_on_event failed: ValueError: ***")


async def test_closing_does_not_wait_for_a_listener_for_ever() -> None:
    started = asyncio.Event()

    async def listen(_event: Event) -> None:
        started.set()
        await asyncio.Event().wait()

    feed = feed_of(Listener("slow", listen), timeout_s=600)
    feed.put(Event(at=0))
    await started.wait()
    async with asyncio.timeout(60):
        await feed.aclose()


async def test_without_listeners_nothing_is_kept() -> None:
    feed = feed_of(capacity=1)
    for number in range(3):
        feed.put(Event(at=number))
    await feed.aclose()
    assert feed.dropped == 0
