"""A quotation, and where its words stand in a text: exactly, or nearly. All in linear time."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from qa.errors import QuestionsInvalid
from qa.records import Answer

NEAR = 250_000  # characters on either side of its place, in which a changed text is looked for
LONGEST = 10_000  # characters of what is found there
_BETWEEN = re.compile(r"\n\s*\n")  # paragraphs


class Quotation(NamedTuple):
    """One excerpt of a saved answer."""

    path: str
    paths: tuple[str, ...]
    start: int
    end: int
    text: str


def quotations(answer: Answer | Mapping[str, Any]) -> Iterator[Quotation]:
    """The excerpts of an answer, cited or nearest, in order. Raises QuestionsInvalid."""
    values: Mapping[str, Any] = answer.to_dict() if isinstance(answer, Answer) else answer
    try:
        yield from map(_quotation, (*values["excerpts"], *values["nearest"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise QuestionsInvalid(
            "This is not a saved answer: save one with `qa ask ... --json > ANSWER.json`."
        ) from error


def _quotation(excerpt: Mapping[str, Any]) -> Quotation:
    start, end, text = int(excerpt["start"]), int(excerpt["end"]), excerpt["text"]
    path, paths = excerpt["path"], tuple(excerpt["paths"])
    if not all(isinstance(value, str) for value in (text, path, *paths)):
        raise TypeError("text and paths are texts")
    if not text or not 0 <= start <= end:
        raise ValueError("a quotation has words, and a place that begins at 0 or later")
    return Quotation(path, paths, start, end, text)


def nearest_copy(text: str, quoted: str, start: int) -> int | None:
    """Where the quoted text stands in a text, nearest to `start`; the earlier of two as near.

    Of `"ab ab"`, `"ab"` and 2 it is 3, of 1 it is 0.
    """
    after = text.find(quoted, start)
    first = 0 if after < 0 else max(2 * start - after, 0)
    # Backwards in reverse: `rfind` takes the product of both lengths at worst, `find` their sum.
    before = text[first : start + len(quoted) - 1]
    at = before[::-1].find(quoted[::-1])
    if at >= 0:
        return first + len(before) - at - len(quoted)
    return after if after >= 0 else None


def nearest_paragraph(text: str, quoted: str, start: int) -> tuple[int, str]:
    """The paragraph around `start` that resembles the quoted text most, and where it begins."""
    wanted = _terms(quoted)
    best, found = -1.0, (0, "")
    for at, paragraph in _paragraphs(text, max(start - NEAR, 0), start + len(quoted) + NEAR):
        likeness = resemblance(wanted, _terms(paragraph))
        if likeness > best:
            best, found = likeness, (at, paragraph)
    return found


def resemblance(one: "Counter[str]", other: "Counter[str]") -> float:
    """The share of terms that both have, 0 to 1 (Dice's coefficient over bags).

    Of the terms of `"a b"` and `"a c"` (`a`, `b`, `a b`; `a`, `c`, `a c`) it is 2 / 6.
    """
    size = one.total() + other.total()
    return 2 * (one & other).total() / size if size else 0.0


def _terms(text: str) -> "Counter[str]":
    """The words of a text, and the pairs of neighbours: what their order is worth."""
    words = text.split()
    return Counter([*words, *map(" ".join, pairwise(words))])


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """The paragraphs between two places, each where it begins, `LONGEST` characters at most."""
    at, end = start, min(end, len(text))
    while at < end:
        gap = _BETWEEN.search(text, at, end)
        stop = gap.start() if gap else end
        paragraph = text[at : min(stop, at + LONGEST)]
        begun = len(paragraph) - len(paragraph.lstrip())
        if paragraph.strip():
            yield at + begun, paragraph.strip()
        at = gap.end() if gap else end
