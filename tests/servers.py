"""`qa serve` as a process of its own, and what it logs."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from served import free_port
from waiting import wait_for

PATIENCE = 90  # seconds for what takes one when the machine is idle


class Served(httpx.Client):
    """A client of a server, with the server's process and log."""

    def __init__(self, process, port, log):
        super().__init__(base_url=f"http://127.0.0.1:{port}", timeout=60)
        self.process, self.log = process, Path(log)

    @property
    def lines(self):
        """Whole lines of the log so far."""
        return self.log.read_text(encoding="utf-8").split("\n")[:-1]

    @property
    def records(self):
        """The lines, read as JSON."""
        return [json.loads(line) for line in self.lines]

    def event(self, name, **fields):
        """The first record of that event whose fields are these, once it is there."""
        return wait_for(
            lambda: next(
                (
                    record
                    for record in self.records
                    if record.get("event") == name and record.items() >= fields.items()
                ),
                None,
            )
        )

    def health(self):
        """What /healthz says."""
        return self.get("/healthz").json()

    def ask(self, question):
        """The answer over HTTP."""
        return self.post("/api/ask", json={"question": question})

    def rebuild_process(self):
        """The number of the process that rebuilds, None when there is none."""
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, IndexError):
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                command = (folder / "cmdline").read_text()
                if int(parent) == self.process.pid and "qa.web.rebuilding" in command:
                    return int(folder.name)
        return None


@contextmanager
def serving_process(seeds, index, folder, *options, descriptors=None, **environment):
    """A client of `qa serve` over that index; it logs JSON and is ended by SIGTERM.

    With `descriptors` it may open so many files and connections.
    """
    port = free_port()
    log = folder / f"log-{port}.jsonl"
    command = [sys.executable, "-m", "qa", "serve", "--port", str(port), *options]
    if descriptors:
        command = ["/bin/sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *command]
    places = ["--index", str(index), "--seeds", str(seeds)]
    settings = {**os.environ, "QA_LOG": "json", **environment}
    with log.open("wb") as stream:
        process = subprocess.Popen([*command, *places], env=settings, stderr=stream)
    try:
        with Served(process, port, log) as client:

            def answers():
                assert process.poll() is None, log.read_text()
                with suppress(httpx.TransportError):
                    return client.get("/healthz")

            wait_for(answers)
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
