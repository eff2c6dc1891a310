"""A real Dask cluster for tests: a scheduler and workers as processes of their own, on loopback."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from waiting import wait_for

LOOPBACK = ("--host", "127.0.0.1", "--no-dashboard")


class Workers:
    """The processes of a cluster, and the address of its scheduler."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        file = folder / "scheduler.json"
        options = ("--port", "0", "--scheduler-file", str(file), *LOOPBACK)
        self.scheduler = self.start("scheduler", *options)
        wait_for(file.is_file)
        self.address = json.loads(file.read_text())["address"]
        self.workers: list[subprocess.Popen[bytes]] = []

    def add(self, name: str, **environment: str) -> subprocess.Popen[bytes]:
        """One more worker, with one thread."""
        here = self.folder / name
        here.mkdir()
        worker = self.start(
            *("worker", self.address, "--name", name, "--nthreads", "1", "--no-nanny", *LOOPBACK),
            *("--local-directory", str(here), "--memory-limit", "0"),
            **{"XDG_CACHE_HOME": str(self.folder / "cache"), **environment},
        )
        self.workers.append(worker)
        return worker

    def start(self, command: str, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        """A process of Dask; it is killed with the cluster."""
        with (self.folder / f"log-{len(list(self.folder.glob('log-*')))}").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{command}", *options],
                cwd=self.folder, stdout=log, stderr=log, env={**os.environ, **environment},
            )  # fmt: skip
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


@contextmanager
def cluster(folder: Path, workers: int = 2, **environment: str) -> Iterator[Workers]:
    """A running cluster with workers `w0`, `w1`; their caches are in the folder."""
    with ExitStack() as stack:
        started = Workers(folder, stack)
        for number in range(workers):
            started.add(f"w{number}", **environment)
        yield started


def children(process: subprocess.Popen[bytes]) -> list[int]:
    """The numbers of the processes that a process has started and that run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == process.pid:
            found.append(int(folder.name))
    return found


def kill(process: subprocess.Popen[bytes]) -> None:
    """The end of a process at once, as by a power cut."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
