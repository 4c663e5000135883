"""A loaded voice: blocking, to be used in a thread."""

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from glottis.plugins import AudioFrame, ErrorCategory, ProviderError, VoiceInfo

from glottis_piper.configuration import PiperConfig
from glottis_piper.sources import VoiceSource

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How to speak: `speed` is a factor, `speaker` one of the voice's own or None."""

    speed: float = 1.0
    speaker: str | None = None


class LoadedVoice:
    """A Piper voice in memory. Safe to use from several threads at once."""

    def __init__(
        self,
        source: VoiceSource,
        config: PiperConfig,
        *,
        threads: int,
        log: logging.Logger,
        download_dir: Path,
    ) -> None:
        """Read the model and check it.

        Raises:
            ProviderError: UNAVAILABLE, and what to do about it.
        """
        self.name = source.name
        self._config = config
        _check_libraries()
        try:
            self.sha256 = _sha256(source.model)
            document = json.loads(source.model.with_name(f"{source.model.name}.json").read_bytes())
            self.language = _language(document)
            self.title = _title(document, self.name)
            self._piper = _load(source.model, document, threads=threads, download_dir=download_dir)
        except _load_errors() as error:
            log.exception("a Piper voice does not load", extra={"path": str(source.model)})
            raise _unavailable(f'"{self.name}" does not load: is it a Piper voice?') from error
        if source.sha256 not in {None, self.sha256}:
            raise _unavailable(f'the file of the Piper voice "{self.name}" is damaged: install it again')
        self.speakers: dict[str, int] = dict(self._piper.config.speaker_id_map)

    @property
    def infos(self) -> list[VoiceInfo]:
        """List the voice and, where it has several, its speakers."""
        whole = VoiceInfo(self.name, self.title, (self.language,))
        each = [
            VoiceInfo(f"{self.name}/{speaker}", f"{self.title}, {speaker}", (self.language,))
            for speaker in self.speakers
        ]
        return [whole, *each]

    def speak(self, text: str, manner: Manner) -> Iterator[AudioFrame]:
        """Give the audio of a text, a frame for each sentence that Piper sees in it.

        Raises:
            ProviderError: INTERNAL: the model failed.
        """
        from piper.config import SynthesisConfig

        settings = SynthesisConfig(
            speaker_id=None if manner.speaker is None else self.speakers[manner.speaker],
            length_scale=self._piper.config.length_scale / manner.speed,
            noise_scale=self._config.noise_scale,
            noise_w_scale=self._config.noise_w_scale,
        )
        try:
            for chunk in self._piper.synthesize(text, settings):
                pause = bytes(round(self._config.sentence_silence_s * chunk.sample_rate) * 2)
                yield AudioFrame(chunk.audio_int16_array.astype("<i2").tobytes() + pause, chunk.sample_rate)
        except _model_errors() as error:
            raise ProviderError(ErrorCategory.INTERNAL, "Piper could not speak this text") from error


def _check_libraries() -> None:
    try:
        for name in ("onnxruntime", "piper"):
            import_module(name)
    except ImportError as error:
        raise _unavailable("Piper does not load: pip install --force-reinstall piper-tts") from error


def _load(model: Path, document: dict[str, Any], *, threads: int, download_dir: Path) -> Any:
    """Make a voice as `PiperVoice.load` does, which leaves no say over onnxruntime's threads."""
    import onnxruntime as ort
    from piper import PiperVoice
    from piper.config import PiperConfig as VoiceConfig

    # At level DEBUG it would write what people say into the log.
    logging.getLogger("piper.voice").setLevel(logging.INFO)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads that spin take a third more CPU from the recognizer beside us.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(str(model), sess_options=options, providers=["CPUExecutionProvider"])
    return PiperVoice(config=VoiceConfig.from_dict(document), session=session, download_dir=download_dir)


def _model_errors() -> tuple[type[Exception], ...]:
    """List what a failing model raises: onnxruntime's errors have no base of their own."""
    from onnxruntime.capi import (  # type: ignore[import-untyped]  # as above
        onnxruntime_pybind11_state as state,
    )

    found: list[type[Exception]] = [
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoSuchFile,
        state.NotImplemented,
        state.RuntimeException,
    ]
    return (*found, OSError, ValueError, RuntimeError)


def _load_errors() -> tuple[type[Exception], ...]:
    """List what a file that is no Piper voice raises: its configuration lacks keys or has other types."""
    return (*_model_errors(), KeyError, TypeError, AttributeError)


def _language(document: dict[str, Any]) -> str:
    """Return the BCP 47 tag of a voice: `en_US` or eSpeak's `en-us` give `en-US`."""
    stated = document.get("language", {}).get("code") or document["espeak"]["voice"]
    language, *more = str(stated).rsplit("/", maxsplit=1)[-1].replace("_", "-").split("-")
    return "-".join([language.lower(), *(part.upper() if len(part) == 2 else part for part in more)])


def _title(document: dict[str, Any], name: str) -> str:
    quality = document.get("audio", {}).get("quality")
    title = str(document.get("dataset") or name)
    return f"{title} ({quality})" if quality else title


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _unavailable(message: str) -> ProviderError:
    return ProviderError(ErrorCategory.UNAVAILABLE, message)
