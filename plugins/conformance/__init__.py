"""Checks that a provider keeps its contract, and scripted fakes for tests of what calls providers.

The whole test of a synthesizer, with pytest and pytest-asyncio installed:

    from glottis.plugins.conformance import SynthesizerConformance


    class TestMine(SynthesizerConformance):
        plugin = "mine"
"""

from glottis.plugins.conformance.intent import IntentHandlerConformance
from glottis.plugins.conformance.offering import loaded_with
from glottis.plugins.conformance.provider import ProviderConformance
from glottis.plugins.conformance.recognizer import RecognizerConformance
from glottis.plugins.conformance.scripted import (
    IntentCall,
    RecognizerCall,
    ScriptedIntentHandler,
    ScriptedPeers,
    ScriptedRecognizer,
    ScriptedSynthesizer,
    ScriptedTools,
    SynthesizerCall,
    tone,
)
from glottis.plugins.conformance.scripts import HANG, Call, CallLog, Outcome, Script
from glottis.plugins.conformance.synthesizer import SynthesizerConformance
from glottis.plugins.conformance.training import TrainingBackendConformance

__all__ = [
    "HANG",
    "Call",
    "CallLog",
    "IntentCall",
    "IntentHandlerConformance",
    "Outcome",
    "ProviderConformance",
    "RecognizerCall",
    "RecognizerConformance",
    "Script",
    "ScriptedIntentHandler",
    "ScriptedPeers",
    "ScriptedRecognizer",
    "ScriptedSynthesizer",
    "ScriptedTools",
    "SynthesizerCall",
    "SynthesizerConformance",
    "TrainingBackendConformance",
    "loaded_with",
    "tone",
]
