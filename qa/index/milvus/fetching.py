"""Reading the rows of one snapshot: the nearest to a vector, and whole passages.

What was read is held for a while: a row never changes, and a question asks for the same more than
once. A row counts by the build that added it and by the documents that have died since, so that a
snapshot shows the same whatever is written meanwhile.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from qa.encoding.quantisation import Vectors
from qa.errors import IndexClosed, IndexDamaged
from qa.index import dense
from qa.index.caching import Cache
from qa.index.milvus import rows
from qa.index.milvus.address import Address
from qa.index.milvus.contents import Record
from qa.index.milvus.rows import PassageRow
from qa.index.milvus.server import KEY, VECTOR, Near, Server, batches
from qa.index.milvus.weighing import Counted, counted
from qa.index.store import Keys, Scores

MARGIN = 32  # rows beyond the limit: of equally near ones the first by path is wanted
ROWS_AT_ONCE, TEXTS_AT_ONCE = 256, 1_000
HELD = 128 << 20  # bytes of rows, of all snapshots of the process
HEADINGS = 16 << 20  # bytes of heading paths
VECTORS = 32 << 20  # bytes of vectors
COUNTS = 32 << 20  # bytes of counted words
REMEMBERED = 4 << 20  # bytes of what is near to questions
EXPECTED = 4 << 10  # bytes of what is to come
THREADS = 8
SAME_NUMBER = 8  # rows whose ranking texts' hashes begin alike, which are looked at

V = TypeVar("V")
Sought = tuple[int, str]  # so many of the rows of a condition, which is empty for all

_rows: Cache[PassageRow] = Cache(
    HELD, lambda row: 1_000 + 3 * len(row.text) + row.coded.codes.nbytes + row.coded.vector.nbytes
)
_headings: Cache[tuple[str, ...]] = Cache(HEADINGS, lambda path: 100 + 2 * sum(map(len, path)))
_vectors: Cache[Vectors] = Cache(VECTORS, lambda vector: vector.nbytes + 100)
_counts: Cache[Counted] = Cache(COUNTS, lambda found: 200 + 100 * len(found.counts))
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="qa-store")


class RowReader:
    """The rows of a snapshot, for any number of threads. Every method raises StoreUnreachable."""

    def __init__(self, address: Address, server: Server, record: Record) -> None:
        self._address, self._server, self._record = address, server, record
        self._near: Cache[Near] = Cache(REMEMBERED, lambda near: near.keys.nbytes * 3 + 100)
        self._coming: Cache[Future[Near]] = Cache(REMEMBERED, lambda _: EXPECTED)
        self._products: Cache[Mapping[int, float]] = Cache(
            REMEMBERED, lambda known: 100 * len(known)
        )
        self._is_closed = False

    def close(self) -> None:
        """Lets nothing be read any more; the connection is the process's."""
        self._is_closed = True

    @property
    def server(self) -> Server:
        """The server. Raises IndexClosed."""
        if self._is_closed:
            raise IndexClosed("This index was closed: open it again.")
        return self._server

    @cached_property
    def alive(self) -> str:
        """The condition of a row that is live in this snapshot."""
        record = self._record
        found = [f"born <= {record.token}"]
        if record.unpublished:
            found.append(f"born not in {list(record.unpublished)}")
        if dead := [each.label for each in record.dead if not each.is_removed]:
            found.append(f"document not in {dead}")
        return " and ".join(found)

    def nearest(self, vector: Vectors, sought: Sought) -> Near:
        """At least as many rows as are sought, nearest first, ties by key."""
        limit, condition = sought
        if limit < 1 or not self._record.manifest.passages:
            return Near(np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.int64))
        name = (vector.tobytes(), *sought)
        if known := self._near.get(name):
            return known
        coming = self._coming.get(name)
        self._coming.drop(name)
        found = coming.result() if coming else self._nearest(vector, limit, condition)
        return self._near.put(name, found)

    def expect(self, vector: Vectors, sought: Sought) -> None:
        """Begins to read what `nearest` will be asked for."""
        name = (vector.tobytes(), *sought)
        if self._record.manifest.passages and sought[0] > 0 and not self._near.get(name):
            self._coming.put(name, _threads.submit(self._nearest, vector, *sought))

    def _nearest(self, vector: Vectors, limit: int, condition: str) -> Near:
        condition = f"{self.alive} and {condition}" if condition else self.alive
        wanted, all_of_them = limit + MARGIN, self._record.manifest.passages
        while True:
            found = self.server.nearest(self._record.rows, vector, wanted, condition)
            order = np.lexsort((found.keys, -found.products))
            near = Near(found.keys[order], found.products[order], found.tokens[order])
            is_cut = len(order) >= wanted and near.products[limit - 1] == near.products[-1]
            if not is_cut or wanted >= all_of_them:
                return near
            wanted = min(4 * wanted, all_of_them)

    def prefetch(self, vector: Vectors, sought: Sequence[Sought], keys: Keys) -> None:
        """Reads at once what is nearest, and the vectors of rows."""
        near = [_threads.submit(self.nearest, vector, each) for each in sought]
        products = dense.products(self.vectors(keys), vector)
        known = dict(zip(keys.tolist(), products.tolist(), strict=True))
        for each in near:
            found = each.result()
            known |= zip(found.keys.tolist(), found.products.tolist(), strict=True)
        self._products.put(vector.tobytes(), known)

    def products(self, vector: Vectors, keys: Keys) -> Scores:
        """The inner products `(n,)` of a quantised vector with those of rows."""
        known = dict(self._products.get(vector.tobytes()) or {})
        others = np.array([key for key in keys.tolist() if key not in known], np.int64)
        found = dense.products(self.vectors(others), vector)
        known |= zip(others.tolist(), found.tolist(), strict=True)
        return np.array([known[key] for key in keys.tolist()], np.float32)

    def vectors(self, keys: Keys) -> Vectors:
        """The vectors `(n, dim)` of rows, read in one trip and held."""
        found = {key: known for key in keys.tolist() if (known := self._vector(key)) is not None}
        missing = [key for key in dict.fromkeys(keys.tolist()) if key not in found]
        for some in batches(missing, TEXTS_AT_ONCE):
            for row in self.server.rows(self._record.rows, _named(some), [VECTOR], len(some)):
                name = (self._address, self._record.rows, row[KEY])
                found[row[KEY]] = _vectors.put(name, np.array(row[VECTOR], np.float32))
        self._require(missing, found)
        vectors = np.array([found[key] for key in keys.tolist()], np.float32)
        return vectors.reshape(-1, self._record.manifest.dim)

    def _vector(self, key: int) -> Vectors | None:
        """The vector of a row that is held."""
        name = (self._address, self._record.rows, key)
        row = _rows.get(name)
        return row.coded.vector if row is not None else _vectors.get(name)

    def passages(self, keys: Sequence[int]) -> list[PassageRow]:
        """Whole rows. Raises IndexDamaged where one is missing, or is not what was written."""
        where = (self._address, self._record.rows)
        found = {key: row for key in keys if (row := _rows.get((*where, key)))}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        for some in batches(missing, ROWS_AT_ONCE):
            for row in self._read(_named(some), len(some)):
                found[row.key] = _rows.put((*where, row.key), row)
        self._require(missing, found)
        return [found[key] for key in keys]

    def with_input(self, input_hash: bytes) -> PassageRow | None:
        """A row whose ranking text has that hash."""
        condition = f"input == {rows.number_of(input_hash)} and {self.alive}"
        found = self._read(condition, SAME_NUMBER)
        return next((row for row in found if row.input == input_hash), None)

    def holding(
        self, words: Mapping[int, float], limit: int, condition: str
    ) -> tuple[Keys, Scores]:
        """Up to `limit` live rows of a condition by the product of their words' vectors, best first."""
        condition = f"{self.alive} and {condition}" if condition else self.alive
        found = self.server.holding(self._record.rows, words, limit, condition)
        for key, facts in zip(found.keys.tolist(), found.facts, strict=True):
            self._count({KEY: key, "facts": facts})
        return found.keys, found.products

    def counted(self, keys: Sequence[int]) -> list[Counted]:
        """The words of rows, in the order of `keys`, read in one trip and held."""
        return self._facts(keys, _counts, self._count)

    def _count(self, row: Mapping[str, Any]) -> Counted:
        name = (self._address, self._record.rows, row[KEY])
        return _counts.get(name) or _counts.put(name, counted(rows.words_of(row)))

    def headings(self, keys: Sequence[int]) -> list[tuple[str, ...]]:
        """The heading paths of rows, in the order of `keys`, read in one trip and held."""
        return self._facts(keys, _headings, self._heading)

    def _heading(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        return _headings.put((self._address, self._record.rows, row[KEY]), rows.heading_of(row))

    def _facts(
        self, keys: Sequence[int], held: Cache[V], read: Callable[[Mapping[str, Any]], V]
    ) -> list[V]:
        """What is held of rows, or read of their facts in one trip, in the order of `keys`."""
        where = (self._address, self._record.rows)
        found = {key: known for key in keys if (known := held.get((*where, key))) is not None}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        for some in batches(missing, TEXTS_AT_ONCE):
            for row in self.server.rows(self._record.rows, _named(some), ["facts"], len(some)):
                found[row[KEY]] = read(row)
        self._require(missing, found)
        return [found[key] for key in keys]

    def require_readable(self) -> None:
        """Raises StoreUnreachable unless rows can be read."""
        self.server.rows(self._record.rows, f"{KEY} == 0", [], 1)

    def texts(self, keys: Iterable[int]) -> Iterator[str]:
        """The texts of rows, in the order of `keys`."""
        for some in batches(keys, TEXTS_AT_ONCE):
            found = {
                row[KEY]: str(row["text"])
                for row in self.server.rows(self._record.rows, _named(some), ["text"], len(some))
            }
            self._require(some, found)
            yield from (found[key] for key in some)

    def _read(self, condition: str, limit: int) -> Iterator[PassageRow]:
        code_bytes = self._record.manifest.code_bytes
        for row in self.server.rows(self._record.rows, condition, rows.FIELDS, limit):
            yield rows.unpacked(row, code_bytes=code_bytes)

    def _require(self, keys: Iterable[int], found: Collection[int]) -> None:
        if lost := [key for key in keys if key not in found]:
            raise IndexDamaged(
                f"{self._address} lacks {len(lost)} of its passages: build again with --full."
            )


def _named(keys: Sequence[int]) -> str:
    return f"{KEY} in {list(keys)}"
