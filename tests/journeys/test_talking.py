"""`glottis talk` by voice, with real engines: a file or a sound card in, a file or a sound card out."""

import asyncio
import io
import signal
import wave
from asyncio.subprocess import PIPE
from pathlib import Path

from glottis.core.audio import decode

from tests.program import PROGRAM, Program
from tests.sound_card import install_sound_card

from .conftest import Hear, Speech, alike

QUESTION = "Please show me the pricing page"


async def test_a_recording_is_answered_into_a_file(
    program: Program, shipped_server: str, speech: Speech, hear: Hear
) -> None:
    (program.folder / "question.opus").write_bytes(await speech(QUESTION, "en-US", format="opus"))
    talked = await program.run(
        *("talk", "--url", shipped_server, "--language", "en-US"),
        *("--input", "question.opus", "--output", "answer.wav"),
    )
    assert talked.status == 0, talked.printed
    greeting, asked, answered = talked.out.splitlines()
    assert greeting.startswith("glottis: Voice assistant ready")
    assert alike(asked.removeprefix("you: "), QUESTION)
    heard = await hear((program.folder / "answer.wav").read_bytes(), "en-US")
    assert alike(heard["text"], answered.removeprefix("glottis: "))
    for told in ("navigate: ", "/pricing", "final ", "first_audio "):
        assert told in talked.err


async def test_a_microphone_is_listened_to_and_a_speaker_answers(
    program: Program, shipped_server: str, speech: Speech, hear: Hear, tmp_path: Path
) -> None:
    recording = await speech(QUESTION, "en-US", format="wav")
    sound = decode(recording, rate_hz=16_000, max_s=60).pcm
    (program.folder / "microphone.pcm").write_bytes(bytes(16_000) + sound)
    environment = program.environment | {
        "SOUND_CARD": str(program.folder),
        "PYTHONPATH": install_sound_card(tmp_path / "modules"),
    }
    process = await asyncio.create_subprocess_exec(
        *(PROGRAM, "talk", "--url", shipped_server, "--language", "en-US"),
        cwd=program.folder,
        env=environment,
        stdout=PIPE,
        stderr=PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(60):
        said = [(await process.stdout.readline()).decode().strip() for _ in range(3)]
        while b"done" not in (line := await process.stderr.readline()):
            assert line
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert alike(said[1].removeprefix("you: "), QUESTION)
    played = io.BytesIO()
    with wave.open(played, "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        file.writeframes((program.folder / "speaker.pcm").read_bytes())
    heard = await hear(played.getvalue(), "en-US")
    assert alike(heard["text"], said[2].removeprefix("glottis: "))
