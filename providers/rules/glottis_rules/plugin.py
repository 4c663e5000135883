"""What Glottis is told when it loads this plugin."""

from collections.abc import Callable

from glottis.plugins import IntentCapabilities, IntentHandlerSpec, RunsOn, hookimpl

from glottis_rules.configuration import RulesConfig
from glottis_rules.handler import RulesHandler
from glottis_rules.vocabulary import INTENTS, LANGUAGES

GLOTTIS_API_VERSION = 1


@hookimpl
def glottis_register_intent_handlers(register: Callable[[IntentHandlerSpec], None]) -> None:
    """Offer the rules."""
    register(
        IntentHandlerSpec(
            name="rules",
            create=RulesHandler,
            config=RulesConfig,
            capabilities=IntentCapabilities(
                speculative=True,
                languages=frozenset(LANGUAGES),
                runs_on=RunsOn.EVENT_LOOP,
                expected_latency_s=0.001,
                intents=INTENTS,
            ),
            description="Spoken commands in Russian and English: navigation, greeting, help and the like.",
        )
    )
