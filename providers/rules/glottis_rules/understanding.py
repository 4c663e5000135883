"""From what was heard to what was meant.

Each reading of an utterance explains some of its words: a command and the section that it names, or the
phrases of one intent. Its confidence is what such a reading is worth at best, times the share of the words
that it explains. Particles and fillers ("could you please") weigh nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from glottis.plugins import Match

from glottis_rules.inflection import addresses_listener
from glottis_rules.phrasebook import Heard, Span
from glottis_rules.sections import Mention
from glottis_rules.vocabulary import SOCIAL

_SOCIAL = 0.97
_COMMAND = 0.95
_PLACE = 0.93
_NAME_ALONE = 0.85
_UNKNOWN_SECTION = 0.8
_WONDERING = 0.75
_QUESTION_ABOUT_SECTION = 0.4
_EXPLAINED_ELSEWHERE = 0.5

_PERHAPS_A_QUESTION = 0.2
_QUESTION = 0.3
_QUESTION_EXPLAINED = 0.15

_FREE = frozenset({"filler", "request"})
_YOU = frozenset({"вы", "ты"})

_ACTIONS: Mapping[str, Mapping[str, str]] = {"stop": {"type": "stop"}, "goodbye": {"type": "end_session"}}


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was heard, with the phrases and the sections found in it.

    `unheard` counts the words beyond those looked at; `has_question_mark` is what punctuation says.
    """

    words: Sequence[Heard]
    spans: Sequence[Span[str]]
    mentions: Sequence[Mention]
    unheard: int = 0
    has_question_mark: bool = False


def understand(utterance: Utterance, *, threshold: float, knowledge_queries: bool) -> Match | None:
    """Pick the reading that explains the most, or None if none is worth `threshold`.

    A question that nothing else explains is a `knowledge_query`, whose confidence is below 0.5 on purpose.
    """
    reading = _Reading(utterance)
    best: Match | None = None
    for match in reading.candidates():
        if match.confidence >= threshold and (best is None or match.confidence > best.confidence):
            best = match
    if best is None and knowledge_queries:
        return reading.question()
    return best


class _Reading:
    """The ways to explain an utterance."""

    def __init__(self, utterance: Utterance) -> None:
        self._utterance = utterance
        denials = [span.at for span in utterance.spans if span.meaning == "negation"]
        courtesies = [frozenset(span.at) for span in utterance.spans if span.meaning in _FREE]
        self._free = frozenset().union(*courtesies)
        self._small = self._free | {n for n, word in enumerate(utterance.words) if word.is_small}
        denied = {self._next_word(at): at for at in denials}
        self._mentions = [mention for mention in utterance.mentions if not mention.at & denied.keys()]
        self._void = {
            n
            for mention in utterance.mentions
            for m in mention.at & denied.keys()
            for n in (*mention.at, *denied[m])
        }
        self._spans: dict[str, list[Span[str]]] = {}
        for span in utterance.spans:
            within = any(courtesy > set(span.at) for courtesy in courtesies)
            if not within and not _is_denied(span, denied):
                self._spans.setdefault(span.meaning, []).append(span)
        self._greeting = self._words_of("greeting")
        self._social = self._words_of(*SOCIAL)
        self._elsewhere = (
            self._social
            | self._words_of("navigate", "place")
            | {n for mention in self._mentions for n in mention.at}
        )
        self._wondering = [span for span in self._spans.get("wondering", ()) if self._asks(span)]
        self._asking = [
            span
            for span in self._spans.get("knowledge_query", ())
            if self._asks(span) and not self._continues_a_question(span)
        ]

    def candidates(self) -> Iterator[Match]:
        """Give the readings as a command, those that are to be preferred among equals first."""
        yield from map(self._navigation, self._mentions)
        if not self._mentions and self._has("navigate") and self._has("place") and not self._asking:
            share = self._share(self._own("navigate", "place", "matter"))
            yield Match("navigate", round(_UNKNOWN_SECTION * share, 3))
        for intent in SOCIAL:
            if self._has(intent):
                own = {n: span.similarity for span in self._spans[intent] for n in span.at}
                confidence = round(_SOCIAL * self._share(own, social=intent), 3)
                yield Match(intent, confidence, suggested_action=_ACTIONS.get(intent))

    def question(self) -> Match | None:
        """Give the reading as a question about anything."""
        is_asked = bool(self._asking or self._wondering)
        if not (is_asked or self._utterance.has_question_mark or self._may_ask()):
            return None
        own = {n: span.similarity for span in (*self._asking, *self._wondering) for n in span.at}
        mentions = [mention for mention in self._mentions if not mention.is_weak]
        own |= {n: mention.certainty for mention in mentions for n in mention.at}
        worth = _QUESTION if is_asked else _PERHAPS_A_QUESTION
        confidence = round(worth + _QUESTION_EXPLAINED * self._share(own), 3)
        about = max(mentions, key=lambda mention: mention.certainty, default=None)
        return Match("knowledge_query", confidence, {"related_section": about.section.id} if about else {})

    def _navigation(self, mention: Mention) -> Match:
        if self._asking and not self._has("place"):
            worth = _QUESTION_ABOUT_SECTION
        elif self._has("navigate"):
            worth = _COMMAND
        elif self._has("place"):
            worth = _PLACE
        else:
            worth = _WONDERING if self._wondering else _NAME_ALONE
        own = self._own("navigate", "place", "matter", "wondering")
        own |= dict.fromkeys(mention.at, 1.0)
        share = self._share(own)
        if worth == _WONDERING:  # "what is the price of delivery" wants more than a page
            share = self._share(own, elsewhere=0.0) ** 2
        return Match(
            "navigate",
            round(worth * mention.certainty * share, 3),
            {"target_section": mention.section.id},
            {"type": "navigate", "url": mention.section.url},
        )

    def _share(
        self, own: Mapping[int, float], *, social: str = "", elsewhere: float = _EXPLAINED_ELSEWHERE
    ) -> float:
        """Tell how much of the utterance is explained by its words `own`, with how sure each is.

        Words that another such reading would explain count half. A greeting goes before anything else.
        """
        explained, total = 0.0, float(self._utterance.unheard)
        for n in range(len(self._utterance.words)):
            if n in own:
                explained += own[n]
            elif n in self._small or n in self._void or (n in self._greeting and social != "greeting"):
                continue
            elif n in (self._social if social else self._elsewhere):
                explained += elsewhere
            total += 1
        return explained / total if total else 0.0

    def _own(self, *roles: str) -> dict[int, float]:
        spans = [span for role in roles for span in self._spans.get(role, ())]
        return {n: span.similarity for span in spans for n in span.at if n not in self._small}

    def _words_of(self, *roles: str) -> set[int]:
        return {n for role in roles for span in self._spans.get(role, ()) for n in span.at}

    def _has(self, role: str) -> bool:
        return bool(self._spans.get(role))

    def _asks(self, span: Span[str]) -> bool:
        """Tell a question from a clause ("I know what you mean"): before a lone "what" all is understood."""
        return len(span.at) > 1 or all(n in self._small or n in self._elsewhere for n in range(span.at[0]))

    def _continues_a_question(self, span: Span[str]) -> bool:
        """Tell "do I" in "how do I" from a question of its own."""
        start = span.at[0]
        return any(before.at[0] < start <= before.at[-1] + 1 for before in self._wondering)

    def _may_ask(self) -> bool:
        """Tell whether it may be a question by its first word, a courtesy, or a verb that says "you"."""
        opens = any(
            all(n in self._free or n in self._greeting for n in range(span.at[0]))
            for span in self._spans.get("opening", ())
        )
        return opens or self._has("request") or self._addresses()

    def _addresses(self) -> bool:
        texts = [word.text for word in self._utterance.words]
        return bool(_YOU & set(texts)) and any(addresses_listener(text) for text in texts)

    def _next_word(self, at: Sequence[int]) -> int:
        following = range(at[-1] + 1, len(self._utterance.words))
        return next((n for n in following if n not in self._small), -1)


def _is_denied(span: Span[str], denied: Mapping[int, Sequence[int]]) -> bool:
    denial = denied.get(span.at[0])
    return denial is not None and not set(denial) & set(span.at)
