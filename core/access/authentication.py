"""HTTP Basic, checked against the users in the store and remembered briefly."""

import asyncio
import base64
import binascii
import hmac
import secrets
import time
from hashlib import sha256

from glottis.core.access.passwords import password_matches
from glottis.core.access.principals import ANYONE, Principal
from glottis.core.errors import Unauthenticated
from glottis.core.store import Store

_REMEMBERED_S = 30.0
_OPEN_CHECK_S = 5.0
_REMEMBERED_AT_MOST = 10_000
_HASHES_AT_ONCE = 2
_DETAIL = "user name and password are required (HTTP Basic)"


class Authentication:
    """Turns an Authorization header into a principal.

    A right password is remembered for half a minute under a keyed hash, so that a request costs
    microseconds; a removed user is shut out after that at the latest.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = secrets.token_bytes(32)
        self._remembered: dict[bytes, tuple[Principal, float]] = {}
        self._places = asyncio.Semaphore(_HASHES_AT_ONCE)
        self._open_until = 0.0

    async def is_open(self) -> bool:
        """Tell whether the server has no users, so that everybody may do everything."""
        now = time.monotonic()
        if now < self._open_until:
            return True
        if await self._store.users.any():
            return False
        self._open_until = now + _OPEN_CHECK_S
        return True

    async def authenticate(self, authorization: str | None) -> Principal:
        """Say who is asking.

        Raises:
            Unauthenticated: no credentials, or wrong ones.
            StoreUnavailable: the users cannot be read.
        """
        if authorization is None:
            if await self.is_open():
                return ANYONE
            raise Unauthenticated(_DETAIL)
        digest = hmac.digest(self._key, authorization.encode(), sha256)
        principal = self._recall(digest)
        if principal is not None:
            return principal
        if await self.is_open():
            return ANYONE
        name, password = _basic_credentials(authorization)
        async with self._places:
            # While this request waited, one with the same password may have been let in.
            principal = self._recall(digest)
            if principal is None:
                principal = await self._check(name, password)
                if len(self._remembered) >= _REMEMBERED_AT_MOST:
                    self._remembered.clear()
                self._remembered[digest] = (principal, time.monotonic() + _REMEMBERED_S)
        return principal

    def _recall(self, digest: bytes) -> Principal | None:
        principal, until = self._remembered.get(digest, (None, 0.0))
        return principal if until > time.monotonic() else None

    async def _check(self, name: str, password: str) -> Principal:
        user = await self._store.users.get(name)
        stored = None if user is None else user.password_hash
        matches = await asyncio.to_thread(password_matches, stored, password)
        if user is None or not matches:
            raise Unauthenticated("wrong user name or password")
        return Principal(user.name, None if user.projects is None else frozenset(user.projects))


def _basic_credentials(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated(_DETAIL)
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated(_DETAIL) from None
    if not colon:
        raise Unauthenticated(_DETAIL)
    return name, password
