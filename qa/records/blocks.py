"""Blocks in a compact form: each name and each place is stored once, however many blocks share it."""

import json
from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from qa.records.documents import Block, Kind


class PackedBlocks(NamedTuple):
    """Blocks as numbers, and the places that the numbers name."""

    places: bytes  # JSON: the names of headings and columns, then places that refer to them
    numbers: "array[int]"  # three a block: start, end, number of its place


def pack(blocks: Iterable[Block]) -> PackedBlocks:
    """The blocks in the compact form."""
    names: dict[str, int] = {}
    places: dict[tuple[Kind, int | None, tuple[str, ...], str], int] = {}
    numbers = array("Q")
    for block in blocks:
        place = places.setdefault(block[2:], len(places))
        numbers.extend((block.start, block.end, place))

    def number(name: str) -> int:
        return names.setdefault(name, len(names))

    rows = [
        (kind, page, [number(name) for name in heading], number(columns))
        for kind, page, heading, columns in places
    ]
    return PackedBlocks(json.dumps([list(names), rows]).encode(), numbers)


def unpack(places: bytes, numbers: Iterable[int]) -> Iterator[Block]:
    """The blocks of a compact form. Raises ValueError, TypeError or IndexError where it is none."""
    names, rows = json.loads(places)
    known = [
        (Kind(kind), page, tuple(names[name] for name in heading), names[columns])
        for kind, page, heading, columns in rows
    ]
    each = iter(numbers)
    for start, end, place in zip(each, each, each, strict=True):
        yield Block(start, end, *known[place])
