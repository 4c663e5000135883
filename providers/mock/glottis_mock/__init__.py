"""Speech that needs no models: text as a robust tone code, and keyword intents."""
