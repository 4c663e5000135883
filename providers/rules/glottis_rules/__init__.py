"""An intent handler for spoken commands in Russian and English, without a model."""

__all__: list[str] = []
