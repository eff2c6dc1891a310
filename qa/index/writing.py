"""Writing a segment: the documents of one build, one after the other (see `segment`)."""

import json
import sqlite3
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

import numpy as np

from qa import faults, storage
from qa.index.coding import Coded, Row, input_hash
from qa.index.lexical import Analyzer
from qa.index.segment import PASSAGE, SCHEMA, SENTENCE, Location
from qa.index.words import analyzer
from qa.records import Document, Passage
from qa.records.blocks import pack
from qa.splitting import RankingText

LINE_END = "\n"  # after a passage's context in its ranking text


class _Place(NamedTuple):
    """Where a passage stands in a segment's texts and in its document's lines."""

    byte: int
    text_bytes: int
    line: int
    last_line: int


class _Written(NamedTuple):
    """How much a writer has written, so that what was written since can be truncated."""

    documents: int = 0
    passages: int = 0
    sentences: int = 0
    tokens: int = 0
    text_bytes: int = 0
    input_bytes: int = 0
    words_bytes: int = 0


class SegmentWriter:
    """Writes a segment document by document, keeping none in memory."""

    def __init__(self, folder: Path) -> None:
        storage.new_folder(folder)
        self.folder = folder
        self._written = _Written()
        self._headings: dict[tuple[str, ...], int] = {}
        self._database = sqlite3.connect(folder / "documents.sqlite", isolation_level=None)
        self._database.executescript(f"PRAGMA journal_mode=OFF; {SCHEMA} BEGIN;")
        texts = ("texts.utf8", "inputs.utf8", "words.utf8")
        arrays = ("passages.bin", "sentences.bin", "vectors.f32", "codes.u8")
        self._files: dict[str, IO[bytes]] = {
            name: storage.new_file(folder / name) for name in (*texts, *arrays)
        }

    def add(self, document: Document, rows: Iterable[Row]) -> Location:
        """Appends a document with its passages, which may come one at a time.

        Where that fails, or `rows` does, nothing of the document stays. Raises DocumentFailed when
        it is the document's own fault.
        """
        before = self._written
        sizes = {name: file.tell() for name, file in self._files.items()}
        try:
            self._add_passages(document, rows)
            with faults.of_document():
                return self._add_document(document, before)
        except BaseException:
            self._written = before
            with suppress(OSError):
                for name, size in sizes.items():
                    self._files[name].truncate(size)
                    self._files[name].seek(size)
            raise

    def _add_passages(self, document: Document, rows: Iterable[Row]) -> None:
        text, words = document.text, analyzer(document.language)
        byte, character, line = self._written.text_bytes, 0, 1
        for row in rows:
            with faults.of_document():
                passage = row[0]
                between = text[character : passage.start]
                quoted = text[passage.start : passage.end]
                byte, line = byte + len(between.encode()), line + between.count("\n")
                place = _Place(byte, len(quoted.encode()), line, line + quoted.count("\n"))
                self._add_passage(*row, place, words)
                byte, line, character = byte + place.text_bytes, place.last_line, passage.end

    def _add_document(self, document: Document, before: "_Written") -> Location:
        places, numbers = pack(document.blocks)
        blocks = places + b"\n" + np.array(numbers, "<u8").tobytes()
        data = document.text.encode()
        location = Location(
            before.documents, before.passages, self._written.passages - before.passages
        )
        row = (
            location.number,
            document.sha256,
            document.reader,
            document.title,
            document.date,
            document.pages,
            json.dumps(document.pages_without_text),
            len(document.text),
            before.text_bytes,
            len(data),
            location.row,
            location.passages,
            zlib.compress(blocks, 1),
            document.language,
            document.letters,
            document.unread,
        )
        self._files["texts.utf8"].write(data)
        marks = ",".join("?" * len(row))
        self._database.execute(f"INSERT INTO document VALUES ({marks})", row)
        self._written = self._written._replace(
            documents=before.documents + 1, text_bytes=before.text_bytes + len(data)
        )
        return location

    def _add_passage(
        self, passage: Passage, ranking: RankingText, coded: Coded, place: _Place, words: Analyzer
    ) -> None:
        data = ranking.text.encode()
        context = f"{ranking.text.partition(LINE_END)[0]}\n" if coded.bounds[0] else ""
        line = f"{words.line(ranking.text, context)}\n".encode()
        sizes = (len(coded.codes), coded.bounds[0], place.text_bytes, len(data), len(line))
        record = self._record(passage, place, sizes, input_hash(ranking.text, passage))
        ends = list(zip(passage.sentences, coded.bounds[1:], strict=True))
        self._files["passages.bin"].write(record)
        self._files["sentences.bin"].write(np.array(ends, SENTENCE).tobytes())
        self._files["vectors.f32"].write(coded.vector.astype("<f4").tobytes())
        self._files["codes.u8"].write(coded.codes.tobytes())
        self._files["inputs.utf8"].write(data)
        self._files["words.utf8"].write(line)
        written = self._written
        self._written = written._replace(
            passages=written.passages + 1,
            sentences=written.sentences + len(ends),
            tokens=written.tokens + len(coded.codes),
            input_bytes=written.input_bytes + len(data),
            words_bytes=written.words_bytes + len(line),
        )

    def _record(
        self, passage: Passage, place: _Place, sizes: tuple[int, ...], digest: bytes
    ) -> bytes:
        """The passage's record, its fields in the order of `PASSAGE`.

        `sizes` are those of its tokens, context tokens, text, ranking text and words.
        """
        written = self._written
        fields = (
            written.documents,
            passage.start,
            passage.end,
            place.line,
            place.last_line,
            passage.page or 0,
            self._heading(passage.heading),
            len(passage.sentences),
            *sizes,
            place.byte,
            written.input_bytes,
            written.words_bytes,
            written.sentences,
            written.tokens,
            digest,
        )
        return np.array([fields], PASSAGE).tobytes()

    def _heading(self, heading: tuple[str, ...]) -> int:
        known = self._headings.get(heading)
        if known is None:
            known = len(self._headings)
            path = json.dumps(heading, ensure_ascii=False)
            self._database.execute("INSERT INTO heading VALUES (?, ?)", (known, path))
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
