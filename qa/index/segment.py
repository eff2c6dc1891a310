"""A segment: the documents that one build added, immutable once written.

    texts.utf8         the documents' texts, one after the other
    inputs.utf8        the passages' ranking texts, as they were encoded
    documents.sqlite   titles, dates, blocks and headings
    passages.bin       one `PASSAGE` record a passage
    sentences.bin      one `SENTENCE` record a sentence
    vectors.f32        a pooled vector a passage, quantised (see `encoding.quantisation`)
    words.utf8         the stems of their words, a line a passage
    codes.u8           the token codes (see `encoding.codebook`)

What a question reads of many passages is in arrays that are memory-mapped, or read on demand:
nothing else is loaded, and threads share no connection or lock. What it reads of the few documents
that it cites is in SQLite, through one connection for all threads.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qa.index.coding import Coded, Row
from qa.index.files import byte_array, close_with, mapped, open_database
from qa.index.integrity import damaged, reading
from qa.records import Block, Document, Passage
from qa.records.blocks import unpack
from qa.splitting import RankingText

PASSAGE = np.dtype(
    [
        ("document", "<u4"),
        ("start", "<u4"),
        ("end", "<u4"),
        ("line", "<u4"),
        ("last_line", "<u4"),
        ("page", "<u4"),  # 0: the document has no pages
        ("heading", "<u4"),
        ("sentences", "<u4"),
        ("tokens", "<u4"),
        ("context_tokens", "<u4"),  # in front of the first sentence's
        ("text_bytes", "<u4"),
        ("input_bytes", "<u4"),
        ("words_bytes", "<u4"),  # their line's end included
        ("first_byte", "<u8"),
        ("first_input_byte", "<u8"),
        ("first_words_byte", "<u8"),
        ("first_sentence", "<u8"),
        ("first_token", "<u8"),
        ("input", "V16"),  # hash of the ranking text
    ]
)
SENTENCE = np.dtype([("end", "<u4"), ("token_end", "<u4")])  # in the document; in the passage

AT_ONCE = 1_000  # passages whose words are read at once

Records = npt.NDArray[np.void]

SCHEMA = """
CREATE TABLE document (number INTEGER PRIMARY KEY, sha256 TEXT, reader TEXT, title TEXT, date TEXT,
    pages INTEGER, pages_without_text TEXT, characters INTEGER, first_byte INTEGER, bytes INTEGER,
    row INTEGER, passages INTEGER, blocks BLOB, language TEXT, letters INTEGER, unread INTEGER);
CREATE TABLE heading (number INTEGER PRIMARY KEY, path TEXT);
"""

HEADINGS = 4_096  # paths of headings that are kept once they were read


class Location(NamedTuple):
    """Where a document stands in a segment."""

    number: int
    row: int
    passages: int


class Segment:
    """An open segment; every file is opened at once, so that it may be deleted while in use.

    Places in its records are compared with the records beside them and with the sizes of the files
    before they are used: one flipped bit must not allocate gigabytes.
    """

    def __init__(self, folder: Path, *, dim: int, code_bytes: int) -> None:
        self.folder = folder
        self.records = mapped(folder / "passages.bin", PASSAGE)
        self.sentences = mapped(folder / "sentences.bin", SENTENCE)
        vectors = mapped(folder / "vectors.f32", np.dtype("<f4"))
        if len(vectors) != len(self.records) * dim:
            raise damaged(folder / "vectors.f32", f"is not of {len(self.records)} passages")
        self.vectors = vectors.reshape(-1, dim)
        self.codes = byte_array(folder / "codes.u8", code_bytes)
        self._texts = byte_array(folder / "texts.utf8")
        self._inputs = byte_array(folder / "inputs.utf8")
        self._words = byte_array(folder / "words.utf8")
        self._headings: dict[int, tuple[str, ...]] = {}
        self._checked = np.zeros(len(self.records), np.bool_)
        self._database = open_database(folder / "documents.sqlite")
        close_with(self, self._database)

    def check(self, rows: npt.NDArray[np.int64]) -> None:
        """Raises IndexDamaged unless the places in the records of rows are valid; once for each."""
        rows = rows[~self._checked[rows]]
        if not len(rows):
            return
        records = self.records[rows]
        following = self.records[np.minimum(rows + 1, len(self.records) - 1)]
        last = rows + 1 == len(self.records)
        for first, count, exact, total in (
            ("first_sentence", "sentences", True, len(self.sentences)),
            ("first_token", "tokens", True, len(self.codes)),
            ("first_input_byte", "input_bytes", True, len(self._inputs)),
            ("first_words_byte", "words_bytes", True, len(self._words)),
            (
                "first_byte",
                "text_bytes",
                False,
                len(self._texts),
            ),  # blanks between are no passage's
        ):
            start = records[first].astype(np.int64)
            limit = np.where(last, total, following[first].astype(np.int64))
            room = limit - start - records[count]
            if (
                np.any(start < 0)
                or np.any(limit > total)
                or np.any(room < 0)
                or (exact and room.any())
            ):
                raise damaged(self.folder / "passages.bin", f"names {count} that are not there")
        self._check_sentences(records)
        self._checked[rows] = True

    def _check_sentences(self, records: Records) -> None:
        """Raises IndexDamaged unless the sentences of passages follow each other within them."""
        counts = records["sentences"].astype(np.int64)
        heads = np.cumsum(counts) - counts  # of each passage's sentences, the place of the first
        passage = np.repeat(np.arange(len(records)), counts)
        places = records["first_sentence"].astype(np.int64)[passage] + np.arange(len(passage))
        found = self.sentences[places - heads[passage]]
        heads = heads[counts > 0]
        for end, start, most in (
            ("end", "start", "end"),
            ("token_end", "context_tokens", "tokens"),
        ):
            ends = found[end].astype(np.int64)
            before = np.concatenate([[0], ends])[: len(ends)]
            before[heads] = records[start][counts > 0]
            if np.any(ends < before) or np.any(ends > records[most][passage]):
                raise damaged(self.folder / "sentences.bin", "holds sentences out of order")

    def _record(self, row: int) -> np.void:
        if not self._checked[row]:
            self.check(np.array([row]))
        record: np.void = self.records[row]
        return record

    def text(self, row: int) -> str:
        """The text of a passage, word for word."""
        record = self._record(row)
        text = self._texts.text(int(record["first_byte"]), int(record["text_bytes"]))
        if len(text) != int(record["end"]) - int(record["start"]):
            raise damaged(self.folder / "texts.utf8", "holds another text")
        return text

    def ranking_text(self, row: int) -> str:
        """What the encoder reads for a passage."""
        record = self._record(row)
        return self._inputs.text(int(record["first_input_byte"]), int(record["input_bytes"]))

    def words(self, row: int, count: int) -> Iterator[str]:
        """What `lexical` indexes of `count` passages, from that row on."""
        for first in range(row, row + count, AT_ONCE):
            records = self.records[first : min(first + AT_ONCE, row + count)]
            starts = records["first_words_byte"].astype(np.int64)
            ends = starts + records["words_bytes"]
            lines = self._words.text(int(starts[0]), int(ends[-1] - starts[0])).split("\n")
            if np.any(ends[:-1] != starts[1:]) or len(lines) != len(records) + 1:
                raise damaged(self.folder / "passages.bin", "names words that are not there")
            yield from lines[:-1]

    def context(self, row: int) -> str:
        """What the ranking text of a passage has in front of its sentences, on a line of its own."""
        if not self._record(row)["context_tokens"]:
            return ""
        return self.ranking_text(row).partition("\n")[0]

    def heading(self, number: int) -> tuple[str, ...]:
        """The heading path of that number, outermost first; every question reads some."""
        known = self._headings.get(number)
        if known is not None:
            return known
        with self._reading():
            (path,) = self._one("SELECT path FROM heading WHERE number = ?", number)
            found = tuple(map(str, json.loads(path)))
        if len(self._headings) >= HEADINGS:
            self._headings.clear()
        self._headings[number] = found
        return found

    def title(self, number: int) -> tuple[str | None, str | None]:
        """The title and the date of a document."""
        with self._reading():
            title, date = self._one("SELECT title, date FROM document WHERE number = ?", number)
            return _text_or_none(title), _text_or_none(date)

    def document(self, number: int) -> Document:
        """The complete document."""
        with self._reading():
            found = self._one(
                "SELECT sha256, reader, title, date, pages, pages_without_text, first_byte, bytes, "
                "blocks, language, letters, unread FROM document WHERE number = ?",
                number,
            )
            sha256, reader, title, date, pages, without, first, size, blocks = found[:9]
            language, letters, unread = found[9:]
            return Document(
                sha256=str(sha256),
                reader=str(reader),
                text=self._texts.text(first, size),
                title=_text_or_none(title),
                date=_text_or_none(date),
                blocks=tuple(_blocks(zlib.decompress(blocks))),
                pages=int(pages),
                pages_without_text=tuple(map(int, json.loads(without))),
                language=str(language),
                letters=int(letters),
                unread=int(unread),
            )

    def stored(self, location: Location) -> Iterator[Row]:
        """A document's passages as they were added, to be copied into another segment."""
        for row in range(location.row, location.row + location.passages):
            yield self._passage(row), RankingText(self.ranking_text(row), ()), self.coded(row)

    def coded(self, row: int) -> Coded:
        """A passage's vector and codes."""
        record = self._record(row)
        first, tokens = int(record["first_token"]), int(record["tokens"])
        bounds = (int(record["context_tokens"]), *map(int, self._ends(row)["token_end"]))
        return Coded(self.vectors[row], self.codes[first : first + tokens], bounds)

    def sentence_ends(self, row: int) -> list[int]:
        """Where a passage's sentences end in the document."""
        return [int(end) for end in self._ends(row)["end"]]

    def _passage(self, row: int) -> Passage:
        record = self._record(row)
        return Passage(
            start=int(record["start"]),
            end=int(record["end"]),
            sentences=tuple(map(int, self._ends(row)["end"])),
            page=int(record["page"]) or None,
            heading=self.heading(int(record["heading"])),
        )

    def _ends(self, row: int) -> Records:
        record = self._record(row)
        first = int(record["first_sentence"])
        return self.sentences[first : first + int(record["sentences"])]

    @cached_property
    def known_inputs(self) -> dict[bytes, int]:
        """Hash of a ranking text -> a row that holds its codes."""
        hashes = np.ascontiguousarray(self.records["input"]).tobytes()
        return {hashes[at : at + 16]: at // 16 for at in range(0, len(hashes), 16)}

    def _reading(self) -> AbstractContextManager[None]:
        return reading(self.folder / "documents.sqlite")

    def _one(self, query: str, number: int) -> Sequence[Any]:
        row: Sequence[Any] | None = self._database.execute(query, (number,)).fetchone()
        if row is None:
            raise LookupError("a record is missing")
        return row

    def close(self) -> None:
        """Closes the database; mapped files go with the last reference to them."""
        self._database.close()


def _text_or_none(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError("a title or a date is no text")


def _blocks(data: bytes) -> Iterator[Block]:
    """The blocks of a document."""
    places, _, numbers = data.partition(b"\n")
    yield from unpack(places, np.frombuffer(numbers, "<u8").tolist())
