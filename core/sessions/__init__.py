"""Voice sessions and their history."""

from glottis.core.sessions.sessions import ProjectStatistics, Sessions, interaction, require_project

__all__ = ["ProjectStatistics", "Sessions", "interaction", "require_project"]
