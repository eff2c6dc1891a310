"""What readers say of excerpts, one JSON line each, in a file beside the index.

A row is one of the question-set format: the question, the document and the span that was judged;
`helpful` says how. `qa eval` runs on the file: it leaves out what was judged unhelpful, and of
several judgements of one place the last one counts.
"""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

from qa.asking.service import QA
from qa.errors import QAError, ReadFailed

_LOCK = threading.Lock()
NAME = "feedback.jsonl"
LIMIT = 64 << 20  # bytes of the file


class FeedbackRefused(QAError):
    """The judgement cannot be kept; the message says why."""


def add(qa: QA, question: str, document: str, span: tuple[int, int], *, helpful: bool) -> str:
    """Appends one judgement; says the document's path.

    Raises ReadFailed when the place is none of the index, and FeedbackRefused.
    """
    held = qa.document(document)
    start, end = span
    if held is None or not 0 <= start < end <= len(held.text):
        raise ReadFailed("This place is not in the index any more.")
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
    _append(qa.index / NAME, json.dumps(row, ensure_ascii=False) + "\n")
    return path


def _append(file: Path, line: str) -> None:
    try:
        with _LOCK, file.open("a", encoding="utf-8") as stream:
            if stream.tell() > LIMIT:
                raise FeedbackRefused(f"{file.name} is full: move it away.")
            stream.write(line)
    except OSError as error:
        raise FeedbackRefused(f"{file.name} cannot be written: {error.strerror}.") from error
