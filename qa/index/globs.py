"""Globs on paths, as `fnmatch` reads them, in a time that grows with the two lengths and no faster.

A regular expression tries a piece of a glob at every place of a path: the time is the product of
both lengths, for every path of a library. Where that product is large, all globs are matched at
once instead, with one bit for each of their characters (Baeza-Yates and Gonnet, A new approach
to text searching, 1992).
"""

import re
from collections.abc import Iterator, Sequence
from fnmatch import translate
from functools import cached_property
from itertools import takewhile
from typing import NamedTuple

_KIND = re.compile(r"\.[A-Za-z0-9]{1,5}\Z")
SMALL = 16_384  # characters of a path times those of all globs: expressions are faster up to here


class Globs:
    """Several globs; those that name one path are looked up, as there may be thousands."""

    def __init__(self, globs: Sequence[str]) -> None:
        parsed = {glob: list(_parts(glob)) for glob in dict.fromkeys(globs)}
        plain = {glob for glob, parts in parsed.items() if all(map(_is_plain, parts))}
        self._paths = frozenset("".join(part[-1] for part in parsed[glob]) for glob in plain)
        self._patterns = [glob for glob in parsed if glob not in plain]
        self._parts = [parsed[glob] for glob in self._patterns]
        self._characters = sum(map(len, self._patterns))

    def match(self, path: str) -> bool:
        """Whether one of them names the path."""
        if path in self._paths or not self._patterns:
            return path in self._paths
        if len(path) * self._characters <= SMALL:
            return any(expression.match(path) for expression in self._expressions)
        return self._bits.match(path)

    @cached_property
    def _expressions(self) -> list[re.Pattern[str]]:
        return [re.compile(translate(glob)) for glob in self._patterns]

    @cached_property
    def _bits(self) -> "_Bits":
        return _Bits(self._parts)


class Outline(NamedTuple):
    """What every path has in common that a glob names, so that few are tried."""

    start: str  # what it begins with
    kind: str | None  # its `kind`; None where it may have any
    is_complete: bool  # whether every path that has both is named


def outline(glob: str) -> Outline:
    """The outline of a glob that may name several paths.

    >>> outline("manuals/*.[pP][dD][fF]")
    Outline(start='manuals/', kind='pdf', is_complete=True)
    >>> outline("manuals/[0-9]*.pdf")
    Outline(start='manuals/', kind='pdf', is_complete=False)
    """
    parts = list(_parts(glob))
    start = "".join(part[-1] for part in takewhile(_is_plain, parts))
    rest = parts[len(start) :]
    end = next((at for at in range(len(rest) - 2, -1, -1) if rest[at] == "\\."), len(rest))
    kind = "".join(map(_letter, rest[end + 1 :]))
    if not kind or len(kind) != len(rest) - end - 1 or not _KIND.fullmatch(f".{kind}"):
        return Outline(start, None, set(rest) == {"*"})
    in_any_case = all(not part[-1].isalpha() for part in rest[end + 1 :])  # digits and brackets
    is_apart = "." not in start  # else both may have characters in common
    return Outline(start, kind, in_any_case and is_apart and set(rest[:end]) == {"*"})


def kind(path: str) -> str:
    """The suffix of a path in lower case: `"Reports/May.PDF"` is of kind `"pdf"`; `""` without one."""
    found = _KIND.search(path)
    return found[0][1:].lower() if found else ""


def _letter(part: str) -> str:
    """The letter or digit that a part names in any case, in lower case; `""` of other parts."""
    if _is_plain(part):
        return part[-1].lower()
    is_both = len(part) == 4 and part[0] == "[" and part[1] != "!" and part[1].isascii()
    return part[1].lower() if is_both and part[2] == part[1].swapcase() else ""


def literal(glob: str) -> str | None:
    """The only path that a glob names; None where it may name several: `"a[*].md"` is `"a*.md"`."""
    parts = list(_parts(glob))
    return "".join(part[-1] for part in parts) if all(map(_is_plain, parts)) else None


class _Bits:
    """Globs as one automaton: a bit says that a glob's parts up to there match what was read.

    `a*b` has three bits: nothing read, `a` read, `ab` read. A star keeps a bit set.
    """

    def __init__(self, globs: Sequence[Sequence[str]]) -> None:
        self._start = self._stay = self._end = self._any = 0
        self._plain: dict[str, int] = {}  # by character
        self._classes: dict[str, int] = {}  # by what stands in brackets
        bit = 1
        for parts in globs:
            self._start |= bit
            for part in parts:
                if part == "*":
                    self._stay |= bit
                    continue
                bit <<= 1
                self._add(part, bit)
            self._end |= bit
            bit <<= 1
        self._known: dict[str, int] = {}
        self._expressions = [
            (re.compile(translate(part)), bits) for part, bits in self._classes.items()
        ]

    def _add(self, part: str, bit: int) -> None:
        if part == "?":
            self._any |= bit
        elif _is_plain(part):
            self._plain[part[-1]] = self._plain.get(part[-1], 0) | bit
        else:
            self._classes[part] = self._classes.get(part, 0) | bit

    def match(self, path: str) -> bool:
        """Whether one of the globs names the path."""
        state = self._start
        for character in path:
            bits = self._known.get(character)
            if bits is None:
                bits = self._known[character] = self._bits_of(character)
            state = (state << 1) & bits | (state & self._stay)
            if not state:
                return False
        return bool(state & self._end)

    def _bits_of(self, character: str) -> int:
        """The bits that a character sets."""
        bits = self._any | self._plain.get(character, 0)
        for expression, of_class in self._expressions:
            if expression.match(character):
                bits |= of_class
        return bits


def _parts(glob: str) -> Iterator[str]:
    r"""A glob's parts: `*`, `?`, what stands in brackets, or a character after a backslash.

    `"[a]?["` gives `"\\a"`, `"?"` and `"\\["`: one character in brackets stands for itself.
    """
    at = 0
    while at < len(glob):
        end = _closed(glob, at) if glob[at] == "[" else 0
        if end == at + 2 and glob[at + 1] != "!":
            yield f"\\{glob[at + 1]}"
        elif end:
            yield glob[at : end + 1]
        elif glob[at] in "*?":
            yield glob[at]
        else:
            yield f"\\{glob[at]}"
        at = max(end, at) + 1


def _closed(glob: str, at: int) -> int:
    """Where the bracket that opens at `at` is closed, 0 when it is not and stands for itself."""
    first = at + 2 if glob.startswith("!", at + 1) else at + 1
    return max(glob.find("]", first + 1), 0)


def _is_plain(part: str) -> bool:
    return part[0] == "\\"
