"""What became of one file: a status, its reason, and the document where there is one."""

from collections.abc import Callable
from dataclasses import dataclass

from qa.errors import ReadFailed, Unsupported
from qa.reading import read_noted
from qa.reading.content import NOTE_LIMIT, one_line
from qa.records import Document, Status

_PAGES_NAMED = 10


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What one document of a file came to; only INDEXED has a document to be indexed."""

    path: str
    status: Status
    reason: str = ""
    document: Document | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One file as it was read: an archive has an outcome for each member, others have one."""

    path: str
    size: int
    modified: int  # nanoseconds since the epoch
    sha256: str  # of the file's bytes; "" when they could not be read
    outcomes: tuple[ReadResult, ...]
    processor: float = 0.0  # seconds, in the process that read it


def outcome_of(path: str, load: Callable[[], bytes]) -> ReadResult:
    """What the bytes that `load` gives come to; any failure is an outcome."""
    try:
        document, note = read_noted(load(), path.rpartition("/")[2])
    except ReadFailed as error:
        return failure(path, error)
    except ImportError as error:
        return ReadResult(path, Status.FAILED, f"a library is missing: {error.name}")
    if document.blocks:
        return ReadResult(path, Status.INDEXED, _reason_of(document, note), document)
    if document.pages_without_text:
        return ReadResult(path, Status.NEEDS_OCR, _reason_of(document, note), document)
    return ReadResult(path, Status.EMPTY, note or "it holds no text", document)


def failure(path: str, error: ReadFailed) -> ReadResult:
    """What a file came to that could not be read."""
    unread = Status.UNSUPPORTED if isinstance(error, Unsupported) else Status.FAILED
    return ReadResult(path, unread, one_line(str(error), NOTE_LIMIT) or "it cannot be read")


def _reason_of(document: Document, note: str) -> str:
    """The note, after the pages that have no text."""
    return "; ".join(filter(None, (_missing_pages(document), note)))


def _missing_pages(document: Document) -> str:
    """`"no text on pages 2, 3: they need OCR"`, or nothing when every page has text."""
    blank = document.pages_without_text
    if not blank:
        return ""
    if len(blank) == document.pages == 1 and document.reader.startswith("image"):
        return "an image: what text it shows needs OCR"
    if len(blank) == document.pages:
        return f"no text on {'its page' if len(blank) == 1 else f'any of its {len(blank)} pages'}"
    named = ", ".join(map(str, blank[:_PAGES_NAMED]))
    more = f" and {len(blank) - _PAGES_NAMED} more" if len(blank) > _PAGES_NAMED else ""
    return f"no text on page{'s' if len(blank) > 1 else ''} {named}{more}"
