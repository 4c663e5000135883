"""What a person wants and what to answer."""

from glottis.core.dialogue.dialogue import UNKNOWN, Dialogue, Reply, Understanding
from glottis.core.dialogue.phrases import STATUS, greeting, in_language

__all__ = ["STATUS", "UNKNOWN", "Dialogue", "Reply", "Understanding", "greeting", "in_language"]
