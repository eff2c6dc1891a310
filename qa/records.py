"""The nouns of the service: frozen records that every module shares.

Offsets are Python string indices (code points) into a document's text, ends exclusive. Pages are
physical and counted from 1. Paths are relative to the seeds folder, with forward slashes.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    """What a block of text is; passages respect it."""

    PROSE = "prose"
    HEADING = "heading"
    LIST = "list"
    TABLE = "table"
    ROW = "row"  # a record of its own: a line of a CSV file, an object of a JSONL file
    CODE = "code"
    FURNITURE = "furniture"  # running headers, page numbers, front matter: kept, but never ranked


class Block(NamedTuple):
    """A stretch of a document's text that holds together, and the place where it stands."""

    start: int
    end: int
    kind: Kind = Kind.PROSE
    page: int | None = None  # also the number of a slide
    heading: tuple[str, ...] = ()  # outermost first; a sheet's name is a heading too
    columns: str = ""  # names of the columns above a row: helps the ranking, never quoted


@dataclass(frozen=True, slots=True)
class Document:
    """One source as text: what a reader made of a file's bytes.

    `blocks` are in order, do not overlap, and hold every character that is not blank.
    """

    sha256: str  # of the source's bytes, lower-case hex
    reader: str  # name and version of the reader, such as "html 1"
    text: str
    title: str | None = None
    date: str | None = None  # ISO 8601, as far as the source tells
    blocks: tuple[Block, ...] = ()
    pages: int = 0  # 0: the format has no pages
    pages_without_text: tuple[int, ...] = ()


class Passage(NamedTuple):
    """A run of whole sentences of one document: the unit that is indexed."""

    start: int
    end: int
    sentences: tuple[int, ...]  # the ends of its sentences; the last is `end`
    page: int | None = None
    heading: tuple[str, ...] = ()


class Highlight(NamedTuple):
    """A sentence of an excerpt that answers the question."""

    start: int
    end: int
    strength: float  # higher answers better; comparable within one answer


class Freshness(StrEnum):
    """How an excerpt's file stands to what was indexed."""

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
    confidence: float  # probability in [0, 1] that the excerpt holds an answer
    document: str  # SHA-256 of the source's bytes
    path: str
    paths: tuple[str, ...]  # every path with this text, `path` first
    title: str
    date: str | None = None
    lines: tuple[int, int] = (1, 1)  # first and last line, counted from 1
    page: int | None = None
    heading: tuple[str, ...] = ()
    freshness: Freshness = Freshness.UNKNOWN

    def to_dict(self) -> dict[str, Any]:
        """The excerpt as values that JSON knows."""
        from qa import render

        return render.excerpt_to_dict(self)

    def __str__(self) -> str:
        """The text and its citation."""
        from qa import render

        return render.quotation(self)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the documents say to one question."""

    question: str
    answered: bool
    confidence: float  # of the first excerpt of the ranking, answered or not
    excerpts: tuple[Excerpt, ...]  # best first; empty when not answered
    nearest: tuple[Excerpt, ...]  # the rest of the ranking
    snapshot: str  # id of the snapshot that was asked

    def to_dict(self) -> dict[str, Any]:
        """The answer as values that JSON knows."""
        from qa import render

        return render.to_dict(self)

    def to_json(self) -> str:
        """The answer as JSON: equal answers give equal text."""
        from qa import render

        return render.to_json(self)

    def to_markdown(self) -> str:
        """The answer as Markdown: quotations with their citations."""
        from qa import render

        return render.to_markdown(self)

    def __str__(self) -> str:
        """The answer for a reader."""
        from qa import render

        return render.to_text(self)


class Status(StrEnum):
    """What became of one file in a build."""

    INDEXED = "indexed"
    EMPTY = "empty"
    NEEDS_OCR = "needs OCR"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class File:
    """One file of the seeds folder as the last build saw it."""

    path: str
    status: Status
    reason: str = ""
    size: int = 0  # of `source`, bytes
    modified: int = 0  # of `source`, nanoseconds since the epoch
    sha256: str = ""  # of the document's bytes
    reader: str = ""
    passages: int = 0
    pages: int = 0
    characters: int = 0
    source: str = ""  # the file on disk: `path` itself, or the archive that holds it
    source_sha256: str = ""
    seen: int = 0  # nanoseconds since the epoch, when it was read


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did; paths are sorted."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()  # (path, reason)
    passages: int = 0
    seconds: float = 0.0
    snapshot: str = ""
    files: tuple[File, ...] = field(default=(), repr=False)
