"""The viewer of citations: the page of a server that runs already, or of one started for it."""

import http.client
import json
import os
import re
import subprocess
import sys
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Self

import typer

from qa.cli.last import Last, remembered
from qa.errors import QAError
from qa.translation import tr

SECONDS = 2  # in which a server that runs already says which index it serves
_ADDRESS = re.compile(r"http://\S+")


def open_citation(
    number: Annotated[int, typer.Argument(min=1, metavar="N", help="Its number in the answer.")],
    *,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it, or only print its address.")
    ] = True,
) -> None:
    """Open a citation of the last answer in the viewer: its document, marked at that place."""
    last = remembered()
    last.citation(number)
    with Viewer(last) as viewer:
        address = viewer.show(number, browser=browser)
        typer.echo(tr(f"The citation is at {address}"))
        if viewer.is_own:
            typer.echo(tr("Ctrl-C ends the viewer."))
            viewer.wait()


class Viewer:
    """Shows citations in the browser; what it had to start ends with it."""

    def __init__(self, last: Last) -> None:
        self.last = last
        self._address = ""
        self._process: subprocess.Popen[str] | None = None

    def show(self, number: int, *, browser: bool = True) -> str:
        """The address of a citation, opened in the browser. Raises QAError."""
        from qa.web.address import Address

        document, start, end = self.last.citation(number)
        if not self._address:
            self._address = running(Path(self.last.index)) or self._started()
        place = Address(q=self.last.question).opening(document, start, end)
        address = f"{self._address}/{place}"
        if browser:
            webbrowser.open(address)
        return address

    @property
    def is_own(self) -> bool:
        """Whether the server was started for this, and ends with it."""
        return self._process is not None

    def wait(self) -> None:
        """Waits until the server ends, as by Ctrl-C."""
        if self._process:
            with suppress(KeyboardInterrupt):
                self._process.wait()

    def _started(self) -> str:
        command = [sys.executable, "-P", "-m", "qa", "serve", "--no-watch", "--read-only"]
        command += ["--host", "127.0.0.1", "--port", "0", "--index", self.last.index]
        if self.last.seeds:
            command += ["--seeds", self.last.seeds]
        known = {**os.environ, "QA_LOG_LEVEL": "warning"}
        self._process = subprocess.Popen(  # noqa: S603 - this program
            command, env=known, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        found = _ADDRESS.search(line)
        if found is None:
            raise QAError("The viewer did not start: the lines above say why.")
        return found[0]

    def close(self) -> None:
        """Ends the server that was started for this."""
        if self._process:
            self._process.terminate()
            self._process.communicate()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def running(index: Path) -> str:
    """The address of a server on this machine that serves the index as it is; `""` if there is none.

    It is looked for where `qa serve` would serve: at `QA_HOST` and `QA_PORT`.
    """
    from qa.index.manifest import current_or_none

    host, port = os.environ.get("QA_HOST", "127.0.0.1"), os.environ.get("QA_PORT", "7860")
    at = http.client.HTTPConnection(host, int(port) if port.isdecimal() else 0, timeout=SECONDS)
    with suppress(OSError, ValueError, http.client.HTTPException):
        at.request("GET", "/healthz")
        snapshot = json.loads(at.getresponse().read(10_000))["snapshot"]
        name = current_or_none(index) or ""
        if snapshot and name.endswith(snapshot):
            return f"http://{host}:{port}"
    at.close()
    return ""
