"""A conversation on its way from one node to another."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from glottis.core.conversation.outbox import Entry
from glottis.core.conversation.turn import Said
from glottis.core.store import InteractionRecord

if TYPE_CHECKING:
    from glottis.core.conversation.conversation import Conversation

_NUMBERS_A_NODE = 1_000_000
"""A node that takes over from one that left nothing cannot know its last number: it goes on well beyond."""


def packed(conversation: "Conversation", unanswered: Sequence[Said]) -> bytes:
    """Write down what the next node needs to go on."""
    outbox = conversation.outbox
    state = {
        "next_seq": outbox.last_seq + 1,
        "next_turn": conversation.next_turn,
        "next_sequence": conversation.next_sequence,
        "entries": [_entry(entry) for entry in outbox.kept()],
        "unanswered": [
            {"text": said.text, "is_written": said.is_written} for said in unanswered if said.text
        ],
    }
    return json.dumps(state).encode()


def unpacked(state: bytes) -> Mapping[str, Any]:
    """Read what `packed` wrote."""
    read: dict[str, Any] = json.loads(state)
    read["entries"] = [
        Entry(
            entry["kind"],
            entry["turn_id"],
            entry["seq"],
            entry["fields"],
            base64.b64decode(entry["audio"]),
        )
        for entry in read["entries"]
    ]
    return read


def from_history(
    items: Sequence[InteractionRecord],
    *,
    epoch: int,
    link: Callable[[str], str],
) -> Mapping[str, Any]:
    """Reconstruct what a node that was killed has sent, or was about to, as far as it is written down."""
    entries = [_message(item, link) for item in items if item.seq is not None]
    return {
        "next_seq": (epoch - 1) * _NUMBERS_A_NODE + 1,
        "next_turn": 1 + (epoch - 1) * _NUMBERS_A_NODE,
        "next_sequence": None,
        "entries": sorted(entries, key=lambda entry: entry.seq or 0),
        "unanswered": [],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "turn_id": entry.turn_id,
        "seq": entry.seq,
        "fields": dict(entry.fields),
        "audio": base64.b64encode(entry.audio).decode(),
    }


def _message(item: InteractionRecord, link: Callable[[str], str]) -> Entry:
    content = item.content
    if item.type == "assistant":
        audio_id = content.get("audio_id")
        fields = {
            "text": content.get("text", ""),
            "audio_url": link(str(audio_id)) if audio_id else None,
            "sources": content.get("sources", []),
            "suggested_actions": content.get("suggested_actions", []),
            "intent": content.get("intent"),
        }
        return Entry("response", None, item.seq, fields)
    fields = {"text": content.get("text", ""), "is_final": True, "confidence": content.get("confidence", 0.0)}
    return Entry("transcription", None, item.seq, fields)
