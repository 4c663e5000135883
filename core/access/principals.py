"""Who is asking, and what they may see."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated user; `projects` None means all of them.

    On a server without users everybody is `ANYONE`.
    """

    name: str | None
    projects: frozenset[str] | None

    def may_see(self, project: str) -> bool:
        """Tell whether a project exists for this user."""
        return self.projects is None or project in self.projects

    def audio_scope(self, project: str) -> str:
        """Name those who may fetch what this user has spoken: a project's people, or the user alone."""
        if project:
            return f"project:{project}"
        return f"user:{self.name or ''}"

    def may_hear(self, scope: str) -> bool:
        """Tell whether audio of a scope exists for this user."""
        if self.projects is None:
            return True
        kind, _, name = scope.partition(":")
        return name in self.projects if kind == "project" else name == self.name


def project_of(scope: str) -> str | None:
    """Return the project whose audio a scope holds; None if it is one user's own."""
    kind, _, name = scope.partition(":")
    return name if kind == "project" else None


ANYONE = Principal(None, None)
