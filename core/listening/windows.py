"""The pieces in which voice activity is told."""

WINDOW_SAMPLES = 512
"""Samples at 16 kHz."""
WINDOW_BYTES = 2 * WINDOW_SAMPLES
WINDOW_MS = 32
