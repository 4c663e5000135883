"""espeak-ng's C API, as far as it is needed. See `speak_lib.h` of espeak-ng."""

import ctypes
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from glottis.plugins import ErrorCategory, ProviderError

from glottis_espeak.prosody import Prosody

_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_END_PAUSE = 0x1000
_CHUNK_MS = 60
_FAULTS = {0, 2}
"""`EE_OK`, and `EE_NOT_FOUND`, which a synthesis that its callback stopped may return."""


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """A voice of the data; `languages` holds (priority, name), the lowest priority being the best."""

    name: str
    identifier: str
    languages: tuple[tuple[int, str], ...]


class _Voice(ctypes.Structure):
    """`espeak_VOICE`."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Voices = ctypes.POINTER(ctypes.POINTER(_Voice))
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class EspeakLibrary:
    """The library, which exists once in a process: one utterance at a time, and whoever is next waits.

    Each utterance sets its voice and all its parameters, so that nothing is left of the one before.
    Its methods block: call them in a thread.
    """

    def __init__(self, library: Any, data: Path) -> None:
        self._library = library
        self._data = data
        self._lock = threading.Lock()
        self._voice = ""
        self._take: Callable[[bytes], bool] | None = None
        self._callback = _Callback(self._hear)
        library.espeak_ListVoices.restype = _Voices
        library.espeak_Info.restype = ctypes.c_char_p
        rate_hz = library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, _CHUNK_MS, bytes(data), _DONT_EXIT)
        if rate_hz <= 0:
            raise ProviderError(ErrorCategory.UNAVAILABLE, "eSpeak NG cannot read its data")
        self.rate_hz = int(rate_hz)
        self.version = str(library.espeak_Info(None).decode())
        library.espeak_SetSynthCallback(self._callback)

    def voices(self) -> list[EspeakVoice]:
        """List the languages that the data holds whole: some builds lack the dictionary of a few."""
        with self._lock:
            listed = list(self._list(None))
        return [voice for voice in listed if _has_dictionary(self._data, voice)]

    def variants(self) -> list[EspeakVoice]:
        """List the speakers that any language may be given."""
        languages = ctypes.create_string_buffer(b"variant\0")
        wanted = _Voice(languages=ctypes.cast(languages, ctypes.c_void_p))
        with self._lock:
            return list(self._list(ctypes.byref(wanted)))

    def speak(self, text: str, *, voice: str, prosody: Prosody, take: Callable[[bytes], bool]) -> None:
        """Speak a text, giving `take` PCM16 at `rate_hz` in pieces of 60 ms until it returns False.

        `voice` is the identifier of a voice, with `+` and a variant's name where it shall be another speaker.
        The text is spoken as it stands: neither SSML nor phonemes are read in it.

        Raises:
            ProviderError: the data lacks the voice, or the synthesis failed.
        """
        encoded = text.encode("utf-8", "ignore").replace(b"\0", b" ")
        with self._lock:
            self._choose(voice)
            for number, value in enumerate(
                (prosody.rate, prosody.volume, prosody.pitch, prosody.range), start=1
            ):
                self._library.espeak_SetParameter(number, value, 0)
            self._take = take
            try:
                status = self._library.espeak_Synth(
                    encoded,
                    ctypes.c_size_t(len(encoded) + 1),
                    0,
                    1,
                    0,
                    _CHARS_UTF8 | _END_PAUSE,
                    None,
                    None,
                )
            finally:
                self._take = None
        if status not in _FAULTS:
            raise ProviderError(ErrorCategory.INTERNAL, "eSpeak NG could not speak the text")

    def _choose(self, voice: str) -> None:
        if voice == self._voice:
            return
        self._voice = ""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ProviderError(ErrorCategory.UNSUPPORTED, "eSpeak NG lacks the data of this voice")
        self._voice = voice

    def _hear(self, samples: int | None, count: int, _events: int | None) -> int:
        if not samples or count <= 0 or self._take is None:
            return 0
        return 0 if self._take(ctypes.string_at(samples, count * 2)) else 1

    def _list(self, wanted: Any) -> Iterator[EspeakVoice]:
        found = self._library.espeak_ListVoices(wanted)
        index = 0
        while found[index]:
            voice = found[index].contents
            yield EspeakVoice(
                voice.name.decode(), voice.identifier.decode(), tuple(_languages(voice.languages))
            )
            index += 1


@cache
def espeak_library() -> EspeakLibrary:
    """Load the library; the second call returns the first one's.

    It is never unloaded: other instances of the provider may speak through it, and it holds 5 MB.

    Raises:
        ProviderError: there is none for this machine.
    """
    try:
        import espeakng_loader  # type: ignore[import-untyped]  # it ships no types

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = Path(espeakng_loader.get_data_path())
    except (ImportError, OSError, RuntimeError) as error:
        message = "eSpeak NG cannot be loaded: reinstall the package espeakng-loader for this platform"
        raise ProviderError(ErrorCategory.UNAVAILABLE, message) from error
    return EspeakLibrary(library, data)


def _languages(address: int | None) -> Iterator[tuple[int, str]]:
    """Read a list of a priority byte and a string each, ended by a zero byte."""
    while address and (priority := ctypes.string_at(address, 1)[0]):
        name = ctypes.string_at(address + 1)
        yield priority, name.decode()
        address += len(name) + 2


def _has_dictionary(data: Path, voice: EspeakVoice) -> bool:
    """Look for what espeak-ng itself would only miss, and complain of, when it is to speak."""
    file = data / "lang" / voice.identifier
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    # The first line of a kind counts, so it is read last.
    settings = {key: value for key, _, value in (line.partition(" ") for line in reversed(lines))}
    name = (settings.get("dictionary") or settings.get("language", "")).partition(" ")[0].strip()
    return any((data / f"{part}_dict").exists() for part in (name, name.partition("-")[0]))
