"""Cells of an Excel sheet that go over several rows, found without reading its rows."""

import re
from collections.abc import Callable
from typing import IO

from openpyxl.utils import column_index_from_string

_MERGED = re.compile(
    rb"<(?:\w+:)?mergeCell\s[^<>]*?ref=\"([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})\""
)
_CHUNK = 1 << 20  # bytes that are looked at together,
_OVERLAP = 200  # and the last of those before
_LIMIT = 100_000  # cells

Merged = dict[int, dict[int, int]]


def merged_over_rows(opened: Callable[[], IO[bytes]]) -> Merged:
    """For each row, the columns in which such a cell begins, and the last row of each."""
    found: Merged = {}
    count, before = 0, b""
    with opened() as source:
        while count < _LIMIT and (chunk := source.read(_CHUNK)):
            for cell in _MERGED.finditer(before + chunk):
                first, last = int(cell[2]), int(cell[4])
                if last > first:
                    column = column_index_from_string(cell[1].decode())
                    found.setdefault(first, {})[column] = last
                count += 1
            before = (before + chunk)[-_OVERLAP:]
    return found
