"""A process that reads one file after another, so that what goes wrong in a parser stays here.

Started by `workers` as `python -m qa.reading.worker SECONDS`.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qa.errors import ReadFailed
from qa.reading import archive, containers, ocr, wire
from qa.reading.confined import OUT_OF_MEMORY, limit_memory, serve, time_limit
from qa.reading.detection import BROKEN
from qa.reading.loading import about, load
from qa.reading.outcomes import ReadResult, failure, outcome_of

OCR_PATIENCE = 20  # times the time limit, where tesseract reads the pages
WALL = 5  # times the time limit by the clock, as other processes may hold the processor
PATIENT_SIZE = 64 << 20  # bytes of a file, for each of which it gets the time limit once more


def main() -> None:
    """Serve requests until the process that asks is gone."""
    seconds = float(sys.argv[1])

    def answer(request: dict[str, Any], answers: int) -> None:
        _read(answers, Path(request["file"]), request["path"], request["done"], seconds)

    serve(answer)


def _read(answers: int, file: Path, path: str, done: int, seconds: float) -> None:
    """Send every outcome of a file but the first `done` ones, then the state it was read in."""
    started, state = time.process_time(), about(file)
    wall = wall_patience(seconds, state.size, reads_scans=ocr.enabled())
    seconds = patience(seconds, state.size, reads_scans=ocr.enabled())
    limit_memory(state.size)
    members: Iterator[archive.Member] = iter(())
    digest = ""
    try:
        with time_limit(seconds, wall=wall):
            loaded = load(file)
            state, digest = loaded.about, loaded.sha256
            members = containers.members(loaded.data, path)
            del loaded
    except (ReadFailed, MemoryError) as error:
        wire.send_outcome(answers, _failure(path, error))
    for number in range(sys.maxsize):
        try:
            with time_limit(seconds, wall=wall):
                member = next(members, None)
        except (*BROKEN, MemoryError, RecursionError) as error:  # the rest of the archive is lost
            wire.send_outcome(answers, _failure(path, error))
            break
        if member is None:
            break
        if number >= done:
            wire.send(answers, {"begin": member.path})
            with time_limit(seconds, wall=wall):
                outcome = _outcome(member)
            wire.send_outcome(answers, outcome)
        del member
    spent = time.process_time() - started
    wire.send(answers, {"end": [state.size, state.modified, digest, spent]})


def patience(seconds: float, size: int, *, reads_scans: bool) -> float:
    """How many seconds of the processor a file of that many bytes may take, a small one `seconds`."""
    return seconds * (1 + size // PATIENT_SIZE) * (OCR_PATIENCE if reads_scans else 1)


def wall_patience(seconds: float, size: int, *, reads_scans: bool) -> float:
    """How many seconds by the clock it may take."""
    return seconds * (1 + size // PATIENT_SIZE) * (OCR_PATIENCE if reads_scans else WALL)


def _outcome(member: archive.Member) -> ReadResult:
    try:
        return outcome_of(member.path, member.load)
    except MemoryError as error:
        return _failure(member.path, error)


def _failure(path: str, error: Exception) -> ReadResult:
    if isinstance(error, MemoryError):
        return failure(path, ReadFailed(OUT_OF_MEMORY))
    return failure(
        path, error if isinstance(error, ReadFailed) else ReadFailed(f"damaged: {error}")
    )


if __name__ == "__main__":
    main()
