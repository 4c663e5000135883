"""The one place that knows how the driver fails, and how long it may try."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC
from typing import Any

import pymongo
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from glottis.core.store.errors import MongoUnsuitable, RecordInvalid, StoreError, StoreUnavailable
from pydantic import ValidationError
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    InvalidOperation,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)

Raw = dict[str, Any]  # what the driver itself takes and gives
Client = AsyncMongoClient[Raw]
Collection = AsyncCollection[Raw]
Database = AsyncDatabase[Raw]

OPERATION_TIMEOUT_S = (
    2.5  # retries and the search for a primary included: a dead database is known for one soon
)
PREPARE_TIMEOUT_S = 600.0  # a new index on much data
PING_TIMEOUT_S = 1.8
CONNECT_TIMEOUT_MS = 2_000
OLDEST_WIRE_VERSION = 17  # MongoDB 6.0

# Failures of a node, not of a command: shutting down, stepping down, out of time, a conflict too many.
_TRANSIENT_CODES = frozenset(
    {6, 7, 50, 64, 89, 91, 100, 112, 134, 189, 246, 251, 262, 317, 9001, 10107, 11600, 11602, 13435, 13436}
)
_NO_ACCESS_CODES = frozenset({13, 18})
DUPLICATE_KEY = 11000
_HISTORY_LOST_CODES = frozenset({136, 260, 280, 286})
_TRANSIENT_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")


@contextmanager
def answering(timeout_s: float = OPERATION_TIMEOUT_S) -> Iterator[None]:
    """Bound what is asked of MongoDB inside, retries included, and let out no error but the store's own.

    Raises:
        StoreUnavailable: MongoDB is not there, not ready to write, or slower than `timeout_s`.
        RecordInvalid: a value has no form in BSON.
        StoreError: MongoDB refused a command.
    """
    cancelled_before = _cancellations()
    try:
        with checking(), pymongo.timeout(timeout_s):
            yield
        _heed_cancellation(cancelled_before)
    except PyMongoError as error:
        _heed_cancellation(cancelled_before)
        if is_transient(error):
            raise StoreUnavailable("the database does not answer") from error
        raise StoreError(f"the database refused a command ({type(error).__name__})") from error


def _cancellations() -> int:
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _heed_cancellation(before: int) -> None:
    """Go no further if cancelled meanwhile: the driver may take it for a broken connection, and try again."""
    if _cancellations() > before:
        raise asyncio.CancelledError


@contextmanager
def checking() -> Iterator[None]:
    """Let out `RecordInvalid` for what cannot be turned into BSON inside."""
    try:
        yield
    except (BSONError, ValidationError, UnicodeError, OverflowError) as error:
        # Neither the message nor a cause: they quote the value, which a person may have said.
        raise RecordInvalid(
            f"the database cannot hold a value of this record ({type(error).__name__})"
        ) from None


def is_transient(error: PyMongoError) -> bool:
    """Tell whether it is the node's failure, or its state, and not the command's."""
    if error.timeout or isinstance(error, ConnectionFailure | InvalidOperation):
        return True
    if any(error.has_error_label(label) for label in _TRANSIENT_LABELS):
        return True
    return isinstance(error, OperationFailure) and error.code in _TRANSIENT_CODES


@contextmanager
def inserting() -> Iterator[None]:
    """Let out `RecordInvalid` where an id of what is inserted inside is taken."""
    try:
        yield
    except BulkWriteError as error:
        codes = {failure["code"] for failure in error.details.get("writeErrors", ())}
        if codes != {DUPLICATE_KEY}:
            raise
        raise RecordInvalid("a record of this id is there already") from None


def is_history_lost(error: BaseException) -> bool:
    """Tell whether a change stream cannot go on where it was: MongoDB has forgotten what came after."""
    return isinstance(error, OperationFailure) and error.code in _HISTORY_LOST_CODES


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Client]:
    """Connect to a replica set that can serve, and disconnect at the end.

    Raises:
        StoreUnavailable: it cannot be reached, or has no primary.
        MongoUnsuitable: it is no replica set, too old, or refuses us.
    """
    try:
        client: Client = AsyncMongoClient(
            url,
            appname="glottis",
            connectTimeoutMS=CONNECT_TIMEOUT_MS,
            serverSelectionTimeoutMS=CONNECT_TIMEOUT_MS,
        )
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise MongoUnsuitable(f"GLOTTIS_MONGO_URL is not a MongoDB URL: {error}") from error
    async with client:
        with answering():
            await _check(client)
        yield client


async def _check(client: Client) -> None:
    try:
        hello = await client.admin.command("hello")
        await client.admin.command("ping")
    except OperationFailure as error:
        if error.code in _NO_ACCESS_CODES:
            raise MongoUnsuitable("MongoDB refuses the user or password of GLOTTIS_MONGO_URL") from error
        raise
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise MongoUnsuitable(
            "MongoDB is not a replica set: start it with --replSet and run rs.initiate(), one node is enough"
        )
    if hello["maxWireVersion"] < OLDEST_WIRE_VERSION:
        raise MongoUnsuitable("MongoDB is older than 6.0")


async def check_writable(client: Client) -> None:
    """Return when a primary answers.

    Raises:
        StoreUnavailable: none does in time.
    """
    with answering(PING_TIMEOUT_S):
        hello = await client.admin.command("hello")
    if not hello.get("isWritablePrimary"):
        raise StoreUnavailable("the database takes no writes now")


def database(client: Client, name: str) -> Database:
    """Return a database whose acknowledged writes outlive a crash, and whose times are aware."""
    return client.get_database(
        name,
        codec_options=CodecOptions(tz_aware=True, tzinfo=UTC),
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern(w="majority", j=True),
    )
