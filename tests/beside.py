"""What `test_offline.py` looks at: it runs beside all other tests, started by one process of theirs."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

TESTS = "test_offline.py"
DRIVER = Path(__file__).with_name("offline.py")
SECONDS = max(40, int(os.environ.get("QA_LONG", "0")))

# The driver, then its exit status, so that a process that is not its parent learns of it.
RUN = '"$@" > driver.log 2>&1; echo $? > status'


def missing():
    """What this machine lacks for these tests; "" for nothing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux can make a network of its own"
    for program in ("unshare", "strace"):
        if not shutil.which(program):
            return f"no {program}"
    command = ["unshare", "--net", "strace", "-qq", "-e", "trace=none", "true"]
    works = subprocess.run(command, capture_output=True, check=False).returncode == 0
    return "" if works else "the system allows no network of one's own, or no tracer"


class Beside:
    """A plugin of the process that all others of a run belong to: it alone starts the driver."""

    def __init__(self, config):
        self.folder = Path(tempfile.mkdtemp(prefix="offline-")) / "run"
        self._config = config
        self._process = None

    def begin(self, names):
        """Starts the driver, where the tests that look at it are among these."""
        is_wanted = any(TESTS in name for name in names) and not self._config.option.collectonly
        if self._process or not is_wanted or missing():
            return
        self.folder.mkdir()
        driver = ["unshare", "--net", sys.executable, str(DRIVER), str(self.folder), str(SECONDS)]
        command = ["sh", "-c", RUN, "sh", *driver]
        self._process = subprocess.Popen(command, cwd=self.folder, start_new_session=True)

    def pytest_collection_finish(self, session):
        """The tests are known, and run in this process."""
        self.begin(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        """The tests run in others: each is told the folder."""
        node.workerinput["offline"] = str(self.folder)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids):
        """The tests are known to one of the others."""
        self.begin(ids)

    def pytest_unconfigure(self):
        """Ends the driver, where its tests did not come to run, and removes its folder."""
        if self._process:
            with suppress(ProcessLookupError):  # its server too
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        shutil.rmtree(self.folder.parent, ignore_errors=True)


def folder_of(config):
    """The folder in which the driver runs."""
    given = getattr(config, "workerinput", None)
    return Path(given["offline"]) if given else config.pluginmanager.get_plugin("beside").folder
