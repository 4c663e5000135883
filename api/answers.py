"""What clients get, as OpenAPI documents it; the routes build the same shapes as plain dictionaries."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel


class Failure(BaseModel):
    detail: str


class Session(BaseModel):
    session_id: str
    websocket_url: str
    expires_at: datetime
    initial_greeting: str


class HistoryItem(BaseModel):
    session_id: str
    project: str
    user_id: str | None
    timestamp: datetime
    type: str
    content: dict[str, Any]
    provider: str | None
    latencies_ms: dict[str, float]


class History(BaseModel):
    session_id: str
    items: list[HistoryItem]


class OtherReading(BaseModel):
    text: str
    confidence: float


class RecognizedWord(BaseModel):
    text: str
    start: float
    end: float
    confidence: float


class Recognition(BaseModel):
    text: str
    confidence: float
    language: str
    processing_time_ms: float
    alternatives: list[OtherReading] | None
    provider: str | None
    words: list[RecognizedWord] | None = None


class Synthesis(BaseModel):
    audio_url: str
    duration_seconds: float
    cached: bool
    provider: str


class IntentAnswer(BaseModel):
    intent: str
    confidence: float
    entities: dict[str, Any]
    suggested_action: dict[str, Any] | None
    provider: str | None


class Source(BaseModel):
    title: str
    url: str | None


class DialogAnswer(BaseModel):
    type: str
    text: str
    audio_url: str | None
    sources: list[Source]
    suggested_actions: list[dict[str, Any]]
    intent: str


class Analytics(BaseModel):
    project: str
    sessions_total: int
    interactions_total: int
    active_sessions: int
    ws_max_connections: int
    ws_ping_interval: float


class Sample(BaseModel):
    id: str
    project: str
    file_id: str
    filename: str
    content_type: str
    size_bytes: int
    duration_seconds: float
    uploaded_at: float
    usable: bool
    problems: list[str]
    speech_share: float
    clipped_share: float
    noise_db: float | None


class Samples(BaseModel):
    samples: list[Sample]


class Job(BaseModel):
    id: str
    project: str
    status: Literal["queued", "preparing", "training", "validating", "completed", "failed", "cancelled"]
    progress: float
    message: str
    created_at: float
    started_at: float | None
    finished_at: float | None
    name: str
    language: str
    provider: str
    attempt: int
    result: dict[str, Any] | None


class Jobs(BaseModel):
    jobs: list[Job]


class JobAnswer(BaseModel):
    job: Job


class JobStatus(BaseModel):
    job: Job | None


class VoiceAnswer(BaseModel):
    id: str
    name: str
    provider: str
    languages: list[str]
    gender: str | None
    trained: bool


class Voices(BaseModel):
    voices: list[VoiceAnswer]


class Plugins(BaseModel):
    plugins: list[dict[str, Any]]


class Health(BaseModel):
    status: str
