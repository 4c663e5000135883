"""Piper as a synthesizer of Glottis."""
