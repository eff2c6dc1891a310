"""What a process keeps to that parses files which may be hostile.

It takes requests on standard input and answers on what was its standard output: parsers that print,
print to nowhere. It ends with the process that started it. Each request has limits on time and on
memory, which the system enforces, whatever C code is doing.
"""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from qa.reading import wire

MEMORY = 512 << 20  # bytes that a process may take,
MEMORY_PER_BYTE = 6  # for each byte of its file besides,
MEMORY_LIMIT = 1536 << 20  # up to this
OUT_OF_MEMORY = "needs more memory than one file may take"
STARVED = 71  # the exit code of a process that could not even report it


def serve(answer: Callable[[dict[str, Any], int], None], *, idle: float | None = None) -> None:
    """Have each request answered, until the process that asks is gone.

    `answer` takes a request and the pipe to answer on. After `idle` seconds without a request this
    process ends.
    """
    requests, answers = 0, os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    threading.Thread(target=_die_with_parent, args=(requests,), daemon=True).start()
    try:
        while select.select([requests], [], [], idle)[0]:
            answer(wire.receive(requests), answers)
    except MemoryError:
        os._exit(STARVED)
    except wire.Broken:
        pass
    os._exit(0)


@contextmanager
def time_limit(seconds: float, *, wall: float | None = None) -> Iterator[None]:
    """The system ends this process when what is within takes longer, hung C code included.

    `seconds` are counted on the processor, so that a busy machine costs no file, and up to `wall`
    by the clock (as many where it is left out).
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds if wall is None else wall)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)


def limit_memory(size: int) -> None:
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
    watch.register(requests, 0)  # hang-ups are reported without asking
    while not any(event & (select.POLLHUP | select.POLLERR) for _, event in watch.poll()):
        pass
    os._exit(0)
