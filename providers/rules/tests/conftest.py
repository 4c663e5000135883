import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from glottis.plugins import (
    DialogueContext,
    IntentHandlerSpec,
    Match,
    ProviderContext,
    ReplyAction,
    ReplyPiece,
    ReplyText,
    Section,
)
from glottis_rules.handler import RulesHandler
from glottis_rules.plugin import glottis_register_intent_handlers

SECTIONS = (
    Section(id="pricing", url="/pricing", names={"ru": ("цены", "прайс"), "en": ("pricing", "prices")}),
    Section(id="contacts", url="/contacts", names={"ru": ("контакты",), "en": ("contacts",)}),
    Section(id="delivery", url="/delivery", names={"ru": ("доставка",), "en": ("delivery",)}),
    Section(id="about", url="/about", names={"ru": ("о компании", "о нас"), "en": ("about us", "company")}),
)

Make = Callable[..., RulesHandler]


class Rules:
    """Asks a handler as the engine would."""

    def __init__(self, handler: RulesHandler) -> None:
        self.handler = handler

    async def match(self, text: str, sections: tuple[Section, ...] = SECTIONS, **more: Any) -> Match | None:
        return await self.handler.match(text, DialogueContext(project="demo", sections=sections, **more))

    async def meaning(self, text: str, sections: tuple[Section, ...] = SECTIONS, **more: Any) -> str:
        """Name the intent, or where a navigation leads to."""
        match = await self.match(text, sections, **more)
        if match is None:
            return "none"
        return str(match.entities.get("target_section", match.intent))

    async def reply(
        self, text: str, sections: tuple[Section, ...] = SECTIONS, **more: Any
    ) -> tuple[str, list[ReplyAction]]:
        """Return what is said to a text, and what the client may do."""
        context = DialogueContext(project="demo", sections=sections, **more)
        match = await self.handler.match(text, context)
        assert match
        pieces: list[ReplyPiece] = [piece async for piece in self.handler.respond(match, text, context)]
        said = "".join(piece.text for piece in pieces if isinstance(piece, ReplyText))
        return said, [piece for piece in pieces if isinstance(piece, ReplyAction)]


def make_rules(data_dir: Path, **options: Any) -> Rules:
    specs: list[IntentHandlerSpec] = []
    glottis_register_intent_handlers(specs.append)
    (spec,) = specs
    context = ProviderContext(
        "rules", data_dir, spec.capabilities, logging.getLogger("glottis.provider.rules")
    )
    handler = spec.create(context, spec.config.model_validate(options))
    assert isinstance(handler, RulesHandler)
    return Rules(handler)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rules(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rules]:
    """Give warm rules as they come, with nothing configured."""
    made = make_rules(tmp_path_factory.mktemp("rules"))
    await made.handler.warmup()
    yield made
    await made.handler.aclose()


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Rules]:
    """Make rules with options; they warm up when they are first asked."""
    return lambda **options: make_rules(tmp_path, **options)
