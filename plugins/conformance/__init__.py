"""Checks that a provider keeps its contract, and scripted fakes for tests of what calls providers."""

from glottis.plugins.conformance.scripted import (
    IntentCall,
    RecognizerCall,
    ScriptedIntentHandler,
    ScriptedRecognizer,
    ScriptedSynthesizer,
    SynthesizerCall,
    tone,
)
from glottis.plugins.conformance.scripts import HANG, Call, CallLog, Outcome, Script

__all__ = [
    "HANG",
    "Call",
    "CallLog",
    "IntentCall",
    "Outcome",
    "RecognizerCall",
    "Script",
    "ScriptedIntentHandler",
    "ScriptedRecognizer",
    "ScriptedSynthesizer",
    "SynthesizerCall",
    "tone",
]
