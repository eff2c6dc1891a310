"""The folder of documents as it is now, listed only as far as asked for, and until a deadline."""

import time
from bisect import bisect_right
from collections.abc import Collection, Mapping
from pathlib import Path

from qa.reading.walking import Found, walk


class Folder:
    """The files of a folder; `leave_out` is the index.

    Listing raises TimeoutError at `until`, a time of `time.monotonic`.
    """

    def __init__(self, seeds: Path, leave_out: Path, until: float) -> None:
        self._seeds, self._leave_out, self._until = seeds, leave_out, until

    def at(self, paths: Collection[str]) -> "Files":
        """The files at these paths, and the archives that they lead into."""
        return Files(walk(self._seeds, leave_out=self._leave_out, only=paths, until=self._until))

    def all(self) -> "Files":
        """Every file. Half of the time is left to those who read them."""
        now = time.monotonic()
        half = now + (self._until - now) / 2
        return Files(walk(self._seeds, leave_out=self._leave_out, until=half))


class Files:
    """Files of the folder by their paths."""

    def __init__(self, found: Collection[Found]) -> None:
        self.by_path: Mapping[str, Found] = {at.path: at for at in found}
        self._folders = sorted(f"{path}/" for path in self.by_path)  # an archive is one

    def holding(self, path: str) -> str | None:
        """The file at a path, or the archive that the path leads into."""
        # Nothing sorts between a file, with a slash, and a path within it.
        at = bisect_right(self._folders, f"{path}/") - 1
        folder = self._folders[at] if at >= 0 else "/"
        return folder[:-1] if f"{path}/".startswith(folder) else None
