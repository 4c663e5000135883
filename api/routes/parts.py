"""Every part of the API, as one list."""

from glottis.api.routes import audio, dialogue, operations, project, sessions, speech, training

blueprints = (
    sessions.blueprint,
    speech.blueprint,
    audio.blueprint,
    dialogue.blueprint,
    project.blueprint,
    training.blueprint,
    operations.blueprint,
)
