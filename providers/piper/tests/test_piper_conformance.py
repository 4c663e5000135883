from glottis.plugins.conformance import SynthesizerConformance


class TestPiper(SynthesizerConformance):
    plugin = "piper"
