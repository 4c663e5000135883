"""What ElevenLabs takes to clone a voice, and how one of ours is known among the voices of an account.

Sources: the published reference of `POST /v1/voices/add`, and the guide to instant voice cloning: one to two
minutes of one speaker are best, and beyond three a clone becomes no better.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glottis.plugins import AudioFrame, TrainingJob, TrainingSample, Verdict

from glottis_elevenlabs.wav import HEADER_BYTES, wav_file

MOST_BYTES = 10_000_000
"""The largest file that is taken."""
MOST_SAMPLES = 25
"""The most files of one voice."""
ENOUGH_S = 180.0
SHORTEST_S = 1.0

_PROJECT_CHARACTERS = 48
"""A name has a hundred characters at the most."""
_OURS = re.compile(r"Glottis .+ [0-9a-f]{32}")


def verdict(audio: AudioFrame) -> Verdict:
    """Judge a recording. Reads all of it: call it in a thread."""
    if audio.duration_s < SHORTEST_S:
        return Verdict(usable=False, reason="Too short: read a whole sentence aloud.")
    if HEADER_BYTES + len(audio.pcm) > MOST_BYTES:
        longest_s = (MOST_BYTES - HEADER_BYTES) // (2 * audio.rate_hz)
        reason = f"Longer than {longest_s} seconds, which ElevenLabs does not take: cut it into shorter ones."
        return Verdict(usable=False, reason=reason)
    if not audio.pcm.strip(b"\0"):
        return Verdict(usable=False, reason="There is no sound in it.")
    return Verdict(usable=True)


@dataclass(frozen=True, slots=True)
class Recordings:
    """What is sent: WAV files, and how long they are in all; `left_out` counts the samples that are not."""

    files: tuple[bytes, ...]
    speech_s: float
    left_out: int


async def recordings(dataset: Sequence[TrainingSample]) -> Recordings:
    """Choose what to send, the longest first, until it is enough; what is beyond that is not even read.

    None is chosen twice: a file that comes twice is refused, and with it all of them.
    """
    files: list[bytes] = []
    speech_s = 0.0
    for sample in sorted(dataset, key=lambda sample: sample.duration_s, reverse=True):
        if len(files) == MOST_SAMPLES or speech_s >= ENOUGH_S:
            break
        file = await asyncio.to_thread(_file_of, await sample.read())
        if file is not None and file not in files:
            files.append(file)
            speech_s += sample.duration_s
    return Recordings(tuple(files), speech_s, len(dataset) - len(files))


def _file_of(audio: AudioFrame) -> bytes | None:
    return wav_file(audio) if verdict(audio).usable else None


def clone_name(job: TrainingJob) -> str:
    """Name the voice of a job so that whoever goes on with the job finds it."""
    return f"Glottis {job.project[:_PROJECT_CHARACTERS]} {job.id}"


def is_ours(name: str | None) -> bool:
    """Tell whether some Glottis has trained the voice of this name, for one of its projects alone."""
    return name is not None and _OURS.fullmatch(name) is not None


def remember(work_dir: Path, voice_id: str) -> None:
    """Write down which voice a job has made."""
    partial = work_dir / "voice.json.new"
    partial.write_text(json.dumps({"voice_id": voice_id}), encoding="utf-8")
    partial.replace(work_dir / "voice.json")


def remembered(work_dir: Path) -> str | None:
    """Read what `remember` wrote; None where there is nothing of use."""
    try:
        note = json.loads((work_dir / "voice.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    voice_id = note.get("voice_id") if isinstance(note, dict) else None
    return voice_id if isinstance(voice_id, str) else None
