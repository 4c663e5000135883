"""What may go wrong with audio that somebody sent, or asks for.

AudioError
├── UndecodableAudio   it is no audio that we read           (HTTP 415)
└── AudioTooLong       it lasts longer than it may           (HTTP 413)

Each message is written for the caller of the API and names nothing inside the server.
"""


class AudioError(Exception):
    """Something cannot be done with this audio; the message may be shown to the caller."""


class UndecodableAudio(AudioError):
    """The bytes hold no audio in a format that we read."""


class AudioTooLong(AudioError):
    """The audio lasts longer than it may; it was dropped as soon as that was known."""

    def __init__(self, max_s: float) -> None:
        super().__init__(f"the audio is longer than {max_s:g} seconds, which is the most accepted here")
        self.max_s = max_s
