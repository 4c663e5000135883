"""What a client is sent, whatever it reads and wherever it is cut off."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from glottis.core.conversation import Entry, Outbox
from glottis.core.conversation.outbox import MOST_BYTES, MOST_MESSAGES
from hypothesis import given, settings
from hypothesis import strategies as st


@dataclass
class Client:
    """Counts as the protocol asks: the last number, and the bytes of audio since. Plays what it gets."""

    last_seq: int = 0
    audio_since: int = 0
    got: list[int | bytes] = field(default_factory=list)

    def receive(self, entry: Entry, upto: int | None = None) -> None:
        if entry.seq is not None:
            assert entry.seq > self.last_seq
            self.last_seq, self.audio_since = entry.seq, 0
            self.got.append(entry.seq)
        else:
            audio = entry.audio[:upto]
            self.audio_since += len(audio)
            self.got.append(audio)


def joined(items: Iterable[int | bytes]) -> list[int | bytes]:
    """Put audio together that nothing comes between."""
    whole: list[int | bytes] = []
    for item in items:
        if isinstance(item, bytes) and whole and isinstance(whole[-1], bytes):
            whole[-1] += item
        elif item != b"":
            whole.append(item)
    return whole


MESSAGE, AUDIO, TAKE, CUT = "message", "audio", "take", "cut"
STEPS = st.one_of(
    st.tuples(st.just(MESSAGE), st.just(0)),
    st.tuples(st.just(AUDIO), st.integers(1, 50)),
    st.tuples(st.just(TAKE), st.integers(1, 4)),
    st.tuples(st.just(CUT), st.integers(0, 60)),
)


class Wire:
    """An outbox and its client, with at most one entry on its way between them."""

    def __init__(self) -> None:
        self.outbox, self.client = Outbox(), Client()
        self.put: list[int | bytes] = []
        self._on_its_way: Entry | None = None

    async def do(self, what: str, size: int) -> None:
        if what == MESSAGE:
            self.put.append(self.outbox.put("response"))
        elif what == AUDIO:
            audio = bytes((len(self.put) * 7 + n) % 256 for n in range(size))
            assert await self.outbox.put_audio(audio, turn_id=1)
            self.put.append(audio)
        elif what == TAKE:
            for _ in range(size):
                await self.move()
        else:
            self.cut(size)

    async def move(self) -> None:
        if self._on_its_way is not None:
            self.client.receive(self._on_its_way)
        self._on_its_way = None if self.outbox.is_idle else await self.outbox.take()

    def cut(self, amid: int) -> None:
        """Lose what is on its way, or but a part of it, and go on with another connection."""
        if self._on_its_way is not None and amid % 2 and self._on_its_way.audio:
            self.client.receive(self._on_its_way, upto=amid)
        self._on_its_way = None
        self.outbox.change_hands()
        assert self.outbox.rewind(self.client.last_seq, audio_received=self.client.audio_since)


async def carry_out(steps: list[tuple[str, int]]) -> None:
    wire = Wire()
    for what, size in steps:
        await wire.do(what, size)
    while not wire.outbox.is_idle:
        await wire.move()
    await wire.move()
    assert joined(wire.client.got) == joined(wire.put)


@given(st.lists(STEPS, max_size=60))
@settings(deadline=None, max_examples=300)
def test_a_client_that_is_cut_off_anywhere_has_everything_once(steps: list[tuple[str, int]]) -> None:
    asyncio.run(carry_out(steps))


async def test_a_client_cut_off_twice_amid_audio_counts_from_the_last_message() -> None:
    outbox = Outbox()
    seq = outbox.put("audio")
    await outbox.put_audio(b"abcdef", turn_id=1)
    for received in (2, 3):
        while not outbox.is_idle:
            await outbox.take()
        assert outbox.rewind(seq, audio_received=received)
    assert (await outbox.take()).audio == b"def"


async def test_of_audio_that_is_half_forgotten_the_rest_comes_at_its_place() -> None:
    outbox = Outbox()
    seq = outbox.put("audio")
    piece = 50_000
    count = MOST_BYTES // piece + 2
    for number in range(count):
        await outbox.put_audio(bytes([number]) * piece, turn_id=1)
        while not outbox.is_idle:
            await outbox.take()
    received = count * piece - 10
    assert outbox.rewind(seq, audio_received=received)
    assert (await outbox.take()).audio == bytes([count - 1]) * 10
    assert outbox.is_idle
    assert not outbox.rewind(seq, audio_received=piece)


async def test_what_is_not_kept_any_more_is_told() -> None:
    outbox = Outbox()
    for _ in range(MOST_MESSAGES + 10):
        outbox.put("response")
        await outbox.take()
    assert not outbox.rewind(9)
    assert len(outbox.kept()) == MOST_MESSAGES
    assert outbox.rewind(10)


async def test_who_reads_nothing_loses_what_gives_way_first() -> None:
    outbox = Outbox()
    for _ in range(10):
        outbox.put("status")
    for _ in range(MOST_MESSAGES):
        outbox.put("response")
    assert not outbox.is_overrun.is_set()
    assert [entry.kind for entry in outbox.kept()] == ["response"] * MOST_MESSAGES
    outbox.put("response")
    assert outbox.is_overrun.is_set()
    assert len(outbox.kept()) == MOST_MESSAGES


async def test_who_comes_back_after_an_overrun_is_told_of_the_loss_and_may_stay() -> None:
    outbox = Outbox()
    seq = outbox.put("response")
    await outbox.take()
    await outbox.put_audio(b"lost", turn_id=1)
    for _ in range(MOST_MESSAGES):
        outbox.put("response")
    assert outbox.is_overrun.is_set()
    outbox.change_hands()
    assert not outbox.is_overrun.is_set()
    assert not outbox.rewind(seq)


async def test_audio_that_is_lost_makes_room_for_other_audio() -> None:
    outbox = Outbox()
    await outbox.put_audio(bytes(64 * 1024), turn_id=1)
    for _ in range(MOST_MESSAGES):
        outbox.put("response")
    while not outbox.is_idle:
        await outbox.take()
    async with asyncio.timeout(1):
        assert await outbox.put_audio(b"more", turn_id=1)


async def test_audio_waits_for_room_and_goes_no_further_once_its_turn_is_over() -> None:
    outbox = Outbox()
    await outbox.put_audio(bytes(64 * 1024), turn_id=1)
    waiting = asyncio.create_task(outbox.put_audio(b"more", turn_id=1))
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.end_audio_of(1)
    assert not await waiting
    assert outbox.is_idle
    assert not await outbox.put_audio(b"more", turn_id=1)
    assert await outbox.put_audio(b"next", turn_id=2)


async def test_audio_of_a_turn_that_was_cut_off_is_not_sent_again() -> None:
    outbox = Outbox()
    seq = outbox.put("audio", turn_id=1)
    await outbox.put_audio(b"stale", turn_id=1)
    while not outbox.is_idle:
        await outbox.take()
    outbox.end_audio_of(1)
    outbox.put("interrupted", turn_id=1)
    assert outbox.rewind(seq)
    assert (await outbox.take()).kind == "interrupted"
    elsewhere = Outbox(first_seq=outbox.last_seq + 1, sent=(*outbox.kept(), Entry("", 1, audio=b"stale")))
    assert elsewhere.rewind(seq)
    assert [entry.kind for entry in elsewhere.kept()] == ["audio", "interrupted"]


async def test_a_newer_partial_takes_the_place_of_an_older_that_waits() -> None:
    outbox = Outbox()
    outbox.put("transcription", is_partial=True, text="he")
    outbox.put("status")
    outbox.put("transcription", is_partial=True, text="hello")
    assert [entry.fields.get("text") for entry in outbox.kept()] == ["hello", None]


async def test_a_partial_does_not_overtake_the_final_before_it() -> None:
    outbox = Outbox()
    outbox.put("transcription", is_partial=True, text="he")
    outbox.put("transcription", text="hello", is_final=True)
    outbox.put("transcription", is_partial=True, text="how")
    assert [entry.fields["text"] for entry in outbox.kept()] == ["he", "hello", "how"]


@pytest.mark.parametrize("is_before", [True, False])
async def test_a_connection_that_is_replaced_gets_nothing_any_more(*, is_before: bool) -> None:
    outbox = Outbox()
    older = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    if is_before:
        outbox.change_hands()
        outbox.put("response")
    else:
        outbox.put("response")
        outbox.change_hands()
    assert (await outbox.take()).kind == "response"
    assert not older.done()
    older.cancel()
