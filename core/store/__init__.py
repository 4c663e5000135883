"""What outlives a process, in MongoDB; no document or driver type leaves this package."""

from glottis.core.store.audio import MAX_AUDIO_BYTES, AudioCache
from glottis.core.store.conversations import MAX_STATE_BYTES, Conversations
from glottis.core.store.data_folder import embedded_url
from glottis.core.store.embedded import embedded_mongo
from glottis.core.store.errors import (
    AudioTooLarge,
    DataFolderInUse,
    EmbeddedMongoFailed,
    MongoUnsuitable,
    RecordInvalid,
    SessionLimitReached,
    StoreError,
    StoreUnavailable,
    UserExists,
)
from glottis.core.store.events import GAP, SESSION_ENDED, Events
from glottis.core.store.interactions import Interactions
from glottis.core.store.keys import Keys
from glottis.core.store.records import (
    AudioClaim,
    AudioRecord,
    AudioTaken,
    Claim,
    ClaimResult,
    DocumentDescription,
    InteractionRecord,
    InteractionType,
    SessionRecord,
    StoredEvent,
    UsageRecord,
    UserRecord,
)
from glottis.core.store.sessions import Sessions
from glottis.core.store.store import Store, open_store
from glottis.core.store.usage import Usage
from glottis.core.store.users import Users

__all__ = [
    "GAP",
    "MAX_AUDIO_BYTES",
    "MAX_STATE_BYTES",
    "SESSION_ENDED",
    "AudioCache",
    "AudioClaim",
    "AudioRecord",
    "AudioTaken",
    "AudioTooLarge",
    "Claim",
    "ClaimResult",
    "Conversations",
    "DataFolderInUse",
    "DocumentDescription",
    "EmbeddedMongoFailed",
    "Events",
    "InteractionRecord",
    "InteractionType",
    "Interactions",
    "Keys",
    "MongoUnsuitable",
    "RecordInvalid",
    "SessionLimitReached",
    "SessionRecord",
    "Sessions",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "StoredEvent",
    "Usage",
    "UsageRecord",
    "UserExists",
    "UserRecord",
    "Users",
    "embedded_mongo",
    "embedded_url",
    "open_store",
]
