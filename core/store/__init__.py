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
from glottis.core.store.files import Files
from glottis.core.store.interactions import Interactions
from glottis.core.store.jobs import TrainingJobs
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
from glottis.core.store.samples import MOST_SAMPLES, Samples
from glottis.core.store.sessions import Sessions
from glottis.core.store.store import Store, open_store
from glottis.core.store.training_records import JobRecord, JobStatus, SampleRecord, VoiceRecord, Words
from glottis.core.store.usage import Usage
from glottis.core.store.users import Users
from glottis.core.store.voices import TrainedVoices

__all__ = [
    "GAP",
    "MAX_AUDIO_BYTES",
    "MAX_STATE_BYTES",
    "MOST_SAMPLES",
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
    "Files",
    "InteractionRecord",
    "InteractionType",
    "Interactions",
    "JobRecord",
    "JobStatus",
    "Keys",
    "MongoUnsuitable",
    "RecordInvalid",
    "SampleRecord",
    "Samples",
    "SessionLimitReached",
    "SessionRecord",
    "Sessions",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "StoredEvent",
    "TrainedVoices",
    "TrainingJobs",
    "Usage",
    "UsageRecord",
    "UserExists",
    "UserRecord",
    "Users",
    "VoiceRecord",
    "Words",
    "embedded_mongo",
    "embedded_url",
    "open_store",
]
