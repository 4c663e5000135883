"""The intent handler."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from dataclasses import replace
from importlib.metadata import version

from glottis.plugins import (
    DialogueContext,
    ErrorCategory,
    IntentHandler,
    Match,
    ProviderContext,
    ProviderError,
    ReplyAction,
    ReplyPiece,
    ReplyText,
    Section,
    split_sentences,
)

from glottis_rules.configuration import RulesConfig
from glottis_rules.hearing import Hearing
from glottis_rules.lexicon import Lexicon, build_lexicon
from glottis_rules.replies import Replies, target_of
from glottis_rules.sections import Directory
from glottis_rules.spelling import count_words, split_words
from glottis_rules.understanding import Utterance, understand
from glottis_rules.vocabulary import INTENTS

_PROJECTS_REMEMBERED = 64

_Sections = tuple[tuple[object, ...], ...]


class RulesHandler(IntentHandler):
    """Understands commands by their words."""

    def __init__(self, context: ProviderContext, config: RulesConfig) -> None:
        super().__init__(context, config)
        self._config = config
        if not config.knowledge_queries:
            told = tuple(intent for intent in INTENTS if intent != "knowledge_query")
            self.capabilities = replace(self.capabilities, intents=told)
        self._replies = Replies(config)
        self._lexicon: Lexicon | None = None
        self._directories: OrderedDict[_Sections, Directory] = OrderedDict()
        self._loading = asyncio.Lock()

    async def warmup(self) -> None:
        """Load the dictionaries and learn the phrases."""
        await self._load()

    async def match(self, utterance: str, context: DialogueContext) -> Match | None:
        """Say what the person wants, or None where the words do not tell."""
        lexicon = self._lexicon or await self._load()
        words = split_words(utterance)
        if not words:
            return None
        directory = await self._directory(context.sections, lexicon)
        heard = Hearing(lexicon, directory.wordbook).hear(words)
        found = Utterance(
            heard,
            list(lexicon.phrases.find(heard)),
            directory.mentions(heard),
            unheard=max(0, count_words(utterance) - len(words)),
            has_question_mark=utterance.rstrip().endswith("?"),
        )
        return understand(
            found, threshold=self._config.threshold, knowledge_queries=self._config.knowledge_queries
        )

    async def respond(
        self, match: Match, utterance: str, context: DialogueContext
    ) -> AsyncGenerator[ReplyPiece, None]:
        """Answer sentence by sentence, then say what the client may do."""
        if match.intent not in INTENTS:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, "the rules have no answer to this intent")
        text = await self._replies.text(match, utterance, context)
        for n, sentence in enumerate(split_sentences(text)):
            yield ReplyText(f" {sentence}" if n else sentence)
        target = target_of(match, context)
        if match.intent == "navigate" and target:
            yield ReplyAction("navigate", {"url": target.url, "section": target.id})
        elif match.intent != "navigate" and match.suggested_action:
            yield ReplyAction(str(match.suggested_action["type"]))

    @property
    def version(self) -> str:
        return version("glottis-rules")

    async def _load(self) -> Lexicon:
        async with self._loading:
            if self._lexicon is None:
                self._lexicon = await asyncio.to_thread(build_lexicon, self._config)
            return self._lexicon

    async def _directory(self, sections: tuple[Section, ...], lexicon: Lexicon) -> Directory:
        """Find what was learnt of these sections, or learn it."""
        key = tuple(
            (section.id, section.url, *((tag, *names) for tag, names in section.names.items()))
            for section in sections
        )
        directory = self._directories.get(key)
        if directory is None:
            directory = await asyncio.to_thread(Directory, sections, lexicon, synonyms=self._config.synonyms)
            self._directories[key] = directory
            while len(self._directories) > _PROJECTS_REMEMBERED:
                self._directories.popitem(last=False)
        else:
            self._directories.move_to_end(key)
        return directory
