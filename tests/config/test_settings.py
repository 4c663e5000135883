import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from glottis.config import Settings, environment_name
from pydantic import ValidationError

FOREIGN_NAMES = {
    "max_concurrent_sessions": "VOICE_MAX_CONCURRENT_SESSIONS",
    "session_timeout_s": "VOICE_SESSION_TIMEOUT",
    "ws_max_connections": "WS_MAX_CONNECTIONS",
    "ws_ping_interval_s": "WS_PING_INTERVAL",
    "min_sample_count": "VOICE_MIN_SAMPLE_COUNT",
    "sample_max_bytes": "VOICE_SAMPLE_MAX_BYTES",
}
EXAMPLES: dict[str, object] = {
    "data_dir": "elsewhere",
    "config": "other.toml",
    "mongo_url": "mongodb://db/?replicaSet=rs0",
    "mongo_database": "voices",
    "trusted_proxies": ["10.0.0.0/8"],
    "host": "::1",
    "log_level": "debug",
    "log_format": "text",
    "nats_url": "nats://broker:4222",
    "nats_prefix": "voices",
    "otlp_endpoint": "http://collector:4318",
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(environment_name(field), raising=False)


def test_the_defaults_are_those_of_the_api_reference() -> None:
    settings = Settings()
    assert settings.max_concurrent_sessions == 100
    assert settings.session_timeout_s == 3600
    assert settings.ws_max_connections == 1000
    assert settings.ws_ping_interval_s == 30
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_every_setting_is_read_from_its_variable(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = environment_name(field)
    assert name == FOREIGN_NAMES.get(field, f"GLOTTIS_{field.upper()}")
    default = getattr(Settings(), field)
    value: Any = EXAMPLES.get(field, not default if isinstance(default, bool) else None)
    if value is None:
        value = default + 1
    monkeypatch.setenv(name, value if isinstance(value, str) else json.dumps(value))
    assert getattr(Settings(), field) == getattr(Settings(**{field: value}), field) != default


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_every_setting_is_described(field: str) -> None:
    assert (Settings.model_fields[field].description or "").endswith(".")


@pytest.mark.parametrize("written", ['["10.0.0.0/8", "::1/128"]', "10.0.0.0/8, ::1/128"])
def test_proxies_are_networks(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOTTIS_TRUSTED_PROXIES", written)
    assert Settings().trusted_proxies == [ip_network("10.0.0.0/8"), ip_network("::1/128")]


@pytest.mark.parametrize("written", ["everybody", "10.0.0.1/8", "[", '["10.0.0.0/8"', "{}"])
def test_what_are_no_proxies_is_told_beside_the_other_mistakes(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLOTTIS_TRUSTED_PROXIES", written)
    monkeypatch.setenv("GLOTTIS_PORT", "many")
    with pytest.raises(ValidationError) as refusal:
        Settings()
    assert {error["loc"][0] for error in refusal.value.errors()} == {"trusted_proxies", "port"}


def test_the_password_of_the_database_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOTTIS_MONGO_URL", "mongodb://glottis:hunter2@db/")
    assert "hunter2" not in repr(Settings())


def test_a_setting_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOTTIS_PORT", "70000")
    with pytest.raises(ValidationError, match="port"):
        Settings()


def test_settings_cannot_be_changed() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.data_dir = Path("elsewhere")  # type: ignore[misc]  # that it fails is the point
