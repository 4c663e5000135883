"""The states in which a turn can be interrupted, and how to get there."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from glottis.plugins import AudioFrame, Match
from glottis.plugins.conformance import (
    HANG,
    ScriptedIntentHandler,
    ScriptedRecognizer,
    ScriptedSynthesizer,
    tone,
)
from glottis.plugins.conformance.scripts import Hang

from .talk import Talk, settle

Stop: TypeAlias = asyncio.Event | Hang

_MATCH = Match("echo", 0.9)
ANSWER = "One two three four. Five six seven eight."
LONG: tuple[AudioFrame, ...] = (tone(1.0),) * 4
"""Four seconds for a sentence."""


@dataclass(frozen=True, slots=True)
class State:
    """A state: `given` is what the conversation is opened with, `reach` gets there, always in turn 1.

    Who is at work there hangs, or waits for the event that `given` gets. `line` is what the history is to
    hold of the turn once it has been cut off there.
    """

    name: str
    given: Callable[..., dict[str, Any]]
    reach: Callable[[Talk], Awaitable[None]]
    line: list[tuple[str, str]] = field(default_factory=list)
    next_turn: int = 2
    is_heard: bool = False
    """Some of the answer may have been heard."""

    def __repr__(self) -> str:
        return self.name


def _slow_ear(until: Stop = HANG) -> dict[str, Any]:
    return {"recognizer": ScriptedRecognizer([until, "hello"], "hello"), "wants_partials": False}


def _slow_mind(until: Stop = HANG) -> dict[str, Any]:
    return {"handler": ScriptedIntentHandler(matches=[[until, _MATCH], _MATCH])}


def _slow_words(until: Stop = HANG) -> dict[str, Any]:
    return {"handler": ScriptedIntentHandler(replies=[["One two", until, " three."], "Second."])}


def _slow_mouth(mode: str) -> Callable[..., dict[str, Any]]:
    def given(until: Stop = HANG) -> dict[str, Any]:
        return {
            "handler": ScriptedIntentHandler(replies=[ANSWER, "Second."]),
            "synthesizer": ScriptedSynthesizer([until, tone()], tone()),
            "mode": mode,
        }

    return given


def _long(mode: str) -> Callable[..., dict[str, Any]]:
    def given(_until: Stop = HANG) -> dict[str, Any]:
        return {
            "handler": ScriptedIntentHandler(replies=[ANSWER, "Second."]),
            "synthesizer": ScriptedSynthesizer(LONG, LONG, tone()),
            "mode": mode,
        }

    return given


def _halting(mode: str) -> Callable[..., dict[str, Any]]:
    def given(until: Stop = HANG) -> dict[str, Any]:
        return {
            "handler": ScriptedIntentHandler(
                replies=[["One two three four. ", "Five ", until, "six."], "Second."]
            ),
            "mode": mode,
        }

    return given


def _brief(mode: str) -> Callable[..., dict[str, Any]]:
    def given(_until: Stop = HANG) -> dict[str, Any]:
        return {
            "handler": ScriptedIntentHandler(replies=["One two three four.", "Second."]),
            "synthesizer": ScriptedSynthesizer([tone(0.8)], tone()),
            "mode": mode,
        }

    return given


async def _before_the_final(talk: Talk) -> None:
    await talk.utter()
    await talk.until("status", status="thinking")


async def _asked(talk: Talk) -> None:
    talk.conversation.say("hello")
    await talk.handler.log.wait_for(1)
    await settle()


async def _half_said(talk: Talk) -> None:
    talk.conversation.say("hello")
    await talk.handler.log.wait_for(2)
    await settle()


async def _being_voiced(talk: Talk) -> None:
    talk.conversation.say("hello")
    await talk.synthesizer.log.wait_for(1)
    await settle()


async def _streaming(talk: Talk) -> None:
    talk.conversation.say("hello")
    await talk.until("frame", 4)
    await asyncio.sleep(2.2)


async def _between_sentences(talk: Talk) -> None:
    talk.conversation.say("hello")
    await talk.until("sentence")
    await asyncio.sleep(1)


async def _at_the_end(talk: Talk) -> None:
    talk.conversation.say("hello")
    await talk.until("audio_end")
    await asyncio.sleep(0.3)


async def _held(talk: Talk) -> None:
    await _streaming(talk)
    await talk.speak(0.2)
    await talk.until("paused")


async def _behind_a_url(talk: Talk) -> None:
    talk.conversation.say("hello")
    await talk.until("response")
    await talk.quiet()
    await asyncio.sleep(0.3)


async def _behind_an_early_url(talk: Talk) -> None:
    talk.conversation.say("hello")
    await talk.until("audio")
    await asyncio.sleep(1)


_ASKED = [("user", "hello")]
_ANSWERED = [("user", "hello"), ("assistant", ANSWER)]
_BRIEF = [("user", "hello"), ("assistant", "One two three four.")]

STATES = [
    State("before_the_final", _slow_ear, _before_the_final),
    State("thinking", _slow_mind, _asked, _ASKED),
    State("amid_the_words", _slow_words, _half_said, _ASKED),
    State("preparing_audio", _slow_mouth("stream"), _being_voiced, _ANSWERED),
    State("preparing_audio_behind_a_url", _slow_mouth("url"), _being_voiced, _ASKED),
    State("streaming", _long("stream"), _streaming, _ANSWERED, is_heard=True),
    State("held", _long("stream"), _held, _ANSWERED, next_turn=3, is_heard=True),
    State("between_sentences", _halting("stream"), _between_sentences, _BRIEF, is_heard=True),
    State("after_audio_end", _brief("stream"), _at_the_end, _BRIEF, is_heard=True),
    State("behind_a_url", _brief("url"), _behind_a_url, _BRIEF, is_heard=True),
    State(
        "behind_an_early_url",
        _halting("url"),
        _behind_an_early_url,
        [("user", "hello"), ("assistant", "One two three four. Five")],
        is_heard=True,
    ),
]
