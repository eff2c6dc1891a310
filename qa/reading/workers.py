"""Many files read at once in processes of their own, returned in the order in which they were named.

A process is started, never forked: it inherits no lock, no thread and no open file, and it does
not run the caller's main module. It reads one file at a time and lives on for the next. When it
crashes, hangs or wants too much memory, its file has failed and another process takes its place.
Small files of plain text are read right here: no parser of theirs can crash. Markdown with front
matter is not plain.

A few files are read before their turn. One that is large, or an archive, waits for its turn and is
read while no other is, so that only one large text is in memory at any time.
"""

import os
import re
import selectors
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from qa.errors import ReadFailed
from qa.processes import cores as available_cores
from qa.reading import wire
from qa.reading.children import Child, too_slow
from qa.reading.detection import format_of
from qa.reading.formats import Format
from qa.reading.loading import About, about, load, peek
from qa.reading.outcomes import Reading, ReadResult, outcome_of
from qa.reading.walking import locate
from qa.reading.worker import wall_patience
from qa.records import Status

__all__ = ["ReadFile", "ReadResult", "Reading", "file_reader", "read_files"]

ReadFile = Callable[[str, float], Generator[ReadResult]]
"""path as `walk` lists it, time of `time.monotonic` -> outcomes, or TimeoutError at that time"""

SMALL = 64 << 10  # bytes; a plain text file up to this size needs no process
LARGE = 16 << 20  # bytes; a file above this size is read alone
AHEAD = 4  # files a process that may be read before their turn
CRASHES = 5  # of an archive's members, after which it is given up

_GRACE = 15.0  # seconds that a process which should have ended itself is given besides
_PEEK = 64  # bytes at a file's beginning that show whether front matter may stand there
_FRONT_MATTER = re.compile(rb"[\s\0\xef\xbb\xbf\xff\xfe]*[-+]")  # in whatever encoding
_MARKDOWN_NAMES = (".md", ".markdown")
_PLAIN_NAMES = (*_MARKDOWN_NAMES, ".txt", ".text", ".log", ".csv", ".tsv")
_PLAIN = (Format.TEXT, Format.MARKDOWN, Format.CSV)


def read_files(
    seeds: Path, paths: Sequence[str], *, processes: int = 0, seconds: float = 60.0,
    ocr_language: str | None = None,
) -> Iterator[Reading]:  # fmt: skip
    """A reading of each file, in the order of `paths` (as `walk` lists them).

    `processes` 0 means one for each core, up to four. `seconds` is the processor's time that one
    file, or one member of an archive, may take, up to five times as much by the clock; very large
    files get more, and pages that OCR reads, too. `ocr_language` is the one in which scanned pages
    are read, None where they are not.
    """
    waiting = iter(paths)
    with _Pool(processes or min(available_cores(), 4), seconds, ocr_language) as pool:
        ahead = deque[_Task]()
        while True:
            for path in islice(waiting, AHEAD * pool.size - len(ahead)):
                ahead.append(_Task(locate(seeds, path), path))
            if not ahead:
                return
            pool.queue = [task for task in ahead if task.may_run_ahead and not task.started]
            yield pool.result(ahead.popleft())


@contextmanager
def file_reader(
    seeds: Path, *, seconds: float = 60.0, ocr_language: str | None = None
) -> Iterator[ReadFile]:
    """A function that reads files by one process; of an archive one member is in memory at a time."""
    with _Pool(1, seconds, ocr_language) as pool:
        yield lambda path, until: pool.stream(_Task(locate(seeds, path), path), until)


@contextmanager
def whole_reader(
    *, seconds: float = 60.0, ocr_language: str | None = None
) -> Iterator[Callable[[Path, str], Reading]]:
    """A function from a file and the path that it is listed by to its reading, by one process.

    It lives on for the next file, and is started anew when one has ended it.
    """
    with _Pool(1, seconds, ocr_language) as pool:
        yield lambda file, path: pool.result(_Task(file, path))


class _Task:
    """One file that is to be read, and its outcomes so far."""

    def __init__(self, file: Path, path: str) -> None:
        self.file = Path(os.path.abspath(file))
        self.path = path
        self.size = about(file).size
        self.is_plain = self.size <= SMALL and _is_plain(self.file)  # may be read in this process
        self.started = False
        self.outcomes: list[ReadResult] = []
        self.begun: str | None = None  # the member that is being read
        self.crashes = 0
        self.reading: Reading | None = None

    @property
    def is_alone(self) -> bool:
        """True for a file that is read while no other is."""
        return self.size > LARGE or self.path.lower().endswith(".zip")

    @property
    def may_run_ahead(self) -> bool:
        """True for a file that a process may read before its turn."""
        return not self.is_plain and not self.is_alone

    def read_here(self) -> None:
        """Read the file in this process, unless its content is not as plain as its name."""
        try:
            data, state, digest = load(self.file)
            if format_of(data, self.path) not in _PLAIN or _may_have_front_matter(self.path, data):
                return
        except ReadFailed:
            return
        self.outcomes = [outcome_of(self.path, lambda: data)]
        self.finish(state, digest)

    def finish(self, state: About, digest: str, processor: float = 0.0) -> None:
        """Record the state in which the file was read; its reading is complete."""
        self.reading = Reading(self.path, *state, digest, tuple(self.outcomes), processor)
        self.outcomes = []

    def fail(self, reason: str) -> bool:
        """Record a crash; True when there are members left that another process can read."""
        self.crashes += 1
        within = self.begun is not None and self.begun != self.path
        self.outcomes.append(ReadResult(self.begun or self.path, Status.FAILED, reason))
        self.begun = None
        if within and self.crashes < CRASHES:
            return True
        if within:
            given_up = f"given up after {CRASHES} of its files failed so"
            self.outcomes.append(ReadResult(self.path, Status.FAILED, given_up))
        self.finish(about(self.file), "")
        return False


class _Worker(Child):
    """A process and the file that it is reading."""

    def __init__(self, seconds: float, ocr_language: str | None) -> None:
        super().__init__("qa.reading.worker", str(seconds), ocr_language=ocr_language)
        self.task: _Task | None = None

    def ask(self, task: _Task) -> None:
        """Have the file read, but for the members whose outcomes are known already."""
        self.task, task.started = task, True
        request = {
            "file": str(task.file),
            "path": task.path,
            "done": len(task.outcomes),
        }
        with suppress(wire.Broken):  # it died, which the end of its replies shows
            wire.send(self.requests, request)

    def take(self) -> None:
        """Receive the process's next message. Raises wire.Broken when it is dead."""
        header: dict[str, Any] = wire.receive(self.answers)
        if self.task is None:
            raise wire.Broken
        if "begin" in header:
            self.task.begun = str(header["begin"])
        elif "outcome" in header:
            self.task.outcomes.append(wire.receive_outcome(self.answers, header))
            self.task.begun = None
        elif "end" in header:
            size, modified, digest, processor = header["end"]
            self.task.finish(About(size, modified), digest, processor)
            self.task = None
        else:
            raise wire.Broken


class _Pool:
    """The processes, started when there is a file for them."""

    def __init__(self, size: int, seconds: float, ocr_language: str | None) -> None:
        self.size = size
        self.seconds = seconds
        self.ocr_language = ocr_language
        self.queue: list[_Task] = []  # files that may be read now, in order
        self.workers: list[_Worker] = []
        self.selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self.workers:
            worker.kill()
        self.selector.close()

    def result(self, task: _Task) -> Reading:
        """The task's reading. Files that may be read ahead are begun meanwhile."""
        self._begin()
        if task.is_plain:
            task.read_here()
        if task.reading is None and not task.started:
            self._run_alone(task)
        while task.reading is None:
            self._take()
            self._begin()
        while self._take(0.0):
            self._begin()
        return task.reading

    def stream(self, task: _Task, until: float) -> Generator[ReadResult]:
        """The task's outcomes as they come; only one document is in memory.

        Raises TimeoutError at `until`, a time of `time.monotonic`. Left early, it ends the process.
        """
        if task.is_plain:
            task.read_here()
        if task.reading is None:
            self._idle_worker().ask(task)
        sent = 0
        try:
            while task.reading is None or sent < len(task.reading.outcomes):
                outcomes = task.reading.outcomes if task.reading else task.outcomes
                if sent == len(outcomes):
                    self._take_until(until)
                    continue
                yield outcomes[sent]
                if task.reading is None:
                    task.outcomes[sent] = replace(task.outcomes[sent], document=None)
                sent += 1
        finally:
            self._abandon(task)

    def _take_until(self, until: float) -> None:
        """Receive messages. Raises TimeoutError when none comes until that time."""
        if until == inf:
            self._take()
        elif not self._take(max(until - time.monotonic(), 0.0)) or time.monotonic() >= until:
            raise TimeoutError

    def _abandon(self, task: _Task) -> None:
        """End the process that reads the task, if one does."""
        for worker in [worker for worker in self.workers if worker.task is task]:
            self.selector.unregister(worker.answers)
            self.workers.remove(worker)
            worker.kill()

    def _run_alone(self, task: _Task) -> None:
        """Read the task while no other is being read."""
        while any(worker.task for worker in self.workers):
            self._take()
        self._idle_worker().ask(task)
        while task.reading is None:
            self._take()

    def _begin(self) -> None:
        """Give each idle process a file of the queue."""
        while self.queue and sum(1 for worker in self.workers if worker.task) < self.size:
            self._idle_worker().ask(self.queue.pop(0))

    def _idle_worker(self) -> _Worker:
        """A process that is reading nothing; a new one when all are at work."""
        for worker in self.workers:
            if worker.task is None:
                return worker
        worker = _Worker(self.seconds, self.ocr_language)
        self.workers.append(worker)
        self.selector.register(worker.answers, selectors.EVENT_READ, worker)
        return worker

    def _take(self, wait: float | None = None) -> bool:
        """Receive what the processes sent; False when nothing came within `wait` seconds.

        Without `wait`, a message that is overdue ends the processes that should have sent it.
        """
        ready = self.selector.select(self._longest_wait() if wait is None else wait)
        for key, _ in ready:
            try:
                key.data.take()
            except Exception:  # noqa: BLE001 - whatever was sent, it costs its own file alone
                self._replace(key.data)
        if not ready and wait is None:
            for worker in [worker for worker in self.workers if worker.task]:
                worker.process.kill()
                self._replace(worker, overdue=True)
        return bool(ready)

    def _longest_wait(self) -> float:
        """Seconds after which a process must have sent something, or ended itself."""
        sizes = [worker.task.size for worker in self.workers if worker.task]
        reads_scans = self.ocr_language is not None
        size = max(sizes, default=0)
        return wall_patience(self.seconds, size, reads_scans=reads_scans) + _GRACE

    def _replace(self, worker: _Worker, *, overdue: bool = False) -> None:
        """Remove a dead process; the rest of its archive goes to another one."""
        self.selector.unregister(worker.answers)
        self.workers.remove(worker)
        reason = worker.end(self.seconds)
        if overdue:
            reason = too_slow(self.seconds)
        if worker.task and worker.task.fail(reason):
            self._idle_worker().ask(worker.task)


def _is_plain(file: Path) -> bool:
    """True for a name of plain text whose content does not begin like front matter."""
    if not file.name.lower().endswith(_PLAIN_NAMES):
        return False
    try:
        return not _may_have_front_matter(file.name, peek(file, _PEEK))
    except OSError:
        return True


def _may_have_front_matter(name: str, data: bytes) -> bool:
    return name.lower().endswith(_MARKDOWN_NAMES) and _FRONT_MATTER.match(data) is not None
