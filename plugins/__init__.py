"""What the author of a provider writes against."""

from glottis.plugins.audio import AudioFrame, StoredAudio, silence
from glottis.plugins.capabilities import (
    Capabilities,
    IntentCapabilities,
    RecognizerCapabilities,
    RunsOn,
    SynthesizerCapabilities,
    TrainingCapabilities,
)
from glottis.plugins.errors import ErrorCategory, ProviderError
from glottis.plugins.events import (
    BreakerChanged,
    Event,
    JobFinished,
    ProviderFailed,
    SessionEnded,
    SessionStarted,
    TurnFinished,
)
from glottis.plugins.hookspecs import API_VERSION, hookimpl
from glottis.plugins.intent import (
    DialogueContext,
    IntentHandler,
    Match,
    Remembered,
    ReplyAction,
    ReplyPiece,
    ReplySource,
    ReplyText,
    Section,
)
from glottis.plugins.languages import ANY, best_match, lookup_order, primary
from glottis.plugins.peers import NoPeers, Peers
from glottis.plugins.provider import NoConfig, Provider, ProviderContext
from glottis.plugins.recognizer import (
    Alternative,
    Partial,
    RecognitionOptions,
    Recognizer,
    RecognizerStream,
    Transcript,
    Word,
)
from glottis.plugins.specs import (
    IntentHandlerSpec,
    Kind,
    ProviderSpec,
    RecognizerSpec,
    SynthesizerSpec,
    TrainingBackendSpec,
)
from glottis.plugins.speech import DEFAULT_VOICE, SynthesisOptions, VoiceInfo
from glottis.plugins.synthesizer import Synthesizer
from glottis.plugins.text import is_speakable, sentences, split_sentences
from glottis.plugins.threads import iterate_in_thread
from glottis.plugins.training import (
    BaseSpeech,
    Progress,
    TrainedVoice,
    TrainingBackend,
    TrainingJob,
    TrainingSample,
    TrainingStage,
    TrainingTools,
    Verdict,
)

__all__ = [
    "ANY",
    "API_VERSION",
    "DEFAULT_VOICE",
    "Alternative",
    "AudioFrame",
    "BaseSpeech",
    "BreakerChanged",
    "Capabilities",
    "DialogueContext",
    "ErrorCategory",
    "Event",
    "IntentCapabilities",
    "IntentHandler",
    "IntentHandlerSpec",
    "JobFinished",
    "Kind",
    "Match",
    "NoConfig",
    "NoPeers",
    "Partial",
    "Peers",
    "Progress",
    "Provider",
    "ProviderContext",
    "ProviderError",
    "ProviderFailed",
    "ProviderSpec",
    "RecognitionOptions",
    "Recognizer",
    "RecognizerCapabilities",
    "RecognizerSpec",
    "RecognizerStream",
    "Remembered",
    "ReplyAction",
    "ReplyPiece",
    "ReplySource",
    "ReplyText",
    "RunsOn",
    "Section",
    "SessionEnded",
    "SessionStarted",
    "StoredAudio",
    "SynthesisOptions",
    "Synthesizer",
    "SynthesizerCapabilities",
    "SynthesizerSpec",
    "TrainedVoice",
    "TrainingBackend",
    "TrainingBackendSpec",
    "TrainingCapabilities",
    "TrainingJob",
    "TrainingSample",
    "TrainingStage",
    "TrainingTools",
    "Transcript",
    "TurnFinished",
    "Verdict",
    "VoiceInfo",
    "Word",
    "best_match",
    "hookimpl",
    "is_speakable",
    "iterate_in_thread",
    "lookup_order",
    "primary",
    "sentences",
    "silence",
    "split_sentences",
]
