"""`glottis say`, `hear` and `ask`: the providers of a deployment without a server."""

import pytest

from tests.program import MOCK, Program

ESPEAK = (
    MOCK.replace('"mock"', '"espeak"')
    .replace('intents = ["espeak"]', "")
    .replace('recognize = ["espeak"]', "")
)
BEGINNINGS = {"mp3": (b"ID3", b"\xff\xf3", b"\xff\xfb"), "opus": (b"OggS",), "wav": (b"RIFF",)}


@pytest.mark.parametrize("ending", ["mp3", "opus", "wav"])
async def test_what_is_said_into_a_file_is_heard_in_it(program: Program, ending: str) -> None:
    said = await program.run("say", "the quick brown fox", "--out", f"fox.{ending}")
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith(f"fox.{ending}: ")
    assert "by mock" in said.out
    assert (program.folder / f"fox.{ending}").read_bytes().startswith(BEGINNINGS[ending])
    heard = await program.run("hear", f"fox.{ending}", "--language", "en-US")
    assert (heard.status, heard.out) == (0, "the quick brown fox\n")
    assert heard.err.startswith("mock, confidence ")


async def test_a_real_synthesizer_speaks_the_language_of_the_text(program: Program) -> None:
    program.deploy(ESPEAK)
    for text, options in (
        ("Good morning", ("--speed", "1.5")),
        ("Доброе утро", ("--provider", "espeak", "--voice", "default")),
    ):
        said = await program.run("say", text, "-o", "morning.wav", *options)
        assert (said.status, said.err) == (0, "")
        assert "by espeak" in said.out
        assert (program.folder / "morning.wav").stat().st_size > 10_000


async def test_a_question_is_understood_and_answered(program: Program) -> None:
    asked = await program.run("ask", "Покажи цены", "--out", "answer.mp3")
    assert asked.status == 0
    assert "navigate (mock)" in asked.err
    assert "/pricing" in asked.err
    answer, saved = asked.out.splitlines()
    assert answer
    assert saved.startswith("answer.mp3: ")
    assert (program.folder / "answer.mp3").is_file()
    echoed = await program.run("ask", "What is this?", "--language", "en-US")
    assert (echoed.status, len(echoed.out.splitlines())) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "hints"),
    [
        (("say", "hello", "--out", "hello.doc"), ("hello.doc", "mp3", "opus", "wav")),
        (("say", "hello", "--out", "no/such/folder/hello.mp3"), ("no/such/folder", "No such file")),
        (("say", "hello", "--voice", "bass"), ("bass", "default, high, low")),
        (("say", "hello", "--provider", "eleven"), ("eleven", "mock")),
        (("say", "..."), ("nothing to say",)),
        (("hear", "nothing.wav"), ("nothing.wav", "No such file")),
        (("hear", "plugins.toml"), ("audio",)),
        (("hear", "."), (".", "directory")),
    ],
    ids=" ".join,
)
async def test_what_cannot_be_done_is_told_in_a_sentence(
    program: Program, arguments: tuple[str, ...], hints: tuple[str, ...]
) -> None:
    refused = await program.run(*arguments)
    assert (refused.status, refused.out) == (1, "")
    last = refused.err.splitlines()[-1]
    assert last.startswith("error: ")
    for hint in hints:
        assert hint in last
    assert "Traceback" not in refused.err


async def test_a_provider_that_cannot_start_is_no_riddle(program: Program) -> None:
    program.deploy('enable = ["mock"]\n[routes]\nintents = ["mock"]\n')
    refused = await program.run("say", "hello")
    assert (refused.status, refused.out) == (1, "")
    assert "synthesize" in refused.err
    assert "Traceback" not in refused.err
