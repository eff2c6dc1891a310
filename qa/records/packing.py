"""A document as bytes, and back: what a store keeps of it as one object, and what machines send.

8 bytes     the size of the header
header      JSON: the document's fields, and the sizes of the parts that follow
text        UTF-8
blocks      their places, then their numbers (see `blocks`)
"""

import json
import struct
from array import array
from dataclasses import fields
from typing import Any

from qa.records.blocks import pack, unpack
from qa.records.documents import Document

_SIZE = struct.Struct("<Q")
_PLAIN = tuple(field.name for field in fields(Document) if field.name not in ("text", "blocks"))


def pack_document(document: Document) -> bytes:
    """The document as bytes: equal documents give equal ones."""
    places, numbers = pack(document.blocks)
    parts = (document.text.encode(), places, _little_endian(numbers).tobytes())
    plain = {name: getattr(document, name) for name in _PLAIN}
    header = json.dumps([plain, list(map(len, parts))]).encode()
    return b"".join((_SIZE.pack(len(header)), header, *parts))


def unpack_document(data: bytes) -> Document:
    """The document of these bytes. Raises ValueError where they are none."""
    try:
        return _unpacked(memoryview(data))
    except (KeyError, IndexError, TypeError, struct.error) as error:
        raise ValueError(f"no document: {error}") from error


def _unpacked(data: memoryview) -> Document:
    (size,) = _SIZE.unpack(data[: _SIZE.size])
    at = _SIZE.size + size
    plain, sizes = json.loads(bytes(data[_SIZE.size : at]))
    parts = []
    for length in sizes:
        parts.append(bytes(data[at : at + length]))
        at += length
    text, places, packed = parts
    if at != len(data):
        raise ValueError(f"{len(data)} bytes instead of {at}")
    numbers = array("Q", packed)
    return Document(
        text=text.decode(),
        blocks=tuple(unpack(places, _little_endian(numbers))),
        **_typed(plain),
    )


def _typed(plain: dict[str, Any]) -> dict[str, Any]:
    """The fields of a header as those of a document."""
    values = {name: plain[name] for name in _PLAIN}
    values["pages_without_text"] = tuple(map(int, values["pages_without_text"]))
    if not all(isinstance(values[name], str) for name in ("sha256", "reader")):
        raise ValueError("a document without a source")
    return values


def _little_endian(numbers: "array[int]") -> "array[int]":
    """The numbers in the order of bytes in which they are stored, or back from it."""
    if _SIZE.pack(1) == array("Q", [1]).tobytes():
        return numbers
    swapped = array("Q", numbers)
    swapped.byteswap()
    return swapped
