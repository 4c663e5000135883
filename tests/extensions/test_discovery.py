"""Finding and describing plugins."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from glottis.config import Deployment
from glottis.plugins import Kind
from glottis.plugins.host import (
    LoadedPlugins,
    PluginRecord,
    PluginState,
    describe_plugins,
    known_secrets,
    load_plugins,
)

if TYPE_CHECKING:
    from tests.extensions.conftest import Load, Open, Site

Find = Callable[[LoadedPlugins, str], PluginRecord]

RICH = """
class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    api_key: SecretStr
    model: str = "small"

@hookimpl
def glottis_register_synthesizers(register):
    capabilities = SynthesizerCapabilities(
        languages=frozenset({"ru", "en"}), emotions=frozenset({"neutral", "happy"}), runs_on=RunsOn.THREAD
    )
    register(
        SynthesizerSpec(
            name="rich", create=Voice, config=Options, capabilities=capabilities, description="Speaks."
        )
    )
"""


def test_a_plugin_that_is_not_enabled_is_listed_but_not_imported(
    site: "Site", load: "Load", record: Find
) -> None:
    site.install("idle", 'raise RuntimeError("imported")', distribution="acme-idle", version="3.1.4")
    assert record(load(), "idle") == PluginRecord(
        "idle", "acme-idle", "3.1.4", PluginState.AVAILABLE, None, None
    )
    assert "acme_idle" not in sys.modules


def test_a_loaded_plugin_is_recorded_with_its_distribution_and_specs(
    site: "Site", load: "Load", record: Find
) -> None:
    site.install_good("good")
    loaded = load("good")
    good = record(loaded, "good")
    assert (good.distribution, good.version, good.state, good.error) == (
        "acme-good",
        "1.2",
        PluginState.LOADED,
        None,
    )
    assert good.load_time_ms is not None
    assert good.specs == (loaded.spec(Kind.SYNTHESIZER, "good"),)


def test_an_error_of_loading_does_not_show_a_secret_of_the_deployment(
    site: "Site", read: Callable[..., Deployment], record: Find, caplog: pytest.LogCaptureFixture
) -> None:
    site.install("broken", "raise RuntimeError('hunter2 was refused')")
    text = 'enable = ["broken"]\n[providers.a]\nuse = "broken"\nkey = "${KEY}"\n'
    environment = {"KEY": "hunter2"}
    redaction = known_secrets(read(text, environment), environment)
    caplog.set_level("DEBUG")
    loaded = load_plugins(["broken"], load_timeout_s=20, redaction=redaction)
    assert "RuntimeError: *** was refused" in (record(loaded, "broken").error or "")
    assert not [one for one in caplog.records if "hunter2" in repr(vars(one))]


def test_a_name_that_is_not_installed_has_no_record(load: "Load") -> None:
    assert "nonsense" not in {record.name for record in load("nonsense").records}


def test_each_host_has_plugins_of_its_own(site: "Site", load: "Load") -> None:
    site.install_good("one")
    site.install_good("two")
    first, second = load("one"), load("two")
    assert (first.spec_names(), second.spec_names()) == ({"one"}, {"two"})


def test_an_unnamed_distribution_is_still_found(site: "Site", load: "Load", record: Find) -> None:
    site.install_good("good")
    (site.folder / "acme_good-1.2.dist-info" / "METADATA").unlink()
    good = record(load("good"), "good")
    assert (good.distribution, good.version) == ("an unnamed distribution", "")
    assert good.state is PluginState.LOADED


def test_an_entry_point_that_moved_is_found_though_its_file_looks_unchanged(
    site: "Site", load: "Load", record: Find
) -> None:
    site.install("mover", "raise RuntimeError", distribution="acme-mover")
    file = site.folder / "acme_mover-1.2.dist-info" / "entry_points.txt"
    before = file.stat()
    assert record(load("mover"), "mover").state is PluginState.FAILED
    site.install_good("good")
    file.write_text("[glottis.plugins]\nmover = acme_good\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert record(load("mover"), "mover").state is PluginState.LOADED


def test_loading_needs_no_home_and_leaves_no_cache(site: "Site") -> None:
    site.install_good("good")
    program = (
        "from glottis.plugins.host import load_plugins\n"
        "loaded = load_plugins(['good'], load_timeout_s=60)\n"
        "print([record.state.value for record in loaded.records if record.name == 'good'])"
    )
    cache = site.folder / "cache"
    for extra in ({"HOME": "/proc/none"}, {"XDG_CACHE_HOME": str(cache)}):
        environment = {"PYTHONPATH": str(site.folder), "PATH": os.environ["PATH"], **extra}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            env=environment,
            cwd=site.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "['loaded']"
    assert not cache.exists()


async def test_a_description_is_json_with_schema_and_capabilities_but_no_values(
    site: "Site", open_host: "Open"
) -> None:
    site.install("rich", RICH)
    text = """
    enable = ["rich"]
    [providers.voice]
    use = "rich"
    api_key = "${KEY}"
    model = "enormous"
    [routes]
    synthesize = ["voice"]
    """
    async with open_host(text, environment={"KEY": "hunter2"}) as host:
        described = json.loads(json.dumps(host.describe()))
    (rich,) = [plugin for plugin in described if plugin["name"] == "rich"]
    (spec,) = rich["specs"]
    assert spec["configuration"]["required"] == ["api_key"]
    assert spec["configuration"]["properties"]["api_key"]["format"] == "password"
    assert spec["capabilities"] == {
        "languages": ["en", "ru"],
        "max_concurrency": None,
        "runs_on": "thread",
        "expected_latency_s": None,
        "streaming": False,
        "text_stream": False,
        "emotions": ["happy", "neutral"],
        "speed": False,
    }
    assert (spec["kind"], spec["name"], spec["description"]) == ("synthesizer", "rich", "Speaks.")
    assert rich["instances"] == [
        {"name": "voice", "kind": "synthesizer", "state": "ready", "error": None, "runs_on": "here"}
    ]
    assert {key: rich[key] for key in ("distribution", "version", "state", "error")} == {
        "distribution": "acme-rich",
        "version": "1.2",
        "state": "loaded",
        "error": None,
    }
    assert "hunter2" not in json.dumps(described)
    assert "enormous" not in json.dumps(described)


def test_plugins_are_described_without_a_deployment(site: "Site", load: "Load") -> None:
    site.install("rich", RICH)
    (rich,) = [one for one in describe_plugins(load("rich").records) if one["name"] == "rich"]
    assert rich["instances"] == []
