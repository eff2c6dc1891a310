"""Rebuilds in a process of their own, so that questions go on being answered at full speed.

The process is this module run by itself; it says how far it is in JSON, a line at a time.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from watchfiles import watch as changes

from qa import processes
from qa.asking.service import QA
from qa.errors import QAError

GATHER = 1_000  # ms: changes that come within it are one build
AGAIN = 60.0  # seconds, after which a failed rebuild, or a folder that was gone, is tried again


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
    report: Mapping[str, Any] | None = None
    error: str = ""

    @property
    def rate(self) -> float:
        """Passages a second."""
        return round(self.passages / self.seconds, 1) if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """As far as the files done so far tell."""
        if not self.running or not self.done:
            return None
        return round(self.seconds * (self.total - self.done) / self.done, 1)

    def to_dict(self) -> dict[str, Any]:
        """Everything, with the rate and the time left."""
        return {**asdict(self), "rate": self.rate, "seconds_left": self.seconds_left}


class Rebuilder:
    """Runs one rebuild at a time and knows how far it is."""

    def __init__(self, seeds: Path, index: Path, settings: Mapping[str, str | int]) -> None:
        self._command = processes.command(
            "qa.web.rebuilding", json.dumps([str(seeds), str(index), dict(settings)])
        )
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self.state = Rebuild()

    def start(self) -> bool:
        """Starts a rebuild; False when one is running."""
        with self._lock:
            if self.state.running:
                return False
            self.state = Rebuild(running=True, stage="starting")
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                stderr=subprocess.DEVNULL, encoding="utf-8", env=processes.environment(),
            )  # fmt: skip
        threading.Thread(target=self._follow, args=(self._process,), daemon=True).start()
        return True

    def close(self) -> None:
        """Ends a running rebuild; the last index stays as it is."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def _follow(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        last: dict[str, Any] = {}
        with process.stdout as lines:
            for line in lines:
                with suppress(ValueError, TypeError):
                    last = json.loads(line)
                    self.state = replace(self.state, **last)
        process.wait()
        failed = not last.get("report") and not last.get("error")
        error = "The rebuild ended by itself: the last index still answers." if failed else ""
        self.state = replace(self.state, running=False, error=self.state.error or error)


class Watcher:
    """Rebuilds when the folder has changed and then been left alone for a moment."""

    def __init__(self, qa: QA, rebuilder: Rebuilder) -> None:
        self._qa = qa
        self._rebuilder = rebuilder
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def close(self) -> None:
        """Looks no more."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.is_set():
            with suppress(OSError):  # a folder that is gone may come back
                self._watch_folder()
            self._ended.wait(AGAIN)

    def _watch_folder(self) -> None:
        overdue, tried = True, time.monotonic()  # what changed while nobody watched
        for found in changes(
            self._qa.seeds, watch_filter=None, stop_event=self._ended, debounce=GATHER,
            rust_timeout=500, yield_on_timeout=True,
        ):  # fmt: skip
            failed = self._rebuilder.state.error and time.monotonic() - tried > AGAIN
            overdue = overdue or bool(found) or bool(failed)
            if overdue and not self._rebuilder.state.running:
                tried = time.monotonic()
                overdue = self._is_waiting() and not self._rebuilder.start()

    def _is_waiting(self) -> bool:
        try:
            return bool(self._qa.waiting())
        except QAError:
            return False


def main(said: str) -> int:
    """Builds and tells; the exit code."""
    from qa.building.pipeline import Progress, build
    from qa.index.origin import origin
    from qa.settings import Settings

    seeds, index, settings = json.loads(said)
    told = 0.0

    def tell(progress: Progress) -> None:
        nonlocal told
        if progress.done == progress.total or time.monotonic() - told > 0.1:
            told = time.monotonic()
            _tell(progress._asdict())

    try:
        last = origin(Path(index))  # another build may have changed the settings since
        used = last.settings if last else Settings(**settings)
        report = asdict(build(seeds, index, settings=used, allow_removal=False, progress=tell))
    except QAError as error:
        _tell({"error": str(error)})
        return 1
    del report["files"]  # the library lists them
    _tell({"seconds": report["seconds"], "report": report})
    return 0


def _tell(said: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
