"""The local store, open for the one writer: documents are added to a segment, then published."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from qa import storage
from qa.encoding import models
from qa.errors import DocumentFailed, IndexDamaged, IndexForeign, IndexMissing
from qa.index import origin, publishing
from qa.index.catalog import LiveDocument
from qa.index.coding import Coded, Row
from qa.index.compaction import to_compact
from qa.index.manifest import ENCODERS, current_or_none, describe
from qa.index.segment import Location, Segment
from qa.index.snapshot import LocalSnapshot, newest_complete
from qa.index.store import DocumentKey, Manifest, Published, Shape
from qa.index.writing import SegmentWriter
from qa.records import Document, File, Status
from qa.settings import fingerprint

STORED = (Status.INDEXED, Status.DUPLICATE)  # files whose document the index holds
NEW = -1  # in the place of a segment's number: that of this build


class LocalBuild:
    """One build under the lock. Nothing of it is seen before `publish`."""

    def __init__(self, index: Path, seeds: Path, shape: Shape, *, full: bool = False) -> None:
        self._index, self._seeds, self._shape = index, seeds, shape
        self._stack = ExitStack()
        if full:
            for file in models.damaged(index / ENCODERS):
                file.unlink()
        opened = last_complete(index)
        self.last: Manifest | None = opened.manifest if opened else None
        self.files_before = _files_of(opened)
        if opened and full:
            opened.close()
        self._last = None if full else opened
        same = self._last is not None and self._last.manifest.fingerprint == shape.fingerprint
        self.files = self.files_before if same else ()
        self._known: dict[DocumentKey, LiveDocument] = {}
        if self._last and same:
            self._known = {(each.sha256, each.reader): each for each in self._last.documents}
        self._reusable: list[Segment] = []
        if self._last and self._last.manifest.fingerprint.endswith(f"/{shape.coding}"):
            self._reusable = self._last.segments
        self._writer: SegmentWriter | None = None
        for part in ("segments", "snapshots"):
            storage.new_folder(index / part, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._last is not None:
            self._last.close()

    def passages_of(self, key: DocumentKey) -> int | None:
        """How many passages a document has that this or the last version holds; None for others."""
        found = self._known.get(key)
        return found.passages if found else None

    def coded(self, input_hash: bytes) -> Coded | None:
        """The codes of a ranking text that the last version holds."""
        for segment in self._reusable:
            row = segment.known_inputs.get(input_hash)
            if row is not None:
                return segment.coded(row)
        return None

    def add(self, document: Document, rows: Iterable[Row]) -> int:
        """Adds a document with its passages; how many they are. Raises DocumentFailed."""
        key = (document.sha256, document.reader)
        location = self._write(document, rows)
        self._known[key] = LiveDocument(*key, (), NEW, *location)
        return location.passages

    def publish(self, files: Sequence[File]) -> Published:
        """Makes the documents of these files the live snapshot, all at once."""
        live = self._compacted(self._live(files))
        content = fingerprint(self._shape.fingerprint, [(each.paths, *each[:2]) for each in live])
        published = Published(content, sum(document.passages for document in live))
        if not self._is_unchanged(content, files):
            self._publish(content, live, files)
        return published

    def _publish(self, content: str, live: list[LiveDocument], files: Sequence[File]) -> None:
        names, live = self._renumbered(live)
        segments = [self._open(name) for name in names]
        same = self._last.folder if self._last and self._has_same_passages(content) else None
        name = publishing.next_name(self._index, content)
        folder = self._index / "snapshots" / name
        publishing.write(folder, live, files, segments, language=self._shape.language, same=same)
        storage.crash_point("before-manifest")
        manifest = self._manifest(content, live, segments, folder)
        for segment in segments:
            segment.close()
        publishing.publish(self._index, name, manifest)

    def _write(self, document: Document, rows: Iterable[Row]) -> Location:
        """Adds the document to this build's segment."""
        if self._writer is None:
            folder = self._index / "segments" / os.urandom(8).hex()
            self._writer = SegmentWriter(folder, language=self._shape.language)
        storage.crash_point("while-writing")
        return self._writer.add(document, rows)

    def _live(self, files: Iterable[File]) -> list[LiveDocument]:
        """The live documents in the order of their first paths, each with all its paths."""
        paths: dict[DocumentKey, list[str]] = {}
        for file in files:
            if file.status in STORED:
                paths.setdefault((file.sha256, file.reader), []).append(file.path)
        found = [self._known[key]._replace(paths=tuple(sorted(at))) for key, at in paths.items()]
        return sorted(found, key=lambda document: document.paths[0])

    def _compacted(self, live: list[LiveDocument]) -> list[LiveDocument]:
        """The live documents, those of segments too small or too dead copied into this build's."""
        if self._last is None:
            return live
        chosen = to_compact(self._last, live)
        return [self._copied(each, self._last) if each.segment in chosen else each for each in live]

    def _copied(self, document: LiveDocument, last: LocalSnapshot) -> LiveDocument:
        segment = last.segments[document.segment]
        location = Location(document.place, document.row, document.passages)
        try:
            copy = self._write(segment.document(document.place), segment.stored(location))
        except DocumentFailed as error:
            raise IndexDamaged(f"{segment.folder}: {error}; build again with --full.") from error
        return document._replace(segment=NEW, place=copy.number, row=copy.row)

    def _is_unchanged(self, content: str, files: Sequence[File]) -> bool:
        """Whether the live snapshot holds all this already."""
        if self._last is None or self._writer or not self._has_same_passages(content):
            return False
        is_live = current_or_none(self._index) == self._last.name
        same_place = self._last.manifest.seeds == str(self._seeds.resolve())
        return is_live and same_place and tuple(files) == self._last.files()

    def _has_same_passages(self, content: str) -> bool:
        return self._last is not None and self._last.manifest.snapshot == content

    def _renumbered(self, live: list[LiveDocument]) -> tuple[list[str], list[LiveDocument]]:
        """The names of the segments that live documents use, and the documents by those numbers."""
        names = {NEW: ""}
        if self._writer is not None:
            self._writer.close()
            names[NEW] = self._writer.folder.name
        if self._last is not None:
            names.update(enumerate(self._last.manifest.segments))
        used = sorted({document.segment for document in live})
        numbers = {segment: number for number, segment in enumerate(used)}
        return [names[segment] for segment in used], [
            document._replace(segment=numbers[document.segment]) for document in live
        ]

    def _open(self, name: str) -> Segment:
        folder = self._index / "segments" / name
        return Segment(folder, dim=self._shape.dim, code_bytes=self._shape.code_bytes)

    def _manifest(
        self, content: str, live: list[LiveDocument], segments: Sequence[Segment], folder: Path
    ) -> Manifest:
        """The manifest of the written snapshot; files of older segments keep their hashes."""
        files = describe(self._index, folder)
        known = self._last.manifest.files if self._last else {}
        names = tuple(segment.folder.name for segment in segments)
        for name in names:
            prefix = f"segments/{name}/"
            old = {path: sizes for path, sizes in known.items() if path.startswith(prefix)}
            files |= old or describe(self._index, self._index / "segments" / name)
        shape = self._shape
        return Manifest(
            snapshot=content,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            seeds=str(self._seeds.resolve()),
            settings=shape.settings,
            encoder=shape.encoder,
            encoder_fingerprint=shape.encoder_fingerprint,
            fingerprint=shape.fingerprint,
            dim=shape.dim,
            code_bytes=shape.code_bytes,
            documents=len(live),
            passages=sum(document.passages for document in live),
            ranked=publishing.ranked(live, segments),
            segments=names,
            files=files,
            seeds_relative=origin.relative(self._index, self._seeds),
        )


def last_complete(index: Path) -> LocalSnapshot | None:
    """The live snapshot, or the newest that opens when that one is damaged or not named."""
    try:
        return LocalSnapshot.open(index)
    except (IndexMissing, IndexForeign):
        return None
    except IndexDamaged:
        return newest_complete(index)


def _files_of(snapshot: LocalSnapshot | None) -> tuple[File, ...]:
    """The files of a snapshot, none where they cannot be read."""
    try:
        return snapshot.files() if snapshot else ()
    except (IndexDamaged, sqlite3.Error):
        return ()
