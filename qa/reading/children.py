"""A process that parses files for this one, as this one sees it. What runs in it is `confined`."""

import signal
import subprocess
from typing import IO, cast

from qa import processes
from qa.reading import ocr
from qa.reading.confined import OUT_OF_MEMORY, STARVED

ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Child:
    """A process that runs a module of this package, with a pipe to it and one back.

    It is started, never forked: it inherits no lock, no thread and no open file. It reads scanned
    pages in `ocr_language`, and not at all where that is None.
    """

    def __init__(self, module: str, *arguments: str, ocr_language: str | None = None) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # this very interpreter and package
            processes.command(module, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=processes.environment(ONE_CORE | ocr.environment(ocr_language)),
        )
        self.requests = cast(IO[bytes], self.process.stdin).fileno()
        self.answers = cast(IO[bytes], self.process.stdout).fileno()

    def end(self, seconds: float) -> str:
        """End the process, and why it ended, if it had done so by itself.

        `seconds` is the time that it had.
        """
        try:
            why = _why(self.process.wait(0.5), seconds)
        except subprocess.TimeoutExpired:
            why = "the reply of its reader is invalid"
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        return why

    def kill(self) -> None:
        """End the process now."""
        self.process.kill()
        self.end(0)


def too_slow(seconds: float) -> str:
    """The reason of what took longer than the time that it had."""
    return f"took longer than {seconds:g} seconds"


def _why(code: int, seconds: float) -> str:
    """What an exit code says, in words."""
    if code in (-signal.SIGALRM, -signal.SIGPROF):
        return too_slow(seconds)
    if code == STARVED:
        return OUT_OF_MEMORY
    if code == -signal.SIGKILL:
        return "its reader was killed, perhaps for want of memory"
    if code < 0:
        return f"its reader crashed ({signal.Signals(-code).name})"
    return f"its reader ended by itself (exit code {code})"
