"""A build that would remove more than half of the documents does so only where that is meant.

A wrong folder, one that is mounted in part, or a pattern in `.qaignore` must not empty an index.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from qa.errors import RemovalRefused
from qa.reading.walking import Found, locate
from qa.records import File, Status

MOST = 1 / 2  # of the documents, that are removed without asking
NAMED = 3  # paths in the message

_INDEXED = (Status.INDEXED, Status.DUPLICATE)


def check(index: Path, seeds: Path, found: Sequence[Found], before: Sequence[File]) -> None:
    """Raises RemovalRefused when more than half of the documents indexed before are not found.

    A file that was renamed is still there; one that changed is, too.
    """
    found = [at for at in found if not at.reason]
    documents = {(file.sha256, file.reader) for file in before if file.status in _INDEXED}
    gone = _gone(before, {at.path for at in found}, set())
    if len(gone) <= MOST * len(documents):
        return
    gone = _gone(before, {at.path for at in found}, _new_hashes(seeds, found, before))
    if len(gone) <= MOST * len(documents):
        return
    paths = sorted(gone.values())
    named = ", ".join(paths[:NAMED]) + (", ..." if len(paths) > NAMED else "")
    raise RemovalRefused(
        f"Building from {seeds} would remove {len(gone)} of the {len(documents)} documents in "
        f"{index} ({named}): nothing was changed. Name another folder, or run `qa build {seeds} "
        "--yes` to remove them."
    )


def _gone(before: Sequence[File], paths: set[str], hashes: set[str]) -> dict[tuple[str, str], str]:
    """The documents without a file, each with the first of its former paths."""
    files = [file for file in before if file.status in _INDEXED]
    there = {
        (file.sha256, file.reader)
        for file in files
        if file.source in paths or file.source_sha256 in hashes
    }
    gone: dict[tuple[str, str], str] = {}
    for file in files:
        if (file.sha256, file.reader) not in there:
            gone.setdefault((file.sha256, file.reader), file.path)
    return gone


def _new_hashes(seeds: Path, found: Sequence[Found], before: Sequence[File]) -> set[str]:
    """The hashes of new files that may be renamed ones, by their sizes."""
    known = {file.source for file in before}
    sizes = {file.size for file in before}
    hashes = set()
    for at in found:
        if at.path not in known and at.size in sizes:
            try:
                with locate(seeds, at.path).open("rb") as stream:
                    hashes.add(hashlib.file_digest(stream, "sha256").hexdigest())
            except OSError:
                continue
    return hashes
