"""build(): files -> read -> split -> encode what is new -> write -> publish.

Only what changed is done again. An unchanged file (size and time, else hash) is not read; a passage
whose exact ranking text was encoded before is not encoded; a renamed file only changes its path.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self, cast

from qa import storage
from qa.building import removal
from qa.building.cache import EncodingCache
from qa.building.cluster import Cluster, ClusterMachines
from qa.building.damage import without_damage
from qa.building.encoding_ahead import Ahead, Coder, Pending, Work
from qa.building.events import log_changed_settings, log_failure, log_report
from qa.building.files import FAILURES, file_of, with_duplicates
from qa.building.fingerprints import coding_fingerprint, index_fingerprint
from qa.building.machines import Job, Machines, ThisMachine
from qa.building.plan import Plan, compare, find
from qa.building.programs import with_programs
from qa.building.timing import Estimate, Progress, Stages
from qa.encoding import models, originals
from qa.encoding.encoder import Encoder, codebook_of, fingerprint_of
from qa.errors import DocumentFailed
from qa.index import origin
from qa.index.coding import Coded, encode, input_hash
from qa.index.lock import lock
from qa.index.manifest import ENCODERS
from qa.index.opening import begin_build, last_complete
from qa.index.publishing import check_space, close_to_others
from qa.index.store import Build, Shape
from qa.reading.counting import work_of
from qa.reading.walking import Found, locate
from qa.records import BuildReport, Document, File, Passage, Status
from qa.settings import INDEX, Settings
from qa.splitting import RankingText

SAMPLE = RankingText("A sentence.", (0, 11))  # what an encoder can encode


def build(  # noqa: PLR0913 - each is one thing that a caller may wish
    seeds: str | Path | None = None,
    index: str | Path = INDEX,
    *,
    settings: Settings | None = None,
    full: bool = False,
    allow_empty: bool = False,
    allow_removal: bool | None = None,
    device: str | None = None,
    cluster: Cluster | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> BuildReport:
    """Brings the index up to date with the folder; returns what was done.

    Without `seeds` it is the folder that the index was last built from, `./seeds` the first time;
    the settings, too, are those of the last time where neither `settings` nor `QA_*` variables name
    others. A build that would remove more than half of the documents raises RemovalRefused unless
    `allow_removal`; when that is not given, only one from another folder than the last time does.
    `device` is where passages are encoded: "cpu", "cuda", or "auto" for a GPU where there is one; on a
    `cluster` others do it. Raises what `qa.errors` names for builds; then the last index stays.
    """
    started, index = time.monotonic(), Path(index)
    seeds, settings = _chosen(index, seeds, settings)
    found = find(seeds, index, allow_empty=allow_empty)
    with lock(index), storage.writing(index):
        close_to_others(index)
        with _Coding(index, settings, _device(device)) as coding:
            shape = coding.shape(settings)

            def attempt(damaged: frozenset[str]) -> BuildReport:
                with begin_build(index, seeds, shape, full=full, damaged=damaged) as store:
                    _check_removal(store, index, seeds, found, allowed=allow_removal)
                    plan = compare(seeds, found, store.files)
                    check_space(index, (locate(seeds, path) for path in plan.to_read))
                    return _Run(seeds, store, coding, settings, progress).run(plan, cluster)

            report = without_damage(attempt)
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
    seeds, settings = _chosen(index, seeds, settings)
    found = find(seeds, index, allow_empty=allow_empty)
    last = last_complete(index)
    if last is None:
        return compare(seeds, found, ()).report
    current = index_fingerprint(settings, _encoder(settings, index, _device()))
    usable = not full and last.manifest.fingerprint == current
    files = last.files() if usable else ()
    last.close()
    return replace(compare(seeds, found, files).report, snapshot=last.manifest.snapshot)


def _chosen(index: Path, seeds: str | Path | None, settings: Settings | None) -> origin.Origin:
    """What a build is made from. Raises SettingsInvalid, also where a program is missing."""
    found = origin.chosen(index, seeds, settings)
    found = found._replace(settings=with_programs(index, found.settings))
    log_changed_settings(origin.changed(index, found.settings))
    return found


def _device(wish: str | None = None) -> str:
    return originals.device(wish or os.environ.get("QA_DEVICE", "auto"))


def _encoder(settings: Settings, index: Path, device: str) -> Encoder:
    """The encoder of a build: passages are encoded side by side, each on one thread."""
    folder = index / ENCODERS
    return Encoder(settings.model, settings.precision, folder=folder, threads=1, device=device)


def _check_removal(
    store: Build, index: Path, seeds: Path, found: Sequence[Found], *, allowed: bool | None
) -> None:
    """Raises RemovalRefused when more than half of the documents would go and may not."""
    if allowed is None:
        last = origin.seeds_of(index, store.last) if store.last else None
        allowed = last is None or last.resolve() == seeds.resolve()
    if found and not allowed:  # no file at all was allowed by `allow_empty`
        removal.check(index, seeds, found, store.files_before)


class _Coding:
    """The encoder of a build, and what earlier builds that were broken off had encoded."""

    def __init__(self, index: Path, settings: Settings, device: str) -> None:
        self.encoder = _encoder(settings, index, device)
        self.codebook = codebook_of(self.encoder)
        self.fingerprint = coding_fingerprint(self.encoder)
        self.encoders = index / ENCODERS
        self.cache = EncodingCache(index, self.fingerprint, code_bytes=self.codebook.code_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):
            self.cache.close()

    def shape(self, settings: Settings) -> Shape:
        """What shapes the index besides its documents."""
        return Shape(
            settings=settings.to_dict(),
            encoder=self.encoder.name,
            encoder_fingerprint=fingerprint_of(self.encoder),
            coding=self.fingerprint,
            fingerprint=index_fingerprint(settings, self.encoder),
            dim=self.encoder.dim,
            code_bytes=self.codebook.code_bytes,
        )

    def check(self) -> None:
        """Raises what the encoder raises, whatever it is given."""
        encode(self.encoder, self.codebook, SAMPLE)

    def exported(self) -> list[Path]:
        """The files of the exported model, which is exported now where it was not."""
        self.check()
        names = self.encoder.exports
        return [file for name in names for file in self.encoders.glob(f"{name}.*.onnx")]

    def finish(self) -> None:
        """Forgets what stands in a published index now, and models that it does not use."""
        self.cache.clear()
        models.clean(self.encoders, keep=self.encoder.exports)


class _Run:
    """One run of a build: the spine, and how far it is."""

    def __init__(
        self,
        seeds: Path,
        store: Build,
        coding: _Coding,
        settings: Settings,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.seeds, self.store, self.coding, self.settings = seeds, store, coding, settings
        self.progress = progress or (lambda _: None)
        self.started = time.monotonic()
        self.encoded = 0
        self.total = 0  # files
        self.stages = Stages()
        self.estimate = Estimate(())
        self.failed: dict[tuple[str, str], str] = {}  # document -> why it could not be indexed

    def run(self, plan: Plan, cluster: Cluster | None) -> BuildReport:
        """Reads, splits, encodes, adds and publishes what the plan names."""
        for path in (*plan.report.added, *plan.report.changed):  # what is known by its content
            for known in plan.kept.get(path, ()):
                log_failure(known)
        files = [file for kept in plan.kept.values() for file in kept]
        with closing(self.machines(plan.to_read, cluster)) as machines:
            ahead = Ahead(self.work(plan.to_read, machines), self.coder(machines))
            files += (self.add(pending, ahead) for pending in ahead.documents())
        self.coding.cache.commit()
        self.report_progress("publishing", "", self.total)
        files = with_duplicates(sorted(files, key=lambda file: file.path))
        with self.stages.on("publishing"):
            published = self.store.publish(files)
        self.coding.finish()
        return replace(
            plan.report,
            failed=tuple((f.path, f.reason) for f in files if f.status in FAILURES),
            passages=published.passages,
            snapshot=published.snapshot,
            languages=published.languages,
            processor=self.stages.seconds(),
            files=tuple(files),
        )

    def machines(self, paths: Sequence[str], cluster: Cluster | None) -> Machines:
        """What reads, splits and encodes."""
        job = Job(self.seeds, self.settings, self.coding.encoder, self.coding.codebook)
        if cluster is None or not paths:
            return ThisMachine(job, self.stages)
        exported = self.coding.exported()
        return ClusterMachines(cluster, job, self.stages, exported=exported, sample=paths[0])

    def work(self, paths: Sequence[str], machines: Machines) -> Iterator[Work]:
        """Each outcome of reading the files, with its document when that is new."""
        seen = set[tuple[str, str]]()
        self.total = len(paths)
        self.estimate = Estimate(work_of([locate(self.seeds, path) for path in paths]))
        for done, read in enumerate(self.stages.each("reading", machines.readings(paths))):
            self.stages.add("reading", read.processor)
            self.report_progress("reading", read.path, done)
            share = 1 / max(len(read.outcomes), 1)
            for number, outcome in enumerate(read.outcomes):
                document = outcome.document if outcome.status is Status.INDEXED else None
                key = (document.sha256, document.reader) if document else None
                is_new = key is not None and key not in seen and self.store.passages_of(key) is None
                if key is not None:
                    seen.add(key)
                new = machines.identified(document) if document and is_new else None
                yield Work(read, outcome, new, done + number * share, share)

    def coder(self, machines: Machines) -> Coder:
        """How documents get their passages, and these their codes."""
        return Coder(
            machines.split, self.known, machines.codes, self.keep, self.report_passage,
            self.coding.check,
        )  # fmt: skip

    def report_passage(self, work: Work, passage: Passage) -> None:
        """Reports how far the build is, by the part of its document that stands before a passage."""
        part = work.share * passage.end / len(cast("Document", work.document).text)
        self.report_progress("encoding", work.outcome.path, work.done + part)

    def known(self, passage: Passage, ranking: RankingText) -> Coded | None:
        """The passage's codes, if an earlier build has them."""
        key = input_hash(ranking.text, passage)
        return self.store.coded(key) or self.coding.cache.get(key)

    def keep(self, passage: Passage, ranking: RankingText, coded: Coded) -> None:
        """Keeps new codes in case that the build is broken off."""
        self.encoded += 1
        self.coding.cache.put(input_hash(ranking.text, passage), coded)

    def add(self, pending: Pending, ahead: Ahead) -> File:
        """What became of the file; its document is added now when it is new."""
        file = self._added(pending, ahead)
        log_failure(file)
        return file

    def _added(self, pending: Pending, ahead: Ahead) -> File:
        reading, outcome, new = pending.work[:3]
        document = outcome.document if outcome.status is Status.INDEXED else None
        if document is None:
            return file_of(reading, outcome, 0)
        key = (document.sha256, document.reader)
        if new is not None:
            try:
                with self.stages.on("writing"):
                    self.store.add(new, ahead.rows(pending))
            except DocumentFailed as failed:
                self.failed[key] = str(failed)
        if key in self.failed:
            reason = self.failed[key]
            return file_of(reading, replace(outcome, status=Status.FAILED, reason=reason), 0)
        return file_of(reading, outcome, self.store.passages_of(key) or 0)

    def report_progress(self, stage: str, path: str, done: float) -> None:
        """Reports to the caller how far the build is."""
        seconds = time.monotonic() - self.started
        left = self.estimate.left(done, seconds, self.encoded)
        self.progress(Progress(stage, path, done, self.total, self.encoded, seconds, left))
