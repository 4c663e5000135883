import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

FAULTY = Path(__file__).parent / "faulty"
PLUGINS = ("faulty_synthesizers", "faulty_recognizers", "faulty_intents", "faulty_trainers")

SYNTHESIZERS = {
    "Silent": "test_it_speaks_every_language_that_it_states",
    "TooShort": "test_it_speaks_every_language_that_it_states",
    "MixedRates": "test_a_stream_of_text_is_spoken",
    "SaysNothing": "test_a_stream_of_text_is_spoken",
    "SpeaksDots": "test_a_text_with_nothing_to_speak_gives_no_frames",
    "Blocking": "test_it_speaks_every_language_that_it_states",
    "Raw": "test_it_speaks_every_language_that_it_states",
    "List": "test_it_speaks_every_language_that_it_states",
    "Crashing": "test_odd_text_is_spoken_or_refused_with_a_provider_error",
    "TakesAnyVoice": "test_an_unknown_voice_is_an_invalid_request",
    "KnowsFewEmotions": "test_an_emotion_that_it_cannot_express_is_spoken_all_the_same",
    "Clinging": "test_closing_early_frees_it_within_the_grace",
    "Stubborn": "test_cancelling_frees_it_within_the_grace",
    "Wedged": "test_closing_early_frees_it_within_the_grace",
    "OneAtATime": "test_it_speaks_to_several_callers_at_once",
    "Leaking": "test_it_closes_and_leaves_no_task_behind",
    "WaitsForAllText": "test_audio_comes_before_the_text_has_ended_where_that_is_stated",
    "TakesNoStream": "test_a_stream_of_text_is_spoken",
    "MuteVoice": "test_every_listed_voice_speaks",
    "TwiceListed": "test_every_listed_voice_speaks",
    "OddlySpoken": "test_every_listed_voice_speaks",
    "IgnoresSpeed": "test_speed_changes_the_duration_where_that_is_stated",
    "Hanging": "test_a_warm_provider_is_healthy",
    "Unhealthy": "test_a_warm_provider_is_healthy",
    "Mumbling": "test_an_unknown_voice_is_an_invalid_request",
    "Fickle": "test_its_version_is_a_text_that_does_not_change",
    "NotClosing": "test_it_closes_and_leaves_no_task_behind",
    "OtherCapabilities": "test_the_capabilities_hold_together",
    "SlowToCreate": "test_creating_a_provider_is_quick_and_it_can_be_closed_cold",
    "Impostor": "test_creating_a_provider_is_quick_and_it_can_be_closed_cold",
    "Untagged": "test_the_capabilities_hold_together",
    "NotOffered": "test_the_configuration_has_a_json_schema",
}

RECOGNIZERS = {
    "Deaf": "test_it_recognizes_speech",
    "Inventive": "test_silence_gives_an_empty_text",
    "TooSure": "test_it_recognizes_speech",
    "NotSure": "test_it_recognizes_speech",
    "Speechless": "test_it_recognizes_speech",
    "JustText": "test_it_recognizes_speech",
    "Blocking": "test_a_stream_is_heard_or_refused",
    "Crashing": "test_odd_audio_is_heard_or_refused_with_a_provider_error",
    "Monolingual": "test_a_language_that_it_does_not_know_is_no_crash",
    "Wedged": "test_cancelling_leaves_it_usable",
    "Stubborn": "test_cancelling_leaves_it_usable",
    "OneAtATime": "test_it_hears_several_callers_at_once",
    "Timeless": "test_words_have_times_where_that_is_stated",
    "OutOfTime": "test_words_have_times_where_that_is_stated",
    "Fickle": "test_a_stream_is_heard_or_refused",
    "FickleAtTheEnd": "test_a_stream_is_heard_or_refused",
    "Confused": "test_a_stream_is_heard_or_refused",
    "WithoutPartials": "test_a_stream_is_heard_or_refused",
    "Retentive": "test_partials_come_while_audio_does_where_they_are_stated",
    "OnlyWhole": "test_a_draft_is_heard_too",
    "OddPartials": "test_a_stream_is_heard_or_refused",
    "NeverDone": "test_a_stream_is_heard_or_refused",
    "Swallowing": "test_an_error_in_the_context_of_a_stream_goes_through",
    "LeavesATask": "test_leaving_a_stream_early_frees_it",
    "Clinging": "test_leaving_a_stream_early_frees_it",
    "PromisesStreams": "test_a_stream_is_heard_or_refused",
    "NoStreams": "test_a_stream_is_heard_or_refused",
    "UnstatedPartials": "test_a_stream_is_heard_or_refused",
    "Contradiction": "test_the_capabilities_hold_together",
}

INTENT_HANDLERS = {
    "Dull": "test_it_matches_what_it_understands",
    "JustAName": "test_it_matches_what_it_understands",
    "TooSure": "test_it_matches_what_it_understands",
    "Nameless": "test_it_matches_what_it_understands",
    "Unlisted": "test_it_matches_what_it_understands",
    "Inexpressible": "test_it_matches_what_it_understands",
    "Aimless": "test_it_matches_what_it_understands",
    "Crashing": "test_odd_utterances_raise_nothing",
    "Overflowing": "test_odd_utterances_raise_nothing",
    "Placeless": "test_a_bare_context_raises_nothing",
    "Blocking": "test_it_matches_what_it_understands",
    "Silent": "test_it_answers_what_it_matches_with_something_to_say",
    "JustStrings": "test_it_answers_what_it_matches_with_something_to_say",
    "WholeReply": "test_it_answers_what_it_matches_with_something_to_say",
    "Clinging": "test_an_answer_can_be_left_and_cancelled",
    "Stubborn": "test_an_answer_can_be_left_and_cancelled",
}

_SPOKEN = "test_the_trained_voice_is_spoken_until_it_is_removed"
_RESUMED = "test_it_goes_on_from_its_checkpoint_where_that_is_stated"
TRAINING_BACKENDS = {
    "Falling": _SPOKEN,
    "OverTheTop": _SPOKEN,
    "GoingBack": _SPOKEN,
    "Voiceless": _SPOKEN,
    "Elsewhere": _SPOKEN,
    "Unmeasurable": _SPOKEN,
    "Impatient": _SPOKEN,
    "JustNumbers": _SPOKEN,
    "Deaf": _SPOKEN,
    "Clung": _SPOKEN,
    "Telltale": _SPOKEN,
    "NotDeleting": _SPOKEN,
    "Forgetful": _RESUMED,
    "WithoutCheckpoints": _RESUMED,
    "TakesNothing": "test_too_few_samples_are_an_invalid_request",
    "Clinging": "test_closing_and_cancelling_free_it_within_the_grace",
    "Picky": "test_good_samples_are_usable",
    "JustYes": "test_good_samples_are_usable",
    "Curt": "test_a_sample_that_is_refused_is_refused_with_a_reason",
}

GOOD_PLUGIN = """
from faulty_synthesizers import Good, STATED
from glottis.plugins import SynthesizerSpec, hookimpl
from pydantic import BaseModel, ConfigDict

GLOTTIS_API_VERSION = 1

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid")

@hookimpl
def glottis_register_synthesizers(register):
    register(SynthesizerSpec(name="Good", create=Good, config=Config, capabilities=STATED))
"""

# What to change in a good plugin, and the check that has to notice.
BROKEN_PLUGINS = {
    "no_version": ("GLOTTIS_API_VERSION = 1", "", "test_the_plugin_says_which_api_it_was_written_for"),
    "old_version": (
        "API_VERSION = 1",
        "API_VERSION = 0",
        "test_the_plugin_says_which_api_it_was_written_for",
    ),
    "unmarked": (
        "@hookimpl",
        "def glottis_on_event(event): ...\n@hookimpl",
        "test_every_function_named_like_a_hook_is_marked_as_one",
    ),
    "misspelt": (
        "@hookimpl",
        "@hookimpl\ndef glottis_register_sinthesizers(register): ...\n@hookimpl",
        "test_the_configuration_has_a_json_schema",
    ),
    "wrong_signature": ("(register):", "(register, colour):", "test_the_configuration_has_a_json_schema"),
    "slow_import": (
        "\n\n@",
        "\nimport time; time.sleep(0.6)\n@",
        "test_importing_the_plugin_is_quick_and_starts_nothing",
    ),
    "starts_thread": (
        "\n\n@",
        "\nimport threading; threading.Thread(target=threading.Event().wait, daemon=True).start()\n@",
        "test_importing_the_plugin_is_quick_and_starts_nothing",
    ),
    "unnameable": ('name="Good"', 'name="Good stuff"', "test_the_spec_can_be_named_in_plugins_toml"),
    "lax": ('extra="forbid"', 'extra="ignore"', "test_the_configuration_refuses_unknown_options"),
    "lax_inside": (
        'extra="forbid")',
        'extra="forbid")\n    inner: list[BaseModel] | None = None',
        "test_the_configuration_refuses_unknown_options",
    ),
    "plain_secret": (
        '"forbid")',
        '"forbid")\n    api_key: str = ""',
        "test_the_configuration_keeps_secrets_secret",
    ),
    "plain_optional_secret": (
        '"forbid")',
        '"forbid")\n    token: str | None = None',
        "test_the_configuration_keeps_secrets_secret",
    ),
    "engine_key": (
        '"forbid")',
        '"forbid")\n    limits: int = 1',
        "test_the_configuration_leaves_the_engine_its_keys",
    ),
    "no_schema": (
        '"forbid")',
        '"forbid", arbitrary_types_allowed=True)\n    when: Good | None = None',
        "test_the_configuration_has_a_json_schema",
    ),
}

SPEC_NAMES = {"unnameable": "Good stuff"}

GOOD = {
    "TestGoodSynthesizer": ("SynthesizerConformance", "faulty_synthesizers"),
    "TestGoodRecognizer": ("WithSpeech, RecognizerConformance", "faulty_recognizers"),
    "TestGoodIntents": ("IntentHandlerConformance", "faulty_intents"),
    "TestGoodTraining": ("TrainingBackendConformance", "faulty_trainers"),
}

TEST_FILE = """
import pytest
from glottis.plugins.conformance import *

class Hasty:
    longest_call_s, cancel_grace_s, longest_gap_s = 1.5, 0.5, 0.5
    longest_create_s, longest_import_s = 0.5, 0.5

class WithSpeech(Hasty):
    @pytest.fixture
    def speech(self):
        return tone(1.0), "One, two, three!", "en-US"

"""

Findings = dict[str, set[str]]

RESULT = re.compile(r"^(PASSED|FAILED|ERROR) test_author\.py::(\w+)::(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Case:
    """A test class of the author's; without a `check`, all of them run."""

    name: str
    bases: str
    plugin: str
    use: str
    check: str = ""


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Run the kit as the author of a provider would; map each test class to the checks that failed.

    Of a faulty provider only the check that has to notice runs, of the good ones every check.
    """
    folder = tmp_path_factory.mktemp("author")
    _install(folder)
    cases = _cases()
    (folder / "test_author.py").write_text(TEST_FILE + "".join(map(_class, cases)), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\ntimeout = 20\n")
    output = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-rA", "--tb=no", "-p", "no:cacheprovider"),
            *(f"test_author.py::{case.name}{case.check and '::' + case.check}" for case in cases),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(FAULTY)])},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    ).stdout
    found: Findings = {}
    for outcome, name, check in RESULT.findall(output):
        failed = found.setdefault(name, set())
        if outcome != "PASSED":
            failed.add(check)
    return found


def test_providers_that_keep_their_contract_pass_every_check(findings: Findings) -> None:
    assert {name: findings[name] for name in GOOD} == {name: set() for name in GOOD}


@pytest.mark.parametrize(("fault", "check"), SYNTHESIZERS.items())
def test_a_synthesizer_that_breaks_its_contract_fails(findings: Findings, fault: str, check: str) -> None:
    assert check in findings[f"TestSynthesizer{fault}"]


@pytest.mark.parametrize(("fault", "check"), RECOGNIZERS.items())
def test_a_recognizer_that_breaks_its_contract_fails(findings: Findings, fault: str, check: str) -> None:
    assert check in findings[f"TestRecognizer{fault}"]


@pytest.mark.parametrize(("fault", "check"), INTENT_HANDLERS.items())
def test_an_intent_handler_that_breaks_its_contract_fails(findings: Findings, fault: str, check: str) -> None:
    assert check in findings[f"TestIntents{fault}"]


@pytest.mark.parametrize(("fault", "check"), TRAINING_BACKENDS.items())
def test_a_training_backend_that_breaks_its_contract_fails(
    findings: Findings, fault: str, check: str
) -> None:
    assert check in findings[f"TestTraining{fault}"]


@pytest.mark.parametrize(("plugin", "check"), [(name, row[2]) for name, row in BROKEN_PLUGINS.items()])
def test_a_plugin_that_breaks_the_rules_fails(findings: Findings, plugin: str, check: str) -> None:
    assert check in findings[f"TestPlugin_{plugin}"]


def test_a_plugin_that_is_not_installed_fails(findings: Findings) -> None:
    assert "test_a_warm_provider_is_healthy" in findings["TestNotInstalled"]


def test_a_recognizer_whose_test_gives_no_speech_fails(findings: Findings) -> None:
    assert "test_it_recognizes_speech" in findings["TestNoSpeech"]


def _install(folder: Path) -> None:
    """Lay out an installed distribution whose entry points are the good and the broken plugins."""
    modules = {name: name for name in PLUGINS}
    for name, (old, new, _) in BROKEN_PLUGINS.items():
        assert old in GOOD_PLUGIN
        modules[name] = f"plugin_{name}"
        (folder / f"plugin_{name}.py").write_text(GOOD_PLUGIN.replace(old, new, 1), encoding="utf-8")
    information = folder / "faulty-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n")
    entries = "".join(f"{name} = {module}\n" for name, module in modules.items())
    (information / "entry_points.txt").write_text(f"[glottis.plugins]\n{entries}")


def _cases() -> list[Case]:
    hasty, speech = "Hasty, SynthesizerConformance", "WithSpeech, RecognizerConformance"
    missing, silent = "test_a_warm_provider_is_healthy", "test_it_recognizes_speech"
    return [
        *(Case(name, bases, plugin, "Good") for name, (bases, plugin) in GOOD.items()),
        Case("TestNotInstalled", hasty, "missing", "Good", missing),
        Case("TestNoSpeech", "RecognizerConformance", "faulty_recognizers", "Good", silent),
        *(
            Case(f"TestSynthesizer{use}", hasty, PLUGINS[0], use, check)
            for use, check in SYNTHESIZERS.items()
        ),
        *(Case(f"TestRecognizer{use}", speech, PLUGINS[1], use, check) for use, check in RECOGNIZERS.items()),
        *(
            Case(f"TestIntents{use}", "Hasty, IntentHandlerConformance", PLUGINS[2], use, check)
            for use, check in INTENT_HANDLERS.items()
        ),
        *(
            Case(f"TestTraining{use}", "Hasty, TrainingBackendConformance", PLUGINS[3], use, check)
            for use, check in TRAINING_BACKENDS.items()
        ),
        *(
            Case(f"TestPlugin_{name}", hasty, name, SPEC_NAMES.get(name, "Good"), row[2])
            for name, row in BROKEN_PLUGINS.items()
        ),
    ]


def _class(case: Case) -> str:
    return f"class {case.name}({case.bases}):\n    plugin, use = {case.plugin!r}, {case.use!r}\n\n"
