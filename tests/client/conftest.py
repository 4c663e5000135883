"""A whole server of the mock providers, and clients that talk to it, over good lines and bad ones."""

from tests.api.conftest import serve, server

__all__ = ["serve", "server"]
