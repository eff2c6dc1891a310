"""One immutable version of the index: which segments it is made of and which passages live.

    index/CURRENT               names the live snapshot
    index/snapshots/NAME/       manifest.json, catalog.sqlite (files and documents), words/,
                                mean.f32, sketch/ (of the vectors, when there are many)
    index/segments/NAME/        see `segment`; shared between snapshots

A passage's ordinal is its number among the live ones, ordered by the first path of its document and
then by position. It says nothing of segments, so every build of the same documents gives the same
ordinals, and ties broken by ordinal are broken by path and position.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qa import storage
from qa.encoding import models, quantisation
from qa.encoding.quantisation import Vectors
from qa.errors import (
    IndexDamaged,
    IndexForeign,
    IndexMissing,
    IndexUnreadable,
    SettingsInvalid,
)
from qa.index import dense, integrity, lexical
from qa.index.dense import Mask, Sketch
from qa.index.integrity import damaged, reading
from qa.index.lexical import Words
from qa.index.segment import PASSAGE, Records, Segment, close_with, open_database
from qa.records import File, Status
from qa.settings import FORMAT, Settings, fingerprint

Ordinals = npt.NDArray[np.int64]

ATTEMPTS = 20  # a builder may clean up between the reading of CURRENT and the opening
ENCODERS = "encoders"  # a folder, of exported models
SKETCH = "sketch"  # a folder, in a snapshot of many passages
MEAN = "mean.f32"  # the mean of the vectors of all ranked passages
KEPT = 2  # snapshots: the live one and the one before it

_SCHEMA = """
CREATE TABLE file (path TEXT PRIMARY KEY, status TEXT, reason TEXT, size INTEGER, modified INTEGER,
    sha256 TEXT, reader TEXT, passages INTEGER, pages INTEGER, characters INTEGER, source TEXT,
    source_sha256 TEXT, seen INTEGER) WITHOUT ROWID;
CREATE TABLE document (number INTEGER PRIMARY KEY, sha256 TEXT, reader TEXT, paths TEXT,
    segment INTEGER, place INTEGER, row INTEGER, passages INTEGER);
"""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot is made of, and from what."""

    snapshot: str  # id by content: equal documents and settings give an equal id
    created: str  # ISO 8601, UTC
    seeds: str  # absolute
    settings: dict[str, str | int]
    encoder: str
    encoder_fingerprint: str
    fingerprint: str  # of everything that shapes the index
    dim: int
    code_bytes: int
    documents: int
    passages: int
    ranked: int  # passages that have words; the others are furniture
    segments: tuple[str, ...]
    files: dict[str, tuple[int, str]] = field(repr=False)  # path in the index -> size, SHA-256
    format: int = FORMAT
    seeds_relative: str = ""  # to the index: both may be moved together
    checksum: str = ""  # see `summed`

    def summed(self) -> str:
        """What `checksum` was when this was written; the rest of it is checked by what it names."""
        return fingerprint(
            *(self.snapshot, self.seeds, self.seeds_relative, self.settings, self.segments),
            *(self.dim, self.code_bytes, self.documents, self.passages, self.ranked),
            self.files,
        )


class Live(NamedTuple):
    """A live document: who it is, and where its passages stand."""

    sha256: str
    reader: str
    paths: tuple[str, ...]  # sorted
    segment: int  # index into the manifest's segments
    place: int  # its number in the segment
    row: int  # of its first passage in the segment
    passages: int


class Located(NamedTuple):
    """Where an ordinal stands."""

    segment: Segment
    row: int
    document: int  # index into the snapshot's documents


class Snapshot:
    """An open snapshot. Every file is opened at once: a later clean-up takes nothing away."""

    def __init__(self, index: Path, name: str) -> None:
        self.name = name
        self.warning = ""
        self.folder = index / "snapshots" / name
        self.manifest = read_manifest(self.folder)
        integrity.check(index, self.manifest.files)
        dim, code_bytes = self.manifest.dim, self.manifest.code_bytes
        self._catalog_file = self.folder / "catalog.sqlite"
        self._catalog = open_database(self._catalog_file)
        close_with(self, self._catalog)
        with reading(self._catalog_file):
            rows = self._catalog.execute("SELECT * FROM document")
            self.documents = [_live(row) for row in rows]
        self.segments = [
            Segment(index / "segments" / segment, dim=dim, code_bytes=code_bytes)
            for segment in self.manifest.segments
        ]
        language = str(self.manifest.settings["language"])
        self.words = Words.open(
            self.folder / "words", language=language, count=self.manifest.ranked
        )
        self._check_places()
        counts = [live.passages for live in self.documents]
        self._first = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        self.passages = self.manifest.passages
        self._sketch = self._open_sketch(index)
        self.mean = self._read_mean()  # `(dim,)`

    @classmethod
    def open(cls, index: Path) -> "Snapshot":
        """The live snapshot, or with a warning the one before it when that one is damaged.

        Raises IndexMissing, IndexForeign, IndexUnreadable, and IndexDamaged when neither is whole.
        """
        name = current(index)
        problem = ""  # not the error: it would hold what it had opened by then
        for _ in range(ATTEMPTS):
            try:
                return cls(index, name)
            except FileNotFoundError as error:
                problem = f"{error.filename} is missing: build again with --full."
            except IndexDamaged as error:
                problem = str(error)
            name, before = current(index), name
            if name == before:  # no builder cleaned up under this reader: it is damage
                break
        older = newest_whole(index)
        if older is None:
            raise IndexDamaged(problem)
        older.warning = f"{problem} Until then the snapshot of {older.manifest.created} answers."
        return older

    def _check_places(self) -> None:
        """Raises IndexDamaged unless every document stands within its segment, and none is missing."""
        segments, rows = self._places
        with reading(self._catalog_file):
            counts = np.array([live.passages for live in self.documents], np.int64)
        lengths = np.array([len(segment.records) for segment in self.segments], np.int64)
        known = (segments >= 0) & (segments < len(lengths))
        if known.all():
            room = lengths[segments] - rows
            known = (rows >= 0) & (counts >= 0) & (counts <= room)
        if not known.all() or len(counts) != self.manifest.documents:
            raise damaged(self._catalog_file, "names documents that are not there")
        if not counts.sum() == self.manifest.passages == self.words.passages:
            raise damaged(self.folder, f"is not of {self.manifest.passages} passages")

    def _open_sketch(self, index: Path) -> Sketch | None:
        folder = self.folder / SKETCH
        inside = f"{folder.relative_to(index).as_posix()}/"
        if not any(path.startswith(inside) for path in self.manifest.files):
            return None
        return Sketch.load(folder, dim=self.manifest.dim, count=self.passages)

    def _read_mean(self) -> Vectors:
        file, dim = self.folder / MEAN, self.manifest.dim
        if not self.passages:
            return np.zeros(dim, np.float32)
        with reading(file):
            mean = np.frombuffer(file.read_bytes(), "<f4")
        if len(mean) != dim or not np.isfinite(mean).all():
            raise damaged(file)
        return mean

    def files(self) -> tuple[File, ...]:
        """Every file that the build saw, sorted by path."""
        with reading(self._catalog_file):
            found = self._catalog.execute("SELECT * FROM file ORDER BY path")
            return tuple(_file(row) for row in found)

    @cached_property
    def file_of_path(self) -> dict[str, File]:
        """The file that stands at each path."""
        return {file.path: file for file in self.files()}

    @cached_property
    def dates(self) -> dict[str, str | None]:
        """The date that each document tells of itself, by path."""
        return {
            path: self.segments[live.segment].title(live.place)[1]
            for live in self.documents
            for path in live.paths
        }

    def locate(self, ordinal: int) -> Located:
        """Where a passage stands."""
        document = int(np.searchsorted(self._first, ordinal, side="right")) - 1
        live = self.documents[document]
        row = live.row + ordinal - int(self._first[document])
        return Located(self.segments[live.segment], row, document)

    def sentences(self, ordinal: int) -> tuple[str, list[str]]:
        """The context of a passage, and its sentences, word for word."""
        segment, row, _ = self.locate(ordinal)
        text, first = segment.text(row), int(segment.records[row]["start"])
        bounds = [0, *(end - first for end in segment.sentence_ends(row))]
        return segment.context(row), [text[start:end] for start, end in pairwise(bounds)]

    def locate_all(self, ordinals: Ordinals) -> tuple[Ordinals, Ordinals]:
        """The segments `(n,)` and the rows in them `(n,)` of passages."""
        documents = np.searchsorted(self._first, ordinals, side="right") - 1
        segments, rows = self._places
        return segments[documents], rows[documents] + ordinals - self._first[documents]

    def nearest(self, question: Vectors, limit: int, only: Mask | None = None) -> Ordinals:
        """The ordinals of the passages nearest to a quantised vector, best first, ties by ordinal.

        `only` marks the passages that may be found.
        """
        if self._sketch is None:
            return dense.best(self.products(question), limit, only)
        ordinals = self._sketched(self._sketch, question, limit, only)
        found = dense.best(self.products(question, ordinals), limit)
        return ordinals[found]

    def similarity(self, question: Vectors, ordinals: Ordinals) -> Vectors:
        """The cosines of a quantised vector with those of passages, `(n,)`."""
        return quantisation.cosines(self.products(question, ordinals))

    def products(self, question: Vectors, ordinals: Ordinals | None = None) -> Vectors:
        """The inner products of a quantised vector with those of passages, or of all, `(n,)`."""
        segments, rows = self._order if ordinals is None else self.locate_all(ordinals)
        out = np.empty(len(rows), np.float32)
        for number, segment in enumerate(self.segments):
            here = np.flatnonzero(segments == number) if len(self.segments) > 1 else slice(None)
            if ordinals is None:
                out[here] = dense.products(segment.vectors, question)[rows[here]]
            else:
                out[here] = dense.products(segment.vectors[rows[here]], question)
        return out

    def _sketched(
        self, sketch: Sketch, question: Vectors, limit: int, only: Mask | None
    ) -> Ordinals:
        """The passages that may be nearest, sorted; few that may be found are all of them."""
        if only is None:
            return np.sort(sketch.nearest(question, dense.RESCORED))
        allowed = np.flatnonzero(only)
        if len(allowed) <= dense.EXACT:
            return allowed
        depth = dense.RESCORED * self.passages // len(allowed)
        found = np.sort(sketch.nearest(question, depth))
        found = found[only[found]]
        return found if len(found) >= limit else allowed

    def tokens(self, ordinals: Ordinals) -> Ordinals:
        """How many tokens each passage has, `(n,)`; furniture has none."""
        return self._records(*self.locate_all(ordinals))["tokens"].astype(np.int64)

    def token_codes(
        self, ordinals: Ordinals
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The codes of the passages' tokens `(n, code_bytes)`, one passage after the other.

        With them where each run of them begins (for each passage its context, then its sentences;
        the last number is n), and which run is each passage's first.
        """
        segments, rows = self.locate_all(ordinals)
        records = self._records(segments, rows)
        tokens = records["tokens"].astype(np.int64)
        counts = records["sentences"].astype(np.int64) + 1
        firsts = np.cumsum(counts) - counts
        passage = np.repeat(np.arange(len(rows)), counts)  # of each run
        sentence = np.arange(len(passage)) - firsts[passage] - 1  # in its passage; -1: the context
        ends = records["context_tokens"].astype(np.int64)[passage]
        for number in np.unique(segments):
            here = np.flatnonzero((segments[passage] == number) & (sentence >= 0))
            place = records["first_sentence"].astype(np.int64)[passage[here]] + sentence[here]
            ends[here] = self.segments[number].sentences["token_end"][place]
        ends += (np.cumsum(tokens) - tokens)[passage]
        places = zip(
            segments.tolist(), records["first_token"].tolist(), tokens.tolist(), strict=True
        )
        codes = [self.segments[at].codes[first : first + count] for at, first, count in places]
        return np.concatenate(codes), np.concatenate([[0], ends]), firsts

    def _records(self, segments: Ordinals, rows: Ordinals) -> Records:
        """The records of passages, `(n,)`."""
        out = np.empty(len(rows), PASSAGE)
        for number in np.unique(segments):
            here = segments == number
            self.segments[number].check(rows[here])
            out[here] = self.segments[number].records[rows[here]]
        return out

    def mask(self, documents: Iterable[int]) -> npt.NDArray[np.bool_]:
        """Which passages belong to the documents, `(n,)`."""
        mask = np.zeros(self.passages, np.bool_)
        for document in documents:
            mask[self._first[document] : self._first[document + 1]] = True
        return mask

    @cached_property
    def _places(self) -> tuple[Ordinals, Ordinals]:
        with reading(self._catalog_file):
            places = np.array([(live.segment, live.row) for live in self.documents], np.int64)
        return places.reshape(-1, 2)[:, 0], places.reshape(-1, 2)[:, 1]

    @cached_property
    def _order(self) -> tuple[Ordinals, Ordinals]:
        return self.locate_all(np.arange(self.passages))

    def close(self) -> None:
        """Closes the databases; mapped files go with the last reference to them."""
        self._catalog.close()
        for segment in self.segments:
            segment.close()


def current(index: Path) -> str:
    """The name of the live snapshot."""
    try:
        name = (index / "CURRENT").read_text().strip()
    except FileNotFoundError as error:
        if any((index / "snapshots").glob("*/manifest.json")):
            raise IndexDamaged(
                f"{index} has snapshots but no CURRENT: build again to mend it."
            ) from error
        raise IndexMissing(f"There is no index in {index}: run `qa build` first.") from error
    except PermissionError:
        with reading(index / "CURRENT"):
            raise
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamaged(f"{index / 'CURRENT'} cannot be read: build again.") from error
    if not name or Path(name).name != name:
        raise IndexDamaged(f"{index / 'CURRENT'} names no snapshot: build again.")
    return name


def current_or_none(index: Path) -> str | None:
    """The name of the live snapshot, if there is one."""
    try:
        return current(index)
    except (IndexMissing, IndexDamaged, IndexUnreadable):
        return None


def newest_whole(index: Path) -> Snapshot | None:
    """The newest snapshot that opens, whatever CURRENT says."""
    for folder in sorted((index / "snapshots").glob("*/manifest.json"), reverse=True):
        try:
            return Snapshot(index, folder.parent.name)
        except (IndexDamaged, IndexForeign, OSError):
            continue
    return None


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a snapshot; `IndexForeign` when it is of another format."""
    file = folder / "manifest.json"
    with reading(file):
        payload = json.loads(file.read_bytes())
        if payload["format"] != FORMAT:
            raise IndexForeign(
                f"{folder} has format {payload['format']}, this version reads {FORMAT}: "
                "run `qa build --full`."
            )
        payload["segments"] = tuple(map(str, payload["segments"]))
        payload["files"] = {
            path: (int(size), str(digest)) for path, (size, digest) in payload["files"].items()
        }
        known = {each.name for each in fields(Manifest)}  # a later version may say more
        manifest = Manifest(**{name: value for name, value in payload.items() if name in known})
        _check_manifest(manifest)
    return manifest


def _check_manifest(manifest: Manifest) -> None:
    """Raises ValueError or TypeError where a manifest is not as it was written."""
    try:
        Settings.from_dict(manifest.settings)
    except SettingsInvalid as error:
        raise ValueError(str(error)) from error
    if min(manifest.dim, manifest.code_bytes) < 1:
        raise ValueError("vectors without numbers")
    if manifest.checksum and manifest.checksum != manifest.summed():
        raise ValueError("its checksum is another")


def damage(index: Path, manifest: Manifest) -> list[str]:
    """The files of a snapshot, and the exported models, that are not byte for byte what was written."""
    exported = [file.relative_to(index).as_posix() for file in models.damaged(index / ENCODERS)]
    return exported + integrity.differing(index, manifest.files)


def write(
    folder: Path, documents: Sequence[Live], files: Iterable[File], segments: Sequence[Segment],
    *, same: Path | None = None,
) -> None:  # fmt: skip
    """Writes a snapshot's catalog, words, mean and sketch; the manifest follows when they are hashed.

    `same` is the folder of a snapshot with the same passages: what it has of them is linked.
    """
    storage.new_folder(folder)
    database = sqlite3.connect(folder / "catalog.sqlite", isolation_level=None)
    database.executescript(f"PRAGMA journal_mode=OFF; {_SCHEMA} BEGIN;")
    database.executemany(
        f"INSERT INTO document VALUES ({','.join('?' * 8)})",
        (
            (number, *live[:2], json.dumps(live.paths), *live[3:])
            for number, live in enumerate(documents)
        ),
    )
    database.executemany(
        f"INSERT INTO file VALUES ({','.join('?' * 13)})",
        (tuple(asdict(file).values()) for file in files),
    )
    database.execute("COMMIT")
    database.close()
    if same is not None:
        for part in filter(Path.is_dir, (same / "words", same / SKETCH)):
            shutil.copytree(part, folder / part.name, copy_function=os.link)
        if (same / MEAN).is_file():  # there is none of no passages
            os.link(same / MEAN, folder / MEAN)
        return
    texts = (
        words
        for live in documents
        for words in segments[live.segment].words(live.row, live.passages)
    )
    count = sum(live.passages for live in documents)
    with ThreadPoolExecutor(1) as pool:  # numbers need none of Python's time, words much of it
        written = pool.submit(_write_vectors, folder, documents, segments, count)
        lexical.write(folder / "words", texts, count=count)
        written.result()


def _write_vectors(
    folder: Path, documents: Sequence[Live], segments: Sequence[Segment], count: int
) -> None:
    """Writes the mean of the vectors of `count` live passages, and the sketch of many."""
    if not count:
        return
    dim = segments[0].vectors.shape[1]
    mean = dense.mean(_blocks(documents, segments), dim, ranked(documents, segments))
    (folder / MEAN).write_bytes(mean.astype("<f4").tobytes())
    if count > dense.EXACT:
        Sketch.of(_blocks(documents, segments), dim).save(folder / SKETCH)


def ranked(documents: Iterable[Live], segments: Sequence[Segment]) -> int:
    """How many of the live passages have words."""
    return sum(
        int(np.count_nonzero(segments[live.segment].records["tokens"][live.row :][: live.passages]))
        for live in documents
    )


def _blocks(documents: Iterable[Live], segments: Sequence[Segment]) -> Iterator[Vectors]:
    """The vectors of the live passages in the order of their ordinals, many at a time."""
    held: list[Vectors] = []
    count = 0
    for live in documents:
        held.append(segments[live.segment].vectors[live.row : live.row + live.passages])
        count += live.passages
        if count >= dense.BLOCK:
            yield np.concatenate(held)
            held, count = [], 0
    if held:
        yield np.concatenate(held)


def publish(index: Path, name: str, manifest: Manifest) -> None:
    """Makes a written snapshot the live one, then removes what no kept snapshot names."""
    folder = index / "snapshots" / name
    manifest = replace(manifest, checksum=manifest.summed())
    said = json.dumps(asdict(manifest), indent=1, ensure_ascii=False)
    storage.write_file(folder / "manifest.json", said.encode())
    storage.step("before-sync")
    for segment in manifest.segments:
        storage.sync_tree(index / "segments" / segment)
    storage.sync_tree(folder)
    for parent in ("segments", "snapshots"):
        storage.sync_folder(index / parent)
    storage.replace_file(index / "CURRENT", f"{name}\n".encode())
    clean(index, name)


def clean(index: Path, name: str) -> None:
    """Removes snapshots but the live one and the one before it, and segments that neither names."""
    names = sorted(folder.name for folder in (index / "snapshots").iterdir())
    whole = [other for other in names if (index / "snapshots" / other / "manifest.json").is_file()]
    kept = {name, *[other for other in whole if other < name][-(KEPT - 1) :]}
    used: set[str] = set()
    for other in kept:
        try:
            used.update(read_manifest(index / "snapshots" / other).segments)
        except (IndexDamaged, IndexForeign, FileNotFoundError):
            continue
    for other in names:
        if other not in kept:
            storage.remove_tree(index / "snapshots" / other)
    storage.step("while-cleaning")
    for segment in (index / "segments").iterdir():
        if segment.name not in used:
            storage.remove_tree(segment)


def describe(index: Path, folder: Path) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of every file below a folder, by its path in the index."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(index).as_posix(): integrity.described(file) for file in files}


def close_to_others(index: Path) -> None:
    """Takes from other users what they may do with an index; what else its folder holds stays."""
    for path in (index, *map(index.joinpath, ("CURRENT", "lock", "feedback.jsonl"))):
        with suppress(FileNotFoundError):
            storage.close_to_others(path)
    for part in ("snapshots", "segments", ENCODERS, "cache"):
        if (index / part).is_dir():
            storage.close_tree_to_others(index / part)


def next_name(index: Path, snapshot: str) -> str:
    """A name that sorts after all the others: `"000007-1f2e3d4c5b6a7988"`."""
    taken = [folder.name for folder in (index / "snapshots").glob("*")]
    number = max((int(name[:6]) for name in taken if name[:6].isdigit()), default=0)
    return f"{number + 1:06}-{snapshot}"


def _live(row: Sequence[Any]) -> Live:
    _, sha256, reader, paths, *places = row
    if not all(isinstance(number, int) for number in places):
        raise ValueError("a document stands nowhere")
    return Live(str(sha256), str(reader), _paths(paths), *places)


def _paths(paths: str) -> tuple[str, ...]:
    found = tuple(json.loads(paths))
    if not found or not all(isinstance(path, str) for path in found):
        raise ValueError("a document has no path")
    return found


def _file(row: Sequence[Any]) -> File:
    path, status, *rest = row
    return File(path, Status(status), *rest)
