"""Transactions that keep records and counters together."""

from collections.abc import Awaitable, Callable

from glottis.core.store.connection import Client
from pymongo import ReadPreference, WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession


async def transact(client: Client, work: Callable[[AsyncClientSession], Awaitable[None]]) -> None:
    """Do `work` in a transaction, again if MongoDB asks for it; return when it outlives a crash.

    To be called within `answering`, which bounds it.
    """
    async with client.start_session() as session:
        await session.with_transaction(
            work,
            read_preference=ReadPreference.PRIMARY,
            write_concern=WriteConcern(w="majority", j=True),
        )
