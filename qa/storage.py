"""Durable writing and atomic replacement: what the crash-safety of an index rests on.

An index holds the text of every document, so its files are for their owner alone, whatever the umask.
The order is always: write files, fsync them and their folder, rename the one name that makes them
live, fsync its folder. POSIX promises that a rename is seen in full or not at all.
"""

import errno
import hashlib
import os
import shutil
import signal
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from qa.errors import StorageFailed
from qa.settings import cache_folder

OTHERS = 0o077  # what a group and all others may do
CRASH_AT = "QA_CRASH_AT"  # tests name a step here, and the process dies there as by SIGKILL


def crash_point(name: str) -> None:
    """A point where a power cut would be most awkward; tests cut the power here."""
    if os.environ.get(CRASH_AT) == name:
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def writing(what: Path) -> Iterator[None]:
    """Turns the disk's refusals into `StorageFailed`, which names the place and the reason."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StorageFailed(
            f"Cannot write to {what}: {reason}. The last index is intact; "
            "free space or change the permissions, then build again."
        ) from error


def new_folder(folder: Path, *, exist_ok: bool = False) -> None:
    """Makes a folder that only its owner may enter."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=exist_ok)


def user_cache() -> Path:
    """The folder for what belongs to no index, `~/.cache/seedqa`; for this user alone."""
    folder = cache_folder()
    new_folder(folder, exist_ok=True)
    close_tree_to_others(folder)
    return folder


def new_file(file: Path) -> BinaryIO:
    """A new file, open for writing, that only its owner may read."""
    return open(file, "xb", opener=lambda path, flags: os.open(path, flags, 0o600))


def close_to_others(path: Path) -> None:
    """Takes from other users what they may do with a file or a folder; only its owner can."""
    mode = path.lstat().st_mode
    if mode & OTHERS and not stat.S_ISLNK(mode):
        with suppress(PermissionError):
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def close_tree_to_others(folder: Path) -> None:
    """The same for a folder and all that stands below it."""
    close_to_others(folder)
    for path in folder.rglob("*"):
        close_to_others(path)


def write_file(file: Path, data: bytes) -> None:
    """Writes a new file so that it survives a power cut once its folder is synced."""
    with new_file(file) as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def replace_file(file: Path, data: bytes) -> None:
    """Puts `data` in the place of the file at once: a reader sees the old bytes or the new ones."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        draft.unlink()
    write_file(draft, data)
    crash_point(f"before-replace-{file.name}")
    draft.replace(file)
    crash_point(f"after-replace-{file.name}")
    sync_folder(file.parent)


def install(draft: Path, file: Path) -> None:
    """Gives a written draft its name: a power cut leaves the complete file or none."""
    close_to_others(draft)
    _sync(draft)
    draft.replace(file)
    sync_folder(file.parent)


def sync_tree(folder: Path) -> None:
    """Fsyncs every file below the folder, then the folders, innermost first; closes all to others."""
    close_tree_to_others(folder)
    for parent, _, names in os.walk(folder, topdown=False):
        for name in sorted(names):
            _sync(Path(parent, name))
        sync_folder(Path(parent))


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder survive a power cut."""
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_tree(folder: Path) -> None:
    """Removes a folder that nothing names any more; what cannot go now goes next time."""
    shutil.rmtree(folder, ignore_errors=True)


def sha256(file: Path) -> str:
    """The SHA-256 of a regular file's bytes, in hex. Raises OSError, also for pipes and devices."""
    # Not blocking: what was a file may have become a pipe, which would wait for a writer.
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(file))
        return hashlib.file_digest(stream, "sha256").hexdigest()


def size_of(folder: Path) -> int:
    """Bytes of all files below the folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
