"""Whole numbers as runs: what a filter leaves, in memory that grows with its gaps and not with the index.

    0 1 2 | 7 8     starts 0, 7; ends 3, 9 (the first number that is not in the run)

Documents are numbered by their paths and passages by their documents, so that a folder is one run of
either.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
FEW = 64  # runs: a column is read along each, without a list of all numbers


class Runs(NamedTuple):
    """A set of numbers from 0 on; no run is empty, and between any two is a gap."""

    starts: Numbers  # (r,) ascending
    ends: Numbers  # (r,) the first number after each run

    @classmethod
    def of(cls, numbers: Numbers) -> "Runs":
        """The set of some numbers, which ascend, each once."""
        if not len(numbers):
            return EMPTY
        breaks = np.flatnonzero(np.diff(numbers) != 1)
        firsts = numbers[np.concatenate([[0], breaks + 1])]
        lasts = numbers[np.concatenate([breaks, [len(numbers) - 1]])]
        return cls(firsts.astype(np.int64), lasts.astype(np.int64) + 1)

    @classmethod
    def between(cls, starts: Numbers, ends: Numbers) -> "Runs":
        """The numbers from each start up to its end, in any order; they may be empty and overlap."""
        kept = starts < ends
        order = np.argsort(starts[kept], kind="stable")
        starts, ends = starts[kept][order], np.maximum.accumulate(ends[kept][order])
        if not len(starts):
            return EMPTY
        is_first = np.concatenate([[True], starts[1:] > ends[:-1]])
        is_last = np.concatenate([is_first[1:], [True]])
        return cls(starts[is_first].astype(np.int64), ends[is_last].astype(np.int64))

    @classmethod
    def union(cls, sets: Iterable["Runs"]) -> "Runs":
        """The numbers of all sets."""
        starts, ends = zip((EMPTY.starts, EMPTY.ends), *sets, strict=True)
        return cls.between(np.concatenate(starts), np.concatenate(ends))

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return int((self.ends - self.starts).sum())

    @property
    def nbytes(self) -> int:
        """The bytes that it takes in memory."""
        return self.starts.nbytes + self.ends.nbytes

    @property
    def numbers(self) -> Numbers:
        """All of them `(n,)`, ascending."""
        lengths = self.ends - self.starts
        before = np.cumsum(lengths) - lengths
        found: Numbers = np.repeat(self.starts - before, lengths) + np.arange(self.size)
        return found

    def holds(self, numbers: Numbers) -> npt.NDArray[np.bool_]:
        """Which of some numbers are in it, `(n,)`."""
        if not len(self.starts):
            return np.zeros(len(numbers), np.bool_)
        at = np.searchsorted(self.starts, numbers, side="right") - 1
        found: npt.NDArray[np.bool_] = (at >= 0) & (numbers < self.ends[at])
        return found

    def where(
        self, column: npt.NDArray[np.unsignedinteger], wanted: npt.NDArray[np.bool_]
    ) -> "Runs":
        """The numbers whose value in a column is wanted; `wanted` says so of each value.

        Raises ValueError where a value is none that it has.
        """
        if len(self.starts) > FEW:
            numbers = self.numbers
            return Runs.of(numbers[_looked_up(column[numbers], wanted)])
        found = [
            start + np.flatnonzero(_looked_up(column[start:end], wanted))
            for start, end in zip(self.starts, self.ends, strict=True)
        ]
        return Runs.of(np.concatenate([EMPTY.starts, *found]))

    def both(self, other: "Runs") -> "Runs":
        """The numbers that are in both sets."""
        first = np.searchsorted(other.ends, self.starts, side="right")
        counts = np.searchsorted(other.starts, self.ends, side="left") - first
        mine = np.repeat(np.arange(len(self.starts)), counts)
        its = np.arange(len(mine)) + np.repeat(first - (np.cumsum(counts) - counts), counts)
        starts = np.maximum(self.starts[mine], other.starts[its])
        return Runs(starts, np.minimum(self.ends[mine], other.ends[its]))

    def without(self, other: "Runs") -> "Runs":
        """The numbers that are not in the other set."""
        if not len(self.starts):
            return self
        bound = np.array([self.ends[-1]])
        starts = np.concatenate([[0], other.ends])
        ends = np.concatenate([other.starts, np.maximum(bound, starts[-1:])])
        return self.both(Runs.between(starts, ends))


EMPTY = Runs(np.empty(0, np.int64), np.empty(0, np.int64))


def _looked_up(
    values: npt.NDArray[np.unsignedinteger], wanted: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    if len(values) and int(values.max()) >= len(wanted):
        raise ValueError("a column has a value that is not there")
    found: npt.NDArray[np.bool_] = wanted[values]
    return found


def up_to(count: int) -> Runs:
    """All numbers below `count`."""
    return Runs.between(np.array([0]), np.array([count]))
