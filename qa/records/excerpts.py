"""An excerpt: one passage as it is quoted, with its place; it is the citation."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from qa.languages import ENGLISH
from qa.records.forms import to_dict
from qa.records.likelihood import Likelihood, likelihood
from qa.records.printable import one_line, printable
from qa.translation import tr


class Highlight(NamedTuple):
    """A sentence of an excerpt that answers the question."""

    start: int
    end: int
    strength: float  # higher answers better; comparable within one answer


class Figure(NamedTuple):
    """A number by which an excerpt answers, where others give other numbers."""

    text: str  # == the document's text[start:end]
    start: int
    end: int
    excerpt: int  # the number of the excerpt, from 1


class Freshness(StrEnum):
    """An excerpt's file now, compared with what was indexed."""

    FRESH = "fresh"
    CHANGED = "changed"
    GONE = "gone"
    UNKNOWN = "unknown"  # the seeds folder is out of reach


@dataclass(frozen=True, slots=True)
class Excerpt:
    """One passage as quoted by an answer. It is the citation."""

    text: str  # == the document's text[start:end]
    start: int
    end: int
    highlights: tuple[Highlight, ...]  # best first, not overlapping; offsets within the document
    confidence: float | None  # probability in [0, 1] that it holds an answer; None: not known
    document: str  # SHA-256 of the source's bytes
    path: str
    paths: tuple[str, ...]  # every path with this text, `path` first
    title: str
    date: str | None = None
    lines: tuple[int, int] = (1, 1)  # first and last line, counted from 1
    page: int | None = None
    heading: tuple[str, ...] = ()
    freshness: Freshness = Freshness.UNKNOWN
    likelihood: Likelihood = Likelihood.UNLIKELY  # the confidence as a word
    columns: str = ""  # the names of a table's columns, where the row with them stands before
    language: str = ENGLISH  # the code of its document's

    def __post_init__(self) -> None:
        """The word follows the number."""
        object.__setattr__(self, "likelihood", likelihood(self.confidence))

    def to_dict(self) -> dict[str, Any]:
        """The excerpt as values that JSON knows."""
        return to_dict(self)

    def __str__(self) -> str:
        """The text and its citation."""
        return f"{printable(self.text).strip()}\n({citation(self)})"


def citation(excerpt: Excerpt) -> str:
    """Where the excerpt stands, in one printable line: title, path, page, lines, heading."""
    first, last = excerpt.lines
    parts = [excerpt.path]
    if excerpt.page is not None:
        parts.append(tr(f"page {excerpt.page}"))
    parts.append(tr(f"line {first}") if first == last else tr(f"lines {first}-{last}"))
    if excerpt.heading:
        parts.append(tr(f"under {' > '.join(excerpt.heading)}"))
    citation_text = ", ".join(parts)
    if excerpt.title and excerpt.title != excerpt.path:
        citation_text = f"{excerpt.title} ({citation_text})"
    return printable(one_line(citation_text))
