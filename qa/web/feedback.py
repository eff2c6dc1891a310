"""What readers say of excerpts, one JSON line each, in a file beside the index.

A helpful excerpt is a row of the question-set format, so that `qa eval` runs on it: the question,
the document and the spans that answer. A row of another verdict names no span.
"""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

from qa.errors import QAError
from qa.service import QA

_LOCK = threading.Lock()
LIMIT = 64 << 20  # bytes of the file


class FeedbackRefused(QAError):
    """The place that was judged is none of the index, or the file is full."""


def add(qa: QA, question: str, document: str, span: tuple[int, int], *, helpful: bool) -> str:
    """Appends one judgement; says the document's path. Raises FeedbackRefused."""
    held = qa.document(document)
    start, end = span
    if held is None or not 0 <= start < end <= len(held.text):
        raise FeedbackRefused("This place is not in the index any more.")
    path = next(file.path for file in qa.files() if file.sha256 == document)
    row = {
        "question": question,
        "document": path,
        "spans": [[start, end]],
        "helpful": helpful,
        "sha256": document,
        "snapshot": qa.manifest.snapshot,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    _append(file_of(qa.index, helpful=helpful), json.dumps(row, ensure_ascii=False) + "\n")
    return path


def file_of(index: Path, *, helpful: bool) -> Path:
    """Where judgements are kept: the helpful ones apart, as they are a question set."""
    return index / ("helpful.jsonl" if helpful else "unhelpful.jsonl")


def _append(file: Path, line: str) -> None:
    try:
        with _LOCK, file.open("a", encoding="utf-8") as stream:
            if stream.tell() > LIMIT:
                raise FeedbackRefused(f"{file.name} is full: move it away.")
            stream.write(line)
    except OSError as error:
        raise FeedbackRefused(f"{file.name} cannot be written: {error.strerror}.") from error
