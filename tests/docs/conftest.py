from tests.api.conftest import serve
from tests.listening.conftest import say

__all__ = ["say", "serve"]
