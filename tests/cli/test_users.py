"""`glottis users`, with a server that runs and without one."""

import httpx
import pytest

from tests.program import VOICE, Program, Serving

PASSWORD = "correct horse"


async def ask(server: Serving, auth: tuple[str, str] | None) -> int:
    path = f"{VOICE}/analytics/project/demo"
    return (await server.client.get(path, auth=auth or httpx.USE_CLIENT_DEFAULT)).status_code


async def test_users_are_added_listed_and_removed_while_nothing_runs(program: Program) -> None:
    empty = await program.run("users", "list")
    assert (empty.status, empty.err) == (0, "")
    assert "there are no users" in empty.out
    piped = await program.run(
        "users", "add", "alice", "--project", "demo", "--project", "shop", typed=PASSWORD
    )
    assert (piped.status, piped.out, piped.err) == (0, "added alice\n", "")
    from_environment = await program.run("users", "add", "боб", GLOTTIS_PASSWORD=PASSWORD)
    assert (from_environment.status, from_environment.out, from_environment.err) == (0, "added боб\n", "")
    listed = await program.run("users", "list")
    rows = [line.split() for line in listed.out.splitlines()]
    assert [row[0] for row in rows] == ["user", "alice", "боб"]
    assert rows[1][1:3] == ["demo,", "shop"]
    assert rows[2][1] == "all"
    removed = await program.run("users", "remove", "alice")
    assert (removed.status, removed.out) == (0, "removed alice\n")
    assert "alice" not in (await program.run("users", "list")).out


async def test_a_running_server_knows_at_once_who_was_added(program: Program) -> None:
    await program.run("users", "add", "alice", typed=PASSWORD)
    async with program.serving() as server:
        assert await ask(server, None) == 401
        assert await ask(server, ("alice", PASSWORD)) == 200
        assert await ask(server, ("bob", PASSWORD)) == 401
        added = await program.run("users", "add", "bob", "--project", "shop", typed=PASSWORD)
        assert (added.status, added.out) == (0, "added bob\n")
        assert await ask(server, ("bob", PASSWORD)) == 404
        assert (await program.run("users", "list")).out.count("\n") == 3
        removed = await program.run("users", "remove", "bob")
        assert (removed.status, removed.out) == (0, "removed bob\n")
        assert await server.end() == 0


@pytest.mark.parametrize(
    ("arguments", "password", "hint"),
    [
        (("add", "carol"), "short", "at least 8"),
        (("add", "car:ol"), PASSWORD, "colon"),
        (("add", ""), PASSWORD, "user name"),
        (("add", "c" * 101), PASSWORD, "100"),
        (("add", "carol", "--project", ""), PASSWORD, "project"),
        (("add", "carol", "--project", "p" * 101), PASSWORD, "project"),
        (("add", "carol"), "correct \udcff horse", "UTF-8"),
        (("add", "alice"), PASSWORD, '"alice" exists'),
        (("remove", "nobody"), "", "users list"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_reason(
    program: Program, arguments: tuple[str, ...], password: str, hint: str
) -> None:
    if "exists" in hint:
        await program.run("users", "add", "alice", typed=PASSWORD)
    refused = await program.run("users", *arguments, typed=password)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith("error: ")
    assert hint in refused.err


async def test_a_password_of_the_environment_that_is_not_text_is_refused(program: Program) -> None:
    refused = await program.run("users", "add", "carol", GLOTTIS_PASSWORD="correct \udcff horse")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith("error: ")
    assert "UTF-8" in refused.err


async def test_a_name_is_shown_as_it_is(program: Program) -> None:
    for name in ("[/x]", "[red]rose"):
        added = await program.run("users", "add", name, typed=PASSWORD)
        assert (added.status, added.out) == (0, f"added {name}\n")
    listed = await program.run("users", "list")
    assert (listed.status, listed.err) == (0, "")
    assert [line.split()[0] for line in listed.out.splitlines()] == ["user", "[/x]", "[red]rose"]
