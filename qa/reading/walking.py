r"""The files of a folder, and names that are safe to print.

A path is told as it is, but for what would break a line of output or cannot be UTF-8: control
characters, marks that turn the direction of writing, and bytes that are no text become `\xNN`, as
many as they have bytes. A backslash that reads like such a mark is told as `\x5c`. So every file
has one path, and `locate` finds the way back.
"""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pathspec import GitIgnoreSpec

from qa.errors import SeedsMissing

IGNORE_FILE = ".qaignore"

_UNSAFE = re.compile(
    "[\0-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
    r"|\\(?=x[0-9a-f]{2})"
)
_MARKED = re.compile(r"(?:\\x[0-9a-f]{2})+")


class Found(NamedTuple):
    """One file of a folder. A folder that cannot be opened stands here too, for a report to tell."""

    path: str  # relative to the folder, with forward slashes, safe to print
    size: int
    modified: int  # nanoseconds since the epoch


class _Rules(NamedTuple):
    """One ignore file's rules and the folder in which they hold."""

    folder: str  # relative, "" or ending with a slash
    spec: GitIgnoreSpec


def safe(name: str) -> str:
    r"""The name as it is told: `"a\nb"` becomes `"a\\x0ab"`."""
    return _UNSAFE.sub(
        lambda found: "".join(f"\\x{byte:02x}" for byte in os.fsencode(found[0])), name
    )


def locate(seeds: Path, path: str) -> Path:
    """Where the file stands that `walk` told as `path`."""
    return seeds / _MARKED.sub(
        lambda found: os.fsdecode(bytes.fromhex(found[0].replace("\\x", ""))), path
    )


def walk(seeds: Path, *, leave_out: Path | None = None) -> list[Found]:
    """The files under `seeds`, sorted by path.

    Left out: hidden files, the folder `leave_out` (the index), what `.qaignore` files name
    (gitignore syntax, in any folder), links that leave `seeds`, and what is no regular file.
    A folder that is reached by a link is walked only when it was not reached without one.
    Raises SeedsMissing.
    """
    try:
        with os.scandir(seeds):
            pass
    except OSError as error:
        raise SeedsMissing(_why_missing(seeds, error)) from error
    return sorted(_Walk(seeds, leave_out).files())


def _why_missing(seeds: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"There is no folder {safe(str(seeds))!r}: name the folder of your documents."
    if isinstance(error, NotADirectoryError):
        return f"{safe(str(seeds))!r} is not a folder: name the folder that holds the documents."
    return f"The folder {safe(str(seeds))!r} cannot be read: {error.strerror or error}."


class _Walk:
    """One walk: real folders first, then those that only links reach."""

    def __init__(self, seeds: Path, leave_out: Path | None) -> None:
        self.root = os.path.realpath(seeds)
        self.left_out = os.path.realpath(leave_out) if leave_out else None
        self.reached: set[str] = set()  # the real paths of folders
        self.linked: list[tuple[str, str, tuple[_Rules, ...]]] = []

    def files(self) -> Iterator[Found]:
        """Every file, in the order in which it is met."""
        folders: list[tuple[str, str, tuple[_Rules, ...]]] = [(self.root, "", ())]
        while folders or self.linked:
            if not folders:
                self.linked.sort(key=lambda waiting: waiting[1], reverse=True)
                folders.append(self.linked.pop())
            real, relative, rules = folders.pop()
            if real in self.reached or real == self.left_out:
                continue
            self.reached.add(real)
            try:
                entries = sorted(os.scandir(real), key=lambda entry: entry.name)
            except OSError:
                yield Found(safe(relative.rstrip("/")) or ".", 0, 0)
                continue
            rules = (*rules, *_rules_in(real, relative))
            for entry in entries:
                yield from self.entry(entry, relative + entry.name, rules, folders)

    def entry(
        self,
        entry: os.DirEntry[str],
        relative: str,
        rules: tuple[_Rules, ...],
        folders: list[tuple[str, str, tuple[_Rules, ...]]],
    ) -> Iterator[Found]:
        """The entry when it is a file to be read; a folder joins those to be walked."""
        if entry.name.startswith("."):
            return
        try:
            real = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
            about = os.stat(real)
        except (OSError, ValueError):
            return  # a link to nothing, or a file that vanished
        if entry.is_symlink() and not self.holds(real):
            return
        if stat.S_ISDIR(about.st_mode):
            if not _ignored(relative + "/", rules):
                waiting = self.linked if entry.is_symlink() else folders
                waiting.append((real, relative + "/", rules))
        elif stat.S_ISREG(about.st_mode) and not _ignored(relative, rules):
            yield Found(safe(relative), about.st_size, about.st_mtime_ns)

    def holds(self, real: str) -> bool:
        """True for what stands in the folder and not in the part left out."""
        if self.left_out and (real == self.left_out or real.startswith(self.left_out + os.sep)):
            return False
        return real == self.root or real.startswith(self.root.rstrip(os.sep) + os.sep)


def _rules_in(folder: str, relative: str) -> Iterator[_Rules]:
    """The rules of the folder's ignore file; nothing when it has none."""
    try:
        with open(
            os.path.join(folder, IGNORE_FILE),
            encoding="utf-8",
            errors="surrogateescape",
        ) as file:
            lines = file.read().splitlines()
    except OSError:
        return
    yield _Rules(relative, GitIgnoreSpec.from_lines(filter(_is_pattern, lines)))


def _is_pattern(line: str) -> bool:
    """True when pathspec understands the line; git passes over the others, too."""
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def _ignored(relative: str, rules: Sequence[_Rules]) -> bool:
    """True when the deepest ignore file that says anything of the path says to ignore it."""
    for folder, spec in reversed(rules):
        said = spec.check_file(relative[len(folder) :]).include
        if said is not None:
            return said
    return False
