"""Files that clients upload as a form: straight to disk, piece by piece, never whole in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from glottis.core.errors import InvalidInput, TooLarge
from glottis.core.opening import opened
from glottis.core.training import Upload
from quart import request
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

MOST_FILES = 100
_MOST_FIELDS = 20
_DECODED_BYTES = 256 * 1024
_MOST_HELD_BYTES = 1024 * 1024
_LONGEST_FIELD_BYTES = 10_000
_LONGEST_NAME = 200
_SHOWN = str.maketrans(dict.fromkeys(range(32), "?") | {127: "?"})


@dataclass(slots=True)
class Form:
    """What was sent: fields by name, and the files of the field `files`."""

    fields: dict[str, str] = field(default_factory=dict)
    uploads: list[Upload] = field(default_factory=list)


@asynccontextmanager
async def uploaded_form(*, file_field: str, most_bytes: int) -> AsyncIterator[Form]:
    """Read the request's form; its files are there while the context lasts.

    Raises:
        InvalidInput: it is no `multipart/form-data`, or is broken.
        TooLarge: a file has more than `most_bytes`, or there are too many; says which.
    """
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary:
        raise InvalidInput("the body must be multipart/form-data")
    folder = await asyncio.to_thread(TemporaryDirectory)
    try:
        reader = _Reader(Path(folder.name), boundary, file_field=file_field, most_bytes=most_bytes)
        try:
            async for piece in request.body:
                await reader.take(piece)
            await reader.end()
        finally:
            reader.close()
        yield reader.form
    finally:
        await asyncio.to_thread(folder.cleanup)


class _Reader:
    """Takes a body as it comes."""

    def __init__(self, folder: Path, boundary: str, *, file_field: str, most_bytes: int) -> None:
        self.form = Form()
        self._folder = folder
        self._file_field = file_field
        self._most_bytes = most_bytes
        # What it holds is a piece of the body, and whatever comes before the content of a part.
        self._decoder = MultipartDecoder(
            boundary.encode(), max_form_memory_size=_MOST_HELD_BYTES, max_parts=MOST_FILES + _MOST_FIELDS
        )
        self._part: Field | File | None = None
        self._value = bytearray()
        self._file: IO[bytes] | None = None
        self._hash: Any = sha256()
        self._size = 0

    async def take(self, piece: bytes) -> None:
        for start in range(0, len(piece), _DECODED_BYTES):  # servers may give a body in pieces of any size
            await self._decode(piece[start : start + _DECODED_BYTES])

    async def end(self) -> None:
        await self._decode(None)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    async def _decode(self, piece: bytes | None) -> None:
        try:
            self._decoder.receive_data(piece)
            while not isinstance(event := self._decoder.next_event(), NeedData | Epilogue):
                await self._see(event)
        except ValueError as error:  # what the decoder raises for whatever is wrong
            raise InvalidInput("the form is broken: it is no valid multipart/form-data") from error

    async def _see(self, event: object) -> None:
        match event:
            case File() | Field():
                await self._begin(event)
            case Data(data=data, more_data=more):
                await self._add(bytes(data))
                if not more:
                    self._finish()

    async def _begin(self, part: Field | File) -> None:
        self._part, self._value, self._size, self._hash = part, bytearray(), 0, sha256()
        if isinstance(part, File) and part.name == self._file_field:
            if len(self.form.uploads) == MOST_FILES:
                raise TooLarge(f"{self._file_field}: at most {MOST_FILES} at once")
            path = self._folder / str(len(self.form.uploads))
            self._file = await opened(path, "wb")

    async def _add(self, data: bytes) -> None:
        self._size += len(data)
        if self._file is not None:
            if self._size > self._most_bytes:
                raise TooLarge(f"{self._file_field}: {self._filename} has more than {self._most_bytes} bytes")
            self._hash.update(data)
            await asyncio.to_thread(self._file.write, data)
        elif isinstance(self._part, Field):
            if self._size > _LONGEST_FIELD_BYTES:
                raise TooLarge(f"{_shown(self._part.name)}: is too long")
            self._value += data

    def _finish(self) -> None:
        if self._file is not None:
            self._file.close()
            upload = Upload(self._filename, Path(self._file.name), self._size, self._hash.hexdigest())
            self.form.uploads.append(upload)
            self._file = None
        elif isinstance(self._part, Field) and self._part.name:
            self.form.fields[self._part.name] = self._value.decode(errors="replace")

    @property
    def _filename(self) -> str:
        name = self._part.filename if isinstance(self._part, File) else ""
        # Some clients send a path; the name is shown to others.
        return _shown(name.replace("\\", "/").rpartition("/")[2]) or f"file {len(self.form.uploads) + 1}"


def _shown(text: str | None) -> str:
    return (text or "").translate(_SHOWN).encode(errors="replace").decode()[:_LONGEST_NAME]
