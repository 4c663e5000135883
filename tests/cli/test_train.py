"""`glottis train`: a voice from recordings, by a server of the mock providers."""

import asyncio
import os
import pty
import re
import shutil
import signal
import socket
from asyncio.subprocess import PIPE
from contextlib import suppress
from pathlib import Path

import pytest
from glottis.core.audio import encode_clip
from glottis.plugins import AudioFrame
from PIL import Image

from tests.program import MOCK, PROGRAM, VOICE, Program
from tests.recordings import recordings

TRAINING = MOCK.replace("[routes]", '[providers.mock]\nuse = "mock"\n{options}\n[routes]\ntrain = "mock"')
SLOW = "training_step_s = 20.0"
ROOT = Path(__file__).parents[2]
FILES = ("one.wav", "two.wav", "three.wav")


@pytest.fixture
def trainer(program: Program) -> Program:
    """A folder with three recordings, and a deployment that trains."""
    for name, audio in zip(FILES, recordings(), strict=False):
        (program.folder / name).write_bytes(audio)
    deploy(program)
    return program


def deploy(program: Program, options: str = "") -> None:
    program.deploy(TRAINING.replace("{options}", options))


async def test_a_voice_is_trained_watched_and_heard(trainer: Program) -> None:
    async with trainer.serving() as server:
        trained = await trainer.run(
            *("train", "demo", *FILES, "--watch", "--url", server.address),
            *("--name", "Anna of Tver", "--language", "en-US", "--text", "one two three"),
        )
        voices = (await server.client.get(f"{VOICE}/voices", params={"project": "demo"})).json()["voices"]
    assert trained.status == 0, trained.printed
    for name in FILES:
        assert re.search(rf"(?m)^{name} +\d+\.\d s .* ok *$", trained.out), name
    assert "3 of 3 samples can be trained with" in trained.out
    (voice,) = [voice for voice in voices if voice.get("trained")]
    assert voice["name"] == "Anna of Tver"
    assert re.search(rf"(?m)^voice +{voice['id']} *$", trained.out)
    assert re.search(r"(?m)^steps +1, 2, 3, 4, 5, 6, 7, 8, 9, 10 *$", trained.out)
    shown = [int(line.split()[0]) for line in trained.err.splitlines() if " % " in line]
    assert shown == sorted(shown)
    assert "100 %  Training completed" in trained.err
    folder = trainer.folder / "Anna-of-Tver"
    assert {file.name for file in folder.iterdir()} == {"trained.wav", "base.wav", "spectrogram.png"}
    for name in ("trained.wav", "base.wav"):
        heard = await trainer.run("hear", str(folder / name), "--language", "en-US")
        assert heard.out == "one two three\n"
    with Image.open(folder / "spectrogram.png") as picture:
        assert picture.format == "PNG"
        assert picture.height > 500
        colours = picture.getcolors(picture.width * picture.height)
    assert colours is not None
    assert len(colours) > 100


async def test_what_is_wrong_with_a_recording_is_told(trainer: Program) -> None:
    quiet = encode_clip(AudioFrame(bytes(2 * 48_000), 16_000), "wav")
    (trainer.folder / "quiet.wav").write_bytes(quiet)
    async with trainer.serving() as server:
        refused = await trainer.run("train", "demo", *FILES[:2], "quiet.wav", "--url", server.address)
    assert refused.status == 1
    assert re.search(r"(?m)^quiet.wav .*Speech makes up only 0 % of the recording", refused.out)
    assert "2 of 3 samples" in refused.out
    assert "error: 1 more usable samples are needed: it has 2 of at least 3" in refused.err


async def test_a_file_that_is_no_recording_is_named(trainer: Program) -> None:
    (trainer.folder / "notes.txt").write_text("these are notes", encoding="utf-8")
    async with trainer.serving() as server:
        for bad, hint in (
            ("notes.txt", "error: notes.txt: this is text, not audio"),
            ("none.wav", "error: none.wav: No such file or directory"),
            (".", "error: .: Is a directory"),
        ):
            refused = await trainer.run("train", "demo", *FILES, bad, "--url", server.address)
            assert (refused.status, refused.out) == (1, ""), bad
            assert hint in refused.err
        samples = await server.client.get(f"{VOICE}/samples", params={"project": "demo"})
        assert samples.json() == {"samples": []}


async def test_files_of_one_name_are_told_apart(trainer: Program) -> None:
    for folder, audio in zip(("a", "b"), recordings(), strict=False):
        (trainer.folder / folder).mkdir()
        (trainer.folder / folder / "same.wav").write_bytes(audio)
    async with trainer.serving() as server:
        trained = await trainer.run(
            *("train", "demo", "a/same.wav", "b/same.wav", "three.wav", "--url", server.address)
        )
    assert trained.status == 0, trained.printed
    for name in ("a_same.wav", "b_same.wav", "three.wav"):
        assert re.search(rf"(?m)^{name} ", trained.out), name


async def test_ctrl_c_says_that_the_training_goes_on_and_how_to_end_it(trainer: Program) -> None:
    deploy(trainer, SLOW)
    async with trainer.serving() as server:
        process = await asyncio.create_subprocess_exec(
            *(PROGRAM, "train", "demo", *FILES, "--watch", "--url", server.address),
            cwd=trainer.folder,
            env=trainer.environment,
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            assert process.stderr is not None
            assert b" % " in await process.stderr.readline()
            process.send_signal(signal.SIGINT)
            _, err = await process.communicate()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        assert process.returncode == 130
        assert re.search(r"The training goes on \(job \w+\)", err.decode())
        cancelling = ("train", "demo", "--cancel", "--url", server.address)
        assert f"Cancel it: glottis {' '.join(cancelling)}" in err.decode()
        late = await trainer.run("train", "demo", "one.wav", "--url", server.address)
        assert late.status == 1
        assert "without these files" in late.err
        cancelled = await trainer.run(*cancelling)
        assert (cancelled.status, cancelled.out[:18]) == (0, "Training cancelled")
        again = await trainer.run(*cancelling)
        assert (again.status, again.err) == (1, "error: demo: no training is running\n")


async def test_a_training_that_runs_can_be_watched_later(trainer: Program) -> None:
    deploy(trainer, "training_step_s = 0.3")
    async with trainer.serving() as server:
        begun = await trainer.run("train", "demo", *FILES, "--url", server.address, "-l", "en-US")
        assert begun.status == 0, begun.printed
        assert f"glottis train demo --watch --url {server.address}" in begun.err
        watched = await trainer.run("train", "demo", "--watch", "--url", server.address, "--out", "heard")
        jobs = (await server.client.get(f"{VOICE}/jobs", params={"project": "demo"})).json()["jobs"]
    assert watched.status == 0, watched.printed
    assert [job["status"] for job in jobs] == ["completed"]
    assert jobs[0]["id"] in begun.out
    assert (trainer.folder / "heard" / "spectrogram.png").is_file()


async def test_a_training_that_fails_says_why(trainer: Program) -> None:
    deploy(trainer, "training_fails_at = 50.0")
    async with trainer.serving() as server:
        failed = await trainer.run("train", "demo", *FILES, "--watch", "--url", server.address)
    assert failed.status == 1
    assert failed.err.splitlines()[-1].startswith("error: Training failed: ")
    assert not (trainer.folder / "demo").exists()


async def test_without_a_backend_it_is_told_how_to_route_one(trainer: Program) -> None:
    trainer.deploy(MOCK)
    async with trainer.serving() as server:
        refused = await trainer.run("train", "demo", *FILES, "--url", server.address)
    assert refused.status == 1
    assert "no provider to train" in refused.err
    assert "[routes] train" in refused.err


async def test_a_wrong_password_is_told(trainer: Program) -> None:
    async with trainer.serving() as server:
        await trainer.run("users", "add", "alice", typed="correct horse\n")
        as_alice = ("train", "demo", *FILES, "--url", server.address, "--user", "alice")
        refused = await trainer.run(*as_alice, GLOTTIS_PASSWORD="wrong")
        trained = await trainer.run(*as_alice, GLOTTIS_PASSWORD="correct horse")
    assert (refused.status, refused.out) == (1, "")
    assert "GLOTTIS_PASSWORD" in refused.err
    assert trained.status == 0, trained.printed
    assert "--user alice" in trained.err


async def test_without_a_server_it_is_told_how_to_start_one(trainer: Program) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        refused = await trainer.run("train", "demo", *FILES, "--url", address)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith("error: no server answers at ")
    assert "glottis serve" in refused.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("one.wav", "--out", "heard"), "need --watch"),
        (("--text", "hello"), "need --watch"),
        (("one.wav", "--cancel"), "--cancel goes alone"),
        (("one.wav", "--watch", "--out", "two.wav"), "two.wav: is not a folder"),
    ],
)
async def test_options_that_do_not_go_together_are_told(
    trainer: Program, arguments: tuple[str, ...], hint: str
) -> None:
    refused = await trainer.run("train", "demo", *arguments)
    assert (refused.status, refused.out) == (1, "")
    assert hint in refused.err


async def test_on_a_terminal_there_is_a_bar(trainer: Program) -> None:
    main, terminal = pty.openpty()
    try:
        async with trainer.serving() as server:
            process = await asyncio.create_subprocess_exec(
                *(PROGRAM, "train", "demo", *FILES, "--watch", "--url", server.address),
                cwd=trainer.folder,
                env=trainer.environment | {"TERM": "xterm"},
                stdout=PIPE,
                stderr=terminal,
            )
            out, _ = await process.communicate()
        shown = os.read(main, 1_000_000).decode()
    finally:
        os.close(main)
        os.close(terminal)
    assert process.returncode == 0
    assert b"3 of 3 samples" in out
    assert "━" in shown
    assert "100%" in shown


@pytest.mark.slow
async def test_the_shipped_deployment_trains_a_voice_that_is_more_like_the_recordings(
    trainer: Program,
) -> None:
    shutil.copy(ROOT / "plugins.toml", trainer.folder)
    async with trainer.serving() as server:
        trained = await trainer.run(
            *("train", "demo", *FILES, "--watch", "--url", server.address, "-l", "en-US", "-o", "heard")
        )
    assert trained.status == 0, trained.printed
    metrics = dict(re.findall(r"(?m)^(\S.*?)  +(\S.*?) *$", trained.out))
    assert metrics["provider"] == "local-voice"
    assert metrics["base"] == "piper-joe"
    assert float(metrics["similarity"]) > float(metrics["similarity before"])
    assert len(list((trainer.folder / "heard").iterdir())) == 3
