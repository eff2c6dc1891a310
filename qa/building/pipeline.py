"""build(): files -> read -> split -> encode what is new -> write -> publish.

Only what changed is done again. An unchanged file (size and time, else hash) is not read; a passage
whose exact ranking text was encoded before is not encoded; a renamed file only changes its path.
"""

import hashlib
import os
import shutil
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, Self, cast

from qa import faults, reading, splitting, storage
from qa.building import removal
from qa.building.cache import EncodingCache
from qa.building.events import log_failure, log_report
from qa.encoding import models
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoder, codebook_of, fingerprint_of
from qa.errors import (
    DocumentFailed,
    IndexDamaged,
    IndexForeign,
    IndexMissing,
    SeedsEmpty,
    StorageFailed,
)
from qa.index import origin, snapshot
from qa.index.segment import Coded, Held, Row, Segment, SegmentWriter, encode, input_hash
from qa.index.snapshot import Live, Manifest, Snapshot
from qa.reading.walking import Found, locate, walk
from qa.reading.workers import Outcome, Reading, read_files
from qa.records import BuildReport, Document, File, Passage, Status
from qa.settings import FORMAT, INDEX, Settings, fingerprint
from qa.splitting import RankingText

TRUST = 2_000_000_000  # ns; a time stamp this close to the reading may hide a later change
MOST_SEGMENTS = 8
DEAD_SHARE = 1 / 3
AHEAD = 4  # passages a core that wait for it, so that none waits for the reading
SPACE_FACTOR = 12  # bytes of index a byte of plain text needs at most, measured 8 to 10

Key = tuple[str, str]  # SHA-256 and reader: who a document is
Split = tuple[Passage, RankingText]
Ahead = tuple[Passage, RankingText, Coded | Future[Coded]]
SAMPLE = RankingText("A sentence.", (0, 11))  # what an encoder can encode


class Head(NamedTuple):
    """An outcome of reading a file; the passages of a new document come after it."""

    read: Reading
    outcome: Outcome
    key: Key | None  # of an indexed document
    is_new: bool


class Progress(NamedTuple):
    """How far a build is."""

    stage: str  # "reading", "encoding" or "publishing"
    path: str
    done: float  # files; of the one at work the part that is behind
    total: int
    passages: int  # encoded so far
    seconds: float


class Plan(NamedTuple):
    """What a build finds to do: files to carry over as they are, and files to read."""

    kept: dict[str, tuple[File, ...]]  # path on disk -> its files of the last build, renamed
    to_read: tuple[str, ...]
    report: BuildReport


def build(  # noqa: PLR0913 - each is one thing that a caller may wish
    seeds: str | Path | None = None,
    index: str | Path = INDEX,
    *,
    settings: Settings | None = None,
    full: bool = False,
    allow_empty: bool = False,
    allow_removal: bool | None = None,
    device: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> BuildReport:
    """Brings the index up to date with the folder and says what was done.

    Without `seeds` it is the folder that the index was last built from, `./seeds` the first time;
    the settings, too, are those of the last time where neither `settings` nor `QA_*` variables name
    others. A build that would remove more than half of the documents raises RemovalRefused unless
    `allow_removal`; when that is not given, only one from another folder than the last time does.
    `device` is where passages are encoded: "cpu", "cuda", or "auto" (as without it and `QA_DEVICE`)
    for a GPU where there is one. Raises SeedsMissing, SeedsEmpty, IndexBusy, StorageFailed,
    ModelMissing, SettingsInvalid; the last index stays.
    """
    started = time.monotonic()
    index = Path(index)
    seeds, settings = origin.chosen(index, seeds, settings)
    device = _device(device)
    found = _found(seeds, index, allow_empty=allow_empty)
    with storage.lock(index), storage.writing(index):
        snapshot.close_to_others(index)
        job = _Build(seeds, index, settings, full=full, device=device, progress=progress)
        with job:
            job.check_removal(found, allowed=allow_removal)
            plan = _plan(seeds, found, job.old_files)
            _check_space(index, seeds, plan.to_read)
            report = job.run(plan)
    report = replace(report, seconds=time.monotonic() - started)
    log_report(report, index)
    return report


def plan(
    seeds: str | Path | None = None,
    index: str | Path = INDEX,
    *,
    settings: Settings | None = None,
    full: bool = False,
    allow_empty: bool = False,
) -> BuildReport:
    """What a build would do. Nothing is written."""
    index = Path(index)
    seeds, settings = origin.chosen(index, seeds, settings)
    found = _found(seeds, index, allow_empty=allow_empty)
    old = _last_whole(index)
    if old is None:
        return _plan(seeds, found, ()).report
    current = index_fingerprint(settings, _encoder(settings, index, _device()))
    usable = not full and old.manifest.fingerprint == current
    files = old.files() if usable else ()
    old.close()
    return replace(_plan(seeds, found, files).report, snapshot=old.manifest.snapshot)


def index_fingerprint(settings: Settings, encoder: Encoder) -> str:
    """What shapes an index: settings, readers and splitter, then what shapes codes."""
    shape = fingerprint(
        FORMAT,
        settings.to_dict(),
        reading.FINGERPRINT,
        splitting.VERSION,
        version("sentencex"),
        version("tantivy"),
    )
    return f"{shape}/{coding_fingerprint(encoder)}"


def coding_fingerprint(encoder: Encoder) -> str:
    """What shapes the codes of a ranking text.

    A GPU may round a number otherwise: what it encoded never stands beside what a CPU did.
    """
    return fingerprint(fingerprint_of(encoder), encoder.device)


def _device(wish: str | None = None) -> str:
    return models.device(wish or os.environ.get("QA_DEVICE", "auto"))


def _encoder(settings: Settings, index: Path, device: str) -> Encoder:
    """The encoder of a build: passages are encoded beside each other, each on one thread."""
    folder = index / snapshot.ENCODERS
    return Encoder(settings.model, settings.precision, folder=folder, threads=1, device=device)


class _Build:
    """One build under the lock."""

    def __init__(
        self,
        seeds: Path,
        index: Path,
        settings: Settings,
        *,
        full: bool,
        device: str,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.seeds, self.index, self.settings = seeds, index, settings
        if full:
            for file in models.damaged(index / snapshot.ENCODERS):
                file.unlink()
        self.encoder = _encoder(settings, index, device)
        self.codebook: Codebook = codebook_of(self.encoder)
        self.fingerprint = index_fingerprint(settings, self.encoder)
        self.coding = coding_fingerprint(self.encoder)
        self.progress = progress or (lambda _: None)
        self.started = time.monotonic()
        self.encoded = 0
        self.old = _last_whole(index)
        self.last_seeds = origin.seeds_of(index, self.old.manifest) if self.old else None
        self.files_before = _files_before(self.old)
        if full and self.old:
            self.old.close()
            self.old = None
        same = self.old is not None and self.old.manifest.fingerprint == self.fingerprint
        self.old_files = self.files_before if same else ()
        self.placed: dict[Key, Live] = {}
        if self.old and same:
            self.placed = {(live.sha256, live.reader): live for live in self.old.documents}
        self.reusable: list[Segment] = []
        if self.old and self.old.manifest.fingerprint.endswith(f"/{self.coding}"):
            self.reusable = self.old.segments
        for part in ("segments", "snapshots"):
            storage.new_folder(index / part, exist_ok=True)
        self.cache = EncodingCache(index, self.coding, code_bytes=self.codebook.code_bytes)
        self.writer: SegmentWriter | None = None
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        self.stack.callback(self.close)
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def close(self) -> None:
        """Lets go of every file; what was encoded stays in the cache."""
        if self.writer is not None:
            self.writer.close()
        with suppress(Exception):
            self.cache.close()
        if self.old is not None:
            self.old.close()

    def check_removal(self, found: Sequence[Found], *, allowed: bool | None) -> None:
        """Raises RemovalRefused when more than half of the documents would go and may not."""
        if allowed is None:
            allowed = self.last_seeds is None or self.last_seeds.resolve() == self.seeds.resolve()
        if found and not allowed:  # no file at all was allowed by `allow_empty`
            removal.check(self.index, self.seeds, found, self.files_before)

    # -- the spine ---------------------------------------------------------------------------

    def run(self, plan: Plan) -> BuildReport:
        """Reads, encodes, writes and publishes what the plan names."""
        files = [file for kept in plan.kept.values() for file in kept]
        for path in (*plan.report.added, *plan.report.changed):  # what is known by its content
            for known in plan.kept.get(path, ()):
                log_failure(known)
        new: dict[Key, Live | str] = {}  # where a document stands, or why it could not be indexed
        for head, rows in _by_document(self.encoded_ahead(self.work(plan.to_read))):
            file = self.file(head, rows, new)
            files.append(file)
            log_failure(file)
        self.cache.commit()
        self.tell("publishing", "", len(plan.to_read), len(plan.to_read))
        files = _with_duplicates(sorted(files, key=lambda file: file.path))
        name = self.publish(self.live(files, new), files)
        self.cache.clear()
        models.clean(self.index / snapshot.ENCODERS, keep=self.encoder.exports)
        failed = [(f.path, f.reason) for f in files if f.status in _FAILURES]
        return replace(
            plan.report,
            failed=tuple(failed),
            passages=sum(live.passages for live in self.live_documents),
            snapshot=name,
            files=tuple(files),
        )

    def work(self, paths: Sequence[str]) -> Iterator[Head | Split | DocumentFailed]:
        """Each outcome of the files, and after it its passages when it is a new document.

        What a document makes fail comes in the place of its passages, for an exception would end
        the work on those after it.
        """
        seen = set(self.placed)
        for done, read in enumerate(read_files(self.seeds, paths)):
            self.tell("reading", read.path, done, len(paths))
            for number, outcome in enumerate(read.outcomes):
                document = outcome.document if outcome.status is Status.INDEXED else None
                key = (document.sha256, document.reader) if document else None
                head = Head(read, outcome, key, key is not None and key not in seen)
                yield head
                if document and key and head.is_new:
                    seen.add(key)
                    for split in self.split(document):
                        yield split
                        end = len(document.text) if isinstance(split, Exception) else split[0].end
                        behind = (number + end / len(document.text)) / len(read.outcomes)
                        self.tell("encoding", outcome.path, done + behind, len(paths))

    def split(self, document: Document) -> Iterator[Split | DocumentFailed]:
        """The document's passages, one at a time: a long text is never held twice."""
        found = splitting.split(
            document,
            self.encoder.token_ends,
            limit=self.settings.passage_tokens,
            window=self.encoder.window,
            language=self.settings.language,
        )
        try:
            with faults.of_document():
                for passage in found:
                    blocks = splitting.overlapping(document.blocks, passage)
                    yield passage, splitting.ranking_text(document, passage, blocks)
        except DocumentFailed as failed:
            yield failed

    def encoded_ahead(
        self, work: Iterable[Head | Split | DocumentFailed]
    ) -> Iterator[Head | Row | DocumentFailed]:
        """The work in its order, passages with their codes; the next are encoded on every core."""
        cores = _cores()
        with ThreadPoolExecutor(cores) as pool:
            ahead: deque[Head | Ahead | DocumentFailed] = deque()
            for item in work:
                ahead.append(self.begun(item, pool))
                if len(ahead) > AHEAD * cores:
                    yield self.finished(ahead.popleft())
            while ahead:
                yield self.finished(ahead.popleft())

    def begun(
        self, item: Head | Split | DocumentFailed, pool: ThreadPoolExecutor
    ) -> Head | Ahead | DocumentFailed:
        """The item; a passage with its codes where an earlier build has them, or where they will be."""
        if isinstance(item, Head | DocumentFailed):
            return item
        try:
            with faults.of_document():
                return *item, self.coded(*item) or pool.submit(
                    encode, self.encoder, self.codebook, item[1]
                )
        except DocumentFailed as failed:
            return failed

    def coded(self, passage: Passage, ranking: RankingText) -> Coded | None:
        """The passage's codes, if an earlier build has them."""
        key = input_hash(ranking.text, passage)
        for segment in self.reusable:
            row = segment.known_inputs.get(key)
            if row is not None:
                return segment.coded(row)
        return self.cache.get(key)

    def finished(self, item: Head | Ahead | DocumentFailed) -> Head | Row | DocumentFailed:
        """The item with its codes there; they are kept in case that the build breaks off."""
        if isinstance(item, Head | DocumentFailed):
            return item
        passage, ranking, coded = item
        if isinstance(coded, Future):
            try:
                with faults.of_document():
                    coded = coded.result()
            except DocumentFailed as failed:
                encode(self.encoder, self.codebook, SAMPLE)  # else it is the encoder that failed
                return failed
            self.encoded += 1
            self.cache.put(input_hash(ranking.text, passage), coded)
        return passage, ranking, coded

    def file(
        self, head: Head, rows: Iterable[Row | DocumentFailed], new: dict[Key, Live | str]
    ) -> File:
        """What became of the file; its document is written now when it is new."""
        document, key = head.outcome.document, head.key
        if key is None or document is None:
            return _file_of(head.read, head.outcome, 0)
        if head.is_new:
            new[key] = self.added(document, key, rows)
        live = self.placed.get(key) or new[key]
        if isinstance(live, Live):
            return _file_of(head.read, head.outcome, live.passages)
        failed = Outcome(head.outcome.path, Status.FAILED, live, document)
        return _file_of(head.read, failed, 0)

    def added(
        self, document: Document, key: Key, rows: Iterable[Row | DocumentFailed]
    ) -> Live | str:
        """Where the document was written, or why it could not be; then nothing of it stays."""
        try:
            return Live(*key, (), -1, *self.write(document, _sound(rows)))
        except DocumentFailed as failed:
            return str(failed)

    def write(self, document: Document, rows: Iterable[Row]) -> Held:
        """Adds the document to this build's segment."""
        if self.writer is None:
            self.writer = SegmentWriter(
                self.index / "segments" / os.urandom(8).hex(), language=self.settings.language
            )
        storage.step("while-writing")
        return self.writer.add(document, rows)

    # -- the snapshot ------------------------------------------------------------------------

    def live(self, files: Iterable[File], new: Mapping[Key, Live | str]) -> list[Live]:
        """The live documents in the order of their first paths, each with all its paths."""
        paths: dict[Key, list[str]] = {}
        for file in files:
            if file.status in _HELD:
                paths.setdefault((file.sha256, file.reader), []).append(file.path)
        written = {key: live for key, live in new.items() if isinstance(live, Live)}
        known = {**self.placed, **written}
        found = [known[key]._replace(paths=tuple(sorted(at))) for key, at in paths.items()]
        return sorted(found, key=lambda live: live.paths[0])

    def publish(self, live: list[Live], files: Sequence[File]) -> str:
        """Writes the snapshot of the live documents and makes it the current one."""
        live = self.merged(live)
        self.live_documents = live
        content = fingerprint(self.fingerprint, [(doc.paths, *doc[:2]) for doc in live])
        if self.unchanged(content, files):
            return content
        segments, live = self.renumbered(live)
        name = snapshot.next_name(self.index, content)
        folder = self.index / "snapshots" / name
        opened = [self.open_segment(segment) for segment in segments]
        same = self.same_passages(content)
        snapshot.write(folder, live, files, opened, same=same)
        storage.step("before-manifest")
        manifest = self.manifest(content, live, opened, folder)
        for segment in opened:
            segment.close()
        snapshot.publish(self.index, name, manifest)
        return content

    def unchanged(self, content: str, files: Sequence[File]) -> bool:
        """Whether the live snapshot says all this already."""
        if self.old is None or self.old.manifest.snapshot != content or self.writer is not None:
            return False
        live = snapshot.current_or_none(self.index) == self.old.name
        same_place = self.old.manifest.seeds == str(self.seeds.resolve())
        return live and same_place and tuple(files) == self.old.files()

    def same_passages(self, content: str) -> Path | None:
        """The folder of the last snapshot, when it holds the same passages."""
        same = self.old is not None and self.old.manifest.snapshot == content
        return self.old.folder if self.old and same else None

    def merged(self, live: list[Live]) -> list[Live]:
        """The live documents, those of too small or too dead segments written anew."""
        if self.old is None:
            return live
        victims = _victims(self.old, live)
        return [self.moved(one, self.old) if one.segment in victims else one for one in live]

    def moved(self, live: Live, old: Snapshot) -> Live:
        """The document, copied from its old segment into this build's."""
        segment = old.segments[live.segment]
        held = Held(live.place, live.row, live.passages)
        try:
            copy = self.write(segment.document(live.place), segment.stored(held))
        except DocumentFailed as error:
            raise IndexDamaged(f"{segment.folder}: {error}; build again with --full.") from error
        return live._replace(segment=-1, place=copy.number, row=copy.row)

    def renumbered(self, live: list[Live]) -> tuple[list[str], list[Live]]:
        """The names of the segments that live documents use, and the documents by those numbers."""
        names = {-1: ""}
        if self.writer is not None:
            self.writer.close()
            names[-1] = self.writer.folder.name
        if self.old is not None:
            names.update(enumerate(self.old.manifest.segments))
        used = sorted({document.segment for document in live})
        numbers = {segment: number for number, segment in enumerate(used)}
        return [names[segment] for segment in used], [
            document._replace(segment=numbers[document.segment]) for document in live
        ]

    def open_segment(self, name: str) -> Segment:
        """A segment of this index."""
        return Segment(
            self.index / "segments" / name,
            dim=self.encoder.dim,
            code_bytes=self.codebook.code_bytes,
        )

    def manifest(
        self, content: str, live: list[Live], segments: Sequence[Segment], folder: Path
    ) -> Manifest:
        """The manifest of the written snapshot; files of older segments keep their hashes."""
        described = snapshot.describe(self.index, folder)
        known = self.old.manifest.files if self.old else {}
        names = tuple(segment.folder.name for segment in segments)
        for name in names:
            prefix = f"segments/{name}/"
            old = {path: said for path, said in known.items() if path.startswith(prefix)}
            described |= old or snapshot.describe(self.index, self.index / "segments" / name)
        return Manifest(
            snapshot=content,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            seeds=str(self.seeds.resolve()),
            settings=self.settings.to_dict(),
            encoder=self.encoder.name,
            encoder_fingerprint=fingerprint_of(self.encoder),
            fingerprint=self.fingerprint,
            dim=self.encoder.dim,
            code_bytes=self.codebook.code_bytes,
            documents=len(live),
            passages=sum(document.passages for document in live),
            ranked=snapshot.ranked(live, segments),
            segments=names,
            files=described,
            seeds_relative=origin.relative(self.index, self.seeds),
        )

    def tell(self, stage: str, path: str, done: float, total: int) -> None:
        """Tells the caller how far the build is."""
        seconds = time.monotonic() - self.started
        self.progress(Progress(stage, path, done, total, self.encoded, seconds))


_HELD = (Status.INDEXED, Status.DUPLICATE)
_FAILURES = (Status.FAILED, Status.UNSUPPORTED, Status.EMPTY, Status.NEEDS_OCR)


def _sound(rows: Iterable[Row | DocumentFailed]) -> Iterator[Row]:
    """The rows. Raises what stands among them."""
    for row in rows:
        if isinstance(row, DocumentFailed):
            raise row
        yield row


def _by_document(
    work: Iterable[Head | Row | DocumentFailed],
) -> Iterator[tuple[Head, Iterator[Row | DocumentFailed]]]:
    """Each head with the rows that follow it; they must be taken before the next head is."""
    heads = 0

    def number(item: Head | Row | DocumentFailed) -> int:
        nonlocal heads
        heads += isinstance(item, Head)
        return heads

    for _, items in groupby(work, number):
        head = cast("Head", next(items))
        yield head, cast("Iterator[Row | DocumentFailed]", items)  # noqa: B031 - it is used once: its head is off


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _found(seeds: Path, index: Path, *, allow_empty: bool) -> list[Found]:
    found = walk(seeds, leave_out=index)
    if not found and not allow_empty:
        raise SeedsEmpty(
            f"No file was found in {seeds}: put documents there, "
            "or give --allow-empty to empty the index."
        )
    return found


def _last_whole(index: Path) -> Snapshot | None:
    """The live snapshot, or the newest that opens when that one is damaged or not named."""
    try:
        return Snapshot.open(index)
    except (IndexMissing, IndexForeign):
        return None
    except IndexDamaged:
        return snapshot.newest_whole(index)


def _files_before(old: Snapshot | None) -> tuple[File, ...]:
    """The files of the last build, none where they cannot be read."""
    try:
        return old.files() if old else ()
    except (IndexDamaged, sqlite3.Error):
        return ()


def _plan(seeds: Path, found: Sequence[Found], old: Sequence[File]) -> Plan:
    """Compares the folder with what the last build saw."""
    before: dict[str, list[File]] = {}
    by_hash: dict[tuple[str, str], list[File]] = {}
    for file in old:
        before.setdefault(file.source, []).append(file)
        by_hash.setdefault((file.source_sha256, Path(file.source).suffix), []).append(file)
    kept: dict[str, tuple[File, ...]] = {}
    added: list[str] = []
    changed: list[str] = []
    unchanged: list[str] = []
    to_read: list[str] = []
    for at in found:
        known = before.get(at.path)
        if known and _is_trusted(known[0], at):
            kept[at.path] = tuple(known)
            unchanged.append(at.path)
            continue
        seen, digest = time.time_ns(), _hash(locate(seeds, at.path)) if old else ""
        same = [f for f in by_hash.get((digest, Path(at.path).suffix), ()) if digest]
        if known and known[0].source_sha256 == digest:
            unchanged.append(at.path)
            same = known
        else:
            (changed if known else added).append(at.path)
        if same:
            kept[at.path] = tuple(_renamed(same, at, seen))
        else:
            to_read.append(at.path)
    removed = sorted(set(before) - {at.path for at in found})
    report = BuildReport(
        added=tuple(added), changed=tuple(changed), removed=tuple(removed),
        unchanged=tuple(unchanged),
    )  # fmt: skip
    return Plan(kept, tuple(to_read), report)


def _is_trusted(file: File, at: Found) -> bool:
    """Whether size and time alone say that a file is as it was read."""
    same = (file.size, file.modified) == (at.size, at.modified)
    return same and file.modified + TRUST < file.seen and file.source_sha256 != ""


def _renamed(files: Sequence[File], at: Found, seen: int) -> Iterator[File]:
    """The files of an equal source, as they stand at another path or time."""
    source = files[0].source
    for file in files:
        if file.source == source:
            path = at.path + file.path.removeprefix(source)
            status = Status.INDEXED if file.status is Status.DUPLICATE else file.status
            reason = "" if file.status is Status.DUPLICATE else file.reason
            yield replace(
                file, path=path, source=at.path, size=at.size, modified=at.modified,
                seen=seen, status=status, reason=reason,
            )  # fmt: skip


def _hash(file: Path) -> str:
    """The file's SHA-256, or nothing when it cannot be read: its reading will say why."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _file_of(read: Reading, outcome: Outcome, passages: int) -> File:
    document = outcome.document
    return File(
        path=outcome.path,
        status=outcome.status,
        reason=outcome.reason,
        size=read.size,
        modified=read.modified,
        sha256=document.sha256 if document else "",
        reader=document.reader if document else "",
        passages=passages,
        pages=document.pages if document else 0,
        characters=len(document.text) if document else 0,
        source=read.path,
        source_sha256=read.sha256,
        seen=time.time_ns(),
    )


def _with_duplicates(files: Sequence[File]) -> list[File]:
    """The files in order; each but the first of one document is its duplicate."""
    first: dict[Key, str] = {}
    for file in files:
        if file.status in _HELD:
            first.setdefault((file.sha256, file.reader), file.path)
    return [_judged(file, first.get((file.sha256, file.reader), file.path)) for file in files]


def _judged(file: File, original: str) -> File:
    """The file, a duplicate when the same document was met before at `original`."""
    if file.path != original and file.status in _HELD:
        return replace(file, status=Status.DUPLICATE, reason=f"same as {original}")
    if file.status is Status.DUPLICATE:
        return replace(file, status=Status.INDEXED, reason="")
    return file


def _victims(old: Snapshot, live: Sequence[Live]) -> set[int]:
    """The segments to write anew: those mostly dead, and the smallest when there are many."""
    alive = dict.fromkeys(range(len(old.segments)), 0)
    for document in live:
        if document.segment in alive:
            alive[document.segment] += document.passages
    total = {number: len(segment.records) for number, segment in enumerate(old.segments)}
    victims = {n for n, splitting in alive.items() if splitting < total[n] * (1 - DEAD_SHARE)}
    rest = sorted((n for n in alive if n not in victims), key=lambda n: alive[n])
    if len(rest) >= MOST_SEGMENTS:
        victims.update(rest[: len(rest) // 2 + 1])
    return victims


def _check_space(index: Path, seeds: Path, paths: Iterable[str]) -> None:
    """Raises StorageFailed when the disk is too full for what is to be written."""
    size = 0
    for path in paths:
        with suppress(OSError):
            size += locate(seeds, path).stat().st_size
    needed = min(size, 1 << 30) * SPACE_FACTOR
    free = shutil.disk_usage(index).free
    if free < needed:
        raise StorageFailed(
            f"{index} has {free >> 20} MB free and may need {needed >> 20} MB: free some space."
        )
