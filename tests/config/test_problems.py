import pytest
from glottis.config import ConfigError, ConfigProblem, suggest


def test_a_problem_says_where_and_what() -> None:
    assert str(ConfigProblem("p.toml", 4, "routes.train", "is wrong")) == "p.toml:4: routes.train: is wrong"
    assert str(ConfigProblem("p.toml", 0, "", "is wrong")) == "p.toml: is wrong"


def test_an_error_tells_each_problem_once_and_in_order() -> None:
    late, early = ConfigProblem("p", 9, "b", "x"), ConfigProblem("p", 2, "a", "x")
    error = ConfigError([late, early, late])
    assert error.problems == (early, late)
    assert str(error) == "p:2: a: x\np:9: b: x"


@pytest.mark.parametrize(
    ("name", "accepted", "advice"),
    [
        ("pipr", ["piper", "espeak"], 'did you mean "piper"? accepted: espeak, piper'),
        ("zzz", ["piper", "espeak"], "accepted: espeak, piper"),
        ("zzz", [], "there is none to choose from"),
    ],
)
def test_the_nearest_name_is_suggested(name: str, accepted: list[str], advice: str) -> None:
    assert suggest(name, accepted) == advice
