r"""The files of a folder, and names that are safe to print.

A path is listed as it is, but for what would break a line of output or cannot be UTF-8: control
characters, marks that turn the direction of writing, and bytes that are no text become `\xNN`, as
many as they have bytes. A backslash that reads like such a mark is listed as `\x5c`. So every file
has one path, and `locate` finds the way back.
"""

import os
import re
import stat
import time
from bisect import bisect_left
from collections.abc import Collection, Iterator
from math import inf
from pathlib import Path
from typing import NamedTuple

from qa.errors import SeedsMissing
from qa.reading.ignoring import IGNORE_FILE, IgnoreFileRefused, Rules, is_ignored, rules_of

_UNSAFE = re.compile(
    "[\0-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
    r"|\\(?=x[0-9a-f]{2})"
)
_MARKED = re.compile(r"(?:\\x[0-9a-f]{2})+")


class Found(NamedTuple):
    """One file of a folder. A folder that cannot be opened is listed too, for the report."""

    path: str  # relative to the folder, with forward slashes, safe to print
    size: int
    modified: int  # nanoseconds since the epoch
    reason: str = ""  # why it is left out; "" for what is to be read


def safe(name: str) -> str:
    r"""The name as it is listed: `"a\nb"` becomes `"a\\x0ab"`."""
    return _UNSAFE.sub(
        lambda found: "".join(f"\\x{byte:02x}" for byte in os.fsencode(found[0])), name
    )


def locate(seeds: Path, path: str) -> Path:
    """Where the file stands that `walk` lists as `path`."""
    return seeds / _MARKED.sub(
        lambda found: os.fsdecode(bytes.fromhex(found[0].replace("\\x", ""))), path
    )


def walk(
    seeds: Path, *, leave_out: Path | None = None, only: Collection[str] | None = None,
    until: float = inf,
) -> list[Found]:  # fmt: skip
    """The files under `seeds` that may be documents, sorted by path.

    Left out: hidden files, the folder `leave_out` (the index), what `.qaignore` files name
    (gitignore syntax, in any folder), links that leave `seeds`, and what is no regular file.
    A folder that is reached by a link is walked only when it was not reached without one.
    With `only`, no more is looked at than the files at these paths and the archives that they lead
    into. Raises SeedsMissing, and TimeoutError at `until`, a time of `time.monotonic`.
    """
    _check(seeds)
    walked = _Walk(seeds, leave_out, only=only, until=until).files()
    return sorted(found for found in walked if not found.reason)


def survey(seeds: Path, *, leave_out: Path | None = None) -> list[Found]:
    """What `walk` finds, and with a reason what is never opened, for the report.

    That is links that leave `seeds` or lead nowhere, what is no regular file, and ignore files
    whose rules do not hold.
    """
    _check(seeds)
    return sorted(_Walk(seeds, leave_out).files())


def _check(seeds: Path) -> None:
    """Raises SeedsMissing when the folder cannot be read."""
    try:
        with os.scandir(seeds):
            pass
    except OSError as error:
        raise SeedsMissing(_why_missing(seeds, error)) from error


def _why_missing(seeds: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"There is no folder {safe(str(seeds))!r}: name the folder of your documents."
    if isinstance(error, NotADirectoryError):
        return f"{safe(str(seeds))!r} is not a folder: name the folder that holds the documents."
    return f"The folder {safe(str(seeds))!r} cannot be read: {error.strerror or error}."


class _Walk:
    """One walk: real folders first, then those that only links reach."""

    def __init__(
        self, seeds: Path, leave_out: Path | None, *, only: Collection[str] | None = None,
        until: float = inf,
    ) -> None:  # fmt: skip
        self.only = None if only is None else sorted(f"{path}/" for path in only)
        self.until = until
        self.root = os.path.realpath(seeds)
        self.left_out = os.path.realpath(leave_out) if leave_out else None
        self.reached: set[str] = set()  # the real paths of folders
        self.linked: list[tuple[str, str, tuple[Rules, ...]]] = []

    def files(self) -> Iterator[Found]:
        """Every file, in the order in which it is met."""
        folders: list[tuple[str, str, tuple[Rules, ...]]] = [(self.root, "", ())]
        while folders or self.linked:
            if not folders:
                self.linked.sort(key=lambda waiting: waiting[1], reverse=True)
                folders.append(self.linked.pop())
            real, relative, rules = folders.pop()
            if real in self.reached or real == self.left_out:
                continue
            self.reached.add(real)
            try:
                entries = sorted(self.entries(real, relative), key=lambda entry: entry.name)
            except OSError:
                self.check_time()  # may be what ended it: a TimeoutError is an OSError
                yield Found(safe(relative.rstrip("/")) or ".", 0, 0)
                continue
            try:
                rules = (*rules, rules_of(os.path.join(real, IGNORE_FILE), relative, self.root))
            except IgnoreFileRefused as error:
                yield Found(safe(relative + IGNORE_FILE), 0, 0, f"its rules do not hold: {error}")
            for entry in entries:
                yield from self.entry(entry, relative + entry.name, rules, folders)

    def entries(self, real: str, relative: str) -> Iterator[os.DirEntry[str]]:
        """What a folder holds, as far as it is asked for."""
        with os.scandir(real) as entries:
            for entry in entries:
                self.check_time()
                if self.is_asked_for(relative + entry.name):
                    yield entry

    def is_asked_for(self, relative: str) -> bool:
        """Whether an entry is, or leads to, what the walk is about."""
        if self.only is None:
            return True
        listed = f"{safe(relative)}/"
        at = bisect_left(self.only, listed)
        return at < len(self.only) and self.only[at].startswith(listed)

    def check_time(self) -> None:
        """Raises TimeoutError when the time is over."""
        if time.monotonic() >= self.until:
            raise TimeoutError("The folder could not be listed in time.")

    def entry(
        self,
        entry: os.DirEntry[str],
        relative: str,
        rules: tuple[Rules, ...],
        folders: list[tuple[str, str, tuple[Rules, ...]]],
    ) -> Iterator[Found]:
        """The entry when it is a file, or what cannot be one; a folder joins those to be walked."""
        if entry.name.startswith("."):
            return
        self.check_time()
        is_link = entry.is_symlink()
        real = os.path.realpath(entry.path) if is_link else entry.path
        if is_link and self.left_out and _is_within(real, self.left_out):
            return
        about = _about(real)
        is_folder = about is not None and stat.S_ISDIR(about.st_mode)
        if is_ignored(relative, rules, is_folder=is_folder):
            return
        if reason := self.reason(real, about, is_link=is_link):
            yield Found(safe(relative), 0, 0, reason)
        elif is_folder:
            waiting = self.linked if is_link else folders
            waiting.append((real, relative + "/", rules))
        elif about is not None:
            yield Found(safe(relative), about.st_size, about.st_mtime_ns)

    def reason(self, real: str, about: os.stat_result | None, *, is_link: bool) -> str:
        """Why an entry is left out; nothing for files, folders, and what vanished meanwhile."""
        if is_link and not _is_within(real, self.root):
            return "a link that leaves the folder"
        if about is None:
            return "a link that leads nowhere" if is_link else ""
        kinds = (stat.S_ISDIR, stat.S_ISREG)
        return "" if any(is_kind(about.st_mode) for is_kind in kinds) else "no regular file"


def _about(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
