"""How long a build takes: the processor's time by stage, and an estimate of what is left."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")

STAGES = ("reading", "splitting", "encoding", "writing", "publishing")
SETTLED = 2.0  # seconds of encoding, from which on the rate says something


class Progress(NamedTuple):
    """How far a build is."""

    stage: str  # "reading", "encoding" or "publishing"
    path: str
    done: float  # files; of the current one the part that is done
    total: int
    passages: int  # encoded so far
    seconds: float
    left: float | None = None  # seconds, as far as the files done so far tell


class Stages:
    """Seconds of the processor by stage, of all threads; a stage within another counts alone."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._lock = threading.Lock()
        self._within = threading.local()

    def add(self, stage: str, seconds: float) -> None:
        """Adds time that was measured elsewhere."""
        with self._lock:
            self._seconds[stage] += seconds

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        """Counts this thread's time."""
        before, self._within.inner = getattr(self._within, "inner", 0.0), 0.0
        started = time.thread_time()
        try:
            yield
        finally:
            taken = time.thread_time() - started
            self.add(stage, taken - self._within.inner)
            self._within.inner = before + taken

    def each(self, stage: str, items: Iterable[Item]) -> Iterator[Item]:
        """The items, and the time that getting them takes."""
        iterator = iter(items)
        while True:
            with self.on(stage):
                found = next(iterator, None)
            if found is None:
                return
            yield found

    def seconds(self) -> tuple[tuple[str, float], ...]:
        """Every stage with its seconds, in the order of the work."""
        return tuple((stage, round(seconds, 3)) for stage, seconds in self._seconds.items())


class Estimate:
    """How long a build will go on: by the work that its files are, and how fast that went so far.

    Time counts from the first passage that is encoded: what goes before (starting processes, loading
    a model) is done once. Files of one kind have about as many passages for each page or byte.
    """

    def __init__(self, sizes: Sequence[float]) -> None:
        self._sizes = sizes  # in whatever unit
        self._before = [0.0, *accumulate(sizes)]
        self._first: tuple[float, float] | None = None  # seconds, work

    def left(self, done: float, seconds: float, encoded: int) -> float | None:
        """The seconds left when `done` files are done after `seconds`; None while it is not known."""
        at = self._work(done)
        if not encoded:
            return None
        if self._first is None:
            self._first = (seconds, at)
        taken, went = seconds - self._first[0], at - self._first[1]
        if taken < SETTLED or went <= 0:
            return None
        return (self._before[-1] - at) * taken / went

    def _work(self, done: float) -> float:
        """The work of the files that are done, and of the current one in part."""
        completed = min(int(done), len(self._sizes))
        part = (done - completed) * self._sizes[completed] if completed < len(self._sizes) else 0.0
        return self._before[completed] + part
