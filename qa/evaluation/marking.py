"""Marking: the words that `highlight()` marks in the first passages, against those of gold spans."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from qa.asking.highlighting import Highlighter
from qa.evaluation.judging import is_of
from qa.evaluation.questions import Question
from qa.records import Excerpt

DEPTH = 5  # passages of a question that are highlighted


class Words(NamedTuple):
    """How many words of some passages are marked, and how many should be."""

    right: int  # marked, and of a gold span
    marked: int
    gold: int  # that some gold span overlaps


def marked_words(highlighter: Highlighter, question: Question, ranking: Sequence[Excerpt]) -> Words:
    """The words that are marked in the first passages of a ranking, taken together."""
    first = ranking[:DEPTH]
    marks = highlighter.highlight(question.text, [excerpt.text for excerpt in first])
    counts = [
        _count(excerpt.text, [(mark.start, mark.end) for mark in found], _gold(excerpt, question))
        for excerpt, found in zip(first, marks, strict=True)
    ]
    return Words(*map(sum, zip(*counts, strict=True))) if counts else Words(0, 0, 0)


def overlapping_words(text: str, spans: Iterable[tuple[int, int]]) -> set[int]:
    """Where the words of the text begin that some span overlaps; words are what blanks part."""
    spans = list(spans)
    return {
        found.start()
        for found in re.finditer(r"\S+", text)
        if any(first < found.end() and last > found.start() for first, last in spans)
    }


def _gold(excerpt: Excerpt, question: Question) -> list[tuple[int, int]]:
    """The gold spans, within the excerpt's text."""
    if not is_of(excerpt, question):
        return []
    return [(start - excerpt.start, end - excerpt.start) for start, end in question.spans]


def _count(
    text: str, marked: Iterable[tuple[int, int]], gold: Iterable[tuple[int, int]]
) -> tuple[int, int, int]:
    in_marks, in_gold = overlapping_words(text, marked), overlapping_words(text, gold)
    return len(in_marks & in_gold), len(in_marks), len(in_gold)
