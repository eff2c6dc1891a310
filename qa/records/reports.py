"""Files and reports: what builds made of a folder."""

from dataclasses import dataclass, field
from enum import StrEnum

from qa.records.languages import OfLanguage


class Status(StrEnum):
    """What became of one file in a build."""

    INDEXED = "indexed"
    EMPTY = "empty"
    NEEDS_OCR = "needs OCR"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class File:
    """One file of the seeds folder as the last build saw it."""

    path: str
    status: Status
    reason: str = ""
    size: int = 0  # of `source`, bytes
    modified: int = 0  # of `source`, nanoseconds since the epoch
    sha256: str = ""  # of the document's bytes
    reader: str = ""
    passages: int = 0
    pages: int = 0
    characters: int = 0
    source: str = ""  # the file on disk: `path` itself, or the archive that holds it
    source_sha256: str = ""
    seen: int = 0  # nanoseconds since the epoch, when it was read


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did; paths are sorted."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()  # (path, reason)
    passages: int = 0
    seconds: float = 0.0
    snapshot: str = ""
    processor: tuple[tuple[str, float], ...] = ()  # (stage, seconds of the processor)
    files: tuple[File, ...] = field(default=(), repr=False)
    languages: tuple[OfLanguage, ...] = ()  # of what the index holds
