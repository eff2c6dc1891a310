"""A process that runs one program for a reader, and ends all of it whatever happens.

Started by `libreoffice` as `python -m qa.reading.converter FOLDER SECONDS COMMAND...`. LibreOffice
starts processes of its own, which would go on when a reader is killed at its limits: so this one
waits for the program, for its time to be over, or for the reader to be gone.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

TOO_SLOW = 75  # the exit code where the time was over
_MEMORY = 2 << 30  # bytes for each process
_FILE = 1 << 30  # bytes of a file that it writes
_STEP = 50  # milliseconds between two looks


def main() -> None:
    """Run the command; the exit code is its own, or says that it took too long."""
    folder, seconds, *command = sys.argv[1:]
    _limit(int(seconds))
    program = subprocess.Popen(  # noqa: S603  # the command that the reader found
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        start_new_session=True,
    )
    over = time.monotonic() + int(seconds)
    reader = select.poll()
    reader.register(0, 0)  # hang-ups are reported without asking
    gone = False
    while program.poll() is None and not gone and time.monotonic() < over:
        gone = any(event & (select.POLLHUP | select.POLLERR) for _, event in reader.poll(_STEP))
    code = program.poll()
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    if gone:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(TOO_SLOW if code is None else abs(code))


def _limit(seconds: int) -> None:
    """Limits of the system for all that is started here."""
    import resource  # late: Windows has none

    for kind, most in (
        (resource.RLIMIT_DATA, _MEMORY),
        (resource.RLIMIT_FSIZE, _FILE),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard < 0 else min(most, hard), hard))


if __name__ == "__main__":
    main()
