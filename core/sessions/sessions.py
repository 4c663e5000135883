"""Voice sessions: started within exact limits, seen only by those who may, ended for good."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from glottis.config import Deployment
from glottis.core.access import Principal
from glottis.core.dialogue import greeting
from glottis.core.errors import NotFound, SessionGone, TooManySessions
from glottis.core.metrics import Metrics
from glottis.core.store import (
    InteractionRecord,
    InteractionType,
    SessionLimitReached,
    SessionRecord,
    Store,
    UsageRecord,
)
from glottis.plugins import Event, SessionEnded, SessionStarted

_NO_SUCH = "no such session"
_GONE = "this session has ended"


@dataclass(frozen=True, slots=True)
class ProjectStatistics:
    """Counters of a project; the totals outlive the documents that they count."""

    usage: UsageRecord
    active_sessions: int


class Sessions:
    """The life of sessions, as one principal sees it."""

    def __init__(
        self, store: Store, deployment: Deployment, metrics: Metrics, emit: Callable[[Event], None]
    ) -> None:
        self._store = store
        self._deployment = deployment
        self._metrics = metrics
        self._emit = emit

    async def start(
        self,
        principal: Principal,
        *,
        project: str,
        language: str,
        user_id: str | None = None,
        voice_provider: str | None = None,
        voice_id: str | None = None,
    ) -> SessionRecord:
        """Open a session.

        Raises:
            NotFound: the principal may not see the project.
            TooManySessions: the server or the project has no place left.
        """
        require_project(principal, project)
        try:
            session = await self._store.sessions.start(
                project=project,
                owner=principal.name,
                user_id=user_id,
                language=language,
                voice_provider=voice_provider,
                voice_id=voice_id,
                project_limit=self._deployment.project(project).max_sessions,
                now=datetime.now(UTC),
            )
        except SessionLimitReached as error:
            self._metrics.sessions_refused.inc()
            whose = "server" if error.project is None else "project"
            raise TooManySessions(f"every session of this {whose} is taken; try again later") from None
        self._metrics.sessions_started.inc()
        self._emit(SessionStarted(at=time.time(), session_id=session.id, project=project, language=language))
        return session

    async def live(self, session_id: str, principal: Principal) -> SessionRecord:
        """Return a session that is open.

        Raises:
            NotFound: there is none of this id for this principal.
            SessionGone: it has expired or was ended.
        """
        session = await self.known(session_id, principal)
        if not session.is_live(datetime.now(UTC)):
            raise SessionGone(_GONE)
        return session

    async def known(self, session_id: str, principal: Principal) -> SessionRecord:
        """Return a session, open or not, while it is kept.

        Raises:
            NotFound: there is none of this id for this principal.
        """
        session = await self._store.sessions.get(session_id)
        if session is None or not principal.may_see(session.project):
            raise NotFound(_NO_SUCH)
        return session

    async def end(self, session_id: str, principal: Principal) -> None:
        """End a session and free its place at once.

        Raises:
            NotFound: there is none of this id for this principal.
            SessionGone: it has ended already.
        """
        session = await self.live(session_id, principal)
        await self._store.sessions.end(session_id)
        self._emit(SessionEnded(at=time.time(), session_id=session_id, project=session.project))

    async def history(self, session_id: str, principal: Principal, *, limit: int) -> list[InteractionRecord]:
        """Return the newest `limit` interactions, oldest first; an ended session keeps its own.

        Raises:
            NotFound: there is no such session for this principal.
        """
        await self.known(session_id, principal)
        return await self._store.interactions.history(session_id, limit=limit)

    async def statistics(self, project: str, principal: Principal) -> ProjectStatistics:
        """Count what has happened in a project.

        Raises:
            NotFound: the principal may not see it.
        """
        require_project(principal, project)
        usage = await self._store.usage.totals(project)
        return ProjectStatistics(usage, await self._store.sessions.count_live(project))

    def greeting(self, session: SessionRecord) -> str:
        """Return what the assistant says first in a session."""
        return greeting(session.language, self._deployment.project(session.project).greeting)

    async def log(
        self,
        session: SessionRecord,
        kind: InteractionType,
        content: Mapping[str, object],
        *,
        provider: str | None = None,
    ) -> None:
        """Write one interaction into a session's history; returns once it is safe."""
        await self._store.interactions.append(
            [interaction(session, kind, content, at=datetime.now(UTC), provider=provider)]
        )


def interaction(
    session: SessionRecord,
    kind: InteractionType,
    content: Mapping[str, object],
    *,
    at: datetime,
    provider: str | None = None,
    latencies_ms: Mapping[str, float] | None = None,
    record_id: str | None = None,
    seq: int | None = None,
) -> InteractionRecord:
    """Describe something said or done in a session."""
    return InteractionRecord(
        session_id=session.id,
        project=session.project,
        user_id=session.user_id,
        at=at,
        type=kind,
        content=content,
        latencies_ms=latencies_ms or {},
        provider=provider,
        id=record_id,
        seq=seq,
    )


def require_project(principal: Principal, project: str) -> None:
    """Let only those pass for whom the project exists.

    Raises:
        NotFound: for anybody else.
    """
    if not principal.may_see(project):
        raise NotFound("no such project")
