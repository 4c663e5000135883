"""Whisper as a recognizer of Glottis."""
