"""Filters -> the globs that a question is asked with, and the choices to offer."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from glob import escape
from pathlib import PurePosixPath
from typing import NamedTuple

from qa.errors import FilterEmpty
from qa.records import File, Status
from qa.web.address import Filters


class Choices(NamedTuple):
    """What the filters offer, sorted; named as in the address."""

    folder: list[str]
    kind: list[str]
    file: list[str]


def choices(files: Sequence[File]) -> Choices:
    """The folders, kinds and paths of the indexed files."""
    paths = [file.path for file in files if file.status in (Status.INDEXED, Status.DUPLICATE)]
    folders = {
        str(parent) for path in paths for parent in PurePosixPath(path).parents if parent.name
    }
    return Choices(sorted(folders), sorted({kind(path) for path in paths} - {""}), paths)


def kind(path: str) -> str:
    """The suffix without its dot: `"Reports/May.PDF"` is of kind `"pdf"`."""
    return PurePosixPath(path).suffix[1:].lower()


def globs(filters: Filters, files: Sequence[File], dates: Mapping[str, str | None]) -> list[str]:
    """The globs of the files that the filters select; none when they select all.

    A day can only be filtered by naming every path, as a glob knows no dates. Raises FilterEmpty.
    """
    if not filters:
        return []
    if not (filters.file or filters.since or filters.until):
        folder = f"{escape(filters.folder)}/" if filters.folder else ""
        suffix = "".join(f"[{a}{a.upper()}]" if a.isalpha() else a for a in filters.kind)
        return [f"{folder}*.{suffix}" if suffix else f"{folder}*"]
    found = [escape(file.path) for file in files if _is_selected(file, filters, dates)]
    if not found:
        raise FilterEmpty("No document fits these filters: take one away, or choose others.")
    return found


def day(file: File, dates: Mapping[str, str | None]) -> str:
    """The document's own date, or else the day on which its file was changed, UTC."""
    date = dates.get(file.path)
    return (date or datetime.fromtimestamp(file.modified / 1e9, UTC).isoformat())[:10]


def _is_selected(file: File, filters: Filters, dates: Mapping[str, str | None]) -> bool:
    if filters.folder and not file.path.startswith(f"{filters.folder}/"):
        return False
    if filters.kind and kind(file.path) != filters.kind:
        return False
    if filters.file and file.path != filters.file:
        return False
    # A document may give only its year: "2024" lies within any part of 2024 that is asked for.
    at = day(file, dates)
    return (not filters.since or at >= filters.since[: len(at)]) and (
        not filters.until or at <= filters.until
    )
