"""How a value from outside becomes BSON, or is refused before it meets the values of others."""

from collections.abc import Mapping
from typing import Any

import bson
from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from glottis.core.store.connection import checking
from glottis.core.store.errors import RecordInvalid
from pydantic import BaseModel

MAX_RECORD_BYTES = 1024 * 1024
MAX_DEPTH = 40
_ID_CHARACTERS = 24


def object_id(text: str) -> ObjectId:
    """Return the id of a document that the outside knows as a text.

    Raises:
        RecordInvalid: it is not 24 hexadecimal characters.
    """
    if len(text) != _ID_CHARACTERS:
        raise RecordInvalid(f"an id has {_ID_CHARACTERS} hexadecimal characters, not {len(text)}")
    with checking():
        return ObjectId(text)


def encoded(document: BaseModel) -> RawBSONDocument:
    """Turn a document into bytes now, so that what MongoDB cannot hold harms nobody's batch but its own.

    Raises:
        RecordInvalid: a value has no form in BSON, or there is too much of it.
    """
    with checking():
        raw = document.model_dump(by_alias=True)
    return as_bson(raw)


def as_bson(raw: Mapping[str, Any]) -> RawBSONDocument:
    """Turn fields into bytes.

    Raises:
        RecordInvalid: a value has no form in BSON, or there is too much of it.
    """
    with checking():
        data = bson.encode(raw)
    if len(data) > MAX_RECORD_BYTES:
        raise RecordInvalid(f"a record has {len(data)} bytes; the store keeps at most {MAX_RECORD_BYTES}")
    return RawBSONDocument(data)


def check_depth(value: object, depth: int = 0) -> None:
    """Look into a value that comes from outside.

    Raises:
        RecordInvalid: it is nested too deep, or holds what the driver would take for a reference.
    """
    if depth > MAX_DEPTH:
        raise RecordInvalid(f"a record is nested more than {MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        if "$ref" in value:  # the driver would give it back as a reference into a collection
            raise RecordInvalid('a record has a field "$ref"')
        for item in value.values():
            check_depth(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            check_depth(item, depth + 1)
