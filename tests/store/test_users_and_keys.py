import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from glottis.core.store import Store, UserExists

OpenStore = Callable[..., AbstractAsyncContextManager[Store]]


async def test_a_user_is_kept_and_found_by_name(store: Store) -> None:
    assert not await store.users.any()
    added = await store.users.add("alice", password_hash="$argon2id$1", projects=["shop", "demo"])
    assert added.projects == ("demo", "shop")
    kept = await store.users.get("alice")
    assert kept is not None
    assert (kept.name, kept.password_hash, kept.projects) == ("alice", "$argon2id$1", ("demo", "shop"))
    assert await store.users.any()
    assert await store.users.get("bob") is None


async def test_a_user_for_all_projects_differs_from_one_for_none(store: Store) -> None:
    await store.users.add("all", password_hash="x", projects=None)
    await store.users.add("none", password_hash="x", projects=[])
    assert [user.projects for user in await store.users.list()] == [None, ()]


async def test_a_name_is_taken_once_unless_it_is_to_be_replaced(store: Store) -> None:
    await store.users.add("alice", password_hash="old", projects=None)
    with pytest.raises(UserExists, match="alice"):
        await store.users.add("alice", password_hash="new", projects=None)
    await store.users.add("alice", password_hash="new", projects=None, replace=True)
    (alice,) = await store.users.list()
    assert alice.password_hash == "new"


async def test_a_user_is_removed_once(store: Store) -> None:
    await store.users.add("alice", password_hash="x", projects=None)
    assert await store.users.remove("alice")
    assert not await store.users.remove("alice")
    assert not await store.users.any()


async def test_no_password_hash_is_shown(store: Store) -> None:
    assert "$argon2id" not in repr(await store.users.add("alice", password_hash="$argon2id$1", projects=None))


async def test_all_nodes_get_the_same_key(open_test_store: OpenStore) -> None:
    async with open_test_store() as one, open_test_store() as other:
        keys = await asyncio.gather(
            *(store.secrets.get_or_create("audio-links") for store in (one, other) for _ in range(5))
        )
        assert len(set(keys)) == 1
        assert len(keys[0]) == 32
        assert await one.secrets.get_or_create("another") != keys[0]
