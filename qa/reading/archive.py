"""Zip archives: their members as files of their own, within limits that no bomb gets past.

Sizes are checked before anything is unpacked: `zipfile` never unpacks more of a member than the
directory says, so a directory that lies gains nothing. Nothing is ever written to disk.
"""

import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import NamedTuple

from qa.errors import ReadFailed, Unsupported
from qa.reading.detection import BROKEN, format_of
from qa.reading.formats import Format
from qa.reading.walking import safe

TOTAL_LIMIT = 512 << 20  # bytes that one archive may unpack to, nested archives included
MEMBER_LIMIT = 256 << 20  # bytes of one member
MEMBERS_LIMIT = 20_000
RATIO_LIMIT = 200  # unpacked to packed, for members above `RATIO_FREE`
RATIO_FREE = 4 << 20
DEPTH_LIMIT = 3  # an archive within an archive within an archive

_BAD_NAME = re.compile(r"(?:\A|/)\.\.(?:/|\Z)|\A/|\\|\A[A-Za-z]:|\0")
_NEUTRAL = re.compile(r"(?:(?<=/)|\A)\.\.(?=/|\Z)|\\|:|\0")


class Member(NamedTuple):
    """One file of an archive; `load` gives its bytes or raises ReadFailed."""

    path: str  # the archive's path, a slash, and the name within, safe to print
    load: Callable[[], bytes]


class Budget:
    """How much an archive may still unpack to."""

    def __init__(self) -> None:
        self.bytes = TOTAL_LIMIT
        self.members = MEMBERS_LIMIT

    def spend(self, size: int) -> None:
        """Take a member's size; raises ReadFailed when nothing is left for it."""
        self.members -= 1
        if self.members < 0:
            raise ReadFailed(f"beyond the {MEMBERS_LIMIT} files that are read of one archive")
        if size > self.bytes:
            raise ReadFailed(f"beyond the {TOTAL_LIMIT >> 20} MB that one archive may unpack to")
        self.bytes -= size


def members(data: bytes, path: str, budget: "Budget | None" = None) -> Iterator[Member]:
    """The files within an archive in the order of its directory; hidden ones are left out.

    Members of archives within it follow in the place of those. Names may be repeated.
    """
    return _members(data, path, budget or Budget(), DEPTH_LIMIT)


def check(data: bytes) -> None:
    """Raises ReadFailed when a document in zip form (.docx, .epub) is encrypted or a bomb."""
    budget = Budget()
    for info in zipfile.ZipFile(BytesIO(data)).infolist():
        _check_size(info)
        budget.spend(info.file_size)


def names_itself(data: bytes) -> bool:
    """True for an Office file with properties of its own; libraries make them up where missing."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return any(name.lower().endswith("core.xml") for name in archive.namelist())


def _members(data: bytes, path: str, budget: Budget, depth: int) -> Iterator[Member]:
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except BROKEN as error:
        yield failing(path, ReadFailed(f"a damaged archive: {error}"))
        return
    for info in archive.infolist():
        if not info.is_dir() and not _is_hidden(info):
            yield from _opened(archive, info, path, budget, depth)


def _opened(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    path: str,
    budget: Budget,
    depth: int,
) -> Iterator[Member]:
    """The member, or the members of the archive that it is."""
    name = _listed_name(info)
    inner = f"{path}/{name}"
    try:
        _check(info)
        budget.spend(info.file_size)
        if not _begins_like_zip(archive, info):
            yield Member(inner, lambda: _unpack(archive, info))
            return
        data = _unpack(archive, info)
        chosen = format_of(data, info.filename)
    except (ReadFailed, *BROKEN) as error:
        yield failing(inner, error)
        return
    if chosen is not Format.ARCHIVE:
        yield Member(inner, lambda: data)
    elif depth <= 1:
        yield failing(inner, ReadFailed(f"nested deeper than {DEPTH_LIMIT} archives"))
    else:
        yield from _members(data, inner, budget, depth - 1)


def _check(info: zipfile.ZipInfo) -> None:
    """Raises ReadFailed for a member that must not or cannot be read."""
    if _BAD_NAME.search(info.orig_filename):
        raise ReadFailed(f"its name within the archive leads elsewhere: {info.orig_filename!r}")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise Unsupported("a symbolic link")
    _check_size(info)


def _check_size(info: zipfile.ZipInfo) -> None:
    """Raises ReadFailed for a member that is encrypted or would unpack to far too much."""
    if info.flag_bits & 1:
        raise ReadFailed("encrypted: it opens with a password only")
    if info.file_size > MEMBER_LIMIT:
        raise ReadFailed(f"unpacks to more than {MEMBER_LIMIT >> 20} MB")
    if info.file_size > max(RATIO_FREE, RATIO_LIMIT * info.compress_size):
        raise ReadFailed(f"unpacks to more than {RATIO_LIMIT} times its size: a zip bomb")


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(info)
    except BROKEN as error:
        raise ReadFailed(f"damaged within the archive: {error}") from error


def _begins_like_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    with archive.open(info) as stream:
        return stream.read(2) == b"PK"


def _listed_name(info: zipfile.ZipInfo) -> str:
    """The member's name as it is listed; one that leads elsewhere is made harmless."""
    name = info.orig_filename if _BAD_NAME.search(info.orig_filename) else info.filename
    if _BAD_NAME.search(name):
        name = _NEUTRAL.sub("_", name).lstrip("/")
    return safe(name) or "_"


def _is_hidden(info: zipfile.ZipInfo) -> bool:
    """True for names with a hidden part, and for what macOS adds to its archives."""
    if _BAD_NAME.search(info.orig_filename):
        return False  # it is listed, so that nobody wonders
    parts = info.filename.split("/")
    return parts[0] == "__MACOSX" or any(part.startswith(".") for part in parts)


def failing(path: str, error: BaseException) -> Member:
    """A member whose loading raises the error as a ReadFailed."""

    def load() -> bytes:
        raise (error if isinstance(error, ReadFailed) else ReadFailed(f"damaged: {error}"))

    return Member(path, load)
