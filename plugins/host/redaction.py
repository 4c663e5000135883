"""Keeping what came out of the environment out of everything that is shown."""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "***"
SHORT = 4


class Redaction:
    """Replaces secrets in text, also where they were quoted for a URL, for JSON or by `repr`.

    A value shorter than four characters is only replaced where it stands alone: hiding each "1" of a message
    would hide the message.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = frozenset(secret for secret in secrets if secret.strip())
        forms = {form for secret in self.secrets for form in _forms(secret)}
        patterns = [
            re.escape(form) if len(form) >= SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"
            for form in sorted(forms, key=len, reverse=True)
        ]
        self._pattern = re.compile("|".join(patterns)) if patterns else None

    def __call__(self, text: str) -> str:
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    def __repr__(self) -> str:
        return f"Redaction({len(self.secrets)} secrets)"


def _forms(secret: str) -> set[str]:
    return {
        secret,
        # An error is shown on one line.
        " ".join(secret.split()),
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
    }
