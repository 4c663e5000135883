"""The HTTP routes, a blueprint for each part of the API."""

from glottis.api.routes.parts import blueprints

__all__ = ["blueprints"]
