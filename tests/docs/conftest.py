from tests.api.conftest import serve

__all__ = ["serve"]
