"""A document as bytes, and back: what a store keeps of it as one object, and what machines send.

8 bytes     the size of the header
header      JSON: [what is said, the sizes of the parts]
parts       of a document its text in UTF-8, its blocks' places, their numbers (see `blocks`)
"""

import json
import struct
from array import array
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from qa.records.blocks import pack, unpack
from qa.records.documents import Document

_SIZE = struct.Struct("<Q")
_PLAIN = tuple(field.name for field in fields(Document) if field.name not in ("text", "blocks"))


class Parted(NamedTuple):
    """What bytes say, and the parts that follow it."""

    header: Any  # plain values, as JSON knows them
    parts: list[memoryview]


def joined(header: object, parts: Sequence[bytes]) -> bytes:
    """Plain values and parts as bytes, to be taken apart by `parted`."""
    said = json.dumps([header, list(map(len, parts))]).encode()
    return b"".join((_SIZE.pack(len(said)), said, *parts))


def parted(data: bytes | memoryview) -> Parted:
    """The header and the parts of bytes. Raises ValueError where they are not what `joined` gave."""
    data = memoryview(data)
    try:
        (size,) = _SIZE.unpack(data[: _SIZE.size])
        at = _SIZE.size + size
        header, sizes = json.loads(bytes(data[_SIZE.size : at]))
        parts = []
        for length in sizes:
            parts.append(data[at : at + length])
            at += length
    except (TypeError, struct.error) as error:
        raise ValueError(f"cut off: {error}") from error
    if at != len(data):
        raise ValueError(f"{len(data)} bytes instead of {at}")
    return Parted(header, parts)


def pack_document(document: Document) -> bytes:
    """The document as bytes: equal documents give equal ones."""
    places, numbers = pack(document.blocks)
    header = {name: getattr(document, name) for name in _PLAIN}
    return joined(header, (document.text.encode(), places, _little_endian(numbers).tobytes()))


def unpack_document(data: bytes | memoryview) -> Document:
    """The document of these bytes. Raises ValueError where they are none."""
    header, (text, places, packed) = parted(data)
    try:
        numbers = array("Q", bytes(packed))
        return Document(
            text=bytes(text).decode(),
            blocks=tuple(unpack(bytes(places), _little_endian(numbers))),
            **_typed(header),
        )
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"no document: {error}") from error


def _typed(header: Any) -> dict[str, Any]:
    """The fields of a header as those of a document."""
    values = {name: header[name] for name in _PLAIN}
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
