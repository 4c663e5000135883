"""What `glottis talk` shows: who says what, as it is said."""

from glottis.api.cli.setup import console, is_terminal, notes
from glottis.api.client import (
    Interrupted,
    Message,
    Metrics,
    Problem,
    Response,
    Resumed,
    ResumedSpeaking,
    Sentence,
    Transcription,
)
from rich.text import Text

_REWRITE = "\r\x1b[2K"


class Transcript:
    """Writes on the console; what is not final yet is rewritten in place, where that can be."""

    def __init__(self) -> None:
        self._is_live = is_terminal(console.file)  # type: ignore[arg-type]  # rich calls it IO[str]
        self._is_open = False

    def greet(self, text: str) -> None:
        if text:
            self._line("glottis", text)

    def show(self, message: Message) -> None:
        match message:
            case Transcription(is_final=False):
                self._forming(message.text)
            case Transcription() if message.text:
                self._line("you", message.text)
            case Response():
                self._line("glottis", message.text)
                for action in message.suggested_actions:
                    self._note(f"{action.type}: {dict(action.params)}")
            case _ if remark := _remark(message):
                self._note(remark)

    def close(self) -> None:
        """Leave the line that is still forming."""
        if self._is_open:
            console.file.write("\n")
        self._is_open = False

    def _forming(self, text: str) -> None:
        if not self._is_live:
            return
        shown = _printable(f"you: {text}")[-(console.width - 1) :]
        console.file.write(f"{_REWRITE}{shown}")
        console.file.flush()
        self._is_open = True

    def _line(self, who: str, text: str) -> None:
        self._clear()
        line = Text(f"{who}: ", style="bold").append(_printable(text), style="not bold")
        console.print(line, soft_wrap=True)

    def _note(self, text: str) -> None:
        self._clear()
        notes.print(_printable(text), style="dim", markup=False, soft_wrap=True)

    def _clear(self) -> None:
        if self._is_open:
            console.file.write(_REWRITE)
            console.file.flush()
        self._is_open = False


def _remark(message: Message) -> str:
    """Say what is told beside the words, if anything."""
    remark = ""
    match message:
        case Sentence(moved_from=str(failed)):
            remark = f"{failed} failed; {message.provider} goes on"
        case Interrupted():
            remark = f"interrupted after: {message.heard}" if message.heard else "interrupted"
        case ResumedSpeaking():
            remark = "it was nothing; the answer goes on"
        case Metrics():
            told = [f"{name} {value:.0f} ms" for name, value in message.latencies_ms.items()]
            remark = ", ".join(told) + (", prepared" if message.speculated else "")
        case Problem():
            remark = f"error: {message.message} ({message.code})"
        case Resumed():
            remark = "connected again" if message.is_complete else "connected again; something is lost"
    return remark


def _printable(text: str) -> str:
    """Keep a text from ruling the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
