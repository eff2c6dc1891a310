"""The paths of a snapshot's documents: which of them globs name, and which are of some days.

Paths are numbered in their order. Few are read: a glob tells how its paths begin, which is a run of
numbers; of which kind they are, which is a column; or in which folders they lie, each a run. Only a
glob that asks for more is tried on the paths that are left.

A column holds numbers of values that are few (kinds, days, languages): a condition is tried on each
value once, whatever it asks, and then looked up.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qa.index.caching import Cache
from qa.index.globs import Globs, literal, outline
from qa.index.integrity import damaged, reading
from qa.index.runs import EMPTY, Runs, up_to
from qa.records.dates import Days

PATH = np.dtype(
    [
        ("document", "<u4"),  # its number
        ("kind", "<u4"),  # index into the catalog's kinds, see `globs.kind`
        ("day", "<u4"),  # index into the catalog's days: of the document, or else of the file
    ]
)
INSIDE = "/*"  # the end of a glob that names what is in a folder
AT_ONCE = 1_000  # paths that are read at once
HELD = 16 << 20  # bytes of runs that globs named

Wanted = npt.NDArray[np.bool_]  # of each value of a column


class Paths:
    """The paths of an open catalog, sorted."""

    def __init__(
        self, database: sqlite3.Connection, place: Path, records: npt.NDArray[np.void]
    ) -> None:
        self._database, self._place = database, place
        self.records = records  # (n,) `PATH`
        self.all = up_to(len(records))
        self._values: dict[str, list[str]] = {}
        self._named = Cache[Runs](HELD, lambda runs: runs.nbytes)

    def __len__(self) -> int:
        return len(self.records)

    def texts(self, among: Runs) -> Iterator[str]:
        """The paths of these numbers, read while they are asked for."""
        return (path for _, path in self._read(among))

    def naming(self, globs: Sequence[str]) -> Runs:
        """The numbers of the paths that one of the globs names."""
        known = self._named.get(tuple(globs))
        return known if known is not None else self._named.put(tuple(globs), self._naming(globs))

    def dated(self, among: Runs, days: Days) -> Runs:
        """Those that are of these days."""
        with reading(self._place):
            return among.where(self.records["day"], self.wanted("day", days.hold))

    def values(self, column: str) -> list[str]:
        """The values that a column has numbers of, in their order."""
        if column not in self._values:
            query = "SELECT value FROM value WHERE column = ? ORDER BY number"
            with reading(self._place):
                found = self._database.execute(query, (column,))
                self._values[column] = [str(value) for (value,) in found]
        return self._values[column]

    def wanted(self, column: str, is_wanted: Callable[[str], bool]) -> Wanted:
        """Which values of a column a condition holds for."""
        return np.array([is_wanted(value) for value in self.values(column)], np.bool_)

    def _naming(self, globs: Sequence[str]) -> Runs:
        found, tried, left, folders = [EMPTY], list[str](), [EMPTY], list[str]()
        for glob in dict.fromkeys(globs):
            path = literal(glob)
            if path is not None:
                found.append(self._at(path))
            elif glob.endswith(INSIDE):
                folders.append(glob.removesuffix(INSIDE))
            else:
                outlined, is_complete = self._outlined(glob)
                (found if is_complete else left).append(outlined)
                tried += [] if is_complete else [glob]
        matcher = Globs(tried)
        numbers = [at for at, path in self._read(Runs.union(left)) if matcher.match(path)]
        return Runs.union([*found, Runs.of(np.array(numbers, np.int64)), self._inside(folders)])

    def _outlined(self, glob: str) -> tuple[Runs, bool]:
        """The numbers of paths that a glob may name, and whether it names all of these."""
        start, kind, is_complete = outline(glob)
        found = self._beginning(start)
        if kind is not None:
            with reading(self._place):
                found = found.where(self.records["kind"], self.wanted("kind", kind.__eq__))
        return found, is_complete

    def _beginning(self, start: str) -> Runs:
        """The numbers of the paths that begin so."""
        if not start:
            return self.all
        first, end = self._first_from(start), self._first_from(_after(start))
        return Runs.between(np.array([first]), np.array([end]))

    def _first_from(self, path: str | None) -> int:
        """The number of the first path that is not before this one; None is after all."""
        query = "SELECT number FROM path WHERE path >= ? ORDER BY path LIMIT 1"
        found = None if path is None else self._one(query, path)
        return len(self) if found is None else int(found[0])

    def _at(self, path: str) -> Runs:
        found = self._one("SELECT number FROM path WHERE path = ?", path)
        return EMPTY if found is None else self._checked([(found[0], found[0] + 1)])

    def _one(self, query: str, path: str) -> Any:
        with reading(self._place):
            return self._database.execute(
                query, (path.encode(errors="replace").decode(),)
            ).fetchone()

    def _inside(self, folders: Sequence[str]) -> Runs:
        """The numbers of the paths in the folders that these globs name, and in those below them."""
        plain = {glob: literal(glob) for glob in folders}
        query = "SELECT first, end FROM folder WHERE path = ?"
        found = (self._one(query, path) for path in plain.values() if path is not None)
        bounds = [(row[0], row[1]) for row in found if row is not None]
        if tried := [glob for glob, path in plain.items() if path is None]:
            bounds += self._bounds(tried)
        return self._checked(bounds)

    def _bounds(self, globs: Sequence[str]) -> list[tuple[int, int]]:
        """The first path, and the one after the last, of each folder that globs name."""
        starts = {outline(glob).start for glob in globs}
        start = starts.pop() if len(starts) == 1 else ""
        matcher, end = Globs(globs), _after(start)
        query = "SELECT path, first, end FROM folder WHERE path >= ? AND (? IS NULL OR path < ?)"
        with reading(self._place):
            found = self._database.execute(query, (start, end, end))
            return [(first, last) for path, first, last in found if matcher.match(path)]

    def _checked(self, bounds: Sequence[tuple[int, int]]) -> Runs:
        """The runs between bounds that the database names. Raises IndexDamaged."""
        with reading(self._place):
            starts, ends = np.array(bounds, np.int64).reshape(-1, 2).T
        if len(starts) and not 0 <= starts.min() <= ends.max() <= len(self):
            raise damaged(self._place, "names paths that are not there")
        return Runs.between(starts, ends)

    def _read(self, among: Runs) -> Iterator[tuple[int, str]]:
        """The paths of these numbers, each with its own, in their order."""
        query = "SELECT number, path FROM path WHERE number >= ? AND number < ? ORDER BY number"
        for start, end in _pieces(among):
            with reading(self._place):
                found = [
                    (int(at), str(path)) for at, path in self._database.execute(query, (start, end))
                ]
            yield from found


def _pieces(runs: Runs) -> Iterator[tuple[int, int]]:
    """The runs, long ones cut."""
    for start, end in zip(runs.starts.tolist(), runs.ends.tolist(), strict=True):
        for first in range(start, end, AT_ONCE):
            yield first, min(first + AT_ONCE, end)


def _after(start: str) -> str | None:
    """What is after every text that begins so, and before all others that are; None after the last."""
    kept = start.rstrip("\U0010ffff")
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)  # no surrogates
