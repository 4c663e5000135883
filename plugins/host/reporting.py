"""Telling the log what a plugin did wrong."""

import logging
import traceback
from typing import Any

from glottis.plugins.host.isolation import PluginFault
from glottis.plugins.host.redaction import Redaction

log = logging.getLogger("glottis.plugins")


def report(message: str, fault: PluginFault, redaction: Redaction, **fields: Any) -> str:
    """Log a fault, its traceback at level debug, and return its sentence; both without secrets."""
    error = redaction(str(fault))
    log.warning(message, extra={**fields, "error": error})
    if fault.__cause__ is not None and log.isEnabledFor(logging.DEBUG):
        lines = traceback.format_exception(fault.__cause__)
        log.debug(message, extra={**fields, "traceback": redaction("".join(lines))})
    return error
