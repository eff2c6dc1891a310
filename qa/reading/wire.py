"""How a worker process sends its outcomes: frames of JSON and raw bytes through a pipe.

Nothing that is received can run: a parser that was taken over by a file must not reach the process
that started it. A frame is its length and its bytes. A document's text follows its header in
pieces and its blocks as numbers, so that neither side holds a large text in many forms.
"""

import json
import os
import struct
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from qa.reading.outcomes import ReadResult
from qa.records import Block, Document, Status
from qa.records.blocks import pack, unpack

_LENGTH = struct.Struct("<Q")
_PIECE = 1 << 20  # characters or blocks in one frame
_FRAME_LIMIT = 1 << 28  # bytes
_IN_HEADER = tuple(field.name for field in fields(Document) if field.name not in ("text", "blocks"))


class Broken(Exception):
    """The other end closed the pipe, or wrote what is no frame."""


def send(pipe: int, header: Mapping[str, object]) -> None:
    """Write a header. Raises Broken when nobody reads."""
    _write(pipe, json.dumps(header).encode())


def receive(pipe: int) -> dict[str, Any]:
    """The next header. Raises Broken when there is none."""
    try:
        header = json.loads(_read(pipe))
    except ValueError as error:
        raise Broken from error
    if not isinstance(header, dict):
        raise Broken
    return header


def send_bytes(pipe: int, data: bytes) -> None:
    """Write bytes. Raises Broken when nobody reads."""
    _write(pipe, data)


def receive_bytes(pipe: int) -> bytes:
    """The next bytes. Raises Broken when there are none."""
    return _read(pipe)


def send_outcome(pipe: int, outcome: ReadResult) -> None:
    """Write an outcome, its document with it."""
    document = outcome.document
    header = {"path": outcome.path, "status": outcome.status, "reason": outcome.reason}
    if document is None:
        send(pipe, {"outcome": header, "document": None})
        return
    fields = {name: getattr(document, name) for name in _IN_HEADER}
    send(pipe, {"outcome": header, "document": fields})
    for start in range(0, len(document.text), _PIECE):
        _write(pipe, document.text[start : start + _PIECE].encode())
    _write(pipe, b"")
    for start in range(0, len(document.blocks), _PIECE):
        _send_blocks(pipe, document.blocks[start : start + _PIECE])
    _write(pipe, b"")


def receive_outcome(pipe: int, header: Mapping[str, Any]) -> ReadResult:
    """The outcome whose header was received."""
    try:
        fields, about = header["outcome"], header["document"]
        outcome = ReadResult(str(fields["path"]), Status(fields["status"]), str(fields["reason"]))
        document = None if about is None else _receive_document(pipe, about)
    except (KeyError, TypeError, ValueError) as error:
        raise Broken from error
    return ReadResult(outcome.path, outcome.status, outcome.reason, document)


def _receive_document(pipe: int, about: dict[str, Any]) -> Document:
    pieces = list[str]()
    while piece := _read(pipe):
        pieces.append(piece.decode())
    blocks = tuple(_receive_blocks(pipe))
    about["pages_without_text"] = tuple(about["pages_without_text"])
    # Joined last: one rare character makes every character of a text take four bytes, in which
    # the other end need not hold it any more by now.
    return Document(text="".join(pieces), blocks=blocks, **about)


def _send_blocks(pipe: int, blocks: tuple[Block, ...]) -> None:
    packed = pack(blocks)
    _write(pipe, packed.places)
    _write(pipe, packed.numbers.tobytes())


def _receive_blocks(pipe: int) -> Iterator[Block]:
    while places := _read(pipe):
        numbers = array("Q")
        numbers.frombytes(_read(pipe))
        yield from unpack(places, numbers)


def _write(pipe: int, data: bytes) -> None:
    try:
        for part in (_LENGTH.pack(len(data)), data):
            view = memoryview(part)
            while view:
                view = view[os.write(pipe, view) :]
    except OSError as error:
        raise Broken from error


def _read(pipe: int) -> bytes:
    (length,) = _LENGTH.unpack(_read_exactly(pipe, _LENGTH.size))
    if length > _FRAME_LIMIT:
        raise Broken
    return _read_exactly(pipe, length)


def _read_exactly(pipe: int, length: int) -> bytes:
    pieces = bytearray(length)
    view = memoryview(pieces)
    try:
        while view:
            count = os.readv(pipe, [view])
            if count == 0:
                raise Broken
            view = view[count:]
    except OSError as error:
        raise Broken from error
    return bytes(pieces)
