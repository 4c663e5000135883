"""Chunks of audio that come in any order, more than once, or not at all."""

import asyncio
from typing import cast

import pytest
from glottis.core.conversation.chunk_order import ChunkOrder, Disorder
from glottis.core.conversation.hearing import Hearing
from glottis.core.conversation.intake import Intake
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.virtual_time


class Ear:
    """Notes what it hears; while `busy` is set it takes nothing."""

    def __init__(self) -> None:
        self.heard = b""
        self.ends: list[bytes] = []
        self.free = asyncio.Event()
        self.free.set()

    async def feed(self, chunk: bytes) -> None:
        await self.free.wait()
        self.heard += chunk

    async def end(self) -> None:
        await self.free.wait()
        self.ends.append(self.heard)
        self.heard = b""


def intake_of(ear: Ear, told: list[Disorder], *, next_sequence: int | None = None) -> Intake:
    def tell(disorder: Disorder, _sentence: str) -> None:
        told.append(disorder)

    return Intake(lambda: cast("Hearing", ear), tell, next_sequence=next_sequence)


@given(st.integers(0, 1_000), st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_chunks_are_given_in_order_and_once_whatever_comes(start: int, offsets: list[int]) -> None:
    order, given_out = ChunkOrder(), list[int]()
    for offset in [0, *offsets]:
        number = start + offset
        ready, disorder = order.add(number, number.to_bytes(2, "big"))
        numbers = [int.from_bytes(chunk, "big") for chunk in ready]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        assert disorder is not Disorder.REPEATED or not ready
        given_out += numbers
    while ready := order.skip():
        given_out += [int.from_bytes(chunk, "big") for chunk in ready]
    assert given_out == sorted(set(given_out))
    assert not order.is_waiting


@given(st.permutations(range(16)), st.integers(0, 500))
def test_chunks_in_any_order_come_out_in_theirs(places: list[int], start: int) -> None:
    order = ChunkOrder()
    order.restart(at=start)
    out = b"".join(b"".join(order.add(start + place, bytes([place]))[0]) for place in places)
    assert out == bytes(range(16))


async def test_all_gaps_are_given_up_after_a_while() -> None:
    ear, told = Ear(), list[Disorder]()
    intake = intake_of(ear, told)
    for number in (0, 2, 4, 5):
        await intake.take(bytes([number]), sequence=number, is_final=False)
    assert ear.heard == b"\0"
    await asyncio.sleep(2)
    assert ear.heard == bytes((0, 2, 4, 5))
    assert told == [Disorder.GAP, Disorder.GAP]
    assert intake.next_sequence == 6


async def test_the_end_gives_up_all_gaps_at_once() -> None:
    ear, told = Ear(), list[Disorder]()
    intake = intake_of(ear, told)
    for number in (0, 2, 4):
        await intake.take(bytes([number]), sequence=number, is_final=False)
    await intake.take(b"\6", sequence=6, is_final=True)
    assert ear.ends == [bytes((0, 2, 4, 6))]
    assert told == [Disorder.GAP] * 3


async def test_a_late_chunk_takes_its_place_and_the_wait_is_over() -> None:
    ear, told = Ear(), list[Disorder]()
    intake = intake_of(ear, told)
    for number in (0, 2, 1, 3):
        await intake.take(bytes([number]), sequence=number, is_final=False)
    assert ear.heard == bytes(range(4))
    await asyncio.sleep(1)
    assert told == [Disorder.REORDERED]


async def test_the_last_chunk_of_an_utterance_sent_twice_is_no_second_utterance() -> None:
    ear, told = Ear(), list[Disorder]()
    intake = intake_of(ear, told)
    for number in (0, 1, 2, 2):
        await intake.take(bytes([number]), sequence=number, is_final=number == 2)
    assert (ear.ends, ear.heard, told) == ([bytes(range(3))], b"", [Disorder.REPEATED])
    await intake.take(b"\3", sequence=3, is_final=True)
    await intake.take(b"\0", sequence=0, is_final=False)
    await intake.take(b"\1", sequence=1, is_final=True)
    assert ear.ends[1:] == [b"\3", b"\0\1"]


async def test_utterances_of_one_chunk_may_have_the_same_number() -> None:
    ear, told = Ear(), list[Disorder]()
    intake = intake_of(ear, told)
    for _ in range(3):
        await intake.take(b"a", sequence=1, is_final=True)
    assert (ear.ends, told) == ([b"a"] * 3, [])


async def test_what_a_client_has_sent_is_heard_though_it_is_cut_off_meanwhile() -> None:
    ear = Ear()
    intake = intake_of(ear, [])
    ear.free.clear()
    taking = asyncio.create_task(intake.take(b"a", sequence=0, is_final=True))
    await asyncio.sleep(0.1)
    taking.cancel()
    await asyncio.wait({taking})
    ear.free.set()
    await intake.take(b"b", sequence=1, is_final=True)
    assert ear.ends == [b"a", b"b"]
    await intake.aclose()


async def test_chunks_that_were_waited_for_in_vain_do_not_overtake_each_other() -> None:
    ear = Ear()
    intake = intake_of(ear, [])
    for number in (0, 2, 3):
        await intake.take(bytes([number]), sequence=number, is_final=False)
    ear.free.clear()
    await asyncio.sleep(1)
    late = asyncio.create_task(intake.take(b"\4", sequence=4, is_final=False))
    await asyncio.sleep(0.1)
    ear.free.set()
    await late
    assert ear.heard == bytes((0, 2, 3, 4))


async def test_an_intake_that_is_closed_leaves_nothing_behind() -> None:
    ear = Ear()
    intake = intake_of(ear, [])
    for number in (0, 2):
        await intake.take(b"a", sequence=number, is_final=False)
    ear.free.clear()
    await asyncio.sleep(1)
    await intake.aclose()
