"""The HTTP routes, a blueprint for each part of the API."""

from glottis.api.routes import audio, dialogue, operations, project, sessions, speech

__all__ = ["blueprints"]

blueprints = (
    sessions.blueprint,
    speech.blueprint,
    audio.blueprint,
    dialogue.blueprint,
    project.blueprint,
    operations.blueprint,
)
