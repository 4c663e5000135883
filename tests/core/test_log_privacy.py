"""What nobody finds in the log."""

import logging
import re
from collections.abc import Iterator

import pytest
from glottis.config import Limits
from glottis.core.errors import Unprocessable
from glottis.core.logs import configure_logging
from glottis.core.routing.failover import first_answer
from glottis.plugins import ErrorCategory, ProviderError


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("glottis")
    before = (root.handlers, root.level, ours.level)
    yield
    root.handlers, root.level = before[:2]
    ours.setLevel(before[2])


def crash(*, said: str) -> None:
    try:
        dict[str, str]()[said]
    except KeyError as error:
        raise ZeroDivisionError(f"cannot say {said!r}") from error


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("with_pii", [False, True])
def test_a_traceback_shows_where_and_what_was_said_only_when_asked_for(
    form: str,
    with_pii: bool,  # noqa: FBT001  # pytest passes parameters by name
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(level="info", form=form, with_pii=with_pii)
    try:
        crash(said="very private words")  # a traceback would quote this line, too
    except ZeroDivisionError:
        logging.getLogger("glottis.test").exception("crashed", extra={"pii": {"text": "heard aloud"}})
    written = capsys.readouterr().err
    for place in ("ZeroDivisionError", "KeyError", "test_log_privacy.py", "in crash"):
        assert place in written
    assert ("very private words" in written) is with_pii
    assert ("heard aloud" in written) is with_pii


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_members_of_a_group_are_told_apart_without_their_messages(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level="info", form=form, with_pii=False)
    group = ExceptionGroup("private group", [ValueError("private one"), OSError("private two")])
    logging.getLogger("glottis.test").error("crashed", exc_info=group)
    written = capsys.readouterr().err
    for kind in ("ExceptionGroup", "ValueError", "OSError"):
        assert kind in written
    assert "private" not in written.replace("test_log_privacy", "")


class Refusing:
    """A provider that repeats what it was asked to say."""

    name = "refusing"
    limits = Limits(retries=0)


async def test_why_a_provider_failed_may_quote_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(_guard: object) -> None:
        raise ProviderError(ErrorCategory.INVALID_REQUEST, "cannot say 'private words'")

    with pytest.raises(Unprocessable):
        await first_answer([Refusing()], refuse, what="synthesize")  # type: ignore[arg-type]  # asked nothing else
    (record,) = caplog.records
    fields = {name: value for name, value in vars(record).items() if name != "pii"}
    assert "private words" not in str(fields)
    assert vars(record)["pii"] == {"reason": "cannot say 'private words'"}


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
