from collections.abc import Mapping
from typing import ClassVar

from glottis.plugins.conformance import SynthesizerConformance


class TestEspeak(SynthesizerConformance):
    plugin = "espeak"
    texts: ClassVar[Mapping[str, str]] = {
        **SynthesizerConformance.texts,
        # These know no words for digits.
        "chr": "ᎣᏏᏲ",
        "cv": "Салам",
        "sjn": "Mae govannen",
    }


class TestEspeakAsAWomanInAHurry(SynthesizerConformance):
    plugin = "espeak"
    options: ClassVar[Mapping[str, object]] = {"gender": "female", "words_per_minute": 300, "pitch": 60}
    languages = ("de-AT",)
    texts: ClassVar[Mapping[str, str]] = TestEspeak.texts
