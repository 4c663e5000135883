"""A browser plays an answer whose end nobody knows yet."""

import asyncio

import pytest
from glottis.plugins.conformance import ScriptedIntentHandler, ScriptedRecognizer, ScriptedSynthesizer, tone

from tests.api.conftest import Serve
from tests.browser.conftest import Site
from tests.listening.conftest import RATE_HZ, Say

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

TOML = """
enable = ["test"]
[routes]
recognize = ["ear"]
synthesize = ["speaker"]
intents = ["scripted"]
[projects.demo]
origins = ["{origin}"]
"""
PLAYS = """
new Promise((done) => voice.player.addEventListener("timeupdate", () => {
    if (voice.player.currentTime > 0.5) done(voice.player.currentTime);
}))
"""
PLAYED = """
new Promise((done) => {
    const played = () => done(voice.player.currentTime);
    voice.player.ended ? played() : (voice.player.onended = played);
})
"""


async def test_the_player_begins_before_the_answer_is_complete(serve: Serve, site: Site, say: Say) -> None:
    rest = asyncio.Event()
    handler = ScriptedIntentHandler(replies=[("There are three plans. The first", rest, " is free.")])
    speaker = ScriptedSynthesizer((tone(6.0),), (tone(0.5),))
    specs = (ScriptedRecognizer().spec("ear"), handler.spec(), speaker.spec("speaker"))
    async with serve(TOML.format(origin=site.origin), *specs) as server:
        session = await server.start_session(language="en-US")
        speech = say("Where can I find the prices?") + bytes(2 * RATE_HZ)
        async with site.visiting("client.js", session, speech, rate_hz=RATE_HZ) as visit:
            audio = await visit.until("audio")
            assert 0.5 < await visit.page.evaluate(PLAYS) < 4.0
            assert visit.received("response") == []
            rest.set()
            response = await visit.until("response")
            assert response["turn_id"] == audio["turn_id"]
            assert await visit.page.evaluate("voice.player.currentTime") > 0.5
            assert await visit.page.evaluate(PLAYED) == pytest.approx(6.5, abs=0.3)
