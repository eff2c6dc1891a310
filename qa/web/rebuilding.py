"""Rebuilds in a process of their own, so that questions go on being answered at full speed.

The process is this module run by itself. It reports in JSON, a line at a time, how far it is, and
what it logs; whatever else it or a library prints goes to its stderr, kept for when it crashes.
"""

import faulthandler
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from qa import logs, processes
from qa.asking.service import QA
from qa.building.changes import changes
from qa.errors import IndexBusy, QAError, RemovalRefused
from qa.index.origin import changed, origin
from qa.settings import Settings

AGAIN = 60.0  # seconds, after which a failed rebuild, or a watcher that failed, is tried again
PRINTED = 200  # lines that a rebuild printed, kept in case that it crashes
LINE_LIMIT = 1_000  # characters of one of them
CHANGEABLE = ("QA_OCR",)  # variables that a rebuild heeds; the others would change what answers

_log = logging.getLogger("qa.web.rebuilding")  # by name: this module is also run by itself


@dataclass(frozen=True, slots=True)
class Rebuild:
    """How far a rebuild is, or how the last one ended."""

    running: bool = False
    stage: str = ""
    path: str = ""
    done: float = 0  # files
    total: int = 0
    passages: int = 0
    seconds: float = 0.0
    left: float | None = None  # seconds, as the build estimates it
    report: Mapping[str, Any] | None = None
    error: str = ""
    needs_yes: bool = False  # the error is that most documents would be removed unasked
    is_pending: bool = False  # the error still stands: what changed is not in the index

    @property
    def rate(self) -> float:
        """Passages a second."""
        return round(self.passages / self.seconds, 1) if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """As the build estimates it, else by the files done so far; None when none is done yet."""
        if self.running and self.left is not None:
            return round(self.left, 1)
        if not self.running or not self.done:
            return None
        return round(self.seconds * (self.total - self.done) / self.done, 1)

    def to_dict(self) -> dict[str, Any]:
        """Everything, with the rate and the time left."""
        fields = asdict(self)
        del fields["is_pending"], fields["left"]
        return {**fields, "rate": self.rate, "seconds_left": self.seconds_left}


class Rebuilder:
    """Runs one rebuild at a time and knows how far it is."""

    def __init__(self, seeds: Path, index: Path, settings: Mapping[str, str | int]) -> None:
        """Raises SettingsInvalid where a variable means nothing."""
        given = {name: os.environ[name] for name in CHANGEABLE if name in os.environ}
        wanted = Settings.from_environment(given, last=Settings.from_dict(settings))
        if text := changed(index, wanted):
            _log.warning("%s The next rebuild reads every file.", text, extra={"event": "settings"})
        self._build = (str(seeds), str(index), wanted.to_dict(), given)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._is_closed = False
        self.state = Rebuild()
        self.done = self.failed = 0  # rebuilds
        self.seconds = 0.0  # that those done took

    def start(self, *, allow_removal: bool = False) -> bool:
        """Starts a rebuild; False when one is running.

        `allow_removal` lets it remove more than half of the documents.
        """
        with self._lock:
            if self.state.running:
                return False
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                self._command(allow_removal=allow_removal), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
                env=processes.environment(),
            )  # fmt: skip
            is_pending = self.state.is_pending  # until it is done
            self.state = Rebuild(running=True, stage="starting", is_pending=is_pending)
        threading.Thread(target=self._follow, args=(self._process,), daemon=True).start()
        return True

    def settle(self) -> None:
        """Takes note that nothing waits to be built any more: an error does not stand longer."""
        with self._lock:
            if not self.state.running:
                self.state = replace(self.state, is_pending=False)

    def close(self) -> None:
        """Ends a running rebuild; the last index stays as it is."""
        self._is_closed = True
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def _command(self, *, allow_removal: bool) -> list[str]:
        level = logging.getLogger("qa").getEffectiveLevel()
        given = json.dumps([*self._build, allow_removal, level])
        return processes.command("qa.web.rebuilding", given)

    def _follow(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        printed: deque[str] = deque(maxlen=PRINTED)
        reading = threading.Thread(target=_keep, args=(process.stderr, printed), daemon=True)
        reading.start()
        end: dict[str, Any] = {}
        with process.stdout as lines:
            for line in lines:
                end = self._take(line) or end
        code = process.wait()
        reading.join()
        if not end and not self._is_closed:
            end = {"error": _crash(code, printed), "is_pending": True}
        self._finish(end)

    def _take(self, line: str) -> dict[str, Any]:
        """Takes a line that the process wrote; its message of the end, if it is one."""
        with suppress(ValueError, TypeError, KeyError):
            message: dict[str, Any] = json.loads(line)
            if "log" in message:
                logs.receive_record(message["log"])
            elif "report" in message or "error" in message:
                return message
            else:
                self.state = replace(self.state, **message)
        return {}

    def _finish(self, end: Mapping[str, Any]) -> None:
        if end.get("report"):
            self.done += 1
            self.seconds += end["seconds"]
        elif end.get("error"):
            self.failed += 1
        self.state = replace(self.state, running=False, **end)


def _keep(stream: IO[str], lines: "deque[str]") -> None:
    """Keeps the last lines of a stream until it ends."""
    with stream:
        while line := stream.readline(LINE_LIMIT):
            lines.append(line.rstrip("\n"))


def _crash(code: int, printed: "deque[str]") -> str:
    """The message for readers of the page when a rebuild ended without one of its own."""
    last = next((line.strip() for line in reversed(printed) if line.strip()), "")
    how = f"its process ended with exit code {code}"
    if code < 0:
        with suppress(ValueError):
            name = signal.Signals(-code).name
            how = f"its process was ended by {name}"
            last = "perhaps memory ran out" if name == "SIGKILL" else ""
    logs.log_lines(_log, f"The rebuild crashed: {how}.", printed, event="crash")
    return (
        f"The rebuild crashed: {how}{f' ({last})' if last else ''}. The last index still answers."
    )


class Watcher:
    """Rebuilds when the folder has changed and then been left alone for a moment.

    What ends it is logged and stands in `problem`, and it begins again.
    """

    def __init__(self, qa: QA, rebuilder: Rebuilder) -> None:
        self._qa = qa
        self._rebuilder = rebuilder
        self._ended = threading.Event()
        self.problem = ""  # why files are not watched now

    def start(self) -> None:
        """Begins to look."""
        self._ended = threading.Event()
        watch = partial(self._watch, self._ended)
        threading.Thread(target=watch, name="qa-watcher", daemon=True).start()

    def close(self) -> None:
        """Looks no more."""
        self._ended.set()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.is_set():
            try:
                self._rebuild_after_changes(ended)
            except BaseException as error:  # noqa: BLE001 - a panic of Rust is no Exception
                if ended.is_set():
                    return
                self._note(error)
                ended.wait(AGAIN)

    def _note(self, error: BaseException) -> None:
        self.problem = logs.last_line(error)
        _log.error(
            "Files are not watched: the watcher failed, and begins again in %.0f s.", AGAIN,
            exc_info=error, extra={"event": "watcher"},
        )  # fmt: skip

    def _rebuild_after_changes(self, ended: threading.Event) -> None:
        overdue, tried = False, time.monotonic()
        with closing(changes(lambda: self._qa.seeds, self._qa.index, ended)) as found:
            for has_changed in found:
                failed = self._rebuilder.state.error and time.monotonic() - tried > AGAIN
                overdue = overdue or has_changed or bool(failed)
                if overdue and not self._rebuilder.state.running:
                    tried = time.monotonic()
                    is_waiting = self._is_waiting()
                    overdue = is_waiting and not self._rebuilder.start()
                    if not is_waiting:
                        self._rebuilder.settle()
                self.problem = ""

    def _is_waiting(self) -> bool:
        try:
            return bool(self._qa.waiting())
        except QAError:
            return False


def main(given: str) -> int:
    """Builds and reports; the exit code."""
    from qa.building.pipeline import build
    from qa.building.timing import Progress

    send = _channel()
    faulthandler.enable()
    seeds, index, settings, variables, allow_removal, level = json.loads(given)
    logs.send_records(lambda record: send({"log": record}), level)
    sent = 0.0

    def report_progress(progress: Progress) -> None:
        nonlocal sent
        if progress.done == progress.total or time.monotonic() - sent > 0.1:
            sent = time.monotonic()
            send(progress._asdict())

    try:
        last = origin(Path(index))  # another build may have changed the settings since
        used = last.settings if last else Settings.from_dict(settings)
        used = Settings.from_environment(variables, last=used)
        done = build(
            seeds, index, settings=used, allow_removal=allow_removal, progress=report_progress
        )
        report = asdict(done)
    except QAError as error:
        _log.warning("The rebuild failed: %s", error, extra={"event": "build failed"})
        needs_yes, is_busy = isinstance(error, RemovalRefused), isinstance(error, IndexBusy)
        send({"error": str(error), "needs_yes": needs_yes, "is_pending": not is_busy})
        return 1
    except Exception as error:  # noqa: BLE001 - the server gets a message, whatever happens
        _log.exception("The rebuild crashed.", extra={"event": "crash"})
        crash = f"The rebuild crashed: {logs.last_line(error)}. The last index still answers."
        send({"error": crash, "is_pending": True})
        return 1
    del report["files"]  # the library lists them
    send({"seconds": report["seconds"], "report": report, "is_pending": False})
    return 0


def _channel() -> Callable[[Mapping[str, Any]], None]:
    """Sends to the server on what was standard output; what others print there goes to stderr."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lock = threading.Lock()

    def send(message: Mapping[str, Any]) -> None:
        with lock:
            stream.write(json.dumps(message, default=str) + "\n")
            stream.flush()

    return send


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
