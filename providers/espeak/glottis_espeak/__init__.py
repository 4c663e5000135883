"""eSpeak NG for Glottis: over a hundred languages, the voice of last resort."""
