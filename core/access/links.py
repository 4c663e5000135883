"""Links to audio that carry their own permission, for players that cannot send a password."""

import hmac
import time
from hashlib import sha256

LINK_LIFE_S = 3_600


class AudioLinks:
    """Signs and checks audio links with a secret that all nodes share."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def query(self, audio_id: str, *, now: float | None = None) -> str:
        """Return the query string that lets anybody fetch one piece of audio for an hour."""
        expires = int((time.time() if now is None else now) + LINK_LIFE_S)
        return f"expires={expires}&signature={self._signature(audio_id, expires)}"

    def is_valid(self, audio_id: str, *, expires: str, signature: str, now: float | None = None) -> bool:
        """Tell whether a link was made by this platform and has not expired."""
        if not expires.isascii() or not expires.isdecimal() or len(expires) > 12:
            return False
        if int(expires) < (time.time() if now is None else now):
            return False
        return hmac.compare_digest(signature.encode(), self._signature(audio_id, int(expires)).encode())

    def _signature(self, audio_id: str, expires: int) -> str:
        return hmac.new(self._secret, f"{audio_id}:{expires}".encode(), sha256).hexdigest()
