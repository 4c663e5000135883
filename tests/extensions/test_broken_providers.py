"""Providers that cannot be made, warmed up or closed: the others serve, unless one is required."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from glottis.plugins import Kind
from glottis.plugins.host import InstanceState, ProviderInstance

if TYPE_CHECKING:
    from tests.extensions.conftest import Mistakes, Open, Site

BROKEN = {
    "create raises": (
        "def create(context, config):\n    raise OSError('no device')",
        "create failed: OSError: no device",
    ),
    "create exits": ("def create(context, config):\n    raise SystemExit(2)", "create failed: SystemExit: 2"),
    "create takes other arguments": ("def create():\n    pass", "create failed: TypeError: create() takes 0"),
    "create returns nothing": (
        "def create(context, config):\n    pass",
        "create returned a NoneType, not a Synthesizer",
    ),
    "create returns another kind": ("create = Ears", "create returned a Ears, not a Synthesizer"),
    "create hangs": (
        "def create(context, config):\n    gate.wait()",
        (
            "create took longer than 1.5 s and was left behind in a thread; "
            "GLOTTIS_PLUGIN_LOAD_TIMEOUT_S sets how long it may take"
        ),
    ),
    "warmup raises": (
        "class create(Voice):\n    async def warmup(self):\n        raise ZeroDivisionError",
        "warmup failed: ZeroDivisionError (acme_broken.py, line ",
    ),
    "warmup says what is wrong": (
        (
            "class create(Voice):\n    async def warmup(self):\n"
            "        raise ProviderError(ErrorCategory.AUTHENTICATION, 'the key was refused')"
        ),
        "warmup failed: authentication: the key was refused",
    ),
    "warmup exits": (
        "class create(Voice):\n    async def warmup(self):\n        raise SystemExit",
        "warmup failed: SystemExit",
    ),
    "warmup cancels itself": (
        "class create(Voice):\n    async def warmup(self):\n        raise asyncio.CancelledError",
        "warmup cancelled itself",
    ),
    "warmup is not async": (
        "class create(Voice):\n    def warmup(self):\n        pass",
        "warmup failed: TypeError: object NoneType can't be used in 'await' expression",
    ),
    "warmup hangs": (
        "class create(Voice):\n    async def warmup(self):\n        await asyncio.Event().wait()",
        "warmup took longer than 1.5 s and was cancelled; GLOTTIS_WARMUP_TIMEOUT_S sets how long it may take",
    ),
}
ROUTES = """
enable = ["broken", "good"]
[routes]
synthesize = ["broken", "good"]
"""


def state(instance: ProviderInstance) -> tuple[InstanceState, bool]:
    return instance.state, instance.provider is not None


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_broken_provider_is_shown_and_the_next_one_serves(
    fault: str, site: "Site", open_host: "Open"
) -> None:
    body, message = BROKEN[fault]
    site.install_broken(body)
    async with open_host(ROUTES, load_timeout_s=1.5, warmup_timeout_s=1.5) as host:
        broken = host.instance(Kind.SYNTHESIZER, "broken")
        assert state(broken) == (InstanceState.FAILED, False)
        assert (broken.error or "").startswith(message)
        assert state(host.instance(Kind.SYNTHESIZER, "good")) == (InstanceState.READY, True)
        (told,) = [plugin for plugin in host.describe() if plugin["name"] == "broken"]
        assert told["state"] == "loaded"
        assert told["instances"] == [
            {
                "name": "broken",
                "kind": "synthesizer",
                "state": "failed",
                "error": broken.error,
                "runs_on": "here",
            }
        ]


async def test_a_warmup_that_does_not_let_itself_be_cancelled_is_left_behind(
    site: "Site", open_host: "Open"
) -> None:
    body = """
release, over = asyncio.Event(), asyncio.Event()
class create(Voice):
    async def warmup(self):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await release.wait()
        over.set()
"""
    site.install_broken(body)
    async with open_host(ROUTES, warmup_timeout_s=0.1) as host:
        error = host.instance(Kind.SYNTHESIZER, "broken").error or ""
        assert error.startswith("warmup took longer than 0.1 s and was cancelled")
        site.module("broken").release.set()
        await site.module("broken").over.wait()


async def test_a_provider_whose_plugin_failed_is_shown_with_the_cause(
    site: "Site", open_host: "Open"
) -> None:
    site.install("broken", 'raise RuntimeError("no engine")')
    site.install_good("good")
    async with open_host(ROUTES) as host:
        broken = host.instance(Kind.SYNTHESIZER, "broken")
        assert state(broken) == (InstanceState.FAILED, False)
        assert broken.plugin == "broken"
        assert (broken.error or "").startswith(
            "plugin broken could not be loaded: import failed: RuntimeError: no engine"
        )


async def test_a_spec_that_a_failed_plugin_may_have_offered_is_not_the_operators_mistake(
    site: "Site", open_host: "Open"
) -> None:
    site.install("broken", 'raise RuntimeError("no engine")')
    site.install_good("good")
    text = """
    enable = ["broken", "good"]
    [providers.voice]
    use = "broken-tts"
    [routes]
    synthesize = ["voice", "good"]
    """
    async with open_host(text) as host:
        assert (host.instance(Kind.SYNTHESIZER, "voice").error or "").startswith(
            'no loaded plugin offers "broken-tts"; plugin broken could not be loaded: import failed'
        )


async def test_a_required_provider_that_fails_stops_the_start(site: "Site", mistakes: "Mistakes") -> None:
    site.install_broken("def create(context, config):\n    raise OSError('no device')")
    text = """
    enable = ["broken", "good"]

    [providers.voice]
    use = "broken"
    required = true

    [routes]
    synthesize = ["voice", "good"]
    """
    (mistake,) = await mistakes(text)
    assert mistake.startswith(
        "plugins.toml:4: providers.voice: is required, and does not work as synthesizer: "
        "create failed: OSError: no device"
    )


async def test_a_route_of_which_nothing_works_stops_the_start_and_tells_every_cause(
    site: "Site", mistakes: "Mistakes"
) -> None:
    site.install_broken("def create(context, config):\n    raise OSError('no device')")
    site.install("gone", 'raise ImportError("no library")')
    text = """
    enable = ["broken", "gone", "good"]
    [routes]
    synthesize = ["good"]
    [routes.language.ru]
    synthesize = ["broken", "gone"]
    """
    (mistake,) = await mistakes(text)
    assert mistake.startswith(
        "plugins.toml:6: routes.language.ru.synthesize: none of its providers works: "
        "broken: create failed: OSError: no device"
    )
    assert "; gone: plugin gone could not be loaded: import failed: ImportError: no library" in mistake


async def test_providers_start_side_by_side(site: "Site", open_host: "Open") -> None:
    source = """
    arrived = []

    class Patient(Voice):
        async def warmup(self):
            arrived.append(self)
            # Each waits for the other: only side by side can both be ready.
            while len(arrived) < 2:
                await asyncio.sleep(0)

    @hookimpl
    def glottis_register_synthesizers(register):
        register(SynthesizerSpec(name="patient", create=Patient))
    """
    site.install("patient", source)
    text = """
    enable = ["patient"]
    [providers.one]
    use = "patient"
    [providers.two]
    use = "patient"
    [routes]
    synthesize = ["one", "two"]
    """
    async with open_host(text) as host:
        assert [state(one) for one in host.instances] == [(InstanceState.READY, True)] * 2


CLOSING = """
closed = []

class First(Voice):
    async def aclose(self):
        closed.append(self.context.instance)

class Second(Voice):
    async def aclose(self):
        closed.append(self.context.instance)
        {fault}

@hookimpl
def glottis_register_synthesizers(register):
    register(SynthesizerSpec(name="first", create=First))
    register(SynthesizerSpec(name="second", create=Second))
"""
CLOSING_ROUTES = 'enable = ["closing"]\n[routes]\nsynthesize = ["first", "second"]\n'


@pytest.mark.parametrize(
    "fault",
    [
        "pass",
        "raise OSError",
        "raise SystemExit",
        "await asyncio.Event().wait()",
        "raise asyncio.CancelledError",
    ],
)
async def test_every_provider_is_closed_whatever_another_does(
    fault: str, site: "Site", open_host: "Open"
) -> None:
    site.install("closing", CLOSING.format(fault=fault))
    async with open_host(CLOSING_ROUTES, close_timeout_s=0.5):
        pass
    assert sorted(site.module("closing").closed) == ["first", "second"]


async def test_providers_are_closed_when_the_server_fails(site: "Site", open_host: "Open") -> None:
    site.install("closing", CLOSING.format(fault="pass"))
    with pytest.raises(LookupError, match="the server"):
        async with open_host(CLOSING_ROUTES):
            raise LookupError("the server")
    assert sorted(site.module("closing").closed) == ["first", "second"]


async def test_a_server_that_is_cancelled_while_closing_closes_everything_first(
    site: "Site", open_host: "Open"
) -> None:
    fault = "gate.set(); await go_on.wait()"
    site.install("closing", "go_on = asyncio.Event()" + CLOSING.format(fault=fault))

    async def serve() -> None:
        async with open_host(CLOSING_ROUTES):
            pass

    serving = asyncio.create_task(serve())
    assert await asyncio.to_thread(site.gate.wait, 20)
    module = site.module("closing")
    serving.cancel()
    await asyncio.sleep(0)
    module.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert sorted(module.closed) == ["first", "second"]


async def test_a_server_that_is_cancelled_while_starting_closes_what_it_has(
    site: "Site", open_host: "Open"
) -> None:
    warming = """
class Slow(Voice):
    async def warmup(self):
        gate.set()
        await asyncio.Event().wait()
Voice = Slow
"""
    site.install("closing", warming + CLOSING.format(fault="pass"))

    async def serve() -> None:
        async with open_host(CLOSING_ROUTES):
            pass

    serving = asyncio.create_task(serve())
    assert await asyncio.to_thread(site.gate.wait, 20)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert site.module("closing").closed


async def test_what_was_started_is_closed_when_the_start_is_refused(
    site: "Site", mistakes: "Mistakes"
) -> None:
    site.install("closing", CLOSING.format(fault="pass"))
    site.install_broken("def create(context, config):\n    raise OSError('no device')")
    text = """
    enable = ["closing", "broken"]
    [routes]
    synthesize = ["first"]
    [routes.language.ru]
    synthesize = ["broken"]
    """
    await mistakes(text)
    assert site.module("closing").closed == ["first"]


async def test_a_provider_that_fails_to_warm_up_is_closed_once(site: "Site", open_host: "Open") -> None:
    body = """
closed = []
class create(Voice):
    async def warmup(self):
        raise OSError
    async def aclose(self):
        closed.append(self.context.instance)
"""
    site.install_broken(body)
    async with open_host(ROUTES):
        assert site.module("broken").closed == ["broken"]
    assert site.module("broken").closed == ["broken"]
