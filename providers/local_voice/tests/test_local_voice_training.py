import shutil
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    Progress,
    ProviderError,
    StoredAudio,
    SynthesisOptions,
    Synthesizer,
    TrainingBackend,
    TrainingJob,
    TrainingSample,
    TrainingStage,
    silence,
)

from .conftest import RATE_HZ, SENTENCES, BaseVoice, Tools, made, offered, whole

Recorded = Callable[[int], tuple[TrainingSample, ...]]


def job(folder: Path, tools: Tools, attempt: int = 1) -> TrainingJob:
    folder.mkdir(exist_ok=True)
    return TrainingJob("job-1", "demo", "en-US", folder, tools, attempt)


async def trained(
    trainer: TrainingBackend, dataset: tuple[TrainingSample, ...], course: TrainingJob
) -> list[Progress]:
    return [progress async for progress in trainer.train(dataset, course)]


async def test_a_training_ends_in_a_voice_that_is_nearer_to_the_samples_and_speaks(
    trainer: TrainingBackend,
    synthesizer: Synthesizer,
    base: BaseVoice,
    recorded: Recorded,
    tmp_path: Path,
) -> None:
    tools = Tools(base)
    told = await trained(trainer, recorded(4), job(tmp_path / "work", tools))

    assert all(one.percent <= next_one.percent for one, next_one in pairwise(told))
    assert [each.is_checkpoint for each in told].count(True) == 4
    stages = [each.stage for each in told]
    assert stages == sorted(stages, key=list(TrainingStage).index)
    assert set(stages) == set(TrainingStage)
    assert tools.spoken == [(SENTENCES[0], None), *((text, "espeak") for text in SENTENCES[1:])]
    voice = told[-1].voice
    assert voice is not None
    assert told[-1].percent == 100
    metrics = voice.metrics
    assert metrics["similarity"] > metrics["similarity_before"]
    assert metrics["mel_cepstral_distortion_db"] < metrics["mel_cepstral_distortion_before_db"]
    assert (metrics["held_out"], metrics["passages"], metrics["rate_hz"]) == (1, 4, RATE_HZ)

    await synthesizer.install(voice)
    spoken = await whole(synthesizer, SENTENCES[0], SynthesisOptions(voice=voice.voice_id))
    assert spoken.rate_hz == RATE_HZ
    assert 0.6 < spoken.duration_s / recorded(1)[0].duration_s < 1.6
    assert base.asked[-1][0] == "espeak"


async def test_a_training_that_was_killed_goes_on_from_its_last_checkpoint(
    trainer: TrainingBackend, base: BaseVoice, recorded: Recorded, tmp_path: Path
) -> None:
    first, second = Tools(base), Tools(base)
    async with aclosing(trainer.train(recorded(3), job(tmp_path / "work", first))) as training:
        reached = [await anext(training), await anext(training)][-1]
    saved = shutil.copytree(tmp_path / "work", tmp_path / "elsewhere")
    (saved / "lesson-002.npz").write_bytes(b"half a fi")

    told = await trained(trainer, recorded(3), job(saved, second, attempt=2))

    assert reached.is_checkpoint
    assert [text for text, _ in first.spoken] == list(SENTENCES[:2])
    assert second.spoken == [(SENTENCES[2], "espeak")]
    assert told[-1].voice is not None


async def test_a_long_recording_is_cut_and_each_part_is_heard(
    trainer: TrainingBackend, base: BaseVoice, recorded: Recorded, tmp_path: Path
) -> None:
    pause = silence(1.0, rate_hz=RATE_HZ).pcm
    clips = [(await sample.read()).pcm for sample in recorded(4)]
    joined = AudioFrame((pause.join(clips) + pause) * 2, RATE_HZ)
    tools = Tools(base, dict.fromkeys(range(9), "..."))

    async with aclosing(
        trainer.train((TrainingSample("long", joined, "All of it."),), job(tmp_path / "work", tools))
    ) as training:
        told = [await anext(training)]
        while not told[-1].is_checkpoint:
            told.append(await anext(training))

    assert len(told) == 9 - len(tools.heard)
    assert all(one.percent < next_one.percent for one, next_one in pairwise(told))
    assert joined.duration_s > 12
    assert 3 <= 9 - len(tools.heard) <= 8
    assert not tools.spoken


async def test_of_very_long_recordings_each_gives_its_share_and_the_rest_is_left_out(
    base: BaseVoice, recorded: Recorded, tmp_path: Path
) -> None:
    pause = silence(1.0, rate_hz=RATE_HZ).pcm
    clips = [(await sample.read()).pcm for sample in recorded(4)]
    long = AudioFrame((pause.join(clips) + pause) * 3, RATE_HZ)
    folder = tmp_path / "work"
    dataset = tuple(
        TrainingSample(name, StoredAudio.write(tmp_path / name, long)) for name in ("one", "two", "three")
    )
    spec = offered("local-voice", "glottis_register_training_backends")
    trainer: TrainingBackend = made(spec, tmp_path, most_speech_s=12)
    tools = Tools(base, dict.fromkeys(range(99), " ".join(SENTENCES[:2])))
    async with aclosing(trainer.train(dataset, job(folder, tools))) as training:
        done = 0
        while done < 2:
            done += (await anext(training)).is_checkpoint
    resumed = await trained(trainer, dataset, job(folder, tools, attempt=2))
    await trainer.aclose()

    voice = resumed[-1].voice
    assert voice is not None
    assert voice.metrics["samples_cut_short"] == 3
    longest_passage_s = 10.0
    assert 5 < voice.metrics["speech_s"] < 12 + longest_passage_s < 3 * long.duration_s
    lessons = [path.stat().st_size for path in sorted(folder.glob("lesson-*.npz"))]
    assert len(lessons) == 3
    assert max(lessons) < 3 * min(lessons)


async def test_recordings_that_nobody_understands_fail_the_training(
    trainer: TrainingBackend, base: BaseVoice, recorded: Recorded, tmp_path: Path
) -> None:
    samples = tuple(replace(sample, text=None) for sample in recorded(3))
    tools = Tools(base, {0: "", 1: "...", 2: " "})

    with pytest.raises(ProviderError) as caught:
        await trained(trainer, samples, job(tmp_path / "work", tools))

    assert caught.value.category is ErrorCategory.INVALID_REQUEST
    assert "record more sentences" in caught.value.public_message


async def test_words_that_were_hardly_understood_are_not_learnt_from(
    trainer: TrainingBackend, base: BaseVoice, recorded: Recorded, tmp_path: Path
) -> None:
    samples = tuple(replace(sample, text=None) for sample in recorded(3))
    tools = Tools(base, dict(enumerate(SENTENCES)), confidence=0.4)

    with pytest.raises(ProviderError, match="could be understood"):
        await trained(trainer, samples, job(tmp_path / "work", tools))

    assert not tools.spoken


async def test_a_recording_of_speech_is_usable(trainer: TrainingBackend, recorded: Recorded) -> None:
    assert (await trainer.validate(recorded(1)[0])).usable


async def test_what_cannot_teach_a_voice_is_refused_with_the_reason(
    trainer: TrainingBackend, recorded: Recorded
) -> None:
    noise = np.random.default_rng(1).normal(size=3 * RATE_HZ)
    hiss = np.convolve(noise, [1, -0.9])[: len(noise)] * np.repeat(np.linspace(0.02, 1, 30), RATE_HZ // 10)
    speech = await recorded(1)[0].read()
    refused = {
        "Too short": AudioFrame(speech.pcm[: RATE_HZ // 2 * 2], RATE_HZ),
        "Too noisy": _frame(0.1 * noise),
        "There is no pitch": _frame(0.1 * hiss),
        "Longer than 5 minutes": silence(301, rate_hz=RATE_HZ),
    }
    for reason, audio in refused.items():
        verdict = await trainer.validate(TrainingSample("s", audio))
        assert not verdict.usable
        assert verdict.reason.startswith(reason)


def _frame(samples: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> AudioFrame:
    return AudioFrame((samples * 32_767).clip(-32_768, 32_767).astype("<i2").tobytes(), RATE_HZ)
