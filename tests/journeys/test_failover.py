"""ElevenLabs is out of order: a caller notices nothing but the next provider's time and name."""

import base64
import time

from tests.program import VOICE, Program, until

from .vendor import vendor

DEPLOYMENT = """
enable = ["elevenlabs", "mock"]
[providers.eleven]
use = "elevenlabs"
api_key = "${{ELEVENLABS_API_KEY}}"
base_url = "{address}"
[providers.eleven.limits]
breaker_failures = 3
breaker_probe_s = 0.2
[routes]
synthesize = ["eleven", "mock"]
recognize = ["eleven", "mock"]
intents = ["mock"]
[projects.demo]
"""
OPEN = 'glottis_breaker_open{instance="eleven",kind="synthesizer"} 1.0'


async def test_a_vendor_that_answers_500_costs_only_the_next_providers_time(program: Program) -> None:
    async with vendor() as eleven:
        program.deploy(DEPLOYMENT.format(address=eleven.address))
        async with program.serving(ELEVENLABS_API_KEY="not-a-real-key") as server:
            client = server.client
            began = time.perf_counter()
            for number in range(3):
                spoken = await client.post(f"{VOICE}/synthesize", json={"text": f"Number {number}"})
                assert (spoken.status_code, spoken.json()["provider"]) == (202, "mock")
                assert spoken.json()["duration_seconds"] > 0.3
            # No waiting, no timeout: the mock takes milliseconds, and a slow machine gets its seconds.
            assert time.perf_counter() - began < 10
            assert eleven.asked("text-to-speech") == 3

            assert OPEN in (await client.get("/metrics")).text
            session = await server.start_session()
            said = {"text": "hello", "project": "demo", "session_id": session["session_id"]}
            answer = await client.post(f"{VOICE}/dialog/respond", json=said)
            assert answer.status_code == 202
            assert (await client.get(answer.json()["audio_url"])).status_code == 200
            assert eleven.asked("text-to-speech") == 3

            eleven.is_out_of_order = False

            async def is_back() -> bool:
                return OPEN not in (await client.get("/metrics")).text

            await until(is_back)
            spoken = await client.post(f"{VOICE}/synthesize", json={"text": "Welcome back"})
            assert (spoken.json()["provider"], spoken.json()["duration_seconds"]) == ("eleven", 1.0)
            assert await server.end() == 0


async def test_what_the_vendor_does_not_hear_the_next_recognizer_hears(program: Program) -> None:
    async with vendor() as eleven:
        program.deploy(DEPLOYMENT.format(address=eleven.address))
        async with program.serving(ELEVENLABS_API_KEY="not-a-real-key") as server:
            client = server.client
            spoken = await client.post(f"{VOICE}/synthesize", json={"text": "hello there"})
            audio = (await client.get(spoken.json()["audio_url"])).content
            body = {"audio_base64": base64.b64encode(audio).decode(), "language": "en-US"}
            heard = (await client.post(f"{VOICE}/recognize", json=body)).json()
            assert (heard["text"], heard["provider"]) == ("hello there", "mock")
            eleven.is_out_of_order = False
            heard = (await client.post(f"{VOICE}/recognize", json=body)).json()
            assert (heard["text"], heard["provider"]) == ("it was heard", "eleven")
