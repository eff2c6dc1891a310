"""pdfium's characters of a page: where they stand, and how they are set.

Calling a C function costs more here than what it does, and a page has thousands of characters. So
places are asked for many at a time, by addresses that need no conversion.
"""

import ctypes
import re
from array import array
from collections import deque
from collections.abc import Sequence
from itertools import repeat
from typing import Any, NamedTuple

from pypdfium2 import raw

from qa.reading.symbols import with_bullets

_BOLD = re.compile(rb"bold|black|heavy", re.IGNORECASE)
_BOLD_WEIGHT = 600
_NAME, _FLAGS = ctypes.create_string_buffer(128), ctypes.byref(ctypes.c_int())


class Places(NamedTuple):
    """Where characters stand, with all the height of their type: one number each, in points.

    They are those of the page as it is seen, from its bottom left.
    """

    left: Sequence[float]
    bottom: Sequence[float]
    right: Sequence[float]
    top: Sequence[float]


def _plain(function: Any, result: Any, *pointers: Any) -> Any:
    """The function of a text page and a character's number, with addresses as whole numbers."""
    kind = ctypes.PYFUNCTYPE(result, ctypes.c_void_p, ctypes.c_int, *pointers)
    return kind(ctypes.cast(function, ctypes.c_void_p).value or 0)


_loose_box = _plain(raw.FPDFText_GetLooseCharBox, ctypes.c_int, ctypes.c_void_p)
_matrix = _plain(raw.FPDFText_GetMatrix, ctypes.c_int, ctypes.c_void_p)
_font_size = _plain(raw.FPDFText_GetFontSize, ctypes.c_double)


class Characters:
    """pdfium's characters of a page by their offset in its text."""

    def __init__(self, face: Any, text_page: Any) -> None:
        """Of a page and its text page, both of which stay open as long as this is used."""
        self.page, self.raw = text_page, text_page.raw
        self.text = with_bullets(str(text_page.get_text_range(errors="replace")))
        self._address = ctypes.cast(text_page.raw, ctypes.c_void_p).value
        self._turn = raw.FPDFPage_GetRotation(face.raw)
        self._units: list[int] | None = None
        astral = bool(self.text) and max(self.text) > "\uffff"
        self._direct = not astral and len(self.text) == text_page.count_chars()
        if astral:
            self._units, unit = [], 0
            for character in self.text:
                self._units.append(unit)
                unit += 2 if character > "\uffff" else 1

    def index(self, offset: int) -> int:
        """Pdfium's own number of the character; negative where it has none."""
        if self._direct:
            return offset
        unit = self._units[offset] if self._units else offset
        return int(raw.FPDFText_GetCharIndexFromTextIndex(self.raw, unit))

    def places(self, offsets: Sequence[int]) -> Places:
        """Where the characters stand."""
        sides = self._asked(_loose_box, offsets, 4)
        left, top, right, bottom = (sides[side::4] for side in range(4))
        if self._turn == 1:
            return Places(bottom, _negative(right), top, _negative(left))
        if self._turn == 2:
            return Places(_negative(right), _negative(top), _negative(left), _negative(bottom))
        if self._turn == 3:
            return Places(_negative(top), left, _negative(bottom), right)
        return Places(left, bottom, right, top)

    def sizes(self, offsets: Sequence[int]) -> list[float]:
        """The sizes of the type of characters, in points; 0 where it is not known."""
        matrices = self._asked(_matrix, offsets, 6)
        sizes = map(_font_size, repeat(self._address), self._numbers(offsets))
        return [
            max(size, 0.0) * ((c * c + d * d) ** 0.5 or 1.0)
            for size, c, d in zip(sizes, matrices[2::6], matrices[3::6], strict=True)
        ]

    def is_bold(self, offset: int) -> bool:
        """True for a character in bold type."""
        index = self.index(offset)
        if raw.FPDFText_GetFontWeight(self.raw, index) >= _BOLD_WEIGHT:
            return True
        raw.FPDFText_GetFontInfo(self.raw, index, _NAME, len(_NAME), _FLAGS)
        return _BOLD.search(_NAME.value) is not None

    def _numbers(self, offsets: Sequence[int]) -> Sequence[int]:
        return offsets if self._direct else [self.index(offset) for offset in offsets]

    def _asked(self, function: Any, offsets: Sequence[int], count: int) -> "array[float]":
        """What the function writes for the characters: `count` numbers each, 0 where it fails."""
        size = count * ctypes.sizeof(ctypes.c_float)
        found = array("f", bytes(size * len(offsets)))
        start = found.buffer_info()[0]
        addresses = range(start, start + size * len(offsets), size)
        deque(map(function, repeat(self._address), self._numbers(offsets), addresses), maxlen=0)
        return found


def _negative(numbers: Sequence[float]) -> list[float]:
    return [-number for number in numbers]
