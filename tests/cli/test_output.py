"""Where a command's output goes to nowhere, or holds what looks like markup."""

import pytest

from tests.program import MOCK, Program


@pytest.mark.parametrize("arguments", [("config", "check"), ("plugins", "list"), ("--version",), ("--help",)])
async def test_a_command_does_without_an_output(program: Program, arguments: tuple[str, ...]) -> None:
    done = await program.run(*arguments, redirected=">&-")
    assert (done.status, done.printed) == (0, "")


@pytest.mark.parametrize("arguments", [("config", "check"), ("plugins", "list"), ("--version",), ("--help",)])
async def test_an_output_that_takes_nothing_is_told_in_a_sentence(
    program: Program, arguments: tuple[str, ...]
) -> None:
    failed = await program.run(*arguments, redirected=">/dev/full")
    assert failed.status == 1
    assert failed.err == "error: the output cannot be written: No space left on device\n"


async def test_a_finding_is_shown_as_it_is(program: Program) -> None:
    data = program.folder / "[/x]"
    found = await program.run("doctor", "--data-dir", str(data), GLOTTIS_PORT="0")
    assert (found.status, found.err) == (0, "")
    assert "[/x]" in found.out


async def test_what_a_broken_plugin_says_is_shown_as_it_is(program: Program) -> None:
    (program.folder / "acme_porter.py").write_text("raise RuntimeError('no [/x] here')\n")
    metadata = program.folder / "acme_porter-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-porter\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[glottis.plugins]\nporter = acme_porter\n")
    program.deploy(MOCK.replace('["mock"]', '["mock", "porter"]', 1))
    listed = await program.run("plugins", "list", PYTHONPATH=str(program.folder))
    assert listed.status == 0
    assert "no [/x] here" in listed.out
