"""Plugins that cannot be loaded: each fails by itself, says why, and leaves nothing behind."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from glottis.plugins import Kind
from glottis.plugins.host import LoadedPlugins, PluginRecord, PluginState

if TYPE_CHECKING:
    from tests.extensions.conftest import Load, Site

Find = Callable[[LoadedPlugins, str], PluginRecord]

BROKEN = {
    "raises on import": (
        'raise RuntimeError("no engine found")',
        "import failed: RuntimeError: no engine found (acme_broken.py, line ",
    ),
    "asserts on import": ("assert False", "import failed: AssertionError"),
    "exits on import": ("import sys; sys.exit(3)", "import failed: SystemExit: 3"),
    "needs a library that is missing": (
        "import no_such_library",
        "import failed: ModuleNotFoundError: No module named 'no_such_library'",
    ),
    "is not Python": ("def :", "import failed: SyntaxError: invalid syntax"),
    "raises what cannot be printed": (
        """
        class Mute(Exception):
            def __str__(self):
                raise ValueError
        raise Mute
        """,
        "import failed: acme_broken.Mute: <exception str() failed>",
    ),
    "raises in a hook": (
        """
        @hookimpl
        def glottis_register_recognizers(register):
            register(RecognizerSpec(name="broken", create=Ears))
            raise KeyError("model")
        """,
        "registration failed: KeyError: 'model' (acme_broken.py, line ",
    ),
    "exits in a hook": (
        """
        @hookimpl
        def glottis_register_recognizers():
            raise SystemExit
        """,
        "registration failed: SystemExit",
    ),
    "wrong signature": (
        """
        @hookimpl
        def glottis_register_recognizers(registry):
            pass
        """,
        "Argument(s) {'registry'} are declared in the hookimpl but can not be found in the hookspec",
    ),
    "misspelt hook": (
        """
        @hookimpl
        def glottis_register_recogniser(register):
            pass
        """,
        'unknown hook "glottis_register_recogniser": did you mean "glottis_register_recognizers"?',
    ),
    "hook without its mark": (
        """
        def glottis_register_recognizers(register):
            pass
        """,
        "glottis_register_recognizers is not marked with @hookimpl",
    ),
    "no hook at all": ("", "has no hooks: no function is marked with @hookimpl of glottis.plugins"),
    "hook that is async": (
        """
        @hookimpl
        async def glottis_register_recognizers(register):
            pass
        """,
        "glottis_register_recognizers is an async function; it has to be a plain one",
    ),
    "hook that wraps the others": (
        """
        @hookimpl(wrapper=True)
        def glottis_register_recognizers():
            return (yield)
        """,
        "glottis_register_recognizers is a wrapper; Glottis calls each plugin by itself",
    ),
    "newer plugin API": (
        "GLOTTIS_API_VERSION = 2",
        (
            "was written for plugin API 2, and this Glottis has plugin API 1; "
            "run: pip install --upgrade glottis (or install an older acme-broken)"
        ),
    ),
    "older plugin API": (
        "GLOTTIS_API_VERSION = 0",
        (
            "was written for plugin API 0, and this Glottis has plugin API 1; "
            "run: pip install --upgrade acme-broken (or install an older glottis)"
        ),
    ),
    "no plugin API": (
        "del GLOTTIS_API_VERSION",
        "its author has to put GLOTTIS_API_VERSION = 1 into acme_broken",
    ),
    "plugin API as text": ('GLOTTIS_API_VERSION = "1"', "GLOTTIS_API_VERSION is a str, not a whole number"),
    "junk instead of a spec": (
        """
        @hookimpl
        def glottis_register_recognizers(register):
            register(Ears)
        """,
        "glottis_register_recognizers registered a ABCMeta, not a RecognizerSpec",
    ),
    "spec of another kind": (
        """
        @hookimpl
        def glottis_register_recognizers(register):
            register(SynthesizerSpec(name="broken", create=Voice))
        """,
        "glottis_register_recognizers registered a SynthesizerSpec, not a RecognizerSpec",
    ),
    "name that plugins.toml cannot say": (
        """
        @hookimpl
        def glottis_register_recognizers(register):
            register(RecognizerSpec(name="my ears", create=Ears))
        """,
        "registered a name that plugins.toml cannot say: 'my ears'",
    ),
    "one name twice": (
        """
        @hookimpl
        def glottis_register_recognizers(register):
            register(RecognizerSpec(name="ears", create=Ears))
            register(RecognizerSpec(name="ears", create=Ears))
        """,
        'registers the recognizer "ears" twice',
    ),
    "create that is not callable": (
        """
        @hookimpl
        def glottis_register_recognizers(register):
            register(RecognizerSpec(name="ears", create="Ears"))
        """,
        'create of "ears" cannot be called',
    ),
    "description that is not text": (
        """
        @hookimpl
        def glottis_register_recognizers(register):
            register(RecognizerSpec(name="ears", create=Ears, description=None))
        """,
        'description of "ears" is not text',
    ),
    "capabilities of another kind": (
        """
        @hookimpl
        def glottis_register_recognizers(register):
            register(RecognizerSpec(name="ears", create=Ears, capabilities=SynthesizerCapabilities()))
        """,
        'capabilities of "ears" are a SynthesizerCapabilities, not RecognizerCapabilities',
    ),
    "languages as one text": (
        """
        @hookimpl
        def glottis_register_recognizers(register):
            capabilities = RecognizerCapabilities(languages="en")
            register(RecognizerSpec(name="ears", create=Ears, capabilities=capabilities))
        """,
        'languages of "ears" have to be a frozenset of language tags, or ANY',
    ),
    "config that is not a model": (
        """
        @hookimpl
        def glottis_register_recognizers(register):
            register(RecognizerSpec(name="ears", create=Ears, config=dict))
        """,
        'config of "ears" is not a pydantic model',
    ),
    "config that takes any key": (
        """
        class Options(BaseModel):
            model: str = ""

        @hookimpl
        def glottis_register_recognizers(register):
            register(RecognizerSpec(name="ears", create=Ears, config=Options))
        """,
        'config of "ears" has to refuse unknown keys: set model_config = ConfigDict(extra="forbid")',
    ),
    "config with a key of the engine": (
        """
        class Options(BaseModel):
            model_config = ConfigDict(extra="forbid")
            limits: int = 3

        @hookimpl
        def glottis_register_recognizers(register):
            register(RecognizerSpec(name="ears", create=Ears, config=Options))
        """,
        'config of "ears" has a field "limits", which is a key of the engine',
    ),
    "config without a schema": (
        """
        class Options(BaseModel):
            model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
            voice: Voice

        @hookimpl
        def glottis_register_recognizers(register):
            register(RecognizerSpec(name="ears", create=Ears, config=Options))
        """,
        "registration failed: pydantic.errors.PydanticInvalidForJsonSchema: Cannot generate a JsonSchema",
    ),
    "one name with two config models": (
        """
        class Options(BaseModel):
            model_config = ConfigDict(extra="forbid")

        @hookimpl
        def glottis_register_recognizers(register):
            register(RecognizerSpec(name="both", create=Ears))

        @hookimpl
        def glottis_register_synthesizers(register):
            register(SynthesizerSpec(name="both", create=Voice, config=Options))
        """,
        '"both" is offered as recognizer and as synthesizer with different config models',
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_plugin_fails_by_itself_and_says_why(
    fault: str, site: "Site", load: "Load", record: Find
) -> None:
    source, message = BROKEN[fault]
    site.install("broken", source)
    site.install_good("good")
    loaded = load("broken", "good")
    failed = record(loaded, "broken")
    assert failed.state is PluginState.FAILED
    assert message in (failed.error or "")
    assert failed.load_time_ms is not None
    assert failed.specs == ()
    assert record(loaded, "good").state is PluginState.LOADED
    assert loaded.spec_names() == {"good"}


@pytest.mark.parametrize("where", ["import", "registration"])
def test_a_plugin_that_hangs_is_cut_off(where: str, site: "Site", load: "Load", record: Find) -> None:
    hook = "@hookimpl\ndef glottis_register_recognizers(register):\n    gate.wait()\n"
    site.install("broken", "gate.wait()\n" if where == "import" else hook)
    site.install_good("good")
    loaded = load("broken", "good", load_timeout_s=1.5)
    error = record(loaded, "broken").error or ""
    assert error.startswith(f"{where} took longer than ")
    assert error.endswith("left behind in a thread; GLOTTIS_PLUGIN_LOAD_TIMEOUT_S sets how long it may take")
    assert record(loaded, "good").state is PluginState.LOADED


def test_a_plugin_that_was_cut_off_offers_nothing_when_it_comes_round(site: "Site", load: "Load") -> None:
    source = """
    @hookimpl
    def glottis_register_recognizers(register):
        gate.wait()
        register(RecognizerSpec(name="late", create=Ears))

    @hookimpl
    def glottis_on_event(event):
        pass
    """
    site.install("broken", source)
    loaded = load("broken", load_timeout_s=1.5)
    site.gate.set()
    assert loaded.spec(Kind.RECOGNIZER, "late") is None
    assert loaded.hooks("glottis_on_event") == []


def test_two_plugins_of_one_name_are_both_refused_and_both_named(site: "Site", load: "Load") -> None:
    site.install("twin", 'raise RuntimeError("imported")', distribution="left-twin")
    site.install("twin", 'raise RuntimeError("imported")', distribution="right-twin")
    for enabled, state in ((("twin",), PluginState.FAILED), ((), PluginState.AVAILABLE)):
        records = [record for record in load(*enabled).records if record.name == "twin"]
        assert [(one.distribution, one.state) for one in records] == [
            ("left-twin", state),
            ("right-twin", state),
        ]
        assert {one.error for one in records} == {
            'the plugin name "twin" is offered by left-twin and right-twin; uninstall all but one of them'
        }


def test_a_spec_whose_name_is_taken_fails_the_plugin_that_comes_second(
    site: "Site", load: "Load", record: Find
) -> None:
    site.install_good("first")
    site.install(
        "second",
        """
        @hookimpl
        def glottis_register_recognizers(register):
            register(RecognizerSpec(name="first", create=Ears))
        """,
    )
    loaded = load("first", "second")
    assert record(loaded, "first").state is PluginState.LOADED
    assert record(loaded, "second").error == (
        '"first" is offered by the plugin first already; enable one of the two'
    )


def test_two_entry_points_of_one_module_are_told_apart(site: "Site", load: "Load", record: Find) -> None:
    site.install_good("one")
    site.install("other", "", target="acme_one")
    loaded = load("one", "other")
    assert record(loaded, "one").state is PluginState.LOADED
    assert record(loaded, "other").error == "another entry point names the same object"


def test_an_entry_point_that_names_nothing_is_told(site: "Site", load: "Load", record: Find) -> None:
    site.install("broken", "", target="acme_broken:plugin")
    assert record(load("broken"), "broken").error == (
        "import failed: AttributeError: module 'acme_broken' has no attribute 'plugin'"
    )


def test_a_failed_plugin_does_not_keep_others_from_registering_commands(
    site: "Site", load: "Load", record: Find
) -> None:
    import typer
    from typer.main import get_group

    hook = """
@hookimpl
def glottis_register_commands(group):
    @group.command()
    def {name}(): ...
{rest}
"""
    site.install("broken", hook.format(name="broken", rest='    raise OSError("no terminal")'))
    site.install("rival", hook.format(name="serve", rest=""))
    site.install("good", hook.format(name="good", rest=""))
    group = typer.Typer()
    group.command("serve")(lambda: None)
    loaded = load("broken", "rival", "good")
    loaded.register_commands(group)
    assert set(get_group(group).commands) == {"serve", "good"}
    assert (record(loaded, "broken").error or "").startswith(
        "glottis_register_commands failed: OSError: no terminal (acme_broken.py, line "
    )
    assert record(loaded, "rival").error == "the command serve exists already"
    assert record(loaded, "broken").state is PluginState.LOADED
    assert record(loaded, "good").error is None


def test_a_failed_plugin_does_not_keep_others_from_registering_routes(
    site: "Site", load: "Load", record: Find
) -> None:
    from quart import Quart

    source = """
    @hookimpl
    def glottis_register_routes(app, prefix):
        from quart import Blueprint
        blueprint = Blueprint("good", __name__)
        blueprint.get("/hello")(lambda: "hello")
        app.register_blueprint(blueprint, url_prefix=prefix + "/good")
    """
    site.install("broken", "@hookimpl\ndef glottis_register_routes(app):\n    app.nonsense()\n")
    site.install("good", source)
    app = Quart("test")
    loaded = load("broken", "good")
    loaded.register_routes(app, "/api/v1")
    assert "/api/v1/good/hello" in {rule.rule for rule in app.url_map.iter_rules()}
    assert "'Quart' object has no attribute 'nonsense'" in (record(loaded, "broken").error or "")
