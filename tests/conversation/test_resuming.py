"""Connections that are cut in every state of a turn: who comes back, here or elsewhere, misses nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from glottis.core.conversation import Conversation
from glottis.core.conversation.handover import packed, unpacked
from glottis.plugins import ErrorCategory, IntentCapabilities, Partial, ProviderError, RecognizerCapabilities
from glottis.plugins.conformance import (
    HANG,
    Outcome,
    ScriptedIntentHandler,
    ScriptedRecognizer,
    ScriptedSynthesizer,
    tone,
)
from glottis.plugins.conformance.scripted import Heard
from glottis.plugins.conformance.scripts import Play

from .conftest import OpenTalk
from .states import ANSWER, STATES, State
from .talk import Sent, Talk, settle
from .test_interruptions import Stubborn

pytestmark = pytest.mark.virtual_time

ABSENCE_S = 0.3
HANDOVER_S = 2.0
"""How long another node waits to be given the conversation."""
STREAMING = RecognizerCapabilities(streaming=True, partials=True)


def _hearing(_until: object = None) -> dict[str, Any]:
    play: Play[Heard] = [Partial("he", "he"), Partial("hell", "he"), Partial("hello", "hell"), "hello"]
    return {"recognizer": ScriptedRecognizer(play, capabilities=STREAMING)}


def _speculating(_until: object = None) -> dict[str, Any]:
    return {"handler": ScriptedIntentHandler(capabilities=IntentCapabilities(speculative=True))}


def _busy(until: asyncio.Event) -> dict[str, Any]:
    return {"handler": ScriptedIntentHandler(replies=[[until, "First."], "Second."]), "mode": "none"}


async def _amid_an_utterance(talk: Talk) -> None:
    await talk.speak(0.5)


async def _in_a_pause(talk: Talk) -> None:
    await talk.speak(0.5)
    await talk.be_silent(0.4)


async def _with_another_waiting(talk: Talk) -> None:
    talk.conversation.say("one")
    talk.conversation.say("two")
    await talk.handler.log.wait_for(2)


async def _winding_up(talk: Talk) -> None:
    talk.history.delay_s = 0.2
    talk.conversation.say("hello")
    await talk.until("frame", 4)
    talk.conversation.say("again")
    await talk.until("interrupted", turn_id=1)


@dataclass(frozen=True, slots=True)
class Course:
    """What is going on when the connection is cut, and what the person does once they are back.

    `here` and `elsewhere` are what the history holds in the end, on the same node and on another.
    """

    state: State
    here: list[tuple[str, str]]
    elsewhere: list[tuple[str, str]]
    after: Callable[[Talk], Awaitable[None]] = field(default=lambda _: settle())

    def __repr__(self) -> str:
        return self.state.name


async def _fall_silent(talk: Talk) -> None:
    await talk.be_silent(0.7)


_STATES = {state.name: state for state in STATES}
_HELLO = ("user", "hello")
_HEARD = ("recognition", "hello")
_ALL = [_HELLO, ("assistant", ANSWER)]
_BRIEF = [_HELLO, ("assistant", "One two three four.")]
_WHOLE = [_HELLO, ("assistant", "One two three four. Five six.")]
_ECHO = [_HEARD, ("assistant", "hello")]
_TWO = [("user", "one"), ("assistant", "First."), ("user", "two"), ("assistant", "Second.")]

COURSES = [
    Course(State("hearing", _hearing, _amid_an_utterance), _ECHO, [], _fall_silent),
    Course(State("speculating", _speculating, _in_a_pause), _ECHO, [], _fall_silent),
    Course(_STATES["before_the_final"], _ECHO, []),
    Course(_STATES["thinking"], [_HELLO, ("assistant", "hello")], [_HELLO, ("assistant", "hello")]),
    Course(
        _STATES["amid_the_words"],
        [_HELLO, ("assistant", "One two three.")],
        [_HELLO, ("assistant", "Second.")],
    ),
    Course(_STATES["preparing_audio"], _ALL, _ALL),
    Course(_STATES["preparing_audio_behind_a_url"], _ALL, [_HELLO, ("assistant", "Second.")]),
    Course(_STATES["streaming"], _ALL, _ALL),
    Course(_STATES["held"], [*_ALL, _HEARD, ("assistant", "Second.")], _ALL, _fall_silent),
    Course(_STATES["between_sentences"], _WHOLE, _BRIEF),
    Course(_STATES["after_audio_end"], _BRIEF, _BRIEF),
    Course(_STATES["behind_a_url"], _BRIEF, _BRIEF),
    Course(_STATES["behind_an_early_url"], _WHOLE, [_HELLO, ("assistant", "One two three four. Five")]),
    Course(State("with_another_waiting", _busy, _with_another_waiting), _TWO, [_TWO[0], _TWO[3], *_TWO[2:]]),
    Course(
        State("winding_up", _STATES["streaming"].given, _winding_up),
        [*_ALL, ("user", "again"), ("assistant", "Second.")],
        [*_ALL, ("user", "again"), ("assistant", "Second.")],
    ),
]
LOSSES: dict[str, Callable[[int], int]] = {
    "nothing": lambda count: count,
    "the last": lambda count: max(0, count - 1),
    "half": lambda count: count // 2,
    "everything": lambda _: 0,
}
"""How much of what went out has come in."""


def lose(talk: Talk, loss: str) -> tuple[int, int]:
    """Have what was sent last not arrive, nor all of the audio before it; gives what the client has."""
    sent = talk.sent
    lost = sent[LOSSES[loss](len(sent)) :]
    del sent[len(sent) - len(lost) :]
    if lost and lost[0].audio:
        first = lost[0]
        sent.append(Sent(first.at, first.kind, first.turn_id, audio=first.audio[: len(first.audio) // 4 * 2]))
    last_seq, audio_received = 0, 0
    for one in sent:
        if one.kind == "frame":
            audio_received += len(one.audio)
        else:
            last_seq, audio_received = one.message["seq"], 0
    return last_seq, audio_received


@asynccontextmanager
async def reading(talk: Talk) -> AsyncIterator[None]:
    """Be the client that has come back."""
    reader = asyncio.create_task(talk.collect())
    try:
        yield
    finally:
        reader.cancel()


async def come_back(talk: Talk, conversation: Conversation, told: tuple[int, int]) -> bool:
    """Say what a client says, to a conversation that may have moved; True if nothing is missing."""
    outbox = conversation.outbox
    outbox.change_hands()
    conversation.greet()
    await conversation.start(talk.conversation.manners)
    talk.conversation = conversation
    is_complete = outbox.rewind(told[0], audio_received=told[1])
    outbox.put("resumed")
    return is_complete


def story(talk: Talk) -> list[tuple[str, int | None, dict[str, Any]]]:
    """Tell what a client was told, but for numbers, links, times, and what only told it where it is."""
    messages = [one for one in talk.sent if one.kind != "frame"]
    resumed = [one.kind for one in messages].index("resumed") if talk.all("resumed") else None
    if resumed is not None:
        del messages[resumed - 1 : resumed + 1]
    left_out = {"seq", "audio_url", "latencies_ms", "speculated"}
    return [
        (one.kind, one.turn_id, {name: value for name, value in one.message.items() if name not in left_out})
        for one in messages
    ]


def assert_each_message_once(talk: Talk) -> None:
    numbers = [one.message["seq"] for one in talk.sent if one.kind != "frame"]
    assert numbers == list(range(1, len(numbers) + 1))


async def assert_well(talk: Talk) -> None:
    """The conversation rests, and goes on when it is spoken to."""
    assert talk.conversation.outbox.is_idle
    assert [name for name in talk.kinds() if name not in {"frame", "resumed"}][-1:] == ["listening"]
    assert talk.still_at_work() == []
    turn_id = talk.conversation.next_turn
    lines = len(talk.line())
    talk.conversation.say("and now?")
    await talk.until("response", turn_id=turn_id)
    await talk.quiet()
    assert len(talk.line()) == lines + 2


async def uncut(talk_of: OpenTalk, course: Course) -> Talk:
    gate = asyncio.Event()
    async with talk_of(**course.state.given(gate)) as talk:
        await course.state.reach(talk)
        await asyncio.sleep(ABSENCE_S)
        gate.set()
        await course.after(talk)
        await talk.quiet()
        await asyncio.sleep(1)
    return talk


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("course", COURSES, ids=repr)
async def test_who_comes_back_to_the_same_node_misses_nothing(
    talk_of: OpenTalk, course: Course, loss: str
) -> None:
    model = await uncut(talk_of, course)
    gate = asyncio.Event()
    async with talk_of(**course.state.given(gate)) as talk:
        await course.state.reach(talk)
        told = lose(talk, loss)
        talk.conversation.outbox.change_hands()
        await asyncio.sleep(ABSENCE_S)
        assert await come_back(talk, talk.conversation, told)
        async with reading(talk):
            await talk.until("resumed")
            gate.set()
            await course.after(talk)
            await talk.quiet()
            await asyncio.sleep(1)
            assert_each_message_once(talk)
            assert story(talk) == story(model)
            over = {one.turn_id for one in model.all("interrupted")}
            for turn_id in {one.turn_id for one in model.all("frame")} - over:
                assert talk.audio(turn_id or 0) == model.audio(turn_id or 0)
            assert talk.line() == model.line() == course.here
            await assert_well(talk)


@asynccontextmanager
async def elsewhere(talk: Talk, told: tuple[int, int]) -> AsyncIterator[None]:
    """Come back on another node, which asks this one for the conversation."""
    left = talk.conversation
    left.outbox.change_hands()
    async with asyncio.timeout(HANDOVER_S):
        state = packed(left, await left.leave())
    moved = Conversation.restored(left.session, talk.around, unpacked(state))
    letting_go = asyncio.create_task(left.aclose())
    await settle()
    assert await come_back(talk, moved, told)
    async with reading(talk):
        await talk.until("resumed")
        yield
    await letting_go


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("course", COURSES, ids=repr)
async def test_who_comes_back_to_another_node_misses_nothing_that_was_told(
    talk_of: OpenTalk, course: Course, loss: str
) -> None:
    gate = asyncio.Event()
    async with talk_of(**course.state.given(gate)) as talk:
        await course.state.reach(talk)
        before = list(talk.sent)
        told = lose(talk, loss)
        async with elsewhere(talk, told):
            gate.set()
            await talk.be_silent(1)
            await talk.quiet()
            await asyncio.sleep(1)
            assert_each_message_once(talk)
            assert messages(talk.sent)[: len(messages(before))] == messages(before)
            over = {one.turn_id for one in talk.all("interrupted")}
            for turn_id in {one.turn_id for one in before if one.audio} - over:
                sound = b"".join(one.audio for one in before if one.turn_id == turn_id)
                assert talk.audio(turn_id or 0).startswith(sound)
            assert talk.line() == course.elsewhere
            assert_nothing_is_left_open(talk)
            await assert_well(talk)


def messages(sent: list[Sent]) -> list[Any]:
    return [one.message for one in sent if one.kind != "frame"]


def assert_nothing_is_left_open(talk: Talk) -> None:
    """Every audio comes to an end, nothing waits to go on, and what the history holds was told."""
    streamed = {one.turn_id or 0 for one in talk.all("audio") if "audio_url" not in one.message}
    over = [one.turn_id or 0 for one in talk.sent if one.kind in {"audio_end", "interrupted"}]
    assert sorted(over) == sorted(streamed)
    held = {one.turn_id for one in talk.all("paused")}
    assert held <= {one.turn_id for one in talk.sent if one.kind in {"resumed_speaking", "interrupted"}}
    answers = [record.content["text"] for record in talk.records if record.type == "assistant"]
    told = [one.message["text"] for one in talk.all("response")]
    interrupted = [record.content["text"] for record in talk.records if record.content.get("interrupted")]
    assert [text for text in answers if text not in interrupted or text in told] == told


@pytest.mark.parametrize("mode", ["stream", "url", "none"])
async def test_an_answer_that_is_being_written_down_is_taken_along(talk_of: OpenTalk, mode: str) -> None:
    async with talk_of(handler=ScriptedIntentHandler(replies=["First.", "Second."]), mode=mode) as talk:
        talk.history.delay_s = 0.5
        talk.conversation.say("hello")
        await talk.handler.log.wait_for(2)
        await asyncio.sleep(0.1)
        async with elsewhere(talk, lose(talk, "everything")):
            await talk.until("response", turn_id=1, text="First.")
            await talk.quiet()
            assert talk.line() == [_HELLO, ("assistant", "First.")]
            assert mode != "none" or "interrupted" not in talk.spoken("assistant")[0]
            assert_each_message_once(talk)
            await assert_well(talk)


async def test_another_node_does_not_wait_for_audio_behind_a_url(talk_of: OpenTalk) -> None:
    gate = asyncio.Event()
    synthesizer = ScriptedSynthesizer([tone(1.0), gate, tone(1.0)], tone())
    async with talk_of(synthesizer=synthesizer, mode="url") as talk:
        talk.conversation.say("hello")
        await talk.until("response", turn_id=1)
        await talk.quiet()
        async with elsewhere(talk, lose(talk, "nothing")):
            assert talk.still_at_work() == ["synthesize"]
            gate.set()
            await talk.quiet()
            await asyncio.sleep(1)
            assert synthesizer.calls[0].outcome is Outcome.FINISHED
            assert "interrupted" not in talk.spoken("assistant")[0]
            await assert_well(talk)


async def test_another_node_does_not_wait_for_who_does_not_let_go(talk_of: OpenTalk) -> None:
    handler = Stubborn(replies=["First.", "Second."])
    async with talk_of(handler=handler, mode="none") as talk:
        talk.conversation.say("one")
        await handler.held.wait()
        talk.conversation.say("two")
        async with elsewhere(talk, lose(talk, "nothing")):
            await talk.until("response", 2)
            await talk.quiet()
            assert talk.line() == _TWO
            handler.released.set()


@pytest.mark.parametrize(("name", "status"), [("thinking", "thinking"), ("streaming", "speaking")])
async def test_who_comes_back_is_told_what_goes_on(talk_of: OpenTalk, name: str, status: str) -> None:
    gate = asyncio.Event()
    async with talk_of(**_STATES[name].given(gate)) as talk:
        await _STATES[name].reach(talk)
        assert await come_back(talk, talk.conversation, lose(talk, "nothing"))
        async with reading(talk):
            await talk.until("resumed")
            assert talk.all("status")[-1].message["status"] == status
            assert talk.all("status")[-1].turn_id == 1
            gate.set()
            await talk.quiet()
            await assert_well(talk)


@pytest.mark.parametrize("name", ["thinking", "amid_the_words"])
async def test_who_comes_back_elsewhere_is_told_what_goes_on(talk_of: OpenTalk, name: str) -> None:
    async with talk_of(**_STATES[name].given(asyncio.Event())) as talk:
        talk.handler.matches.replace([[HANG]])
        await _STATES["thinking"].reach(talk)
        async with elsewhere(talk, lose(talk, "nothing")):
            assert talk.all("status")[-1].message["status"] == "thinking"
            talk.conversation.interrupt()
            await talk.quiet()


async def test_an_error_that_is_about_to_be_told_is_taken_along(talk_of: OpenTalk) -> None:
    down = ProviderError(ErrorCategory.UNAVAILABLE, "gone")
    async with talk_of(handler=ScriptedIntentHandler(replies=[[down], "Second."])) as talk:
        talk.history.delay_s = 0.5
        talk.conversation.say("hello")
        await talk.handler.log.wait_for(2)
        await asyncio.sleep(0.1)
        async with elsewhere(talk, lose(talk, "everything")):
            assert [one.turn_id for one in talk.all("error")] == [1]
            await assert_well(talk)
            assert talk.line()[0] == _HELLO


async def test_what_was_heard_is_written_down_before_another_node_goes_on(talk_of: OpenTalk) -> None:
    state = _STATES["behind_a_url"]
    async with talk_of(**state.given()) as talk:
        await state.reach(talk)
        talk.history.delay_s = 0.5
        assert talk.conversation.interrupt()
        unanswered = await talk.conversation.leave()
        assert unanswered == ()
        assert talk.spoken("assistant")[0]["interrupted"]
        talk.history.delay_s = 0.0
