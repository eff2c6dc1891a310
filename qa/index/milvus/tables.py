"""Sorted tables in pages, each page an object: what a store at an address keeps beside its rows.

A table is a root, which names its pages, and pages of some 256 entries, each a key and bytes. Where
a page ends depends on the keys alone, so that two tables that differ by little share most of their
pages: what a build changes is what it writes. Nothing of a table is loaded but its root and the
pages that are asked for, and those are held for all snapshots together.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

from qa.errors import IndexDamaged
from qa.index.caching import Cache
from qa.index.objects import Objects

Entry = tuple[str, bytes]
LAST_OF_PAGE = 256  # one key of so many ends a page
LARGEST = 1 << 20  # bytes after which a page ends, whatever its keys
HELD = 128 << 20  # bytes of pages
AT_ONCE = 8  # pages that are written, or read ahead, at once


class Listed(NamedTuple):
    """A page as its table's root names it."""

    first: str  # key
    digest: str
    entries: int


@dataclass(frozen=True, slots=True)
class Page:
    """Entries by their keys, ascending."""

    keys: Sequence[str]
    ends: Sequence[int]  # of their values, the first one's start before them
    values: bytes

    def value(self, at: int) -> bytes:
        """The value of the entry at a place."""
        return self.values[self.ends[at] : self.ends[at + 1]]


_pages: Cache[Page] = Cache(HELD, lambda page: len(page.values) + 120 * len(page.keys))


def write(objects: Objects, entries: Iterable[Entry]) -> str:
    """The root of a table of entries that come by ascending keys."""
    listed: list[Listed] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pages = _divided(entries)
        while some := [page for _, page in zip(range(AT_ONCE), pages, strict=False)]:
            digests = pool.map(objects.put, map(_packed, some))
            for page, digest in zip(some, digests, strict=True):
                listed.append(Listed(page[0][0], digest, len(page)))
    return objects.put(json.dumps(listed, ensure_ascii=False).encode())


class Table:
    """A table that `write` wrote."""

    def __init__(self, objects: Objects, root: str) -> None:
        self._objects, self.root = objects, root
        try:
            self.pages = [Listed(*each) for each in json.loads(objects.get(root))]
        except (ValueError, TypeError) as error:
            raise _damaged(root) from error
        self._firsts = [page.first for page in self.pages]

    def __len__(self) -> int:
        return sum(page.entries for page in self.pages)

    def __iter__(self) -> Iterator[Entry]:
        return self.since("")

    def get(self, key: str) -> bytes | None:
        """The value of a key."""
        number = bisect_right(self._firsts, key) - 1
        if number < 0:
            return None
        page = self._page(self.pages[number].digest)
        at = bisect_left(page.keys, key)
        return page.value(at) if at < len(page.keys) and page.keys[at] == key else None

    def since(self, key: str) -> Iterator[Entry]:
        """The entries from a key on, ascending."""
        number = max(bisect_right(self._firsts, key) - 1, 0)
        for listed in self.pages[number:]:
            page = self._page(listed.digest)
            for at in range(bisect_left(page.keys, key), len(page.keys)):
                yield page.keys[at], page.value(at)

    def _page(self, digest: str) -> Page:
        return _pages.get(digest) or _pages.put(digest, _unpacked(self._objects, digest))


def _divided(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The entries in pages."""
    page: list[Entry] = []
    size = 0
    for key, value in entries:
        page.append((key, value))
        size += len(value)
        if size > LARGEST or _ends_page(key):
            yield page
            page, size = [], 0
    if page:
        yield page


def _ends_page(key: str) -> bool:
    number = int.from_bytes(blake2b(key.encode(), digest_size=4).digest(), "little")
    return number % LAST_OF_PAGE == 0


def _packed(page: Sequence[Entry]) -> bytes:
    """The page as bytes: its keys and the sizes of its values in a line, then the values."""
    heads = [[key for key, _ in page], [len(value) for _, value in page]]
    return b"".join([json.dumps(heads).encode(), b"\n", *(value for _, value in page)])


def _unpacked(objects: Objects, digest: str) -> Page:
    head, _, values = objects.get(digest).partition(b"\n")
    try:
        keys, sizes = json.loads(head)
        ends = [0]
        for size in sizes:
            ends.append(ends[-1] + size)
    except (ValueError, TypeError) as error:
        raise _damaged(digest) from error
    if len(ends) != len(keys) + 1 or ends[-1] != len(values):
        raise _damaged(digest)
    if any(after <= before for before, after in pairwise(keys)):
        raise _damaged(digest)
    return Page(keys, ends, values)


def _damaged(digest: str) -> IndexDamaged:
    return IndexDamaged(f"The object {digest} is no part of a table: build again with --full.")
