"""What can go wrong for a client.

ClientError
  WrongPassword     the user, or the password, is not right
  UnknownProject    the server has no such project, or not for this user
  Refused           the server does not want what was asked; asking again does not help
  ServerAway        the server cannot be reached, or is too busy, for longer than one was ready to wait
  SessionOver       the session was ended, or has expired
  Replaced          another connection goes on with the conversation
  ProtocolError     what answers does not speak as a Glottis server does
"""


class ClientError(Exception):
    """A conversation cannot begin, or cannot go on; the message says why."""


class WrongPassword(ClientError):
    """The user, or the password, is not right."""


class UnknownProject(ClientError):
    """The server has no such project, or not for this user."""


class Refused(ClientError):
    """The server does not want what was asked; asking again does not help."""


class ServerAway(ClientError):
    """The server cannot be reached, or is too busy, for longer than one was ready to wait."""


class SessionOver(ClientError):
    """The session was ended, or has expired."""


class Replaced(ClientError):
    """Another connection goes on with the conversation."""


class ProtocolError(ClientError):
    """What answers does not speak as a Glottis server does."""
