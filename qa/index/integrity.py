"""Damaged indexes, distinguished from bugs, and from indexes that are closed or unreadable.

Every number of an index that names a place or a length is compared with the sizes of files before
memory is taken for it, by those who read it. When a snapshot is opened its files are compared with
what was written: their sizes, and byte for byte the smallest ones, `COMPARED` bytes of them; what
builds alone read comes last.
"""

import hashlib
import sqlite3
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from qa.errors import IndexClosed, IndexDamaged, IndexUnreadable

COMPARED = 4 << 20  # bytes: two milliseconds, of the 70 that a build takes which changes nothing
_LAST = ("inputs.utf8", "words.utf8")  # what questions do not read

Files = Mapping[str, tuple[int, str]]
"""path in the index -> size, SHA-256"""


class SegmentsDamaged(IndexDamaged):
    """Segments are not what was written, and what they hold was to be copied."""

    def __init__(self, index: Path, names: Collection[str]) -> None:
        places = ", ".join(str(index / "segments" / name) for name in sorted(names))
        super().__init__(f"{places}: not what was written. Build again with --full.")
        self.names = frozenset(names)


_DAMAGE = (
    OSError,
    sqlite3.Error,
    zlib.error,
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
    RecursionError,
)


def damaged(place: Path, reason: str = "cannot be read") -> IndexDamaged:
    """The error that names a damaged file or folder, and what to do."""
    return IndexDamaged(f"{place} {reason}: build again with --full.")


@contextmanager
def reading(place: Path) -> Iterator[None]:
    """Turns errors of reading a damaged file into IndexDamaged.

    It surrounds reading and decoding alone: an error in code that uses the data is a bug.
    A file that is missing stays FileNotFoundError, as a builder may have cleaned up meanwhile.
    Raises IndexUnreadable for a file of others, and IndexClosed.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise IndexUnreadable(
            f"{error.filename or place} may not be read by this account: use the one that built "
            "the index, or give it the right to read."
        ) from error
    except sqlite3.ProgrammingError as error:
        if "closed" not in str(error):
            raise
        raise IndexClosed("This index was closed: open it again.") from error
    except _DAMAGE as error:
        raise damaged(place, f"cannot be read ({error})") from error


def check(index: Path, files: Files) -> None:
    """Raises IndexDamaged when a file has another size, or a small one other bytes, than written."""
    check_sizes(index, files)
    left = COMPARED
    order = sorted(files.items(), key=lambda item: (item[0].endswith(_LAST), item[1]))
    for path, (size, digest) in order:
        left -= size
        if left < 0:
            return
        with reading(index / path):
            same = described(index / path) == (size, digest)
        if not same:
            raise damaged(index / path, "is not what was written")


def check_sizes(index: Path, files: Files) -> None:
    """Raises IndexDamaged when a file has not the size that was written, FileNotFoundError without."""
    for path, (size, _) in files.items():
        with reading(index / path):
            found = (index / path).stat().st_size
        if found != size:
            raise damaged(index / path, f"has {found} bytes instead of {size}")


def differing(index: Path, files: Files) -> list[str]:
    """The files that are not byte for byte what was written, every byte compared."""
    return [
        path for path, as_written in sorted(files.items()) if not _same(index / path, as_written)
    ]


def _same(file: Path, as_written: tuple[int, str]) -> bool:
    try:
        with reading(file):
            return described(file) == as_written
    except (FileNotFoundError, IndexDamaged):
        return False


def described(file: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return file.stat().st_size, digest
