"""Providers that die in every state of a turn: the next one goes on, and somebody is always heard."""

import asyncio
from typing import Any

import pytest
from glottis.plugins import ErrorCategory, Match, Partial, ProviderError, RecognizerCapabilities
from glottis.plugins.conformance import (
    HANG,
    Outcome,
    ScriptedIntentHandler,
    ScriptedRecognizer,
    ScriptedSynthesizer,
    tone,
)

from .conftest import OpenTalk
from .talk import WINDOW_S, Talk

pytestmark = pytest.mark.virtual_time

DOWN = ProviderError(ErrorCategory.UNAVAILABLE, "gone")
VOICED_S = 0.64
HELD_BACK_MS = 20
"""As much of the audio of who dies is not sent: it was still being made as loud as the rest."""
STREAMING = RecognizerCapabilities(streaming=True, partials=True)
NAMES = ("ear", "ear2", "mind", "mind2", "mouth", "mouth2")
TOML = f"""
enable = ["test"]
[routes]
recognize = ["ear", "ear2"]
intents = ["mind", "mind2"]
synthesize = ["mouth", "mouth2"]
{
    "".join(
        f'''
[providers.{name}]
use = "{name}"
limits = {{ retries = 0, timeout_s = 5.0, first_result_s = 2.0 }}
'''
        for name in NAMES
    )
}"""
THREE = "One two. Three four. Five six."
FAILURES: dict[str, list[Any]] = {"dies": [DOWN], "hangs": [HANG]}


def chains(
    *,
    ear: ScriptedRecognizer | None = None,
    mind: ScriptedIntentHandler | None = None,
    mouth: ScriptedSynthesizer | None = None,
    **first: Any,
) -> dict[str, Any]:
    """Give what a conversation is opened with that has two providers of each kind; these are the second."""
    understudies = {
        "ear2": ear or ScriptedRecognizer("from the second"),
        "mind2": mind or ScriptedIntentHandler(replies=["Second."]),
        "mouth2": mouth or ScriptedSynthesizer(tone(0.5)),
    }
    return {"toml": TOML, "understudies": understudies, **first}


def sentences(talk: Talk) -> list[tuple[str, str, str | None]]:
    """Tell which sentences were said, who said them, and from whom that was taken over."""
    return [
        (one.message["text"], one.message["provider"], one.message.get("moved_from"))
        for one in talk.all("sentence", turn_id=1)
    ]


async def assert_rests(talk: Talk) -> None:
    """Nothing is left of the turn, and the next one is answered."""
    await talk.quiet()
    assert talk.kinds()[-1] == "listening"
    assert talk.still_at_work() == []
    assert talk.conversation.outbox.is_idle
    streamed = [one.turn_id for one in talk.all("audio")]
    assert [one.turn_id for one in talk.sent if one.kind in {"audio_end", "interrupted"}] == streamed
    talk.conversation.say("again")
    turn_id = talk.conversation.next_turn - 1
    await talk.until("status", status="thinking", turn_id=turn_id)
    await talk.quiet()
    assert talk.kinds()[-1] == "listening"


# Ears


@pytest.mark.parametrize(
    "play",
    [[DOWN], [Partial("fro", ""), DOWN], [Partial("fro", ""), HANG], [HANG]],
    ids=["at once", "on a partial", "hangs after a partial", "hangs"],
)
@pytest.mark.parametrize("second", [None, STREAMING], ids=["batch", "streaming"])
async def test_a_recognizer_that_dies_amid_an_utterance_is_followed_by_the_next(
    talk_of: OpenTalk, play: list[Any], second: RecognizerCapabilities | None
) -> None:
    first = ScriptedRecognizer(play, "again", capabilities=STREAMING)
    ear = ScriptedRecognizer("from the second", capabilities=second)
    async with talk_of(**chains(ear=ear, recognizer=first)) as talk:
        await talk.utter(VOICED_S)
        await talk.until("transcription", is_final=True, text="from the second")
        await talk.until("response", turn_id=1)
        await talk.quiet()
        assert talk.all("error") == []
        assert [record.provider for record in talk.records][:1] == ["ear2"]
        assert talk.line()[0] == ("recognition", "from the second")
        replayed = b"".join(frame.pcm for frame in ear.calls[-1].frames)
        assert replayed.count(tone(WINDOW_S).pcm) == round(VOICED_S / WINDOW_S)
        await assert_rests(talk)


@pytest.mark.parametrize("capabilities", [None, STREAMING], ids=["batch", "streaming"])
@pytest.mark.parametrize("failure", FAILURES)
async def test_a_recognizer_that_gives_no_final_is_followed_by_the_next(
    talk_of: OpenTalk, capabilities: RecognizerCapabilities | None, failure: str
) -> None:
    over = asyncio.Event()
    first = ScriptedRecognizer([over, *FAILURES[failure]], "again", capabilities=capabilities)
    async with talk_of(**chains(recognizer=first), wants_partials=False) as talk:
        await talk.utter()
        await talk.until("status", status="thinking")
        over.set()
        await talk.until("response", turn_id=1)
        await talk.quiet()
        assert talk.all("error") == []
        assert talk.line()[0] == ("recognition", "from the second")
        await assert_rests(talk)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("capabilities", [None, STREAMING], ids=["batch", "streaming"])
async def test_when_no_recognizer_is_left_the_person_is_told(
    talk_of: OpenTalk, capabilities: RecognizerCapabilities | None, failure: str
) -> None:
    play = FAILURES[failure]
    first = ScriptedRecognizer([Partial("fro", ""), *play], capabilities=capabilities)
    ear = ScriptedRecognizer(play, capabilities=capabilities)
    async with talk_of(**chains(ear=ear, recognizer=first)) as talk:
        await talk.utter()
        await talk.until("error", turn_id=1, code="Unavailable")
        await talk.quiet()
        assert [name for name in talk.kinds() if name != "transcription"] == [
            "thinking",
            "error",
            "error",
            "listening",
        ]
        assert talk.records == []
        await assert_rests(talk)


# Minds


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("when", ["before it has understood", "before its words"])
@pytest.mark.parametrize("mode", ["stream", "url", "none"])
async def test_a_handler_that_fails_before_its_words_is_followed_by_the_next(
    talk_of: OpenTalk, mode: str, when: str, failure: str
) -> None:
    play = FAILURES[failure]
    if when == "before its words":
        first = ScriptedIntentHandler(replies=[play, "Again."])
    else:
        first = ScriptedIntentHandler(matches=[play, Match("echo", 0.9)])
    async with talk_of(**chains(handler=first), mode=mode) as talk:
        talk.conversation.say("hello")
        response = await talk.until("response", turn_id=1, text="Second.")
        assert (response.message["audio_url"] is not None) == (mode == "url")
        await talk.quiet()
        assert talk.all("error") == []
        assert talk.line() == [("user", "hello"), ("assistant", "Second.")]
        assert talk.records[1].provider == "mind2"
        assert first.calls[0].outcome is not Outcome.RUNNING
        assert "interrupted" not in talk.spoken("assistant")[0]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("mode", ["stream", "url", "none"])
async def test_a_handler_that_fails_amid_its_words_is_not_spoken_over_by_another(
    talk_of: OpenTalk, mode: str, failure: str
) -> None:
    spoken = asyncio.Event()
    first = ScriptedIntentHandler(replies=[["One two. ", "Three ", spoken, *FAILURES[failure]], "Again."])
    async with talk_of(**chains(handler=first), mode=mode) as talk:
        talk.conversation.say("hello")
        await asyncio.sleep(1)
        spoken.set()
        await talk.until("error", turn_id=1, code="Unavailable")
        await talk.quiet()
        assert talk.understudies["mind2"].calls == []
        assert talk.all("response", turn_id=1) == []
        assert [(one["text"], one["heard"]) for one in talk.spoken("assistant")] == {
            "stream": [("One two.", "One two.")],
            "url": [("One two. Three", "One two.")],
            "none": [],
        }[mode]
        assert len(talk.all("audio_end")) == (mode == "stream")
        assert talk.line()[0] == ("user", "hello")


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("mode", ["stream", "url", "none"])
async def test_when_no_handler_is_left_the_person_is_told(talk_of: OpenTalk, mode: str, failure: str) -> None:
    play = FAILURES[failure]
    mind = ScriptedIntentHandler(matches=[play, Match("echo", 0.9)])
    async with talk_of(
        **chains(mind=mind, handler=ScriptedIntentHandler(replies=[play, "Again."])), mode=mode
    ) as talk:
        talk.conversation.say("hello")
        await talk.until("error", turn_id=1, code="Unavailable")
        await talk.quiet()
        assert talk.kinds() == ["thinking", "error", "error", "listening"]
        assert talk.line() == [("user", "hello")]
        talk.conversation.say("again")
        await talk.until("response", turn_id=2, text="Again.")
        await talk.quiet()


# Mouths


@pytest.mark.parametrize("play", [[DOWN], [HANG], []], ids=["dies", "hangs", "sends nothing"])
async def test_a_synthesizer_that_fails_before_its_first_audio_is_not_missed(
    talk_of: OpenTalk, play: list[Any]
) -> None:
    async with talk_of(**chains(handler=_says(THREE), synthesizer=ScriptedSynthesizer(play, tone()))) as talk:
        talk.conversation.say("hello")
        await talk.until("response", turn_id=1, text=THREE)
        await talk.quiet()
        assert sentences(talk) == [
            ("One two.", "mouth2", None),
            ("Three four.", "mouth2", None),
            ("Five six.", "mouth2", None),
        ]
        assert talk.all("error") == []
        assert len(talk.audio(1)) == 3 * len(tone(0.5).pcm)
        assert "interrupted" not in talk.spoken("assistant")[0]
        await assert_rests(talk)


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_sentence_that_breaks_off_is_said_again_by_the_next(talk_of: OpenTalk, failure: str) -> None:
    first = ScriptedSynthesizer([tone(0.4)], [tone(0.3), *FAILURES[failure]], tone())
    async with talk_of(**chains(handler=_says(THREE), synthesizer=first)) as talk:
        talk.conversation.say("hello")
        await talk.until("audio_end", turn_id=1)
        await talk.quiet()
        assert sentences(talk) == [
            ("One two.", "mouth", None),
            ("Three four.", "mouth", None),
            ("Three four.", "mouth2", "mouth"),
            ("Five six.", "mouth2", None),
        ]
        positions = [one.message["position_ms"] for one in talk.all("sentence")]
        assert positions == pytest.approx([0, 400, 700, 1_200], abs=HELD_BACK_MS)
        assert talk.all("error") == []
        (end,) = talk.all("audio_end")
        assert end.message["duration_ms"] == pytest.approx(1_700, abs=HELD_BACK_MS)
        assert talk.line() == [("user", "hello"), ("assistant", THREE)]
        await assert_rests(talk)


@pytest.mark.parametrize("play", [[DOWN], [HANG], []], ids=["dies", "hangs", "sends nothing"])
async def test_a_synthesizer_that_fails_between_sentences_is_followed_by_the_next(
    talk_of: OpenTalk, play: list[Any]
) -> None:
    first = ScriptedSynthesizer([tone(0.4)], play, tone())
    async with talk_of(**chains(handler=_says(THREE), synthesizer=first)) as talk:
        talk.conversation.say("hello")
        await talk.until("audio_end", turn_id=1)
        await talk.quiet()
        assert sentences(talk) == [
            ("One two.", "mouth", None),
            ("Three four.", "mouth2", "mouth"),
            ("Five six.", "mouth2", None),
        ]
        assert talk.all("error") == []
        await assert_rests(talk)


async def test_who_interrupts_a_sentence_that_is_said_again_has_heard_it_once(talk_of: OpenTalk) -> None:
    first = ScriptedSynthesizer([tone(0.5)], [tone(0.5), DOWN], tone())
    async with talk_of(
        **chains(handler=_says(THREE), synthesizer=first, mouth=ScriptedSynthesizer(tone(1.0)))
    ) as talk:
        talk.conversation.say("hello")
        await talk.until("sentence", moved_from="mouth")
        await asyncio.sleep(1.6)
        talk.conversation.interrupt()
        interrupted = await talk.until("interrupted", turn_id=1)
        assert interrupted.message["heard"].startswith("One two. Three")
        assert interrupted.message["heard"].count("Three") == 1
        await talk.quiet()
        await assert_rests(talk)


@pytest.mark.parametrize(
    "play", [[DOWN], [HANG], [], [tone(0.3), DOWN]], ids=["dies", "hangs", "none", "breaks"]
)
async def test_audio_behind_a_url_is_spoken_by_who_can_say_all_of_it(
    talk_of: OpenTalk, play: list[Any]
) -> None:
    async with talk_of(
        **chains(handler=_says(THREE), synthesizer=ScriptedSynthesizer(play, tone())), mode="url"
    ) as talk:
        talk.conversation.say("hello")
        response = await talk.until("response", turn_id=1, text=THREE)
        assert response.message["audio_url"] is not None
        await talk.quiet()
        await asyncio.sleep(10)
        assert talk.understudies["mouth2"].calls[0].outcome is Outcome.FINISHED
        assert talk.all("error") == []
        assert "interrupted" not in talk.spoken("assistant")[0]
        await assert_rests(talk)


@pytest.mark.parametrize("failure", FAILURES)
async def test_when_no_synthesizer_is_left_the_words_remain(talk_of: OpenTalk, failure: str) -> None:
    play = FAILURES[failure]
    for mode in ("stream", "url"):
        async with talk_of(
            **chains(
                handler=_says(THREE),
                synthesizer=ScriptedSynthesizer(play, tone()),
                mouth=ScriptedSynthesizer(play, tone()),
            ),
            mode=mode,
        ) as talk:
            talk.conversation.say("hello")
            response = await talk.until("response", turn_id=1, text=THREE)
            assert response.message["audio_url"] is None
            await talk.quiet()
            assert talk.all("error") == talk.all("audio") == talk.all("sentence") == []
            assert "speaking" not in talk.kinds()
            assert talk.line() == [("user", "hello"), ("assistant", THREE)]
            await assert_rests(talk)


@pytest.mark.parametrize("failure", FAILURES)
async def test_when_the_last_synthesizer_dies_amid_a_reply_its_audio_ends_and_the_words_remain(
    talk_of: OpenTalk, failure: str
) -> None:
    play = FAILURES[failure]
    first = ScriptedSynthesizer([tone(0.4)], [tone(0.3), *play], tone())
    mouth = ScriptedSynthesizer([tone(0.5), *play], tone())
    async with talk_of(**chains(handler=_says(THREE), synthesizer=first, mouth=mouth)) as talk:
        talk.conversation.say("hello")
        end = await talk.until("audio_end", turn_id=1)
        assert end.message["duration_ms"] == pytest.approx(1_200, abs=2 * HELD_BACK_MS)
        await talk.quiet()
        assert sentences(talk)[-1] == ("Three four.", "mouth2", "mouth")
        assert [one.message["text"] for one in talk.all("response")] == [THREE]
        assert talk.all("error") == []
        assert talk.line() == [("user", "hello"), ("assistant", THREE)]
        await assert_rests(talk)


@pytest.mark.parametrize("failure", FAILURES)
async def test_an_early_url_goes_on_with_the_next_voice(talk_of: OpenTalk, failure: str) -> None:
    first = ScriptedSynthesizer([tone(0.4)], [tone(0.3), *FAILURES[failure]], tone())
    more = asyncio.Event()
    handler = ScriptedIntentHandler(replies=[["One two. ", "Three", more, " four."], "Again."])
    async with talk_of(**chains(handler=handler, synthesizer=first), mode="url") as talk:
        talk.conversation.say("hello")
        audio = await talk.until("audio", turn_id=1)
        more.set()
        response = await talk.until("response", turn_id=1, text="One two. Three four.")
        assert response.message["audio_url"] == audio.message["audio_url"]
        await talk.quiet()
        assert talk.all("error") == []
        assert talk.turns[0].playback.sent_ms == pytest.approx(1_200, abs=HELD_BACK_MS)


def _says(text: str) -> ScriptedIntentHandler:
    return ScriptedIntentHandler(replies=[text, "Again."])
