"""Open the store: embedded or remote MongoDB, its collections and what they answer."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from glottis.config import Settings
from glottis.core.store.audio import AudioCache
from glottis.core.store.connection import (
    PREPARE_TIMEOUT_S,
    Client,
    answering,
    check_writable,
    connect,
    database,
)
from glottis.core.store.conversations import Conversations
from glottis.core.store.documents import ProjectUsage, collection, descriptions, prepare
from glottis.core.store.embedded import embedded_mongo
from glottis.core.store.events import Events
from glottis.core.store.files import Files
from glottis.core.store.interactions import Interactions
from glottis.core.store.jobs import TrainingJobs
from glottis.core.store.keys import Keys
from glottis.core.store.records import DocumentDescription
from glottis.core.store.samples import Samples
from glottis.core.store.sessions import Sessions
from glottis.core.store.usage import Usage
from glottis.core.store.users import Users
from glottis.core.store.voices import TrainedVoices


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Everything that outlives the process."""

    sessions: Sessions
    interactions: Interactions
    audio: AudioCache
    users: Users
    usage: Usage
    secrets: Keys
    events: Events
    conversations: Conversations
    files: Files
    samples: Samples
    jobs: TrainingJobs
    voices: TrainedVoices
    _client: Client = field(repr=False)

    @staticmethod
    def describe() -> tuple[DocumentDescription, ...]:
        """Describe the documents that the store keeps."""
        return descriptions()

    async def ping(self) -> None:
        """Return when MongoDB takes writes.

        Raises:
            StoreUnavailable: it does not, within 2 seconds.
        """
        await check_writable(self._client)


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """Connect, or run an embedded MongoDB where `settings.mongo_url` is None, and make the indexes.

    Raises:
        StoreUnavailable: MongoDB cannot be reached.
        MongoUnsuitable: it is not a replica set, or too old.
        DataFolderInUse: another server's embedded MongoDB is at work in the folder.
        EmbeddedMongoFailed: the embedded MongoDB is not installed or did not start.
    """
    async with AsyncExitStack() as stack:
        if settings.mongo_url is None:
            url = await stack.enter_async_context(embedded_mongo(settings))
        else:
            url = settings.mongo_url.get_secret_value()
        client = await stack.enter_async_context(connect(url))
        db = database(client, settings.mongo_database)
        files = Files(db)
        with answering(PREPARE_TIMEOUT_S):
            await prepare(db, history_ttl_s=settings.history_ttl_s, audio_ttl_s=settings.audio_cache_ttl_s)
            await files.prepare()
        sessions = Sessions(db, limit=settings.max_concurrent_sessions, timeout_s=settings.session_timeout_s)
        interactions, events = Interactions(db), Events(db)
        await stack.enter_async_context(sessions.running())
        await stack.enter_async_context(interactions.running())
        audio = AudioCache(db)
        await stack.enter_async_context(audio.running())
        await stack.enter_async_context(events.running())
        yield Store(
            sessions=sessions,
            interactions=interactions,
            audio=audio,
            users=Users(db),
            usage=Usage(collection(db, ProjectUsage)),
            secrets=Keys(db),
            events=events,
            conversations=Conversations(db, session_timeout_s=settings.session_timeout_s),
            files=files,
            samples=Samples(client, db, files),
            jobs=TrainingJobs(client, db, files),
            voices=TrainedVoices(client, db, files),
            _client=client,
        )
