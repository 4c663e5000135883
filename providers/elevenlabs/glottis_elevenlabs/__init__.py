"""ElevenLabs for Glottis: a synthesizer, and the Scribe recognizer."""
