"""What the frameworks share: the excerpts that answer a question, and texts that hold highlights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from qa.asking.highlighting import highlight
from qa.asking.service import QA
from qa.records import Excerpt, Highlight
from qa.records.excerpts import citation


class Marked(NamedTuple):
    """A text of the caller's that holds highlights."""

    number: int  # which of the texts
    highlights: tuple[Highlight, ...]  # best first, offsets within the text

    @property
    def strength(self) -> float:
        """The probability that its best highlight is right."""
        return self.highlights[0].strength


@dataclass(frozen=True)
class Wish:
    """Which excerpts a retriever gives."""

    limit: int = 5
    only: Sequence[str] = ()
    exclude: Sequence[str] = ()
    since: str = ""
    until: str = ""
    nearest: bool = False  # also passages that come near, and answered questions' further ones


def excerpts(qa: QA, question: str, wish: Wish) -> list[Excerpt]:
    """The excerpts that answer, best first; none where the documents hold no answer."""
    answer = qa.ask(
        question, limit=wish.limit, only=wish.only, exclude=wish.exclude, since=wish.since,
        until=wish.until,
    )  # fmt: skip
    return [*answer.excerpts, *(answer.nearest if wish.nearest else ())]


def marked(question: str, texts: Sequence[str], least: float | None) -> list[Marked]:
    """The texts that hold a highlight, that with the strongest first; the others are left out."""
    if not question.strip() or not texts:
        return []
    found = enumerate(highlight(question, texts, least=least))
    kept = [Marked(number, marks) for number, marks in found if marks]
    return sorted(kept, key=lambda each: (-each.strength, each.number))


def key(excerpt: Excerpt) -> str:
    """An id of the excerpt: its document's hash and its span."""
    return f"{excerpt.document}:{excerpt.start}-{excerpt.end}"


def checkable(excerpt: Excerpt) -> dict[str, Any]:
    """What of a citation no framework has a field for: enough to check it by `verify`."""
    return {
        "citation": citation(excerpt),
        "document": excerpt.document,
        "paths": list(excerpt.paths),
        "start": excerpt.start,
        "end": excerpt.end,
        "lines": list(excerpt.lines),
        "heading": list(excerpt.heading),
        "date": excerpt.date,
        "likelihood": str(excerpt.likelihood),
        "freshness": str(excerpt.freshness),
        "highlights": quoted(excerpt.text, excerpt.highlights, excerpt.start),
    }


def quoted(text: str, highlights: Sequence[Highlight], start: int = 0) -> list[dict[str, Any]]:
    """Highlights with the words that they mark; `start` is where the text stands in its document."""
    return [
        {
            "text": text[mark.start - start : mark.end - start],
            "start": mark.start,
            "end": mark.end,
            "strength": mark.strength,
        }
        for mark in highlights
    ]
