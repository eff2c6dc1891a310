"""Readers' judgements of excerpts, one JSON line each, in a file in the index's folder.

A row is one of the question-set format: the question, the document and the span that was judged;
`helpful` is the judgement. `qa eval` runs on the file: it leaves out what was judged unhelpful, and
of several judgements of one place the last one counts.
"""

import errno
import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from qa.asking.service import QA
from qa.errors import QAError, ReadFailed

_LOCK = threading.Lock()
NAME = "feedback.jsonl"
LIMIT = 64 << 20  # bytes of the file
LONGEST = 1 << 20  # bytes; no line is as long


class FeedbackRefused(QAError):
    """The judgement cannot be stored; the message gives the reason."""


def add(qa: QA, question: str, document: str, span: tuple[int, int], *, helpful: bool) -> str:
    """Appends one judgement; returns the document's path.

    Raises ReadFailed when the index does not hold the span, and FeedbackRefused.
    """
    found = qa.document(document)
    start, end = span
    if found is None or not 0 <= start < end <= len(found.text):
        raise ReadFailed("This place is not in the index any more.")
    path = qa.files_of(document)[0].path
    row = {
        "question": question,
        "document": path,
        "spans": [[start, end]],
        "helpful": helpful,
        "sha256": document,
        "snapshot": qa.manifest.snapshot,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    _append(qa.index / NAME, f"{json.dumps(row, ensure_ascii=False)}\n".encode(errors="replace"))
    return path


def _append(file: Path, line: bytes) -> None:
    """Appends a line, completely or not at all, after other writers, in this process or another."""
    import fcntl

    try:
        with _LOCK:
            handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)  # dies with its process
                _append_locked(handle, line)
            finally:
                os.close(handle)
    except OSError as error:
        raise FeedbackRefused(f"{file.name} cannot be written: {error.strerror}.") from error


def _append_locked(handle: int, line: bytes) -> None:
    size = os.fstat(handle).st_size
    if size > LIMIT:
        raise FeedbackRefused(f"{NAME} is full: move it away.")
    last = os.pread(handle, LONGEST, max(size - LONGEST, 0)).rpartition(b"\n")[2]
    if last and _is_complete(last):  # by an editor that writes no last line end
        line = b"\n" + line
    elif last:  # a power cut broke it off: nobody was promised that it is kept
        size -= len(last)
        os.ftruncate(handle, size)
    written = 0
    try:
        written = os.write(handle, line)
    finally:
        if written < len(line):
            os.ftruncate(handle, size)
    if written < len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _is_complete(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
