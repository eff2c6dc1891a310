"""A file's bytes, read once and completely, with size and time of that very state."""

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import IO, NamedTuple

from qa.errors import ReadFailed
from qa.reading.detection import format_of

FILE_LIMIT = 512 << 20  # bytes; the most that is read of one file
_TRIES = 2


class About(NamedTuple):
    """What the file system says of a file."""

    size: int = 0
    modified: int = 0  # nanoseconds since the epoch


class Loaded(NamedTuple):
    """The bytes of a file that did not change while they were read."""

    data: bytes
    about: About
    sha256: str


def load(file: Path) -> Loaded:
    """The file's bytes. Raises ReadFailed where they cannot be had, or change each time."""
    try:
        for _ in range(_TRIES):
            loaded = _load_once(file)
            if loaded is not None:
                return loaded
    except OSError as error:
        raise ReadFailed(_why_unread(error)) from error
    raise ReadFailed("changed while it was being read")


def peek(file: Path, size: int) -> bytes:
    """The first bytes of a regular file, and none of what is no regular file. Raises OSError."""
    with _opened(file) as stream:
        regular = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
        return stream.read(size) if regular else b""


def about(file: Path) -> About:
    """Size and time of change; zeros when the file is gone."""
    try:
        found = os.stat(file)
    except OSError:
        return About()
    return About(found.st_size, found.st_mtime_ns)


def _load_once(file: Path) -> Loaded | None:
    """The file's bytes; None when it changed meanwhile."""
    with _opened(file) as stream:
        before = os.fstat(stream.fileno())
        if stat.S_ISDIR(before.st_mode):
            raise ReadFailed("a folder that cannot be opened")
        if not stat.S_ISREG(before.st_mode):
            raise ReadFailed("no regular file")
        if before.st_size > FILE_LIMIT:
            format_of(stream.read(4096), file.name)  # what is unsupported is not too large
            raise ReadFailed(f"larger than {FILE_LIMIT >> 20} MB, the most that is read of a file")
        data = stream.read(before.st_size + 1)
        after = os.fstat(stream.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return None
    if len(data) != after.st_size:
        return None
    digest = hashlib.sha256(data).hexdigest()
    return Loaded(data, About(after.st_size, after.st_mtime_ns), digest)


def _opened(file: Path) -> IO[bytes]:
    # Not blocking: what was a file may have become a pipe, which would wait for a writer.
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    return os.fdopen(descriptor, "rb")


def _why_unread(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "gone before it could be read"
    if error.errno == errno.EISDIR:
        return "a folder that cannot be opened"
    return f"cannot be opened: {(error.strerror or str(error)).lower()}"
