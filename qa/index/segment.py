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
from contextlib import AbstractContextManager, suppress
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
from qa.index import lexical
from qa.index.integrity import damaged, reading
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
        self._file = file
        self._shape = (-1, width) if width else (-1,)
        self._width = width or 1
        with reading(file):
            self._handle = os.open(file, os.O_RDONLY)
            weakref.finalize(self, os.close, self._handle)
            size = os.fstat(self._handle).st_size
        if size % self._width:
            raise damaged(file, "is cut off")
        self._rows = size // self._width

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, rows: slice) -> npt.NDArray[np.uint8]:
        first, size = rows.start, rows.stop - rows.start
        if not 0 <= first <= rows.stop <= self._rows:
            raise damaged(self._file, "is shorter than what is to be read of it")
        try:
            read = os.pread(self._handle, size * self._width, first * self._width)
        except OSError as error:
            raise damaged(self._file, f"cannot be read ({error.strerror})") from error
        if len(read) != size * self._width:
            raise damaged(self._file, "was cut off")
        return np.frombuffer(read, np.uint8).reshape(self._shape)

    def text(self, first: int, size: int) -> str:
        """The text of bytes. Raises IndexDamaged where they are none."""
        data = self[first : first + size].tobytes()
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise damaged(self._file, f"holds what is no text ({error.reason})") from error


class Mapped(OnDisk):
    """The same for Windows, which has no way to read without a place in mind."""

    def __init__(self, file: Path, width: int = 0) -> None:
        self._file = file
        self._width = width or 1
        mapped = _mapped(file, np.dtype(np.uint8))
        if len(mapped) % self._width:
            raise damaged(file, "is cut off")
        self._data = mapped.reshape(-1, width) if width else mapped
        self._rows = len(self._data)

    def __getitem__(self, rows: slice) -> npt.NDArray[np.uint8]:
        if not 0 <= rows.start <= rows.stop <= self._rows:
            raise damaged(self._file, "is shorter than what is to be read of it")
        return self._data[rows]


class Segment:
    """An open segment; every file is opened at once, so that it may be deleted while in use.

    What its records say of places is compared with the records beside them and with the sizes of
    the files before it is followed: one flipped bit must not ask for gigabytes.
    """

    def __init__(self, folder: Path, *, dim: int, code_bytes: int) -> None:
        self.folder = folder
        self.records = _mapped(folder / "passages.bin", PASSAGE)
        self.sentences = _mapped(folder / "sentences.bin", SENTENCE)
        vectors = _mapped(folder / "vectors.f32", np.dtype("<f4"))
        if len(vectors) != len(self.records) * dim:
            raise damaged(folder / "vectors.f32", f"is not of {len(self.records)} passages")
        self.vectors = vectors.reshape(-1, dim)
        self.codes = _bytes(folder / "codes.u8", code_bytes)
        self._texts = _bytes(folder / "texts.utf8")
        self._inputs = _bytes(folder / "inputs.utf8")
        self._words = _bytes(folder / "words.utf8")
        self._checked = np.zeros(len(self.records), np.bool_)
        self._database = open_database(folder / "documents.sqlite")
        close_with(self, self._database)

    def check(self, rows: npt.NDArray[np.int64]) -> None:
        """Raises IndexDamaged unless what the records of rows say can be followed; once for each."""
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
        """The heading path of that number, outermost first."""
        with self._reading():
            (path,) = self._one("SELECT path FROM heading WHERE number = ?", number)
            return tuple(map(str, json.loads(path)))

    def title(self, number: int) -> tuple[str | None, str | None]:
        """The title and the date of a document."""
        with self._reading():
            title, date = self._one("SELECT title, date FROM document WHERE number = ?", number)
            return _text_or_none(title), _text_or_none(date)

    def document(self, number: int) -> Document:
        """The whole document."""
        with self._reading():
            found = self._one(
                "SELECT sha256, reader, title, date, pages, pages_without_text, first_byte, bytes, "
                "blocks FROM document WHERE number = ?",
                number,
            )
            sha256, reader, title, date, pages, without, first, size, blocks = found
            return Document(
                sha256=str(sha256),
                reader=str(reader),
                text=self._texts.text(first, size),
                title=_text_or_none(title),
                date=_text_or_none(date),
                blocks=tuple(_blocks(zlib.decompress(blocks))),
                pages=int(pages),
                pages_without_text=tuple(map(int, json.loads(without))),
            )

    def stored(self, held: Held) -> Iterator[Row]:
        """A document's passages as they were added, to be copied into another segment."""
        for row in range(held.row, held.row + held.passages):
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


def open_database(file: Path) -> sqlite3.Connection:
    """A read-only connection to a file that nobody changes, shared between threads.

    SQLite is built to serialise its calls (`sqlite3.threadsafety` 3), so one connection is enough.
    """
    with reading(file):
        file.open("rb").close()  # SQLite does not say why it cannot
        address = f"{file.resolve().as_uri()}?mode=ro&immutable=1"
        database = sqlite3.connect(address, uri=True, check_same_thread=False)
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(file.stat().st_size, 1 << 16))
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return database


def close_with(owner: object, database: sqlite3.Connection) -> None:
    """Closes the database as soon as nobody uses its owner any more.

    A connection refers to itself by its cache of statements: left alone it keeps its file open until
    the collector of cycles comes by, and an index that is often rebuilt would run out of files.
    """
    weakref.finalize(owner, database.close)


def _mapped(file: Path, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    with reading(file):
        size = file.stat().st_size
        if size % kind.itemsize:
            raise damaged(file, "is cut off")
        # a plain view of the map: slicing np.memmap itself costs ten times as much
        return np.asarray(np.memmap(file, kind, "r")) if size else np.empty(0, kind)


def _bytes(file: Path, width: int = 0) -> OnDisk:
    return OnDisk(file, width) if hasattr(os, "pread") else Mapped(file, width)


def _text_or_none(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError("a title or a date is no text")


def _blocks(data: bytes) -> Iterator[Block]:
    """The blocks of a document; until version 3 of the splitter they were JSON as they are."""
    places, compact, numbers = data.partition(b"\n")
    if compact:
        yield from unpack(places, np.frombuffer(numbers, "<u8").tolist())
        return
    for start, end, kind, page, heading, columns in json.loads(places):
        yield Block(start, end, Kind(kind), page, tuple(heading), columns)
