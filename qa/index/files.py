"""The files of an open index: long arrays, texts and SQLite databases, for any number of threads."""

import os
import sqlite3
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qa.errors import StorageFailed
from qa.index.integrity import damaged, reading


class OnDisk:
    """A long array of bytes, `(n, width)` or `(n,)`, of which slices are read when they are asked for.

    It is not mapped: the system maps pages around every place that is read, and a process that asks a
    large index would take gigabytes.
    """

    def __init__(self, file: Path, width: int = 0) -> None:
        self._file = file
        self._shape = (-1, width) if width else (-1,)
        self._width = width or 1
        with reading(file):
            self._handle = os.open(file, os.O_RDONLY)
            weakref.finalize(self, os.close, self._handle)
            size = os.fstat(self._handle).st_size
        if size % self._width:
            raise damaged(file, "is cut off")
        self._rows = size // self._width

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, rows: slice) -> npt.NDArray[np.uint8]:
        first, size = rows.start, rows.stop - rows.start
        if not 0 <= first <= rows.stop <= self._rows:
            raise damaged(self._file, "is shorter than what is to be read of it")
        try:
            read = os.pread(self._handle, size * self._width, first * self._width)
        except OSError as error:
            raise damaged(self._file, f"cannot be read ({error.strerror})") from error
        if len(read) != size * self._width:
            raise damaged(self._file, "was cut off")
        return np.frombuffer(read, np.uint8).reshape(self._shape)

    def text(self, first: int, size: int) -> str:
        """The text of bytes. Raises IndexDamaged where they are none."""
        data = self[first : first + size].tobytes()
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise damaged(
                self._file, f"contains bytes that are not UTF-8 ({error.reason})"
            ) from error


class Mapped(OnDisk):
    """The same for Windows, which has no `pread`."""

    def __init__(self, file: Path, width: int = 0) -> None:
        self._file = file
        self._width = width or 1
        array = mapped(file, np.dtype(np.uint8))
        if len(array) % self._width:
            raise damaged(file, "is cut off")
        self._data = array.reshape(-1, width) if width else array
        self._rows = len(self._data)

    def __getitem__(self, rows: slice) -> npt.NDArray[np.uint8]:
        if not 0 <= rows.start <= rows.stop <= self._rows:
            raise damaged(self._file, "is shorter than what is to be read of it")
        return self._data[rows]


def open_database(file: Path) -> sqlite3.Connection:
    """A read-only connection to a file that nobody changes, shared between threads.

    SQLite is built to serialise its calls (`sqlite3.threadsafety` 3), so one connection is enough, as
    long as no SQL calls a function of ours (see `FileList`).
    """
    with reading(file):
        file.open("rb").close()  # SQLite gives no reason when it cannot
        address = f"{file.resolve().as_uri()}?mode=ro&immutable=1"
        database = sqlite3.connect(address, uri=True, check_same_thread=False)
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(file.stat().st_size, 1 << 16))
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return database


def close_with(owner: object, database: sqlite3.Connection) -> None:
    """Closes the database as soon as nobody uses its owner any more.

    A connection refers to itself by its cache of statements: left alone it keeps its file open until
    the collector of cycles comes by, and an index that is often rebuilt would run out of files.
    """
    weakref.finalize(owner, database.close)


def mapped(file: Path, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """The array `(n,)` in a file, mapped into memory. Raises IndexDamaged when it is cut off."""
    with reading(file):
        size = file.stat().st_size
        if size % kind.itemsize:
            raise damaged(file, "is cut off")
        # a plain view of the map: slicing np.memmap itself costs ten times as much
        return np.asarray(np.memmap(file, kind, "r")) if size else np.empty(0, kind)


def byte_array(file: Path, width: int = 0) -> OnDisk:
    """The bytes `(n, width)` or `(n,)` of a file, of which slices are read."""
    return OnDisk(file, width) if hasattr(os, "pread") else Mapped(file, width)


@contextmanager
def openable(folder: Path) -> Iterator[Path]:
    """The folder, or where it may only be read one of links to its files.

    Even to read, the library of word indexes must write a lock. It maps every file when it opens them,
    so that the links are not needed from then on, and nothing is left behind by a process that is
    killed.
    """
    for file in folder.iterdir():
        if not file.name.endswith(".lock"):
            file.open("rb").close()  # raises PermissionError, which it calls by another name
    locks = (folder / name for name in (".tantivy-meta.lock", "."))
    if all(os.access(path, os.W_OK) for path in locks if path.exists()):
        yield folder
        return
    try:
        links = tempfile.TemporaryDirectory(prefix="qa-words-")
    except OSError as error:
        raise StorageFailed(
            "There is no folder for temporary files, which an index needs that may only be read: "
            "name one in TMPDIR."
        ) from error
    with links:
        for file in folder.iterdir():
            if not file.name.endswith(".lock"):
                (Path(links.name) / file.name).symlink_to(file.resolve())
        yield Path(links.name)
