"""The numbers that Word computes for its paragraphs: "2.1", "(a)", "Article IV"."""

import re
from collections import defaultdict
from typing import Any, NamedTuple

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LEVELS = 9
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
    (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


class Level(NamedTuple):
    """How a level of a list is numbered."""

    format: str = "decimal"
    text: str = ""
    start: int = 1
    plain: bool = False  # every number in it as 1, 2, 3, whatever its own level shows
    style: str = ""


class Numbering:
    """Counts the numbered paragraphs of a document, in order."""

    def __init__(self, root: Any | None, style_numbers: dict[str, str] | None = None) -> None:
        """`root`: the numbering part; `style_numbers`: numId by style, for lists named by one."""
        self._levels: dict[str, dict[int, Level]] = {}
        self._list_of: dict[str, str] = {}
        self._changed: dict[str, dict[int, Level]] = defaultdict(dict)
        self._restarts: dict[str, dict[int, int]] = defaultdict(dict)
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        linked: dict[str, str] = {}
        for element in () if root is None else root.iterchildren(f"{_W}abstractNum"):
            known = element.get(f"{_W}abstractNumId", "")
            self._levels[known] = _levels(element)
            if link := _value(element, "numStyleLink"):
                linked[known] = link
        for element in () if root is None else root.iterchildren(f"{_W}num"):
            self._read_list(element)
        for known, style in linked.items():
            number = (style_numbers or {}).get(style, "")
            self._levels[known] = self._levels.get(self._list_of.get(number, ""), {})

    def _read_list(self, element: Any) -> None:
        number = element.get(f"{_W}numId", "")
        self._list_of[number] = _value(element, "abstractNumId")
        for override in element.iterchildren(f"{_W}lvlOverride"):
            level = _number(override.get(f"{_W}ilvl"), 0)
            if start := _value(override, "startOverride"):
                self._restarts[number][level] = _number(start, 1)
            self._changed[number] |= _levels(override)

    def level_of_style(self, number: str, style: str) -> int:
        """The level at which a list numbers paragraphs of a style."""
        levels = self._levels.get(self._list_of.get(number, ""), {})
        return next((at for at, level in levels.items() if style and level.style == style), 0)

    def next(self, number: str, level: int) -> str:
        """The number that the next paragraph of a list shows; "" for bullets and for none."""
        if number in ("", "0") or not 0 <= level < _LEVELS:
            return ""
        known = self._list_of.get(number, number)
        levels = self._levels.get(known, {}) | self._changed.get(number, {})
        counts = self._counts[known]
        start = self._restarts[number].pop(level, None)
        if start is None:
            start = counts[level] + 1 if level in counts else levels.get(level, Level()).start
        counts[level] = start
        for deeper in range(level + 1, _LEVELS):
            counts.pop(deeper, None)
        for above in range(level):
            counts.setdefault(above, levels.get(above, Level()).start)
        return _shown(levels, counts, level)


def _levels(element: Any) -> dict[int, Level]:
    return {
        _number(level.get(f"{_W}ilvl"), 0): Level(
            _value(level, "numFmt") or "decimal",
            _value(level, "lvlText"),
            _number(_value(level, "start"), 1),
            level.find(f"{_W}isLgl") is not None,
            _value(level, "pStyle"),
        )
        for level in element.iterchildren(f"{_W}lvl")
    }


def _shown(levels: dict[int, Level], counts: dict[int, int], level: int) -> str:
    """The number as it is shown; a level that the list does not define shows all of them."""
    if level not in levels:
        return ".".join(str(counts[above]) for above in range(level + 1))
    own = levels[level]
    if own.format in ("bullet", "none"):
        return ""

    def number(found: re.Match[str]) -> str:
        at = int(found[1]) - 1
        kind = "decimal" if own.plain else levels.get(at, Level()).format
        return formatted(counts.get(at, 1), kind)

    return re.sub(r"%([1-9])", number, own.text).strip()


def formatted(number: int, kind: str) -> str:
    """The number as Word shows it in a format: 3 in `"lowerRoman"` is `"iii"`."""
    if kind in ("lowerLetter", "upperLetter") and number > 0:
        letter = chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 20)
        return letter.upper() if kind == "upperLetter" else letter
    if kind in ("lowerRoman", "upperRoman") and 0 < number < 5000:
        roman = ""
        for value, sign in _ROMAN:
            roman += sign * (number // value)
            number %= value
        return roman.upper() if kind == "upperRoman" else roman
    if kind in ("bullet", "none"):
        return ""
    return f"{number:02d}" if kind == "decimalZero" else str(number)


def _value(element: Any, name: str) -> str:
    found = element.find(f"{_W}{name}")
    return "" if found is None else found.get(f"{_W}val", "")


def _number(value: str | None, default: int) -> int:
    found = re.fullmatch(r"[0-9]{1,6}", value or "")
    return int(found[0]) if found else default
