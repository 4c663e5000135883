import asyncio
import re
import threading
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import cast

import numpy as np
import pytest
from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    ProviderError,
    RecognitionOptions,
    Recognizer,
    silence,
)
from glottis.plugins.conformance.hearing import word_error_rate

pytestmark = pytest.mark.asyncio(loop_scope="module")

Spoken = Mapping[str, AudioFrame]

ENGLISH = RecognitionOptions(language="en-US")


class Watched:
    """A clip that tells when a thread begins to hear it."""

    def __init__(self, clip: AudioFrame) -> None:
        self._clip, self.rate_hz, self.begun = clip, clip.rate_hz, threading.Event()

    @property
    def pcm(self) -> bytes:
        self.begun.set()
        return self._clip.pcm


def plain(text: str) -> str:
    return re.sub(r"[^\w\s]", "", text.casefold())


def joined(*frames: AudioFrame) -> AudioFrame:
    return AudioFrame(b"".join(frame.pcm for frame in frames), 16_000)


def sound(samples: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> AudioFrame:
    return AudioFrame((np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes(), 16_000)


async def test_what_piper_says_is_heard(whisper: Recognizer, spoken: Spoken) -> None:
    heard = {text: await whisper.recognize(clip, ENGLISH) for text, clip in spoken.items()}

    said, understood = " ".join(heard), " ".join(one.text for one in heard.values())
    assert word_error_rate(plain(said), plain(understood)) <= 0.05
    assert all(one.confidence > 0.6 and one.language == "en-US" for one in heard.values())


async def test_more_than_half_a_minute_is_heard_to_its_end(whisper: Recognizer, spoken: Spoken) -> None:
    pause = silence(0.4, rate_hz=16_000)
    clip = joined(*(part for _ in range(2) for frame in spoken.values() for part in (frame, pause)))
    assert clip.duration_s > 32

    heard = await whisper.recognize(clip, ENGLISH)

    assert word_error_rate(plain(" ".join([*spoken, *spoken])), plain(heard.text)) <= 0.05


async def test_words_have_their_times_in_the_whole_audio(whisper: Recognizer, spoken: Spoken) -> None:
    (text, clip), (later_text, later) = list(spoken.items())[:2]
    late = joined(clip, silence(4, rate_hz=16_000), later)

    heard = await whisper.recognize(late, RecognitionOptions(language="en", word_times=True))

    assert [word.text for word in heard.words] == heard.text.split()
    assert word_error_rate(plain(f"{text} {later_text}"), plain(heard.text)) <= 0.2
    assert all(one.start_s <= other.start_s for one, other in pairwise(heard.words))
    again = heard.words[len(text.split())]
    assert abs(again.start_s - clip.duration_s - 4) < 0.5
    assert heard.words[-1].end_s <= late.duration_s


async def test_alternatives_are_other_readings(whisper: Recognizer, spoken: Spoken) -> None:
    clip = next(iter(spoken.values()))

    heard = await whisper.recognize(clip, RecognitionOptions(language="en", alternatives=2))

    assert 1 <= len(heard.alternatives) <= 2
    readings = [heard.text, *(other.text for other in heard.alternatives)]
    assert len({plain(reading) for reading in readings}) == len(readings)
    assert all(0 < other.confidence <= heard.confidence for other in heard.alternatives)


async def test_a_draft_reads_the_beginning_of_a_sentence(whisper: Recognizer, spoken: Spoken) -> None:
    text, clip = list(spoken.items())[2]
    begun = AudioFrame(clip.pcm[: 2 * 24_000], 16_000)

    heard = await whisper.recognize(begun, RecognitionOptions(language="en", draft=True, alternatives=2))

    assert plain(heard.text).split()[:4] == plain(text).split()[:4]
    assert heard.text[0].isupper()
    assert not heard.alternatives


@pytest.mark.parametrize("language", ["en-US", "ru-RU"])
async def test_what_is_not_speech_gives_no_text(whisper: Recognizer, language: str) -> None:
    time_s = np.arange(4 * 16_000) / 16_000
    noise = np.random.default_rng(1).standard_normal(len(time_s))
    sounds = {
        "silence": np.zeros(len(time_s)),
        "noise": 0.1 * noise,
        "hum": 0.1 * np.sin(2 * np.pi * 50 * time_s),
        "a throbbing tone": 0.3 * np.sin(400 * np.pi * time_s) * (1 + np.sin(8 * np.pi * time_s)) / 2,
        "a buzzer": 0.2 * ((time_s * 120) % 1 - 0.5) * (np.sin(6 * np.pi * time_s) > 0),
    }
    for name, samples in sounds.items():
        heard = await whisper.recognize(sound(samples), RecognitionOptions(language=language))

        assert (name, heard.text, heard.confidence) == (name, "", 0.0)


async def test_without_the_filter_noise_still_gives_no_text(
    make: Callable[..., Recognizer], spoken: Spoken
) -> None:
    provider = make(vad_filter=False, window_s=30, num_workers=1)
    noise = 0.1 * np.random.default_rng(1).standard_normal(3 * 16_000)
    text, clip = next(iter(spoken.items()))

    assert (await provider.recognize(sound(noise), RecognitionOptions(language="ru-RU"))).text == ""
    assert plain((await provider.recognize(clip, ENGLISH)).text) == plain(text)
    await provider.aclose()


async def test_an_unknown_language_is_unsupported(whisper: Recognizer, spoken: Spoken) -> None:
    with pytest.raises(ProviderError) as caught:
        await whisper.recognize(next(iter(spoken.values())), RecognitionOptions(language="tlh"))

    assert caught.value.category is ErrorCategory.UNSUPPORTED
    assert caught.value.public_message == "whisper-test does not know tlh"


async def test_another_sample_rate_is_an_invalid_request(whisper: Recognizer) -> None:
    with pytest.raises(ProviderError) as caught:
        await whisper.recognize(silence(1, rate_hz=8_000), ENGLISH)

    assert caught.value.category is ErrorCategory.INVALID_REQUEST


async def test_the_version_names_model_and_checksum(whisper: Recognizer) -> None:
    assert whisper.version.endswith(" base@d01c3014881c")


async def test_too_many_at_once_are_refused_with_a_time_to_wait(
    make: Callable[..., Recognizer], spoken: Spoken
) -> None:
    provider = make(num_workers=1, max_waiting=1)
    await provider.warmup()
    clip = next(iter(spoken.values()))

    outcomes = await asyncio.gather(
        *(provider.recognize(clip, ENGLISH) for _ in range(3)), return_exceptions=True
    )

    refused = [outcome for outcome in outcomes if isinstance(outcome, ProviderError)]
    assert [error.category for error in refused] == [ErrorCategory.RATE_LIMITED]
    assert refused[0].retry_after_s is not None
    assert refused[0].public_message == "whisper-test is busy: 1 utterances wait already"
    await provider.aclose()


async def test_a_cancelled_call_keeps_its_place_until_its_thread_is_done(
    make: Callable[..., Recognizer], spoken: Spoken
) -> None:
    provider = make(num_workers=1, max_waiting=0)
    await provider.warmup()
    clip = next(iter(spoken.values()))
    watched = Watched(clip)
    call = asyncio.ensure_future(provider.recognize(cast("AudioFrame", watched), ENGLISH))
    assert await asyncio.to_thread(watched.begun.wait, 30)
    call.cancel()
    await asyncio.wait({call})

    with pytest.raises(ProviderError, match="busy"):
        await provider.recognize(clip, ENGLISH)
    await provider.health()  # waits for the only thread

    assert (await provider.recognize(clip, ENGLISH)).text
    await provider.aclose()


async def test_a_call_that_is_cancelled_while_it_waits_is_never_begun(
    make: Callable[..., Recognizer], spoken: Spoken
) -> None:
    provider = make(num_workers=1)
    await provider.warmup()
    clip = next(iter(spoken.values()))
    first, second = Watched(clip), Watched(clip)
    calls = [
        asyncio.ensure_future(provider.recognize(cast("AudioFrame", watched), ENGLISH))
        for watched in (first, second)
    ]
    assert await asyncio.to_thread(first.begun.wait, 30)
    calls[1].cancel()
    await asyncio.wait(calls)
    await provider.health()

    assert calls[0].result().text
    assert not second.begun.is_set()
    await provider.aclose()
