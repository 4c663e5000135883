"""ElevenLabs for Glottis: a synthesizer, the Scribe recognizer, and cloned voices."""
