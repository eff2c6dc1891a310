"""Files as a build's report and its snapshot name them."""

import time
from collections.abc import Sequence
from dataclasses import replace

from qa.index.filelist import STORED
from qa.index.store import DocumentKey
from qa.reading.outcomes import Reading, ReadResult
from qa.records import File, Status

FAILURES = (Status.FAILED, Status.UNSUPPORTED, Status.EMPTY, Status.NEEDS_OCR)


def file_of(read: Reading, outcome: ReadResult, passages: int) -> File:
    """What became of a file, or of a member of an archive."""
    document = outcome.document
    return File(
        path=outcome.path,
        status=outcome.status,
        reason=outcome.reason,
        size=read.size,
        modified=read.modified,
        sha256=document.sha256 if document else "",
        reader=document.reader if document else "",
        passages=passages,
        pages=document.pages if document else 0,
        characters=len(document.text) if document else 0,
        source=read.path,
        source_sha256=read.sha256,
        seen=time.time_ns(),
    )


def with_duplicates(files: Sequence[File]) -> list[File]:
    """The files in order; each but the first of one document is its duplicate."""
    first: dict[DocumentKey, str] = {}
    for file in files:
        if file.status in STORED:
            first.setdefault((file.sha256, file.reader), file.path)
    return [_marked(file, first.get((file.sha256, file.reader), file.path)) for file in files]


def _marked(file: File, original: str) -> File:
    """The file, a duplicate when the same document was met before at `original`."""
    if file.path != original and file.status in STORED:
        return replace(file, status=Status.DUPLICATE, reason=f"same as {original}")
    if file.status is Status.DUPLICATE:
        return replace(file, status=Status.INDEXED, reason="")
    return file
