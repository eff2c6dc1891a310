"""A segment: the documents that one build added, immutable once written.

    texts.utf8         the documents' texts, one after the other
    inputs.utf8        the passages' ranking texts, for the word index of later snapshots
    documents.sqlite   titles, dates, blocks and headings
    passages.bin       one `PASSAGE` record a passage
    sentences.bin      one `SENTENCE` record a sentence
    vectors.f32        a pooled vector a passage, whole numbers (see `vectors`)
    codes.u8           the token codes (see `interaction`)

What a question reads of many passages stands in arrays that are memory-mapped, or read where they
are asked for: nothing else is loaded, and no connection or lock stands between threads. What it
reads of the few documents that it cites stands in SQLite, which shares one connection between
threads.
"""

import hashlib
import json
import os
import sqlite3
import weakref
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from qa import faults, storage
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoder
from qa.encoding.quantisation import Vectors, quantise
from qa.errors import IndexDamaged
from qa.index import lexical
from qa.records import Block, Document, Kind, Passage
from qa.records.blocks import pack, unpack
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

_SCHEMA = """
CREATE TABLE document (number INTEGER PRIMARY KEY, sha256 TEXT, reader TEXT, title TEXT, date TEXT,
    pages INTEGER, pages_without_text TEXT, characters INTEGER, first_byte INTEGER, bytes INTEGER,
    row INTEGER, passages INTEGER, blocks BLOB);
CREATE TABLE heading (number INTEGER PRIMARY KEY, path TEXT);
"""


class Coded(NamedTuple):
    """A passage's ranking text as the index keeps it."""

    vector: Vectors  # (dim,) whole numbers
    codes: npt.NDArray[np.uint8]  # (tokens, code bytes)
    bounds: tuple[int, ...]  # tokens of the context, then where each sentence's tokens end


def encode(encoder: Encoder, book: Codebook, ranking: RankingText) -> Coded:
    """A ranking text's vector and codes, and where the tokens of its sentences end."""
    if not ranking.text.strip():
        empty = book.encode(encoder.encode("").tokens[:0])
        return Coded(quantise(encoder.encode("").pooled) * 0, empty, (0,) * len(ranking.ends))
    encoded = encoder.encode(ranking.text)
    bounds = encoded.ends.searchsorted(ranking.ends, side="right")
    return Coded(
        quantise(encoded.pooled), book.encode(encoded.tokens), tuple(int(at) for at in bounds)
    )


Row = tuple[Passage, RankingText, Coded]
"""A passage as a segment takes it"""


class _Place(NamedTuple):
    """Where a passage stands in a segment's texts and in its document's lines."""

    byte: int
    text_bytes: int
    line: int
    last_line: int


class _Written(NamedTuple):
    """How much a writer has written, so that what was written since can be taken back."""

    documents: int = 0
    passages: int = 0
    sentences: int = 0
    tokens: int = 0
    text_bytes: int = 0
    input_bytes: int = 0
    words_bytes: int = 0


class Held(NamedTuple):
    """Where a document stands in a segment."""

    number: int
    row: int
    passages: int


def input_hash(text: str, passage: Passage) -> bytes:
    """The 16 bytes by which an exact ranking text is known again, parted into equal sentences."""
    ends = ",".join(str(end - passage.start) for end in passage.sentences)
    return hashlib.blake2b(f"{text}\0{ends}".encode(), digest_size=16).digest()


class SegmentWriter:
    """Writes a segment document by document, holding none of them."""

    def __init__(self, folder: Path, *, language: str) -> None:
        storage.new_folder(folder)
        self.folder = folder
        self._written = _Written()
        self._headings: dict[tuple[str, ...], int] = {}
        self._analyzer = lexical.Analyzer(language)
        self._database = sqlite3.connect(folder / "documents.sqlite", isolation_level=None)
        self._database.executescript(f"PRAGMA journal_mode=OFF; {_SCHEMA} BEGIN;")
        texts = ("texts.utf8", "inputs.utf8", "words.utf8")
        arrays = ("passages.bin", "sentences.bin", "vectors.f32", "codes.u8")
        self._files: dict[str, IO[bytes]] = {
            name: storage.new_file(folder / name) for name in (*texts, *arrays)
        }

    def add(self, document: Document, rows: Iterable[Row]) -> Held:
        """Appends a document with its passages, which may come one at a time.

        Where that fails, or `rows` does, nothing of the document stays. Raises DocumentFailed when
        it is the document's own fault.
        """
        before = self._written
        sizes = {name: file.tell() for name, file in self._files.items()}
        try:
            self._add_passages(document.text, rows)
            with faults.of_document():
                return self._add_document(document, before)
        except BaseException:
            self._written = before
            with suppress(OSError):
                for name, size in sizes.items():
                    self._files[name].truncate(size)
                    self._files[name].seek(size)
            raise

    def _add_passages(self, text: str, rows: Iterable[Row]) -> None:
        byte, character, line = self._written.text_bytes, 0, 1
        for row in rows:
            with faults.of_document():
                passage = row[0]
                between = text[character : passage.start]
                said = text[passage.start : passage.end]
                byte, line = byte + len(between.encode()), line + between.count("\n")
                place = _Place(byte, len(said.encode()), line, line + said.count("\n"))
                self._add_passage(*row, place)
                byte, line, character = byte + place.text_bytes, place.last_line, passage.end

    def _add_document(self, document: Document, before: "_Written") -> Held:
        places, numbers = pack(document.blocks)
        blocks = places + b"\n" + np.array(numbers, "<u8").tobytes()
        data = document.text.encode()
        held = Held(before.documents, before.passages, self._written.passages - before.passages)
        row = (
            held.number,
            document.sha256,
            document.reader,
            document.title,
            document.date,
            document.pages,
            json.dumps(document.pages_without_text),
            len(document.text),
            before.text_bytes,
            len(data),
            held.row,
            held.passages,
            zlib.compress(blocks, 1),
        )
        self._files["texts.utf8"].write(data)
        marks = ",".join("?" * len(row))
        self._database.execute(f"INSERT INTO document VALUES ({marks})", row)
        self._written = self._written._replace(
            documents=before.documents + 1, text_bytes=before.text_bytes + len(data)
        )
        return held

    def _add_passage(
        self, passage: Passage, ranking: RankingText, coded: Coded, place: _Place
    ) -> None:
        data = ranking.text.encode()
        words = f"{' '.join(self._analyzer.words(ranking.text))}\n".encode()
        written = self._written
        record = (
            written.documents,
            passage.start,
            passage.end,
            place.line,
            place.last_line,
            passage.page or 0,
            self._heading(passage.heading),
            len(passage.sentences),
            len(coded.codes),
            coded.bounds[0],
            place.text_bytes,
            len(data),
            len(words),
            place.byte,
            written.input_bytes,
            written.words_bytes,
            written.sentences,
            written.tokens,
            input_hash(ranking.text, passage),
        )
        ends = list(zip(passage.sentences, coded.bounds[1:], strict=True))
        self._files["passages.bin"].write(np.array([record], PASSAGE).tobytes())
        self._files["sentences.bin"].write(np.array(ends, SENTENCE).tobytes())
        self._files["vectors.f32"].write(coded.vector.astype("<f4").tobytes())
        self._files["codes.u8"].write(coded.codes.tobytes())
        self._files["inputs.utf8"].write(data)
        self._files["words.utf8"].write(words)
        self._written = written._replace(
            passages=written.passages + 1,
            sentences=written.sentences + len(ends),
            tokens=written.tokens + len(coded.codes),
            input_bytes=written.input_bytes + len(data),
            words_bytes=written.words_bytes + len(words),
        )

    def _heading(self, heading: tuple[str, ...]) -> int:
        known = self._headings.get(heading)
        if known is None:
            known = len(self._headings)
            said = json.dumps(heading, ensure_ascii=False)
            self._database.execute("INSERT INTO heading VALUES (?, ?)", (known, said))
            self._headings[heading] = known
        return known

    def close(self) -> None:
        """Finishes the files; they are not yet synced to disk."""
        if not self._files:
            return
        while self._files:
            self._files.popitem()[1].close()
        self._database.execute("COMMIT")
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class OnDisk:
    """A long array of bytes, `(n, width)` or `(n,)`, of which slices are read when they are asked for.

    It is not mapped: the system maps much around every place that is touched, and an asker of a large
    index would hold gigabytes of it.
    """

    def __init__(self, file: Path, width: int = 0) -> None:
        self._shape = (-1, width) if width else (-1,)
        self._width = width or 1
        self._handle = os.open(file, os.O_RDONLY)
        weakref.finalize(self, os.close, self._handle)
        size = os.fstat(self._handle).st_size
        if size % self._width:
            raise IndexDamaged(f"{file} is cut off: build again with --full.")
        self._rows = size // self._width

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, rows: slice) -> npt.NDArray[np.uint8]:
        first, last, _ = rows.indices(self._rows)
        read = os.pread(self._handle, (last - first) * self._width, first * self._width)
        return np.frombuffer(read, np.uint8).reshape(self._shape)


Bytes = OnDisk | npt.NDArray[np.uint8]
"""a long array of bytes of which slices are taken"""


class Segment:
    """An open segment; every file is opened at once, so that it may be deleted while in use."""

    def __init__(self, folder: Path, *, dim: int, code_bytes: int) -> None:
        self.folder = folder
        self.records = _mapped(folder / "passages.bin", PASSAGE)
        self.sentences = _mapped(folder / "sentences.bin", SENTENCE)
        self.vectors = _mapped(folder / "vectors.f32", np.dtype("<f4")).reshape(-1, dim)
        self.codes = _bytes(folder / "codes.u8", code_bytes)
        self._texts = _bytes(folder / "texts.utf8")
        self._inputs = _bytes(folder / "inputs.utf8")
        self._words = _bytes(folder / "words.utf8")
        self._database = open_database(folder / "documents.sqlite")
        close_with(self, self._database)

    def text(self, row: int) -> str:
        """The text of a passage, word for word."""
        record = self.records[row]
        return _slice(self._texts, int(record["first_byte"]), int(record["text_bytes"]))

    def ranking_text(self, row: int) -> str:
        """What the encoder reads for a passage."""
        record = self.records[row]
        return _slice(self._inputs, int(record["first_input_byte"]), int(record["input_bytes"]))

    def words(self, row: int, count: int) -> Iterator[str]:
        """What `lexical` indexes of `count` passages, from that row on."""
        for first in range(row, row + count, AT_ONCE):
            records = self.records[first : min(first + AT_ONCE, row + count)]
            start, last = int(records[0]["first_words_byte"]), records[-1]
            end = int(last["first_words_byte"]) + int(last["words_bytes"])
            yield from _slice(self._words, start, end - start).split("\n")[: len(records)]

    def context(self, row: int) -> str:
        """What the ranking text of a passage has in front of its sentences, on a line of its own."""
        if not self.records[row]["context_tokens"]:
            return ""
        return self.ranking_text(row).partition("\n")[0]

    def heading(self, number: int) -> tuple[str, ...]:
        """The heading path of that number, outermost first."""
        (said,) = self._one("SELECT path FROM heading WHERE number = ?", number)
        return tuple(json.loads(said))

    def title(self, number: int) -> tuple[str | None, str | None]:
        """The title and the date of a document."""
        title, date = self._one("SELECT title, date FROM document WHERE number = ?", number)
        return title, date

    def document(self, number: int) -> Document:
        """The whole document."""
        found = self._one(
            "SELECT sha256, reader, title, date, pages, pages_without_text, first_byte, bytes, "
            "blocks FROM document WHERE number = ?",
            number,
        )
        sha256, reader, title, date, pages, without, first, size, blocks = found
        return Document(
            sha256=sha256,
            reader=reader,
            text=_slice(self._texts, first, size),
            title=title,
            date=date,
            blocks=tuple(_blocks(zlib.decompress(blocks))),
            pages=pages,
            pages_without_text=tuple(json.loads(without)),
        )

    def stored(self, held: Held) -> Iterator[Row]:
        """A document's passages as they were added, to be copied into another segment."""
        for row in range(held.row, held.row + held.passages):
            yield self._passage(row), RankingText(self.ranking_text(row), ()), self.coded(row)

    def coded(self, row: int) -> Coded:
        """A passage's vector and codes."""
        record = self.records[row]
        first, tokens = int(record["first_token"]), int(record["tokens"])
        bounds = (int(record["context_tokens"]), *map(int, self._ends(row)["token_end"]))
        return Coded(self.vectors[row], self.codes[first : first + tokens], bounds)

    def sentence_ends(self, row: int) -> list[int]:
        """Where a passage's sentences end in the document."""
        return [int(end) for end in self._ends(row)["end"]]

    def _passage(self, row: int) -> Passage:
        record = self.records[row]
        return Passage(
            start=int(record["start"]),
            end=int(record["end"]),
            sentences=tuple(map(int, self._ends(row)["end"])),
            page=int(record["page"]) or None,
            heading=self.heading(int(record["heading"])),
        )

    def _ends(self, row: int) -> Records:
        record = self.records[row]
        first = int(record["first_sentence"])
        return self.sentences[first : first + int(record["sentences"])]

    @cached_property
    def known_inputs(self) -> dict[bytes, int]:
        """Hash of a ranking text -> a row that holds its codes."""
        hashes = np.ascontiguousarray(self.records["input"]).tobytes()
        return {hashes[at : at + 16]: at // 16 for at in range(0, len(hashes), 16)}

    def _one(self, query: str, number: int) -> Sequence[Any]:
        found = self._database.execute(query, (number,)).fetchone()
        if found is None:
            raise IndexDamaged(f"{self.folder} misses a record: build again with --full.")
        row: Sequence[Any] = found
        return row

    def close(self) -> None:
        """Closes the database; mapped files go with the last reference to them."""
        self._database.close()


def open_database(file: Path) -> sqlite3.Connection:
    """A read-only connection to a file that nobody changes, shared between threads.

    SQLite is built to serialise its calls (`sqlite3.threadsafety` 3), so one connection is enough.
    """
    try:
        address = f"{file.resolve().as_uri()}?mode=ro&immutable=1"
        database = sqlite3.connect(address, uri=True, check_same_thread=False)
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise IndexDamaged(f"{file} cannot be read: build again with --full.") from error
    return database


def close_with(owner: object, database: sqlite3.Connection) -> None:
    """Closes the database as soon as nobody uses its owner any more.

    A connection refers to itself by its cache of statements: left alone it keeps its file open until
    the collector of cycles comes by, and an index that is often rebuilt would run out of files.
    """
    weakref.finalize(owner, database.close)


def _mapped(file: Path, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    size = file.stat().st_size
    if size % kind.itemsize:
        raise IndexDamaged(f"{file} is cut off: build again with --full.")
    # a plain view of the map: slicing np.memmap itself costs ten times as much
    return np.asarray(np.memmap(file, kind, "r")) if size else np.empty(0, kind)


def _bytes(file: Path, width: int = 0) -> Bytes:
    if hasattr(os, "pread"):
        return OnDisk(file, width)
    mapped = _mapped(file, np.dtype(np.uint8))  # Windows has no way to read without a place in mind
    return mapped.reshape(-1, width) if width else mapped


def _slice(data: Bytes, first: int, size: int) -> str:
    return data[first : first + size].tobytes().decode()


def _blocks(data: bytes) -> Iterator[Block]:
    """The blocks of a document; until version 3 of the splitter they were JSON as they are."""
    places, compact, numbers = data.partition(b"\n")
    if compact:
        yield from unpack(places, np.frombuffer(numbers, "<u8").tolist())
        return
    for start, end, kind, page, heading, columns in json.loads(places):
        yield Block(start, end, Kind(kind), page, tuple(heading), columns)
