"""Filters -> the globs that a question is asked with, and the choices to offer."""

from collections.abc import Callable, Sequence
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
    language: list[str]


def choices(files: Sequence[File], languages: Sequence[str] = ()) -> Choices:
    """The folders, kinds and paths of the indexed files, and these languages."""
    paths = [file.path for file in files if file.status in (Status.INDEXED, Status.DUPLICATE)]
    folders = {
        str(parent) for path in paths for parent in PurePosixPath(path).parents if parent.name
    }
    kinds = sorted({kind(path) for path in paths} - {""})
    return Choices(sorted(folders), kinds, paths, sorted(languages))


def kind(path: str) -> str:
    """The suffix without its dot: `"Reports/May.PDF"` is of kind `"pdf"`."""
    return PurePosixPath(path).suffix[1:].lower()


def globs(filters: Filters, file_at: Callable[[str], File | None]) -> list[str]:
    """The globs of the files that the filters select by their paths; none when they select all.

    `file_at` gives the file at a path. Raises FilterEmpty.
    """
    if not filters.file:
        folder = f"{escape(filters.folder)}/" if filters.folder else ""
        suffix = "".join(f"[{a}{a.upper()}]" if a.isalpha() else a for a in filters.kind)
        glob = f"{folder}*.{suffix}" if suffix else f"{folder}*"
        return [glob] if folder or suffix else []
    if file_at(filters.file) is None or not _is_selected(filters.file, filters):
        raise FilterEmpty("No document fits these filters: take one away, or choose others.")
    return [escape(filters.file)]


def _is_selected(path: str, filters: Filters) -> bool:
    is_inside = not filters.folder or path.startswith(f"{filters.folder}/")
    is_kind = not filters.kind or kind(path) == filters.kind
    return is_inside and is_kind
