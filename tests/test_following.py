"""`qa ask --follow` on a real terminal, and `qa open` with a browser that writes down what it opens."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from served import serving
from waiting import wait_for

ROOT = Path(__file__).parents[1]


@pytest.fixture
def place(tmp_path, library):
    """A folder of its own with the library, a home, and a browser that notes addresses."""
    seeds, index = library
    shutil.copytree(seeds, tmp_path / "seeds")
    shutil.copytree(index, tmp_path / "index")
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> {tmp_path}/opened\n')
    browser.chmod(0o755)
    return tmp_path


def environment(place):
    """The variables of a process in that folder; nothing listens where `qa serve` would."""
    return {
        **os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(place / "cache"),
        "BROWSER": f"{place}/browser", "TERM": "xterm", "QA_PORT": "9",
    }  # fmt: skip


def opened(place):
    """The addresses that the browser was told to open."""
    file = place / "opened"
    return file.read_text().splitlines() if file.exists() else []


def qa(place, *arguments, **more):
    command = [sys.executable, "-m", "qa", *arguments]
    return subprocess.run(
        command, cwd=place, env=environment(place), capture_output=True, text=True, timeout=60,
        check=False, **more,
    )  # fmt: skip


class Terminal:
    """A program on a terminal: what it shows, and keys for it."""

    def __init__(self, process, handle):
        self.process, self._handle, self.shown = process, handle, ""

    def press(self, keys):
        """Types the keys."""
        os.write(self._handle, keys.encode())

    def sees(self, part):
        """Waits until the terminal shows that, and drops what came before."""

        def is_there():
            if select_ready(self._handle):
                self.shown += os.read(self._handle, 65_536).decode(errors="replace")
            return part in self.shown

        wait_for(is_there, 60)
        _, _, self.shown = self.shown.partition(part)


def select_ready(handle):
    import select

    return bool(select.select([handle], [], [], 0.05)[0])


@contextmanager
def terminal(place, *arguments):
    """`qa` on a terminal of its own; it is ended at the end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "qa", *arguments], cwd=place, env=environment(place),
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_questions_follow_each_other_by_the_keys_of_the_page(place):
    with terminal(place, "ask", "--follow", "How old is Ri?") as screen:
        screen.sees("Answered;")
        screen.sees("/ asks again")
        screen.press("j")
        screen.sees("→ [1]")
        screen.press("\x1b[B")
        screen.sees("→ [2]")
        screen.press("k")
        screen.sees("→ [1]")
        screen.press("\r")
        wait_for(lambda: opened(place), 60)
        (address,) = opened(place)
        assert re.search(r"/\?q=How\+old\+is\+Ri%3F&doc=[0-9a-f]{64}&at=\d+-\d+$", address)
        assert httpx.get(address, timeout=20).status_code == 200
        screen.press("/")
        screen.sees("? ")
        screen.press("Who grinds rye?\r")
        screen.sees("grinds rye for three")
        screen.sees("/ asks again")
        screen.press("/")
        screen.sees("? ")
        screen.press("\x1b[A")  # the arrow brings back what was asked
        screen.sees("Who grinds rye?")
        screen.press("\x15\x04")
        wait_for(lambda: screen.process.poll() is not None, 30)
        assert screen.process.returncode == 0
    with pytest.raises(httpx.ConnectError):  # the viewer ended with it
        httpx.get(address)
    history = place / "cache" / "seedqa" / "questions"
    assert "Who grinds rye?" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0


def test_questions_from_a_pipe_are_answered_one_after_another(place):
    done = qa(place, "ask", "--follow", "--json", input="How old is Ri?\n\nWho grinds rye?\n")
    assert done.returncode == 0, done.stderr
    first, end = json.JSONDecoder().raw_decode(done.stdout)
    second, _ = json.JSONDecoder().raw_decode(done.stdout[end:].lstrip())
    assert (first["question"], second["question"]) == ("How old is Ri?", "Who grinds rye?")


def test_a_question_that_is_refused_ends_no_session(place):
    done = qa(place, "ask", "--follow", input="x" * 2_001 + "\nHow old is Ri?\n")
    assert "26 years old" in done.stdout and "characters" in done.stderr
    assert done.returncode == 0


def test_a_citation_of_the_last_answer_opens_in_the_server_that_runs(place):
    answer = json.loads(qa(place, "ask", "How old is Ri?", "--json").stdout)
    cited = [*answer["excerpts"], *answer["nearest"]][1]
    with serving(place / "seeds", place / "index") as at:
        known = {**environment(place), "QA_PORT": at.rpartition(":")[2]}
        command = [sys.executable, "-m", "qa", "open", "2"]
        done = subprocess.run(
            command, cwd="/", env=known, capture_output=True, text=True, check=True
        )
    expected = (
        f"{at}/?q=How+old+is+Ri%3F&doc={cited['document']}&at={cited['start']}-{cited['end']}"
    )
    assert opened(place) == [expected]
    assert done.stdout == f"The citation is at {expected}\n"


def test_where_no_server_runs_one_is_started_and_ends_with_the_command(place):
    qa(place, "ask", "How old is Ri?", "--only", "*.txt")
    with terminal(place, "open", "1", "--no-browser") as screen:
        screen.sees("The citation is at ")
        screen.sees("Ctrl-C")
        os.killpg(screen.process.pid, signal.SIGINT)  # as Ctrl-C does
        wait_for(lambda: screen.process.poll() is not None, 30)
        assert screen.process.returncode == 0
    assert opened(place) == []


def test_what_cannot_be_opened_is_said_in_a_line(place):
    assert "ask first" in qa(place, "open", "1").stderr
    qa(place, "ask", "How old is Ri?")
    done = qa(place, "open", "99")
    assert done.returncode == 1
    assert re.fullmatch(r"qa: .* no citation 99: give a number from 1 to \d\.\n", done.stderr)
    kept = place / "cache" / "seedqa" / "last.json"
    assert "26 years" not in kept.read_text()  # no text of a document lies outside the index
    assert kept.stat().st_mode & 0o077 == 0
