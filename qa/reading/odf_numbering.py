"""The numbers that OpenDocument computes for headings and for items of lists: "2.1", "(a)", "IV"."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from qa.reading.numbering import formatted
from qa.reading.odf_text import local, within

_FORMATS = {
    "1": "decimal",
    "a": "lowerLetter",
    "A": "upperLetter",
    "i": "lowerRoman",
    "I": "upperRoman",
}
_OUTLINE = "\0outline"  # the name of the headings' own style here
_LEVELS = 10
_PLACE = re.compile(r"%(\d{1,2})%")


class Level(NamedTuple):
    """How a level is numbered."""

    format: str = ""  # none
    before: str = ""
    after: str = ""
    shown: int = 1  # levels, from this one up
    start: int = 1
    pattern: str = ""  # "%1%.%2%", where the file has one

    def text(self, level: int, counts: dict[int, int], levels: dict[int, "Level"]) -> str:
        """The number of an item of that level as it is shown; "" for none."""
        if self.format not in _FORMATS:
            return ""

        def number(at: int) -> str:
            kind = levels.get(at, self).format or self.format
            return formatted(counts.get(at, 1), _FORMATS.get(kind, "decimal"))

        if self.pattern:
            return _PLACE.sub(lambda found: number(int(found[1])), self.pattern).strip()
        first = max(level - self.shown + 1, 1)
        middle = ".".join(number(at) for at in range(first, level + 1))
        return f"{self.before}{middle}{self.after}".strip()


class Numbering:
    """Counts the headings and the items of a document, in order."""

    def __init__(self, *roots: Any) -> None:
        """`roots`: the trees that hold styles of lists."""
        self._levels: dict[str, dict[int, Level]] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        for root in roots:
            for style in root.iter("{*}list-style"):
                self._levels[_get(style, "name")] = _levels_of(style, "list-level-style-number")
            for style in root.iter("{*}outline-style"):
                self._levels[_OUTLINE] = _levels_of(style, "outline-level-style")

    def heading(self, level: int) -> str:
        """The number of the next heading of a level; "" where headings have none."""
        return self._next(_OUTLINE, level, None)

    def items(self, element: Any, style: str = "", level: int = 1) -> Iterator[tuple[str, Any]]:
        """The paragraphs of a list, each with its number; only the first of an item has one."""
        style = _get(element, "style-name") or style
        if level == 1 and _get(element, "continue-numbering") != "true" and not _continues(element):
            self._counts[style].clear()
        for item in element:
            number = ""
            if local(item) == "list-item" and any(local(part) == "p" for part in item):
                started = _get(item, "start-value")
                number = self._next(style, level, int(started) if started.isdecimal() else None)
            for part in item:
                if local(part) == "list" and level < _LEVELS:
                    yield from self.items(part, style, level + 1)
                elif local(part) in ("p", "h"):
                    yield number, part
                    number = ""
                else:
                    yield from (("", inner) for inner in within(part, ("p", "h")))

    def _next(self, style: str, level: int, started: int | None) -> str:
        levels, counts = self._levels.get(style, {}), self._counts[style]
        own = levels.get(level, Level())
        counts[level] = started or (counts[level] + 1 if level in counts else own.start)
        for deeper in [at for at in counts if at > level]:
            del counts[deeper]
        return own.text(level, counts, levels)


def _levels_of(style: Any, name: str) -> dict[int, Level]:
    found = {}
    for level in style:
        if local(level) == name:
            found[_number(_get(level, "level"), 1)] = Level(
                _get(level, "num-format"),
                _get(level, "num-prefix"),
                _get(level, "num-suffix"),
                _number(_get(level, "display-levels"), 1),
                _number(_get(level, "start-value"), 1),
                _get(level, "num-list-format"),
            )
    return found


def _continues(element: Any) -> bool:
    return bool(_get(element, "continue-list"))


def _number(value: str, default: int) -> int:
    return int(value) if value.isdecimal() and len(value) < 7 else default


def _get(element: Any, name: str) -> str:
    """An attribute by its name without the namespace; "" where it is not there."""
    attributes = element.attrib.items() if local(element) else ()
    return next((value for key, value in attributes if key.rpartition("}")[2] == name), "")
