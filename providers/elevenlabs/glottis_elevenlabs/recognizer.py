"""Text from Scribe, the recognizer of ElevenLabs."""

import asyncio
import math

from glottis.plugins import AudioFrame, RecognitionOptions, Recognizer, Transcript, Word

from glottis_elevenlabs.answers import Heard, HeardWord, decode
from glottis_elevenlabs.languages import tag_of, vendor_code
from glottis_elevenlabs.provider import ElevenLabsProvider
from glottis_elevenlabs.wav import wav_file

SHORTEST_S = 0.1
"""Nobody says anything in less, and the API takes it for a mistake."""


class ElevenLabsRecognizer(ElevenLabsProvider, Recognizer):
    """Sends a whole utterance and waits for its text."""

    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        # Digital silence would be paid for like speech.
        if clip.duration_s < SHORTEST_S or not clip.pcm.strip(b"\0"):
            return Transcript(text="", confidence=0.0, language=options.language)
        fields = {
            "model_id": self.config.recognition_model_id,
            "timestamps_granularity": "word",
            "tag_audio_events": "false",
        }
        language = vendor_code(options.language)
        if language is not None:
            fields["language_code"] = language
        upload = {"file": ("speech.wav", await asyncio.to_thread(wav_file, clip), "audio/wav")}
        answer = await self.client.json("POST", "/v1/speech-to-text", data=fields, files=upload)
        return _transcript(decode(Heard, answer), options)


def _transcript(heard: Heard, options: RecognitionOptions) -> Transcript:
    words = [word for word in heard.words if word.type == "word"]
    return Transcript(
        text=heard.text.strip(),
        confidence=_confidence(heard, words),
        language=tag_of(heard.language_code, asked=options.language),
        words=tuple(_word(word) for word in words) if options.word_times else (),
    )


def _confidence(heard: Heard, words: list[HeardWord]) -> float:
    """Take the geometric mean of the words' probabilities; without any, how sure the language is."""
    logprobs = [word.logprob for word in words if word.logprob is not None]
    if not heard.text.strip():
        return 0.0
    if not logprobs:
        return heard.language_probability or 0.0
    return _probability(sum(logprobs) / len(logprobs))


def _word(word: HeardWord) -> Word:
    start = word.start or 0.0
    return Word(
        text=word.text.strip(),
        start_s=start,
        end_s=start if word.end is None else word.end,
        confidence=0.0 if word.logprob is None else _probability(word.logprob),
    )


def _probability(logprob: float) -> float:
    return math.exp(min(logprob, 0.0))
