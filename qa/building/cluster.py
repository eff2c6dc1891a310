"""Reading, splitting and encoding on the workers of a Dask cluster; the rest of a build stays here.

Files go to the workers by a folder that all machines share, or as objects through a bucket or folder.
What comes back is added in the order of the paths, so that the index is byte for byte the one that
this machine alone would make.
"""

import json
import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

from qa.building import cluster_worker
from qa.building.batching import Codes
from qa.building.encoding_ahead import Split, Work
from qa.building.language import with_language
from qa.building.machines import Job, splits
from qa.building.messages import (
    Asked,
    Read,
    Splits,
    Task,
    pack_rankings,
    unpack_encoded,
    unpack_reads,
)
from qa.building.scheduling import Scheduler, Sent
from qa.building.timing import Stages
from qa.building.traits import difference, traits
from qa.errors import DocumentFailed, QAError, ReadFailed, SettingsInvalid, StoreUnreachable
from qa.index.coding import Coded
from qa.index.objects import open_objects
from qa.index.store import DocumentKey
from qa.reading.loading import About, about, load
from qa.reading.walking import locate
from qa.reading.workers import LARGE, Reading, read_files
from qa.records import Document
from qa.records.packing import joined
from qa.splitting import RankingText

BATCH = 8  # passages encoded in one request: a tenth of a second
FILES, BYTES = 16, 256 << 10  # of small files that are read in one request, at most
AHEAD = 3  # requests for files, for each of a worker's threads
PASSAGES_AHEAD = 4  # batches of passages, for each of a worker's threads

_log = logging.getLogger("qa.building")


@dataclass(frozen=True)
class Cluster:
    """The cluster on which a build reads and encodes, and how files get there."""

    address: str  # of the scheduler: tcp://host:8786 or tls://host:8786
    files: str = ""  # a folder or s3://bucket/prefix through which they go; "": SEEDS is shared
    warn: Callable[[str], None] = _log.warning  # gets a line on each worker that is refused or lost


class _Batch(NamedTuple):
    """Ranking texts that are encoded in one request, and their codes to come."""

    rankings: list[RankingText]
    futures: list[Future[Coded]]


class _Codes:
    """Codes that workers compute, a batch in one request."""

    def __init__(self, scheduler: Scheduler, task: bytes, stages: Stages) -> None:
        self._scheduler, self._task, self._stages = scheduler, task, stages
        self._gathered = _Batch([], [])
        self._sent: dict[Future[Coded], tuple[_Batch, Sent]] = {}
        self.ahead = PASSAGES_AHEAD * BATCH * scheduler.threads

    def of(self, ranking: RankingText) -> Future[Coded]:
        """The codes to come."""
        future: Future[Coded] = Future()
        self._gathered.rankings.append(ranking)
        self._gathered.futures.append(future)
        if len(self._gathered.futures) == BATCH:
            self._send()
        return future

    def need(self, future: Future[Coded]) -> None:
        """Waits for these codes, and with them for the others of their batch."""
        if future.done():
            return
        if future not in self._sent:
            self._send()
        batch, sent = self._sent[future]
        encoded = unpack_encoded(self._scheduler.result(sent))
        self._stages.add("encoding", encoded.seconds)
        for each, coded in zip(batch.futures, encoded.codes, strict=True):
            del self._sent[each]
            if isinstance(coded, DocumentFailed):
                each.set_exception(coded)
            else:
                each.set_result(coded)

    def _send(self) -> None:
        batch, self._gathered = self._gathered, _Batch([], [])
        rankings = pack_rankings(batch.rankings)
        sent = self._scheduler.send(cluster_worker.encode_all, self._task, rankings)
        self._sent.update((future, (batch, sent)) for future in batch.futures)


class _Group(NamedTuple):
    """Neighbouring files that are read in one request."""

    paths: list[str]
    here: dict[str, Reading]  # those that this machine cannot read, as it found them
    states: dict[str, About]  # of those that were put among the objects, as they were then
    digests: list[str]
    sent: Sent | None


class ClusterMachines:
    """The workers of a cluster that make of files what this machine makes of them.

    `sample` is a file that they must see in a shared folder; `exported` are the files of the model
    that this machine runs. Raises SettingsInvalid, StoreUnreachable and ClusterUnfit.
    """

    def __init__(
        self, cluster: Cluster, job: Job, stages: Stages, *, exported: Sequence[Path], sample: str
    ) -> None:
        if job.encoder.device != "cpu":  # a GPU rounds by the batch, which is another one there
            raise SettingsInvalid("The workers of a cluster encode on CPUs: give --device cpu.")
        self._job, self._stages = job, stages
        self._exported, self._sample = exported, sample
        place = f"{cluster.files.rstrip('/')}/{os.urandom(8).hex()}" if cluster.files else ""
        self._objects = open_objects(place) if place else None
        self._under_way = Counter[str]()  # objects -> files that are to be read of each
        task = Task(
            job.settings.to_dict(), job.encoder.device, tuple(file.name for file in exported),
            "" if place else str(job.seeds.resolve()), place,
        )  # fmt: skip
        self._task = task.packed()
        mine = traits(job.settings, job.encoder, job.book)
        self._mine = mine | cluster_worker.seen(task, sample)
        self._splits: dict[DocumentKey, Splits | None] = {}  # of the documents of the last reading
        self._scheduler = Scheduler(cluster.address, self._examine, cluster.warn)
        try:
            self._scheduler.connect()
        except BaseException:
            self.close()
            raise
        self.codes: Codes = _Codes(self._scheduler, self._task, stages)

    def readings(self, paths: Sequence[str]) -> Iterator[Reading]:
        """A reading of each file, in the order of the paths."""
        waiting: deque[_Group] = deque()
        for group in self._groups(paths):
            is_large = self._size(group[0]) > LARGE  # one of these is on its way at any time
            while len(waiting) >= (1 if is_large else AHEAD * self._scheduler.threads):
                yield from self._received(waiting.popleft())
            waiting.append(self._sent(group))
        while waiting:
            yield from self._received(waiting.popleft())

    def _groups(self, paths: Sequence[str]) -> Iterator[list[str]]:
        """Neighbouring files that are read in one request: several small ones, or one."""
        group: list[str] = []
        size = 0
        for path in paths:
            size += self._size(path)
            if group and (len(group) == FILES or size > BYTES):
                yield group
                group, size = [], self._size(path)
            group.append(path)
        if group:
            yield group

    def _size(self, path: str) -> int:
        return about(locate(self._job.seeds, path)).size

    def _sent(self, paths: list[str]) -> _Group:
        """The files, on their way to a worker."""
        group = _Group(paths, {}, {}, [], None)
        asked = [Asked(path, self._put(path, group)) for path in paths]
        asked = [each for each in asked if each.path not in group.here]
        if not asked:
            return group
        files = joined(asked, ())
        return group._replace(
            sent=self._scheduler.send(cluster_worker.read, self._task, files, reading=True)
        )

    def _put(self, path: str, group: _Group) -> str:
        """The digest of a file that is put among the objects; "" where the folder is shared."""
        if self._objects is None:
            return ""
        try:
            loaded = load(locate(self._job.seeds, path))
        except ReadFailed:
            (group.here[path],) = read_files(self._job.seeds, [path], processes=1)
            return ""
        group.states[path] = loaded.about
        digest = self._objects.put(loaded.data)
        group.digests.append(digest)
        self._under_way[digest] += 1
        return digest

    def _remove(self, digests: Sequence[str]) -> None:
        """Removes objects of files that were read, but for those that other files are equal to."""
        self._under_way.subtract(digests)
        done = [digest for digest in digests if self._under_way[digest] <= 0]
        if self._objects is not None and done:
            self._objects.remove(set(done))

    def _received(self, group: _Group) -> Iterator[Reading]:
        """The readings of a group; beside each the passages of its documents are kept."""
        sent = group.sent
        reads = unpack_reads(self._scheduler.result(sent)) if sent else []
        self._remove(group.digests)
        found = {read.reading.path: read for read in reads}
        for path in group.paths:
            read = found.get(path) or Read(group.here[path], ())
            self._splits = {
                _key(outcome.document): splits
                for outcome, splits in zip(read.reading.outcomes, read.splits, strict=False)
                if outcome.document is not None
            }
            self._stages.add("splitting", read.splitting)
            state = group.states.get(path)
            reading = read.reading
            yield replace(reading, size=state.size, modified=state.modified) if state else reading

    def identified(self, document: Document) -> Document:
        """A document of the last reading, with its language, which a worker has found."""
        if self._splits.get(_key(document)) is not None:
            return document
        return with_language(document, self._job.settings.language, self._job.encoder)

    def split(self, work: Work) -> Iterator[Split]:
        """The passages of a new document, of the last reading. Raises DocumentFailed."""
        document = cast("Document", work.document)
        found = self._splits.get(_key(document))
        if found is None:  # a long text is not sent once more in pieces
            each = splits(document, self._job.encoder, self._job.settings)
            yield from self._stages.each("splitting", each)
            return
        yield from found.passages
        if found.failed:
            raise DocumentFailed(found.failed)

    def _examine(self, worker: str) -> str:
        """Why a worker must not be used; "" where it makes the same of files as this machine."""
        ask = partial(self._scheduler.ask, worker)
        try:
            missing = json.loads(ask(cluster_worker.lacking, self._task))
            for file in self._exported:
                if file.name in missing:
                    model = self._scheduler.give(worker, file.read_bytes())
                    ask(cluster_worker.install, file.name, model)
            other = json.loads(ask(cluster_worker.introduce, self._task, self._sample))
        except (QAError, TimeoutError) as error:
            return str(error) or "it does not answer"
        return difference(self._mine, other)

    def close(self) -> None:
        """Ends the readers on the workers, and leaves the cluster."""
        self._scheduler.tell(cluster_worker.release, self._task)
        self._scheduler.close()
        with suppress(StoreUnreachable):
            self._remove(list(self._under_way.elements()))


def _key(document: Document) -> DocumentKey:
    return document.sha256, document.reader
