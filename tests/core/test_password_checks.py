import asyncio
import base64
from dataclasses import dataclass, replace

import pytest
from glottis.core.access import Authentication, hash_password
from glottis.core.errors import Unauthenticated
from glottis.core.store import Store, UserRecord, Users

pytestmark = pytest.mark.slow

HASHES_AT_ONCE = 2


@dataclass(slots=True)
class CountedUsers:
    """The users of a store; `asked` counts how often somebody was looked up, which is once a hash."""

    users: Users
    asked: int = 0

    async def any(self) -> bool:
        return await self.users.any()

    async def get(self, name: str) -> UserRecord | None:
        self.asked += 1
        return await self.users.get(name)


def header(password: str) -> str:
    return f"Basic {base64.b64encode(f'alice:{password}'.encode()).decode()}"


@pytest.fixture
async def users(store: Store) -> CountedUsers:
    hashed = await asyncio.to_thread(hash_password, "correct horse")
    await store.users.add("alice", password_hash=hashed, projects=None)
    return CountedUsers(store.users)


@pytest.fixture
def authentication(store: Store, users: CountedUsers) -> Authentication:
    return Authentication(replace(store, users=users))  # type: ignore[arg-type]  # it has what is asked for


async def test_a_password_that_comes_many_times_at_once_is_not_hashed_for_each(
    authentication: Authentication, users: CountedUsers
) -> None:
    authorization = header("correct horse")
    principals = await asyncio.gather(*(authentication.authenticate(authorization) for _ in range(30)))
    assert {principal.name for principal in principals} == {"alice"}
    assert users.asked <= HASHES_AT_ONCE


async def test_a_wrong_password_gets_nobody_in_who_comes_at_the_same_time(
    authentication: Authentication,
) -> None:
    mixed = [header("correct horse"), header("correct force")] * 3
    outcomes = await asyncio.gather(*map(authentication.authenticate, mixed), return_exceptions=True)
    assert [isinstance(outcome, Unauthenticated) for outcome in outcomes] == [False, True] * 3
