"""The audio that is asked for most, in memory: least recently used goes first."""

from collections import OrderedDict

from glottis.core.store import AudioRecord


class HotAudio:
    """Audio by id, at most `max_bytes` of it in all."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._records: OrderedDict[str, AudioRecord] = OrderedDict()

    def get(self, audio_id: str) -> AudioRecord | None:
        record = self._records.get(audio_id)
        if record is not None:
            self._records.move_to_end(audio_id)
        return record

    def put(self, record: AudioRecord) -> None:
        self.discard(record.id)
        if len(record.data) > self._max_bytes:
            return
        self._records[record.id] = record
        self._bytes += len(record.data)
        while self._bytes > self._max_bytes:
            _, oldest = self._records.popitem(last=False)
            self._bytes -= len(oldest.data)

    def discard(self, audio_id: str) -> None:
        record = self._records.pop(audio_id, None)
        if record is not None:
            self._bytes -= len(record.data)
