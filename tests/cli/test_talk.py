"""`glottis talk`: by keyboard here, with a server of the mock providers; by voice in tests/journeys."""

import asyncio
import os
import pty
import signal
import socket
import wave
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.program import PROGRAM, Program
from tests.sound_card import MODULE, install_sound_card

NOT_INSTALLED = "raise ImportError('no sounddevice')"
NO_LIBRARY = "raise OSError('PortAudio library not found')"


async def test_what_is_typed_is_answered_in_writing(program: Program) -> None:
    async with program.serving() as server:
        talked = await program.run(
            *("talk", "--url", server.address, "--text", "--language", "en-US"),
            typed="show the prices\n\nwhat is this",
        )
    assert (talked.status, talked.out.splitlines()) == (
        0,
        [
            "glottis: Voice assistant ready. How can I help you?",
            "glottis: Opening prices.",
            "glottis: what is this",
        ],
    )
    assert "navigate: " in talked.err
    assert "/pricing" in talked.err
    assert "reply " in talked.err


async def test_the_answers_go_into_a_file(program: Program) -> None:
    async with program.serving() as server:
        talked = await program.run(
            *("talk", "--url", server.address, "--text", "-l", "en-US", "--output", "answers.wav"),
            typed="show the prices\none two three\n",
        )
        heard = await program.run("hear", "answers.wav", "--language", "en-US")
    assert talked.status == 0
    assert heard.out == "Opening prices. one two three\n"
    with wave.open(str(program.folder / "answers.wav")) as answers:
        assert (answers.getframerate(), answers.getnchannels()) == (24_000, 1)


async def test_a_recording_without_a_voice_is_listened_to_and_not_answered(program: Program) -> None:
    await program.run("say", "show the prices", "--out", "tones.wav", "--language", "en-US")
    async with program.serving() as server:
        talked = await program.run("talk", "--url", server.address, "--input", "tones.wav", "--fast")
    assert (talked.status, len(talked.out.splitlines())) == (0, 1)


async def test_the_password_is_read_from_the_environment(program: Program) -> None:
    async with program.serving() as server:
        await program.run("users", "add", "alice", typed="correct horse\n")
        for password, hint in (("wrong", "password"), ("correct horse", "")):
            talked = await program.run(
                *("talk", "--url", server.address, "--text", "--user", "alice"),
                typed="hello\n",
                GLOTTIS_PASSWORD=password,
            )
            assert talked.status == (1 if hint else 0), talked.printed
            assert hint in talked.err
            assert "Traceback" not in talked.err


async def test_without_a_server_it_is_told_how_to_start_one(program: Program) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        refused = await program.run("talk", "--text", "--url", f"http://127.0.0.1:{port}")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith("error: no server answers at ")
    assert "glottis serve" in refused.err
    assert "--url" in refused.err


@pytest.mark.parametrize(
    ("module", "hint"),
    [
        (NOT_INSTALLED, "pip install 'glottis[talk]'"),
        (NO_LIBRARY, "apt install libportaudio2"),
        (MODULE, "there is no speaker: Error querying device -1; give a file with --output"),
    ],
)
async def test_what_is_missing_to_speak_and_hear_is_named(
    program: Program, tmp_path: Path, module: str, hint: str
) -> None:
    refused = await program.run("talk", PYTHONPATH=install_sound_card(tmp_path / "modules", module))
    assert (refused.status, refused.out) == (1, "")
    assert hint in refused.err
    assert refused.err.startswith("error: ")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--input", "nothing.wav"), "nothing.wav: No such file"),
        (("--input", "plugins.toml"), "plugins.toml"),
        (("--text", "--input", "plugins.toml"), "either --text or --input"),
        (("--text", "--output", "answer.mp3"), ".wav"),
        (("--text", "--output", "no/such/folder/answer.wav"), "No such file"),
    ],
)
async def test_what_talk_cannot_do_is_told_in_a_sentence(
    program: Program, arguments: tuple[str, ...], hint: str
) -> None:
    refused = await program.run("talk", *arguments)
    assert (refused.status, refused.out) == (1, "")
    assert hint in refused.err
    assert "Traceback" not in refused.err


async def test_ctrl_c_hangs_up(program: Program) -> None:
    main, terminal = pty.openpty()
    try:
        async with program.serving() as server:
            process = await asyncio.create_subprocess_exec(
                *(PROGRAM, "talk", "--text", "--url", server.address),
                stdin=terminal,
                stdout=PIPE,
                stderr=PIPE,
                env=program.environment,
            )
            assert process.stdout is not None
            assert (await process.stdout.readline()).startswith(b"glottis: ")
            os.write(main, b"hello\n")
            assert (await process.stdout.readline()).startswith(b"glottis: ")
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
    finally:
        os.close(main)
        os.close(terminal)
    assert (process.returncode, out) == (0, b"")
    assert b"Traceback" not in err
