"""The cache of synthesized audio: one synthesis for one sound, over all nodes."""

from glottis.core.store.records import AudioRecord, ClaimResult

MAX_AUDIO_BYTES = 15 * 1024 * 1024


class AudioCache:
    """Audio by id, bounded in bytes, forgotten when nobody has asked for it in a while."""

    async def get(self, audio_id: str) -> AudioRecord | None:
        """Return an audio that is complete."""
        raise NotImplementedError

    async def touch(self, audio_id: str) -> None:
        """Note that an audio was used; written down at most hourly."""
        raise NotImplementedError

    async def claim(self, audio_id: str, *, holder: str, lease_s: float) -> ClaimResult:
        """Ask for the right to make an audio: won, taken by another holder, or there already.

        `holder` names one attempt, of one process. A claim is also won when the lease before it has lapsed,
        and by its own holder again, which renews the lease.
        """
        raise NotImplementedError

    async def complete(self, audio_id: str, record: AudioRecord, *, holder: str) -> bool:
        """Store the audio that `holder` claimed; False, storing nothing, if it lost its claim meanwhile.

        Raises:
            AudioTooLarge: over `MAX_AUDIO_BYTES`; the claim stands until it is abandoned.
        """
        raise NotImplementedError

    async def abandon(self, audio_id: str, holder: str) -> None:
        """Give a claim back, so that another may try at once; nothing happens if it was lost already."""
        raise NotImplementedError

    async def wait(self, audio_id: str, timeout_s: float) -> AudioRecord | None:
        """Wait for another holder's audio; None once its claim is given up or lapsed, or after `timeout_s`."""
        raise NotImplementedError

    async def total_bytes(self) -> int:
        """Add up the audio that is stored."""
        raise NotImplementedError

    async def evict(self, max_bytes: int) -> int:
        """Keep the cache within `max_bytes`, dropping what was used longest ago; return the bytes dropped.

        Cheap enough to call after every store: it looks only when this process has stored a fair part of
        the room that was left.
        """
        raise NotImplementedError
