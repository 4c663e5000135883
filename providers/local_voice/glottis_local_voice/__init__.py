"""Voices made from samples on this machine, by parallel voice conversion, for Glottis."""
