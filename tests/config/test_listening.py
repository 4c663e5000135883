from pathlib import Path

import pytest
from glottis.config import ConfigError, Listening, load_deployment, parse_deployment


def listening(text: str, project: str = "demo") -> Listening:
    return parse_deployment(text, file="plugins.toml", environment={}).listening_in(project)


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        listening(text)
    return [str(problem) for problem in caught.value.problems]


def test_a_file_that_says_nothing_of_listening_has_the_defaults() -> None:
    assert listening("") == Listening()
    assert not list(Listening().contradictions())


def test_the_values_of_a_project_override_those_of_the_deployment_one_by_one() -> None:
    text = """
    [listening]
    silence_ms = 500
    speculation = false
    [projects.demo.listening]
    silence_ms = 608
    pause_ms = 96
    """
    assert listening(text) == Listening(silence_ms=608, pause_ms=96, speculation=False)
    assert listening(text, "another") == Listening(silence_ms=500, speculation=False)


def test_keys_that_contradict_each_other_are_told_with_the_line_of_one() -> None:
    text = '[listening]\nstart_probability = 0.3\n[projects.x]\ngreeting = { en = "Hi" }\n'
    assert mistakes(text) == [
        "plugins.toml:1: listening.end_probability: is above start_probability, 0.3",
    ]


def test_a_project_that_contradicts_the_deployment_is_told() -> None:
    text = "[listening]\npause_ms = 500\n[projects.demo.listening]\nsilence_ms = 400\n"
    assert mistakes(text) == [
        "plugins.toml:3: projects.demo.listening.pause_ms: is longer than silence_ms, 400",
    ]


def test_a_project_may_put_right_what_it_takes_over() -> None:
    text = "[listening]\npause_ms = 500\n[projects.demo.listening]\nsilence_ms = 400\npause_ms = 300\n"
    assert listening(text).pause_ms == 300


@pytest.mark.parametrize(
    "line",
    ["start_probability = 1.5", "pause_ms = 0", "silence_ms = 60000", "longest_turn_s = 0", "silence = 1"],
)
def test_values_without_sense_are_refused(line: str, tmp_path: Path) -> None:
    file = tmp_path / "plugins.toml"
    file.write_text(f"[listening]\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=f"listening.{line.split(maxsplit=1)[0]}"):
        load_deployment(file, {})


def test_a_longest_turn_that_cannot_hold_the_least_speech_is_refused() -> None:
    assert mistakes("[listening]\nminimum_speech_ms = 2000\nlongest_turn_s = 1\n") == [
        "plugins.toml:2: listening.minimum_speech_ms: is longer than longest_turn_s, 1"
    ]
