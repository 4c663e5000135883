"""One JSON object a line, without secrets and without anything that a person said.

Modules log through the standard library: constant messages, values as `extra` fields. Whatever a person said
goes under the field `pii`, which is dropped unless the operator asks for it.
"""

import json
import logging
import sys
from collections.abc import Iterable
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars
from structlog.typing import EventDict, Processor

__all__ = ["bind_contextvars", "clear_contextvars", "configure_logging"]

_HIDDEN = "[hidden]"
_SHORTEST_SECRET = 4


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
        # Not its usual traceback, which shows the local variables: words and passwords are among them.
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
            without_pii,
            *([structlog.processors.format_exc_info] if form == "json" else []),
            render,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    # Other people's libraries tell of every request and every dictionary.
    root.setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
    logging.getLogger("glottis").setLevel(level.upper())


def _forms(secret: str) -> set[str]:
    """Return a secret as it may stand in a line of the log: also quoted by `repr`, for JSON, or for both."""
    forms = {secret, repr(secret)[1:-1]}
    return forms | {json.dumps(form, ensure_ascii=False)[1:-1] for form in forms}
