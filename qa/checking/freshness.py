"""Whether files still are what was indexed: compared by size and time, then by hash, once."""

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from qa import storage
from qa.index.store import Snapshot
from qa.reading.walking import locate, survey
from qa.records import Excerpt, File, Freshness

FILES = 4_096  # whose records are kept once they were read
TRUST = 2_000_000_000  # ns; a time stamp this close to the reading may hide a later change


class Waiting(NamedTuple):
    """Files that the next build would take in, read again or drop."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def is_untouched(file: File, size: int, modified: int) -> bool:
    """Whether size and time say that a file is as it was read."""
    return (file.size, file.modified) == (size, modified)


def is_trusted(file: File, size: int, modified: int) -> bool:
    """The same, certain enough not to hash it: it was unchanged for a while when it was read."""
    is_old = file.modified + TRUST < file.seen and file.source_sha256 != ""
    return is_untouched(file, size, modified) and is_old


class Freshnesses:
    """The freshness of one snapshot's files."""

    def __init__(self, seeds: Path, snapshot: Snapshot) -> None:
        self._seeds = seeds
        self._file = lru_cache(FILES)(snapshot.file)
        self._hashes: dict[tuple[str, int, int], str] = {}

    def marked(self, excerpt: Excerpt) -> Excerpt:
        """The excerpt with its freshness: the best that any of its paths has."""
        best = min((self.of(path) for path in excerpt.paths), key=list(Freshness).index)
        return replace(excerpt, freshness=best)

    def of(self, path: str) -> Freshness:
        """The freshness of the file at an indexed path."""
        file = self._file(path)
        if file is None or not self._seeds.is_dir():
            return Freshness.UNKNOWN
        try:
            return self._compared(locate(self._seeds, file.source), file)
        except (FileNotFoundError, NotADirectoryError):
            return Freshness.GONE
        except OSError:
            return Freshness.UNKNOWN

    def _compared(self, at: Path, file: File) -> Freshness:
        """The freshness of an indexed file, compared with what is at its path now."""
        state = at.stat()
        if not S_ISREG(state.st_mode):  # a pipe would wait for a writer, a device never end
            return Freshness.CHANGED
        if is_untouched(file, state.st_size, state.st_mtime_ns):
            return Freshness.FRESH
        same = state.st_size == file.size and self._hash(at, state) == file.source_sha256
        return Freshness.FRESH if same else Freshness.CHANGED

    def _hash(self, file: Path, state: os.stat_result) -> str:
        """The file's SHA-256, computed once for each state of it."""
        key = (str(file), state.st_size, state.st_mtime_ns)
        if key not in self._hashes:
            self._hashes[key] = storage.sha256(file)
        return self._hashes[key]


def waiting(seeds: Path, files: tuple[File, ...], *, leave_out: Path) -> Waiting:
    """The differences between folder and index, by size and time alone."""
    known = {file.source: file for file in files}
    found = {at.path: at for at in survey(seeds, leave_out=leave_out)}
    changed = (
        path
        for path in found.keys() & known.keys()
        if not is_untouched(known[path], found[path].size, found[path].modified)
    )
    return Waiting(
        added=tuple(sorted(found.keys() - known.keys())),
        changed=tuple(sorted(changed)),
        removed=tuple(sorted(known.keys() - found.keys())),
    )
