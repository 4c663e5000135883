"""What the gate has found out about the request that is being answered."""

from dataclasses import dataclass
from typing import cast

from glottis.core.access import Principal
from glottis.core.errors import GlottisError
from quart import g


@dataclass(slots=True)
class Visit:
    """Whence a request comes and who makes it.

    `host` and `is_secure` are as the client sees them; `foreign_origin` is set for a page of another server.
    `principal` is None where `refusal` says why, and on the few paths that are open to everybody.
    """

    started: float
    request_id: str
    host: str
    is_secure: bool
    foreign_origin: str | None
    principal: Principal | None = None
    refusal: GlottisError | None = None


def visit() -> Visit:
    """Return what is known of this request."""
    return cast(Visit, g.visit)


def principal() -> Principal:
    """Return who is asking.

    Raises:
        GlottisError: nobody who may.
    """
    here = visit()
    if here.principal is None:
        raise here.refusal or GlottisError("this path has no principal")
    return here.principal
