"""What is kept of what was said, until it is known to have arrived."""

import asyncio

import pytest
from glottis.api.client.window import MOST_MESSAGES, Window


def said(text: str) -> dict[str, str]:
    return {"type": "text_input", "text": text}


def taken(window: Window) -> list[int]:
    numbers = []
    while (numbered := window.take()) is not None:
        numbers.append(numbered.sequence)
    return numbers


async def test_what_the_server_waits_for_is_sent_again_and_nothing_before_it() -> None:
    window = Window()
    for number in range(4):
        await window.put(said(str(number)))
    assert taken(window) == [0, 1, 2, 3]
    window.cut()
    window.resume(2, is_same=True)
    assert taken(window) == [2, 3]


async def test_a_pong_tells_that_what_was_sent_before_its_ping_has_arrived() -> None:
    window = Window()
    await window.put(said("one"))
    taken(window)
    window.pinged()
    await window.put(said("two"))
    taken(window)
    window.ponged()
    window.cut()
    window.resume(None, is_same=True)
    assert taken(window) == [1]


async def test_a_pong_of_a_connection_that_is_gone_tells_nothing() -> None:
    window = Window()
    await window.put(said("one"))
    taken(window)
    window.pinged()
    window.cut()
    window.ponged()
    window.resume(None, is_same=True)
    assert taken(window) == [0]


async def test_an_ending_waits_until_something_before_it_has_arrived() -> None:
    window = Window()
    await window.put(said("audio"))
    await window.put(said("end"), is_ending=True)
    await window.put(said("more"))
    assert taken(window) == [0]
    assert window.is_blocked
    window.pinged()
    window.ponged()
    assert taken(window) == [1]
    assert window.is_blocked
    window.pinged()
    window.ponged()
    assert taken(window) == [2]
    assert not window.is_blocked


@pytest.mark.parametrize(
    ("next_sequence", "is_same", "again"), [(None, True, [2]), (1, True, [1]), (None, False, [1])]
)
async def test_an_ending_that_was_cut_off_is_sent_again_if_it_has_not_arrived(
    next_sequence: int | None, *, is_same: bool, again: list[int]
) -> None:
    window = Window()
    await window.put(said("audio"))
    await window.put(said("end"), is_ending=True)
    await window.put(said("more"))
    taken(window)
    window.pinged()
    window.ponged()
    taken(window)
    window.cut()
    window.resume(next_sequence, is_same=is_same)
    assert taken(window) == again


async def test_an_ending_after_nothing_has_something_before_it_all_the_same() -> None:
    window = Window()
    await window.put(said("end"), is_ending=True)
    assert taken(window) == [0]


async def test_who_says_too_much_waits_until_some_of_it_has_arrived() -> None:
    window = Window()
    for number in range(MOST_MESSAGES):
        await window.put(said(str(number)))
    waiting = asyncio.create_task(window.put(said("one more")))
    await asyncio.sleep(0)
    assert window.is_full
    assert not waiting.done()
    taken(window)
    window.pinged()
    window.ponged()
    await waiting
    assert taken(window) == [MOST_MESSAGES]


async def test_who_waits_for_a_window_that_is_given_up_waits_no_more() -> None:
    window = Window()
    await window.put(said("one"))
    waiting = asyncio.create_task(window.emptied())
    await asyncio.sleep(0)
    window.give_up()
    await waiting
