"""Where a failure belongs: to one document, which fails alone, or to the build."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from qa.errors import DocumentFailed, QAError

_EVERYONES = (QAError, OSError, sqlite3.OperationalError)
_INTERRUPTIONS = (KeyboardInterrupt, SystemExit, GeneratorExit)
_REASON_LIMIT = 160  # characters


@contextmanager
def of_document() -> Iterator[None]:
    """Turns what fails within into `DocumentFailed`, but for interruptions and the disk's refusals.

    A panic of a library written in Rust is no `Exception`: it counts, too.
    """
    try:
        yield
    except (*_EVERYONES, *_INTERRUPTIONS):
        raise
    except BaseException as error:
        raise DocumentFailed(_reason(error)) from error


def _reason(error: BaseException) -> str:
    """The error in one line that can be stored and printed."""
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    reason = f"cannot be indexed: {type(error).__name__}: {error}"
    line = " ".join(reason.encode(errors="replace").decode().split())
    return line if len(line) <= _REASON_LIMIT else f"{line[:_REASON_LIMIT]}…"
