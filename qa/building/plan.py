"""What a build finds to do: which files are kept as they are, and which are read."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from qa import storage
from qa.checking.freshness import is_trusted
from qa.errors import SeedsEmpty
from qa.reading.walking import Found, locate, survey
from qa.records import BuildReport, File, Status


class Plan(NamedTuple):
    """What a build finds to do: files to carry over as they are, and files to read."""

    kept: dict[str, tuple[File, ...]]  # path on disk -> its files of the last build, renamed
    to_read: tuple[str, ...]
    report: BuildReport


def find(seeds: Path, index: Path, *, allow_empty: bool) -> list[Found]:
    """The files of the folder. Raises SeedsMissing, and SeedsEmpty unless that is allowed."""
    found = survey(seeds, leave_out=index)
    if all(at.reason for at in found) and not allow_empty:
        raise SeedsEmpty(
            f"No file was found in {seeds}: put documents there, "
            "or give --allow-empty to empty the index."
        )
    return found


def compare(seeds: Path, found: Sequence[Found], old: Sequence[File]) -> Plan:
    """Compares the folder with what the last build saw."""
    before: dict[str, list[File]] = {}
    by_hash: dict[tuple[str, str], list[File]] = {}
    for file in old:
        before.setdefault(file.source, []).append(file)
        by_hash.setdefault((file.source_sha256, Path(file.source).suffix), []).append(file)
    kept: dict[str, tuple[File, ...]] = {}
    added: list[str] = []
    changed: list[str] = []
    unchanged: list[str] = []
    to_read: list[str] = []
    for at in found:
        known = before.get(at.path)
        if at.reason:
            left_out = _left_out(at)
            kept[at.path] = (left_out,)
            (unchanged if known == [left_out] else changed if known else added).append(at.path)
            continue
        if known and is_trusted(known[0], at.size, at.modified):
            kept[at.path] = tuple(known)
            unchanged.append(at.path)
            continue
        seen, digest = time.time_ns(), _hash(locate(seeds, at.path)) if old else ""
        same = [f for f in by_hash.get((digest, Path(at.path).suffix), ()) if digest]
        if known and known[0].source_sha256 == digest:
            unchanged.append(at.path)
            same = known
        else:
            (changed if known else added).append(at.path)
        if same:
            kept[at.path] = tuple(_renamed(same, at, seen))
        else:
            to_read.append(at.path)
    removed = sorted(set(before) - {at.path for at in found})
    report = BuildReport(
        added=tuple(added), changed=tuple(changed), removed=tuple(removed),
        unchanged=tuple(unchanged),
    )  # fmt: skip
    return Plan(kept, tuple(to_read), report)


def _left_out(at: Found) -> File:
    """What cannot be a document, as a report lists it. It is never opened."""
    return File(path=at.path, source=at.path, status=Status.UNSUPPORTED, reason=at.reason)


def _renamed(files: Sequence[File], at: Found, seen: int) -> Iterator[File]:
    """The files of an equal source, as they stand at another path or time."""
    source = files[0].source
    for file in files:
        if file.source == source:
            path = at.path + file.path.removeprefix(source)
            status = Status.INDEXED if file.status is Status.DUPLICATE else file.status
            reason = "" if file.status is Status.DUPLICATE else file.reason
            yield replace(
                file, path=path, source=at.path, size=at.size, modified=at.modified,
                seen=seen, status=status, reason=reason,
            )  # fmt: skip


def _hash(file: Path) -> str:
    """The file's SHA-256, or nothing when it cannot be read: its reading will say why."""
    try:
        return storage.sha256(file)
    except OSError:
        return ""
