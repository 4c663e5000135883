"""Names as parts of a subject."""

import re

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


def token(text: str) -> str:
    """Write any text so that it is one part of a subject, and different from that of any other text."""
    return _UNSAFE.sub(lambda found: "".join(f"={byte:02X}" for byte in found[0].encode()), text) or "="


def text_of(written: str) -> str:
    """Read what `token` wrote. What it never wrote, and others may, is some text, too."""
    if written == "=":
        return ""
    pieces = re.split(r"((?:=[0-9A-F]{2})+)", written)
    return "".join(
        bytes.fromhex(piece.replace("=", "")).decode(errors="replace") if piece.startswith("=") else piece
        for piece in pieces
    )
