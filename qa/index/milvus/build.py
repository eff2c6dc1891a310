"""A store at an address, open for the one writer: documents are spooled, then published together.

Where a document's passages go depends on its path, which is known when all is. So they are written
into a segment on this machine first, as those of a local index are; `publish` sends them.
"""

import shutil
import tempfile
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from qa import settings, storage
from qa.errors import SettingsInvalid
from qa.index.coding import Coded, Row
from qa.index.milvus.address import Address
from qa.index.milvus.heads import Heads, Lease, objects_at
from qa.index.milvus.opening import newest_complete
from qa.index.milvus.publishing import Publication, Target
from qa.index.milvus.server import WRITING_PATIENCE, server_of
from qa.index.milvus.snapshot import MilvusSnapshot
from qa.index.milvus.spooling import Live, Spooled
from qa.index.segment import Location, Segment
from qa.index.store import DocumentKey, Manifest, Published, Shape
from qa.index.writing import SegmentWriter
from qa.records import Document, File, Status
from qa.settings import fingerprint

STORED = (Status.INDEXED, Status.DUPLICATE)  # files whose document the index holds


class MilvusBuild:
    """One build under the lease. Nothing of it is visible before `publish`.

    Every row that is copied is compared with its digest, so that damage is never copied.
    """

    def __init__(
        self, address: Address, index: Path, seeds: Path, shape: Shape, *, full: bool = False,
        damaged: Collection[str] = (),
    ) -> None:  # fmt: skip
        del damaged  # there are no segments to leave out: what is damaged is refused
        self._address, self._seeds, self._shape = address, seeds, shape
        self._server = server_of(address, WRITING_PATIENCE)
        self._heads = Heads(self._server, address)
        self._stack = ExitStack()
        self._lease: Lease = self._stack.enter_context(self._heads.lease())
        try:
            opened = newest_complete(address, self._server)
            self._place = _objects_place(opened)
            self._objects = objects_at(self._place, address)
        except BaseException:
            self._stack.close()
            raise
        self.last: Manifest | None = opened.manifest if opened else None
        self.files_before: tuple[File, ...] = opened.files() if opened else ()
        self._opened = opened
        self._last = None if full else opened
        same = self._last is not None and self._last.manifest.fingerprint == shape.fingerprint
        self._known = (
            {each.key: each for each in self._last.contents.documents()}
            if self._last and same
            else {}
        )
        self.files = self.files_before if same else ()
        self._new: dict[DocumentKey, Location] = {}
        self._spool = Path(tempfile.mkdtemp(prefix="spool-", dir=_made(index)))
        self._stack.callback(shutil.rmtree, self._spool, ignore_errors=True)
        self._writer: SegmentWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._writer is not None:
                self._writer.close()
        finally:
            self._stack.close()

    def passages_of(self, key: DocumentKey) -> int | None:
        """How many passages a document has that this or the last version holds; None for others."""
        new, known = self._new.get(key), self._known.get(key)
        if new is not None:
            return new.passages
        return known.passages if known else None

    def coded(self, input_hash: bytes) -> Coded | None:
        """The codes of a ranking text that the last version holds."""
        last = self._last
        if last is None or not last.manifest.fingerprint.endswith(f"/{self._shape.coding}"):
            return None
        found = last.rows.with_input(input_hash)
        return found.coded if found else None

    def add(self, document: Document, rows: Iterable[Row]) -> int:
        """Adds a document with its passages; returns their number. Raises DocumentFailed."""
        if self._writer is None:
            self._writer = SegmentWriter(self._spool / "segment")
        storage.crash_point("while-writing")
        location = self._writer.add(document, rows)
        self._new[(document.sha256, document.reader)] = location
        return location.passages

    def publish(self, files: Sequence[File]) -> Published:
        """Makes the documents of these files the live snapshot, all at once."""
        live = self._live(files)
        content = fingerprint(self._shape.fingerprint, [(each.paths, *each.key) for each in live])
        if self._last is not None and self._is_unchanged(content, files):
            return _published(self._last.manifest)
        target = Target(
            self._address, self._server, self._heads, self._lease, self._objects, self._place
        )
        last = self._last if self._known else None
        publication = Publication(target, self._shape, self._seeds, last)
        return _published(publication.publish(content, live, files, self._known, self._spooled()))

    def _spooled(self) -> Spooled | None:
        """The segment of this build's documents."""
        if self._writer is None:
            return None
        self._writer.close()
        shape = self._shape
        segment = Segment(self._writer.folder, dim=shape.dim, code_bytes=shape.code_bytes)
        self._stack.callback(segment.close)
        return Spooled(segment, self._new)

    def _live(self, files: Iterable[File]) -> list[Live]:
        """The live documents in the order of their first paths, each with all its paths."""
        paths: dict[DocumentKey, list[str]] = {}
        for file in files:
            if file.status in STORED:
                paths.setdefault((file.sha256, file.reader), []).append(file.path)
        found = [Live(key, tuple(sorted(at))) for key, at in paths.items()]
        return sorted(found, key=lambda each: each.paths[0])

    def _is_unchanged(self, content: str, files: Sequence[File]) -> bool:
        """Whether the live snapshot has exactly these documents already."""
        last = self._last
        if last is None or self._new or last.manifest.snapshot != content:
            return False
        is_live = self._heads.tokens()[-1:] == [last.head.token]
        same_place = last.manifest.seeds == str(self._seeds.resolve())
        return is_live and same_place and tuple(files) == last.files()


def _published(manifest: Manifest) -> Published:
    return Published(manifest.snapshot, manifest.passages, manifest.languages)


def _objects_place(last: MilvusSnapshot | None) -> str:
    """Where the objects are: as the environment says, else as the last time."""
    place = settings.objects() or (last.head.objects if last else "")
    if not place:
        raise SettingsInvalid(
            "The store needs a place for texts: name a folder, or s3://bucket/prefix, in QA_OBJECTS."
        )
    return place if "://" in place else str(Path(place).resolve())


def _made(index: Path) -> Path:
    storage.new_folder(index, exist_ok=True)
    return index
