"""A process that reads one file after another, so that what goes wrong in a parser stays here.

Started by `workers` as `python -m qa.reading.worker SECONDS`. It takes requests on standard input
and tells outcomes on what was its standard output; parsers that print, print to nowhere.
"""

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qa.errors import ReadFailed
from qa.reading import archive, ocr, wire
from qa.reading.formats import BROKEN, Format, format_of
from qa.reading.loading import about, load
from qa.reading.outcomes import Outcome, failure, outcome_of

MEMORY = 512 << 20  # bytes that a reader may take,
MEMORY_PER_BYTE = 6  # for each byte of its file besides,
MEMORY_LIMIT = 1536 << 20  # up to this
OCR_PATIENCE = 20  # times the time limit, where tesseract reads the pages
PATIENT_SIZE = 64 << 20  # bytes of a file, for each of which it gets the time limit once more
OUT_OF_MEMORY = "needs more memory than one file may take"
STARVED = 71  # the exit code of a process that could not even tell so


def main() -> None:
    """Serve requests until the process that asks is gone."""
    requests, answers = 0, os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    threading.Thread(target=_die_with_parent, args=(requests,), daemon=True).start()
    seconds = float(sys.argv[1])
    try:
        while True:
            request = wire.receive(requests)
            _serve(
                answers,
                Path(request["file"]),
                request["path"],
                request["done"],
                seconds,
            )
    except wire.Broken:
        os._exit(0)
    except MemoryError:
        os._exit(STARVED)


def _serve(answers: int, file: Path, path: str, done: int, seconds: float) -> None:
    """Tell every outcome of a file but the first `done` ones, then the state it was read in."""
    state = about(file)
    seconds = patience(seconds, state.size)
    _limit_memory(state.size)
    members: Iterator[archive.Member] = iter(())
    digest = ""
    try:
        with _time_limit(seconds):
            loaded = load(file)
            state, digest = loaded.about, loaded.sha256
            members = _members(loaded.data, path)
            del loaded
    except (ReadFailed, MemoryError) as error:
        wire.send_outcome(answers, _failure(path, error))
    for number in range(sys.maxsize):
        try:
            with _time_limit(seconds):
                member = next(members, None)
        except (*BROKEN, MemoryError, RecursionError) as error:  # the rest of the archive is lost
            wire.send_outcome(answers, _failure(path, error))
            break
        if member is None:
            break
        if number >= done:
            wire.send(answers, {"begin": member.path})
            with _time_limit(seconds):
                outcome = _outcome(member)
            wire.send_outcome(answers, outcome)
        del member
    wire.send(answers, {"end": [state.size, state.modified, digest]})


def patience(seconds: float, size: int) -> float:
    """How many seconds a file of that many bytes may take, where a small one may take `seconds`."""
    return seconds * (1 + size // PATIENT_SIZE) * (OCR_PATIENCE if ocr.enabled() else 1)


def _members(data: bytes, path: str) -> Iterator[archive.Member]:
    """The files that a file holds: itself, or an archive's members."""
    try:
        if format_of(data, path.rpartition("/")[2]) is Format.ARCHIVE:
            return archive.members(data, path)
    except ReadFailed:
        pass  # the outcome tells
    return iter((archive.Member(path, lambda: data),))


def _outcome(member: archive.Member) -> Outcome:
    try:
        return outcome_of(member.path, member.load)
    except MemoryError as error:
        return _failure(member.path, error)


def _failure(path: str, error: Exception) -> Outcome:
    if isinstance(error, MemoryError):
        return failure(path, ReadFailed(OUT_OF_MEMORY))
    return failure(
        path, error if isinstance(error, ReadFailed) else ReadFailed(f"damaged: {error}")
    )


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """The system ends this process when what is within takes longer, hung C code included."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _limit_memory(size: int) -> None:
    """Let this process take as much memory as a file of that size may need."""
    import resource

    kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    _, hard = resource.getrlimit(kind)
    bytes_ = min(MEMORY + MEMORY_PER_BYTE * size, MEMORY_LIMIT)
    try:
        resource.setrlimit(kind, (bytes_ if hard < 0 else min(bytes_, hard), hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ValueError, OSError):
        pass  # some systems know no such limit


def _die_with_parent(requests: int) -> None:
    """End this process as soon as the other end of its input is closed, whatever it is doing."""
    watch = select.poll()
    watch.register(requests, 0)  # hang-ups are told without asking
    while not any(event & (select.POLLHUP | select.POLLERR) for _, event in watch.poll()):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
