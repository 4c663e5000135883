"""What nobody finds in the log."""

import logging
import re
from collections.abc import Iterator

import pytest
from glottis.core.logs import configure_logging

WORDS = "very private words"  # said here, as a traceback quotes lines of the source


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("glottis")
    before = (root.handlers, root.level, ours.level)
    yield
    root.handlers, root.level = before[:2]
    ours.setLevel(before[2])


def crash(*, said: str) -> None:
    raise ZeroDivisionError(len(said))


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_shows_no_variables(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(level="info", form=form, with_pii=False)
    try:
        crash(said=WORDS)
    except ZeroDivisionError:
        logging.getLogger("glottis.test").exception("crashed")
    written = capsys.readouterr().err
    assert "ZeroDivisionError: 18" in written
    assert WORDS not in written


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("with_pii", [False, True])
def test_words_under_pii_are_written_only_when_asked_for(
    form: str,
    with_pii: bool,  # noqa: FBT001  # pytest passes parameters by name
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(level="info", form=form, with_pii=with_pii, secrets=["s3cret"])
    logging.getLogger("glottis.test").info("heard", extra={"pii": "private words", "key": "s3cret"})
    written = capsys.readouterr().err
    assert ("private words" in written) is with_pii
    assert "s3cret" not in written


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("secret", ['qu"oted', "back\\slash", "two\nlines", 'пар"оль'])
def test_a_secret_is_hidden_however_the_log_writes_it(
    form: str, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level="info", form=form, with_pii=False, secrets=[secret])
    log = logging.getLogger("glottis.test")
    log.info("key %s", secret, extra={"key": secret, "seen": repr(secret), "table": {"key": secret}})
    log.error("crashed", exc_info=ValueError(secret))
    written = capsys.readouterr().err
    for part in re.split(r"[^\w]", secret):
        assert len(part) < 4 or part not in written
