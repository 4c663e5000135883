from glottis.plugins.conformance import SynthesizerConformance


class TestFestival(SynthesizerConformance):
    plugin = "festival"


class TestFestivalInTwoProcesses(SynthesizerConformance):
    plugin = "festival"
    options = {"processes": 2, "voices": ["kal_diphone"]}  # noqa: RUF012  # as the kit states it
    languages = ("en-GB",)
