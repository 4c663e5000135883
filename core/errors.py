"""What the engine may answer instead of a result.

GlottisError
├── InvalidInput          the request cannot be read
├── Unauthenticated       no or wrong credentials
├── Forbidden             the origin or the user may not do this
├── NotFound              no such session, audio or project for this caller
│   └── SessionGone       the session has expired or was ended
├── TooLarge              more bytes, seconds or characters than allowed
├── UnsupportedAudio      the bytes are not audio that can be decoded
├── Unprocessable         well formed, but not something that can be done
├── TooManySessions       every place for a session is taken
└── Unavailable           a provider or the database does not answer; trying again may help
"""


class GlottisError(Exception):
    """A failure whose `detail` may be shown to the caller; it names no path, key or person."""

    code = "internal"

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s


class InvalidInput(GlottisError):
    """The request cannot be read."""

    code = "invalid_input"


class Unauthenticated(GlottisError):
    """No or wrong credentials."""

    code = "unauthenticated"


class Forbidden(GlottisError):
    """The origin or the user may not do this."""

    code = "forbidden"


class NotFound(GlottisError):
    """There is no such thing for this caller."""

    code = "not_found"


class SessionGone(NotFound):
    """The session has expired or was ended."""

    code = "session_gone"


class TooLarge(GlottisError):
    """More bytes, seconds or characters than allowed."""

    code = "too_large"


class UnsupportedAudio(GlottisError):
    """The bytes are not audio that can be decoded."""

    code = "unsupported_audio"


class Unprocessable(GlottisError):
    """The request is well formed, but asks for what cannot be done."""

    code = "unprocessable"


class TooManySessions(GlottisError):
    """Every place for a session is taken."""

    code = "too_many_sessions"


class Unavailable(GlottisError):
    """A provider or the database does not answer; trying again may help."""

    code = "unavailable"
