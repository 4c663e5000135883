"""What the environment sets: one value for each process, the same names on every node."""

import json
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DAY_S = 86_400


def _listed(value: Any) -> Any:
    """Read a list as the environment gives it: with commas, or as JSON."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [part.strip() for part in value.split(",") if part.strip()]


class Settings(BaseSettings):
    """Every setting, read from `GLOTTIS_<NAME>`; four keep the names that the API reference gives them."""

    model_config = SettingsConfigDict(env_prefix="GLOTTIS_", frozen=True, populate_by_name=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    workers: int = Field(1, ge=1, le=64, description="Server processes that share the port.")
    data_dir: Path = Field(
        Path.home() / ".local" / "share" / "glottis",
        description="Folder of the embedded MongoDB and of what providers keep.",
    )
    config: Path = Field(Path("plugins.toml"), description="The deployment file.")

    mongo_url: SecretStr | None = Field(
        None, description="MongoDB replica set to use; without it the server runs one of its own."
    )
    mongo_database: str = Field("glottis", min_length=1, description="Name of the database.")
    mongo_cache_gb: float = Field(0.25, ge=0.25, le=64, description="Cache of the embedded MongoDB, in GiB.")

    nats_url: SecretStr | None = Field(
        None,
        description="NATS servers with JetStream, with commas between them, that bring work to "
        "`glottis worker`; without it each server trains in its own process.",
    )
    nats_prefix: str = Field(
        "glottis",
        pattern=r"^[A-Za-z0-9_-]{1,32}$",
        description="How all subjects begin: deployments that share a NATS account differ in it.",
    )
    nats_replicas: int = Field(
        1, ge=1, le=5, description="Servers of a NATS cluster that keep each queue of work."
    )

    # Without NoDecode the library would give up at what is no JSON, and name no other mistake.
    trusted_proxies: Annotated[list[IPv4Network | IPv6Network], NoDecode, BeforeValidator(_listed)] = Field(
        default_factory=list,
        description="Networks whose X-Forwarded-* headers are believed, with commas between them.",
    )
    max_body_bytes: int = Field(
        40 * 1024 * 1024, ge=1024, description="Largest request body; more is answered 413."
    )
    audio_max_bytes: int = Field(
        25 * 1024 * 1024, ge=1024, description="Largest audio to recognize, decoded from base64."
    )
    audio_max_s: float = Field(600.0, gt=0, description="Longest audio to recognize, in seconds.")
    text_max_chars: int = Field(
        3_000, ge=1, le=20_000, description="Longest text to synthesize, understand or answer."
    )
    audio_cache_ttl_s: int = Field(
        7 * DAY_S, ge=60, description="Seconds after its last use that synthesized audio is kept."
    )
    audio_cache_bytes: int = Field(
        1024**3, ge=1024**2, description="Bound of the audio cache in MongoDB; the oldest goes first."
    )
    audio_memory_bytes: int = Field(
        64 * 1024**2, ge=0, description="Bound of each process's cache of hot audio."
    )
    sample_max_bytes: int = Field(
        25 * 1024 * 1024,
        ge=1024,
        validation_alias=AliasChoices("VOICE_SAMPLE_MAX_BYTES"),
        description="Largest file to train a voice with; a request may hold several.",
    )
    sample_max_s: float = Field(
        300.0, gt=0, le=3600, description="Longest recording to train a voice with, in seconds."
    )
    min_sample_count: int = Field(
        3,
        ge=1,
        le=1_000,
        validation_alias=AliasChoices("VOICE_MIN_SAMPLE_COUNT"),
        description="Usable samples that a training needs at the least.",
    )
    training_slots: int = Field(
        1,
        ge=0,
        le=64,
        description="Trainings that a server process runs at once; 0 leaves them to others. "
        "With GLOTTIS_NATS_URL a server runs none.",
    )
    training_attempts: int = Field(
        5, ge=1, le=100, description="Attempts in a row without progress after which a training has failed."
    )
    training_stall_s: float = Field(
        600.0, gt=0, le=86_400, description="Seconds without any progress after which an attempt has failed."
    )
    job_lease_s: float = Field(
        10.0,
        ge=0.5,
        le=600,
        description="Seconds after its last sign of life that a worker's job is given to another.",
    )
    history_ttl_s: int = Field(
        90 * DAY_S, ge=60, description="Seconds that the history of a session is kept."
    )

    plugin_load_timeout_s: float = Field(
        30.0, gt=0, le=600, description="Seconds that importing or creating a plugin may take."
    )
    warmup_timeout_s: float = Field(
        120.0, gt=0, le=3600, description="Seconds that loading a provider's models may take."
    )
    drain_timeout_s: float = Field(
        20.0, ge=0, le=600, description="Seconds that running requests get after SIGTERM."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe log message to write."
    )
    log_pii: bool = Field(False, description="Write what people said into the log, under `pii`.")
    log_format: Literal["json", "text"] = Field("json", description="How log messages look.")

    otlp_endpoint: str | None = Field(
        None,
        pattern=r"^https?://",
        description="OpenTelemetry collector that is told of turns, such as http://localhost:4318; "
        "needs glottis[telemetry].",
    )

    max_concurrent_sessions: int = Field(
        100,
        ge=1,
        validation_alias=AliasChoices("VOICE_MAX_CONCURRENT_SESSIONS"),
        description="Sessions that may be open at once, over all nodes.",
    )
    session_timeout_s: int = Field(
        3_600,
        ge=1,
        validation_alias=AliasChoices("VOICE_SESSION_TIMEOUT"),
        description="Seconds from its start that a session lives.",
    )
    ws_max_connections: int = Field(
        1_000,
        ge=1,
        validation_alias=AliasChoices("WS_MAX_CONNECTIONS"),
        description="WebSockets that a node serves at once.",
    )
    ws_ping_interval_s: float = Field(
        30.0,
        gt=0,
        validation_alias=AliasChoices("WS_PING_INTERVAL"),
        description="Seconds between the server's pings of a WebSocket.",
    )
    ws_max_message_bytes: int = Field(1024**2, ge=1024, description="Largest WebSocket message.")
    ws_send_timeout_s: float = Field(
        10.0,
        gt=0,
        le=600,
        description="Seconds that a client may take no message before its WebSocket is closed.",
    )
    ws_resume_s: float = Field(
        30.0,
        ge=0,
        le=3600,
        description="Seconds that a conversation waits for a client whose connection was cut.",
    )


def environment_name(field: str) -> str:
    """Return the environment variable that sets a field."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return f"GLOTTIS_{field.upper()}"
