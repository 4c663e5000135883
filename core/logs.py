"""One JSON object a line, without secrets and without anything that a person said.

Modules log through the standard library: constant messages, values as `extra` fields. Whatever a person said
goes under the field `pii`, which is dropped unless the operator asks for it. The message of an exception may
quote it, so a traceback is written as types and places only, with the messages under `pii`.
"""

import json
import logging
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars
from structlog.typing import EventDict, Processor

__all__ = ["bind_contextvars", "clear_contextvars", "configure_logging"]

_HIDDEN = "[hidden]"
_SHORTEST_SECRET = 4
_MOST_FRAMES = 40
_MOST_EXCEPTIONS = 20


def configure_logging(*, level: str, form: str, with_pii: bool, secrets: Iterable[str] = ()) -> None:
    """Send every log record of the process to stderr, as JSON or, for a person, as text.

    No value in `secrets` appears in what is written.
    """
    forms = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)}
    hidden = sorted(forms, key=len, reverse=True)

    def without_pii(_logger: Any, _name: str, event: EventDict) -> EventDict:
        if not with_pii:
            event.pop("pii", None)
        return event

    def render(logger: Any, name: str, event: EventDict) -> str:
        line = str(renderer(logger, name, event))
        for secret in hidden:
            line = line.replace(secret, _HIDDEN)
        return line

    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_messages,
            without_pii,
            render,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    # Other people's libraries tell of every request, and in detail of every text and document: what people
    # said would be in it.
    root.setLevel(logging.INFO if level == "debug" else logging.WARNING)
    logging.getLogger("glottis").setLevel(level.upper())


def _without_messages(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Write an exception as its type and where it came through; what it says goes under `pii`."""
    info = event.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else info
    if not isinstance(error, BaseException):
        return event
    chain = list(_chain(error))
    event["exception"] = "\n".join(line for one in chain for line in _places(one))
    said = event.get("pii", {})
    event["pii"] = {
        **(said if isinstance(said, Mapping) else {"said": said}),
        "exception": [f"{_type_name(one)}: {one}" for one in chain],
    }
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, then what is behind it: its cause or context, the members of a group."""
    waiting = [error]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_EXCEPTIONS:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        behind = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        waiting += [behind] if behind else []
        waiting += one.exceptions if isinstance(one, BaseExceptionGroup) else ()


def _places(error: BaseException) -> Iterator[str]:
    yield _type_name(error)
    frames = list(traceback.walk_tb(error.__traceback__))
    if len(frames) > _MOST_FRAMES:
        yield f"  ... {len(frames) - _MOST_FRAMES} more"
    for frame, line in frames[-_MOST_FRAMES:]:
        yield f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}'


def _type_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _forms(secret: str) -> set[str]:
    """Return a secret as it may stand in a line of the log: also quoted by `repr`, for JSON, or for both."""
    forms = {secret, repr(secret)[1:-1]}
    return forms | {json.dumps(form, ensure_ascii=False)[1:-1] for form in forms}
