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
_PRIVATE = b"\xf0"  # half of every character that fonts of signs have for themselves
_SLANT = 5.0  # more than a fifth from both axes: text at an angle
_NAME, _FLAGS = ctypes.create_string_buffer(128), ctypes.c_int()
_NAME_AT, _FLAGS_AT = ctypes.addressof(_NAME), ctypes.addressof(_FLAGS)


class Places(NamedTuple):
    """Where characters stand, with all the height of their type: one number each, in points.

    They are those of the page as it is seen, from its bottom left.
    """

    left: Sequence[float]
    bottom: Sequence[float]
    right: Sequence[float]
    top: Sequence[float]


def _plain(function: Any, result: Any, *others: Any) -> Any:
    """The function of a text page and a character's number, with addresses as whole numbers.

    The number is handed over as an address, too, in whose register the function finds it: ctypes
    looks at what is to be an int for as long as all the rest takes.
    """
    kind = ctypes.PYFUNCTYPE(result, ctypes.c_void_p, ctypes.c_void_p, *others)
    return kind(ctypes.cast(function, ctypes.c_void_p).value or 0)


# What these give back besides is left: looking at it would take a third of the time.
_loose_box = _plain(raw.FPDFText_GetLooseCharBox, None, ctypes.c_void_p)
_matrix = _plain(raw.FPDFText_GetMatrix, None, ctypes.c_void_p)
_font_size = _plain(raw.FPDFText_GetFontSize, ctypes.c_double)
_font_weight = _plain(raw.FPDFText_GetFontWeight, ctypes.c_int)
_font_name = _plain(
    raw.FPDFText_GetFontInfo, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p
)
_text_index = _plain(raw.FPDFText_GetTextIndexFromCharIndex, ctypes.c_int)
_text = _plain(raw.FPDFText_GetText, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)


class Characters:
    """pdfium's characters of a page by their offset in its text."""

    def __init__(self, face: Any, text_page: Any) -> None:
        """Of pdfium's page and its text page, both of which stay open as long as this is used."""
        self._text_page, self._address = text_page, ctypes.cast(text_page, ctypes.c_void_p).value
        count = raw.FPDFText_CountChars(text_page)
        self.text, astral = self._read(count)
        self._turn = raw.FPDFPage_GetRotation(face)
        self._units: list[int] | None = None
        self._direct = not astral and len(self.text) == count
        if astral:
            self._units, unit = [], 0
            for character in self.text:
                self._units.append(unit)
                unit += 2 if character > "\uffff" else 1

    def _read(self, count: int) -> tuple[str, bool]:
        """The text of all characters, and whether it has some of two units.

        Those at its ends that are none of it are left out.
        """
        first, last = 0, count - 1
        while first <= last and _text_index(self._address, first) < 0:
            first += 1
        while first <= last and _text_index(self._address, last) < 0:
            last -= 1
        if first > last:
            return "", False
        units = array("H", bytes(2 * (_text_index(self._address, last) + 2)))
        length = _text(self._address, first, last + 1 - first, units.buffer_info()[0])
        encoded = units[: length - 1].tobytes()
        text = encoded.decode("utf-16-le", errors="replace")
        has_signs = _PRIVATE in encoded  # else the signs of lists need not be looked for
        return with_bullets(text) if has_signs else text, len(text) < length - 1

    def index(self, offset: int) -> int:
        """Pdfium's own number of the character; negative where it has none."""
        if self._direct:
            return offset
        unit = self._units[offset] if self._units else offset
        return int(raw.FPDFText_GetCharIndexFromTextIndex(self._text_page, unit))

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
        """The sizes of the type of characters, in points; 0 where it is not known, or slanted.

        What runs across a page at an angle is a watermark.
        """
        matrices = self._asked(_matrix, offsets, 6)
        sizes = map(_font_size, repeat(self._address), self._numbers(offsets))
        return [
            0.0
            if b and abs(a) < _SLANT * abs(b) and abs(b) < _SLANT * abs(a)
            else max(size, 0.0) * ((c * c + d * d) ** 0.5 or 1.0)
            for size, a, b, c, d in zip(sizes, *(matrices[at::6] for at in range(4)), strict=True)
        ]

    def is_bold(self, offset: int) -> bool:
        """True for a character in bold type."""
        index = self.index(offset)
        if _font_weight(self._address, index) >= _BOLD_WEIGHT:
            return True
        length = _font_name(self._address, index, _NAME_AT, len(_NAME), _FLAGS_AT)
        return length <= len(_NAME) and _BOLD.search(_NAME, 0, length) is not None

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
