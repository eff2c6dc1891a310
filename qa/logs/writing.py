"""The handler that writes lines to stderr, and what stands there for libraries that print."""

import io
import logging
import queue
import threading
import time
from typing import IO

from qa.logs.lines import MESSAGE_LIMIT, LineFormatter, without_quotations

WAITING = 10_000  # lines that wait for a stderr that nobody reads; more are counted and dropped
FLUSH_SECONDS = 2.0
BURST, BURST_SECONDS = 100, 10.0  # lines of one kind that requests may cause in that time


class _Bursts:
    """Which records of one kind come too often: a flood of requests must not fill a disk."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], tuple[float, int]] = {}  # when it began, how many
        self._over: list[tuple[str, str, int]] = []

    def lets_through(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be written."""
        if record.name.startswith("qa.") and not record.name.startswith("qa.web"):
            return True  # no request causes it
        self._end(BURST_SECONDS)
        kind = (record.name, str(record.msg)[:100])
        began, count = self._times.get(kind, (time.monotonic(), 0))
        self._times[kind] = (began, count + 1)
        return count < BURST

    def dropped(self, seconds: float) -> list[tuple[str, str, int]]:
        """Logger, message and count of what was left out in the times that began so long ago."""
        self._end(seconds)
        over, self._over = self._over, []
        return over

    def _end(self, seconds: float) -> None:
        now = time.monotonic()
        for kind, (began, count) in list(self._times.items()):
            if now - began >= seconds:
                del self._times[kind]
                if count > BURST:
                    self._over.append((*kind, count - BURST))


class StderrHandler(logging.Handler):
    """Writes lines in a thread of its own: a stderr that nobody reads holds back no request."""

    def __init__(self, stream: IO[str], formatter: LineFormatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.stream = stream
        self._bursts = _Bursts()
        self._lines: queue.Queue[str | None] = queue.Queue(WAITING)
        self._lost = 0
        self._holding = threading.Lock()
        self._noted = time.monotonic()
        self._thread = threading.Thread(target=self._write_all, name="qa-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Has the record written, unless there are too many."""
        with self._holding:
            if not self._bursts.lets_through(record):
                return
        self._put(self.format(record))

    def _put(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            with self._holding:
                self._lost += 1

    def flush(self) -> None:
        """Waits until all is written, a moment at most."""
        with self._lines.all_tasks_done:
            self._lines.all_tasks_done.wait_for(
                lambda: not self._lines.unfinished_tasks, FLUSH_SECONDS
            )

    def close(self) -> None:
        """Writes what waits, and ends."""
        super().close()
        self.flush()
        self._note_dropped(0.0)
        self.flush()
        if not self._lines.full():
            self._lines.put(None)

    def _write_all(self) -> None:
        while True:
            if time.monotonic() - self._noted > BURST_SECONDS:
                self._note_dropped()
            try:
                line = self._lines.get(timeout=BURST_SECONDS)
            except queue.Empty:
                continue
            try:
                if line is None:
                    return
                self.stream.write(f"{line}\n")
                self.stream.flush()
            except (OSError, ValueError):
                pass  # stderr is closed: there is nowhere to write of it
            finally:
                self._lines.task_done()

    def _note_dropped(self, seconds: float = BURST_SECONDS) -> None:
        self._noted = time.monotonic()
        with self._holding:
            dropped = self._bursts.dropped(seconds)
            lost, self._lost = self._lost, 0
        for name, message, count in dropped:
            self._note(name, f"{count} more lines were left out: {message}")
        if lost:
            self._note("qa", f"{lost} lines were lost: stderr was not read.")

    def _note(self, name: str, message: str) -> None:
        fields = {"name": name, "msg": message, "levelname": "WARNING", "created": time.time()}
        self._put(self.format(logging.makeLogRecord(fields)))


class PrintedLines(io.TextIOBase):
    """Takes the place of stderr: what a library prints there becomes a record for each line."""

    def __init__(self, stream: IO[str], *, is_full: bool) -> None:
        self._stream, self._is_full = stream, is_full
        self._begun = ""
        self._log = logging.getLogger("stderr")

    def write(self, text: str) -> int:
        """Logs each complete line."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in filter(str.strip, lines):
            self._log.warning("%s", line if self._is_full else without_quotations(line))
        self._begun = self._begun[-MESSAGE_LIMIT:]
        return len(text)

    def writable(self) -> bool:
        """True."""
        return True

    def isatty(self) -> bool:
        """False: nobody looks at it."""
        return False

    def fileno(self) -> int:
        """That of the stream whose place it takes."""
        return self._stream.fileno()
