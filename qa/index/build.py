"""The local store, open for the one writer: documents are added to a segment, then published."""

import os
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self, cast

from qa import storage
from qa.encoding import models
from qa.errors import DocumentFailed, IndexDamaged, IndexForeign, IndexMissing
from qa.index import catalog, origin, publishing
from qa.index.catalog import LiveDocument
from qa.index.coding import Coded, Row
from qa.index.compaction import to_compact
from qa.index.filelist import STORED
from qa.index.integrity import Files, SegmentsDamaged, differing
from qa.index.manifest import ENCODERS, current_or_none, describe
from qa.index.segment import Location, Segment
from qa.index.snapshot import LocalSnapshot, newest_complete
from qa.index.store import DocumentKey, Manifest, Published, Shape
from qa.index.writing import SegmentWriter
from qa.records import Document, File
from qa.records.languages import by_language
from qa.settings import fingerprint

NEW = -1  # in the place of a segment's number: that of this build


class LocalBuild:
    """One build under the lock. Nothing of it is visible before `publish`.

    What is copied from the last version is compared with what was written, every byte: copied as it
    is, damage would get a hash of its own and never be found again.
    """

    def __init__(
        self, index: Path, seeds: Path, shape: Shape, *, full: bool = False,
        damaged: Collection[str] = (),
    ) -> None:  # fmt: skip
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
        self._last = None if full or self._has_damaged_catalog(opened) else opened
        same = self._last is not None and self._last.manifest.fingerprint == shape.fingerprint
        names = self._last.manifest.segments if self._last else ()
        self._damaged = {number for number, name in enumerate(names) if name in damaged}
        self._known: dict[DocumentKey, LiveDocument] = {}
        if self._last and same:
            documents = self._last.catalog.documents()
            self._known = {
                (each.sha256, each.reader): each
                for each in documents
                if each.segment not in self._damaged
            }
        self.files = _without_damaged(self.files_before, self._known) if same else ()
        self._reusable: list[int] = []
        if self._last and self._last.manifest.fingerprint.endswith(f"/{shape.coding}"):
            self._reusable = list(range(len(names)))
        self._as_written: dict[int, bool] = {}  # segments that were compared
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
        for number in self._reusable:
            segment = cast("LocalSnapshot", self._last).segments[number]
            row = segment.known_inputs.get(input_hash)
            if row is not None and self._is_as_written(number):
                return segment.coded(row)
        return None

    def add(self, document: Document, rows: Iterable[Row]) -> int:
        """Adds a document with its passages; returns their number. Raises DocumentFailed."""
        key = (document.sha256, document.reader)
        location = self._write(document, rows)
        self._known[key] = LiveDocument(
            *key,
            (),
            NEW,
            *location,
            language=document.language,
            letters=document.letters,
            unread=document.unread,
        )
        return location.passages

    def publish(self, files: Sequence[File]) -> Published:
        """Makes the documents of these files the live snapshot, all at once."""
        live = self._compacted(self._live(files))
        content = fingerprint(self._shape.fingerprint, [(each.paths, *each[:2]) for each in live])
        passages = sum(document.passages for document in live)
        published = Published(content, passages, by_language(live))
        if not self._is_unchanged(content, files):
            self._publish(content, live, files)
        return published

    def _publish(self, content: str, live: list[LiveDocument], files: Sequence[File]) -> None:
        names, live = self._renumbered(live)
        segments = [self._open(name) for name in names]
        same = self._last.folder if self._last and self._has_same_passages(content) else None
        name = publishing.next_name(self._index, content)
        folder = self._index / "snapshots" / name
        publishing.write(folder, live, files, segments, same=same)
        storage.crash_point("before-manifest")
        manifest = self._manifest(content, live, segments, folder, self._linked(folder, same))
        for segment in segments:
            segment.close()
        publishing.publish(self._index, name, manifest)

    def _write(self, document: Document, rows: Iterable[Row]) -> Location:
        """Adds the document to this build's segment."""
        if self._writer is None:
            folder = self._index / "segments" / os.urandom(8).hex()
            self._writer = SegmentWriter(folder)
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
        copied = {document.segment for document in live if document.segment in chosen}
        if damaged := [number for number in copied if not self._is_as_written(number)]:
            names = self._last.manifest.segments
            raise SegmentsDamaged(self._index, [names[number] for number in damaged])
        return [self._copied(each, self._last) if each.segment in chosen else each for each in live]

    def _copied(self, document: LiveDocument, last: LocalSnapshot) -> LiveDocument:
        segment = last.segments[document.segment]
        location = Location(document.place, document.row, document.passages)
        try:
            copy = self._write(segment.document(document.place), segment.stored(location))
        except DocumentFailed as error:
            raise IndexDamaged(f"{segment.folder}: {error}; build again with --full.") from error
        return document._replace(segment=NEW, place=copy.number, row=copy.row)

    def _has_damaged_catalog(self, snapshot: LocalSnapshot | None) -> bool:
        """Whether the list of files and documents that the next one is made from is not as written."""
        if snapshot is None:
            return False
        folder = f"snapshots/{snapshot.name}"
        return any(self._differing(snapshot, f"{folder}/{name}") for name in catalog.FILES)

    def _is_as_written(self, number: int) -> bool:
        """Whether a segment of the last version is what was written, every byte compared once."""
        if number not in self._as_written:
            last = cast("LocalSnapshot", self._last)
            place = f"segments/{last.manifest.segments[number]}/"
            self._as_written[number] = number not in self._damaged and not self._differing(
                last, place
            )
        return self._as_written[number]

    def _differing(self, snapshot: LocalSnapshot, place: str) -> list[str]:
        """The files at or below a place in the index that are not what was written."""
        files = snapshot.manifest.files.items()
        return differing(self._index, {path: at for path, at in files if path.startswith(place)})

    def _is_unchanged(self, content: str, files: Sequence[File]) -> bool:
        """Whether the live snapshot has exactly these documents already."""
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
        self, content: str, live: list[LiveDocument], segments: Sequence[Segment], folder: Path,
        linked: Files,
    ) -> Manifest:  # fmt: skip
        """The manifest of the written snapshot; what is of older ones keeps its hashes."""
        files = {**describe(self._index, folder), **linked}
        known = self._last.manifest.files if self._last else {}
        names = tuple(segment.folder.name for segment in segments)
        for name in names:
            prefix = f"segments/{name}/"
            old = {path: sizes for path, sizes in known.items() if path.startswith(prefix)}
            files |= old or describe(self._index, self._index / "segments" / name)
        return self._shape.manifest(
            content,
            self._seeds,
            documents=len(live),
            passages=sum(document.passages for document in live),
            ranked=publishing.ranked(live, segments),
            segments=names,
            files=files,
            seeds_relative=origin.relative(self._index, self._seeds),
            languages=by_language(live),
        )

    def _linked(self, folder: Path, same: Path | None) -> Files:
        """The files of a snapshot that are linked from another, as they were written for that one."""
        if self._last is None or same is None:
            return {}
        old, new = (f"snapshots/{each.name}/" for each in (same, folder))
        written = {old + name for name in catalog.FILES}
        return {
            new + path.removeprefix(old): as_written
            for path, as_written in self._last.manifest.files.items()
            if path.startswith(old) and path not in written
        }


def last_complete(index: Path) -> LocalSnapshot | None:
    """The live snapshot, or the newest that opens when that one is damaged or not named."""
    try:
        return LocalSnapshot.open(index)
    except (IndexMissing, IndexForeign):
        return None
    except IndexDamaged:
        return newest_complete(index)


def _without_damaged(
    files: Sequence[File], known: Mapping[DocumentKey, LiveDocument]
) -> tuple[File, ...]:
    """The files, those with documents that are not known as files that must be read again."""
    lost = {
        file.source
        for file in files
        if file.status in STORED and (file.sha256, file.reader) not in known
    }
    return tuple(
        replace(file, size=-1, source_sha256="lost") if file.source in lost else file
        for file in files
    )


def _files_of(snapshot: LocalSnapshot | None) -> tuple[File, ...]:
    """The files of a snapshot, none where they cannot be read."""
    try:
        return snapshot.files() if snapshot else ()
    except (IndexDamaged, sqlite3.Error):
        return ()
