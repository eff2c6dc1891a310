"""What a worker of a cluster does for a build: bytes in, bytes out.

This runs in the processes of `dask worker`, one encoder in each. Files are read in processes of their
own with limits of time and memory, as they are on one machine.
"""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from qa import faults, storage
from qa.building.language import with_language
from qa.building.machines import splits
from qa.building.messages import (
    Asked,
    Encoded,
    Read,
    Splits,
    Task,
    pack_encoded,
    pack_reads,
    unpack_rankings,
)
from qa.building.traits import traits
from qa.encoding import models
from qa.encoding.encoder import Encoder, codebook_of
from qa.errors import DocumentFailed
from qa.index.coding import Coded, encode
from qa.index.objects import open_objects
from qa.reading.loading import about
from qa.reading.outcomes import ReadResult
from qa.reading.walking import locate
from qa.reading.workers import whole_reader
from qa.records import Document, Status
from qa.records.packing import parted
from qa.settings import Settings
from qa.splitting import RankingText

LONG = 4 << 20  # characters of a document, from which on its passages are not sent with it
KEPT = 2  # builds whose encoder stays loaded

_EXPORT = re.compile(r"[0-9a-f]{16}\.[0-9a-f]{16}\.onnx")
_lock = threading.Lock()
_kits: dict[bytes, "_Kit"] = {}


class _Reader:
    """A process that reads files, one after another."""

    def __init__(self, ocr_language: str | None) -> None:
        self._stack = ExitStack()
        self.read = self._stack.enter_context(whole_reader(ocr_language=ocr_language))

    def close(self) -> None:
        """Ends the process."""
        self._stack.close()


class _Kit:
    """What this process needs for one build: its encoder, and processes that read."""

    def __init__(self, task: Task) -> None:
        self.task, self.settings = task, Settings.from_dict(task.settings)
        self.encoder = Encoder(
            self.settings.model, self.settings.precision,
            folder=exports(), threads=1, device=task.device,
        )  # fmt: skip
        self.book = codebook_of(self.encoder)
        self.objects = open_objects(task.objects) if task.objects else None
        self.is_over = False
        self.idle: list[_Reader] = []

    @contextmanager
    def reader(self) -> Iterator[_Reader]:
        """A process that reads, for the time of one request."""
        with _lock:
            reader = self.idle.pop() if self.idle else _Reader(self.settings.ocr_language)
        try:
            yield reader
        finally:
            with _lock:
                self.idle.append(reader)
                if self.is_over:
                    self.close()

    def close(self) -> None:
        """Ends the processes that read nothing now; the others when they have read."""
        self.is_over = True
        while self.idle:
            self.idle.pop().close()

    @contextmanager
    def file(self, asked: Asked) -> Iterator[Path]:
        """Where a file lies that is to be read: in the shared folder, or fetched."""
        if self.objects is None:
            yield locate(Path(self.task.seeds), asked.path)
            return
        with TemporaryDirectory() as folder:
            file = Path(folder, f"file{Path(asked.path).suffix}")
            file.write_bytes(self.objects.get(asked.digest))
            yield file

    def identified(self, outcome: ReadResult) -> ReadResult:
        """The outcome, its document with the language that it is in; a very long one as it is."""
        document = _short(outcome)
        if document is None:
            return outcome
        language = self.settings.language
        return replace(outcome, document=with_language(document, language, self.encoder))

    def splits(self, outcome: ReadResult) -> Splits | None:
        """The passages of an outcome's document, None where it has none or a very long one."""
        document = _short(outcome)
        if document is None:
            return None
        found = []
        try:
            with faults.of_document():
                for each in splits(document, self.encoder, self.settings):
                    found.append(each)  # noqa: PERF402 - what came before a failure counts
        except DocumentFailed as failed:
            return Splits(tuple(found), str(failed))
        return Splits(tuple(found))

    def coded(self, ranking: RankingText) -> Coded | DocumentFailed:
        """The codes of a ranking text, or why it has none."""
        try:
            with faults.of_document():
                return encode(self.encoder, self.book, ranking)
        except DocumentFailed as failed:
            return failed


def lacking(task: bytes) -> bytes:
    """The names of the exported models that this machine has not, as JSON."""
    names = Task.of(task).exports
    there = (exports() / name for name in names)
    missing = [file.name for file in there if not (file.is_file() and models.is_intact(file))]
    return json.dumps(missing).encode()


def install(name: str, model: bytes) -> bytes:
    """Keeps an exported model for this and later builds."""
    if not _EXPORT.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an exported model")
    storage.replace_file(exports() / name, model)
    return b""


def introduce(task: bytes, sample: str) -> bytes:
    """The traits of a worker's process, and what it sees of a file of the shared folder, as JSON."""
    kit = _kit(task)
    kit.is_over = False
    found = traits(kit.settings, kit.encoder, kit.book)
    return json.dumps(found | seen(kit.task, sample)).encode()


def seen(task: Task, sample: str) -> dict[str, str]:
    """What a machine sees of a file of the shared folder, as a trait; nothing where none is shared."""
    if not (task.seeds and sample):
        return {}
    size = about(locate(Path(task.seeds), sample)).size
    return {f"{sample} of the folder {task.seeds}, which it must share,": f"{size} bytes"}


def read(task: bytes, files: bytes) -> bytes:
    """What came of each file, as `messages` packs it."""
    kit = _kit(task)
    reads = []
    with kit.reader() as reader:
        for asked in (Asked(*each) for each in parted(files).header):
            began = time.thread_time()
            with kit.file(asked) as file:
                reading = reader.read(file, asked.path)
            outcomes = tuple(map(kit.identified, reading.outcomes))
            processor = reading.processor + time.thread_time() - began
            reading = replace(reading, outcomes=outcomes, processor=processor)
            read_by = time.thread_time()
            found = tuple(map(kit.splits, reading.outcomes))
            reads.append(Read(reading, found, time.thread_time() - read_by))
    return pack_reads(reads)


def encode_all(task: bytes, rankings: bytes) -> bytes:
    """The codes of ranking texts, as `messages` packs them."""
    kit = _kit(task)
    began = time.thread_time()
    codes = tuple(map(kit.coded, unpack_rankings(rankings)))
    return pack_encoded(Encoded(codes, time.thread_time() - began))


def release(task: bytes) -> bytes:
    """Ends the processes that read for a build; its encoder stays for the next one."""
    with _lock:
        if task in _kits:
            _kits[task].close()
    return b""


def exports() -> Path:
    """Where exported models are kept on this machine."""
    folder = storage.user_cache() / "workers"
    storage.new_folder(folder, exist_ok=True)
    return folder


def _short(outcome: ReadResult) -> Document | None:
    """The document of an outcome that is to be split here: none that is very long."""
    document = outcome.document if outcome.status is Status.INDEXED else None
    return document if document is not None and len(document.text) <= LONG else None


def _kit(task: bytes) -> _Kit:
    with _lock:
        if task not in _kits:
            for old in list(_kits)[: len(_kits) - KEPT + 1]:
                _kits.pop(old).close()
            _kits[task] = _Kit(Task.of(task))
        return _kits[task]
