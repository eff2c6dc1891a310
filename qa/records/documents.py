"""Documents and passages: what is read, and what is indexed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from qa.languages import ENGLISH


class Kind(StrEnum):
    """What a block of text is; passages respect it."""

    PROSE = "prose"
    HEADING = "heading"
    LIST = "list"
    TABLE = "table"
    ROW = "row"  # a record of its own: a line of a CSV file, an object of a JSONL file
    CODE = "code"
    BOILERPLATE = "furniture"  # (its name in indexes) running headers, page numbers: never ranked


class Block(NamedTuple):
    """A coherent stretch of a document's text, and its place."""

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
    date: str | None = None  # ISO 8601, where the source has one
    blocks: tuple[Block, ...] = ()
    pages: int = 0  # 0: the format has no pages
    pages_without_text: tuple[int, ...] = ()
    language: str = ENGLISH  # its code, as a build found it
    letters: int = 0  # of a part of the text, by which it was found how far the model knows them
    unread: int = 0  # those of them that it does not know, or reads one by one


class Passage(NamedTuple):
    """A run of whole sentences of one document: the unit that is indexed."""

    start: int
    end: int
    sentences: tuple[int, ...]  # the ends of its sentences; the last is `end`
    page: int | None = None
    heading: tuple[str, ...] = ()
