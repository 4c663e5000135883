"""Who may do what."""

from glottis.core.access.authentication import Authentication
from glottis.core.access.links import AudioLinks
from glottis.core.access.passwords import hash_password
from glottis.core.access.principals import ANYONE, Principal, project_of

__all__ = ["ANYONE", "AudioLinks", "Authentication", "Principal", "hash_password", "project_of"]
