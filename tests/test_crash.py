"""A build killed at any instant leaves the old answers or the new ones, and no work is lost.

The long campaign: QA_LONG=200 pytest tests/test_crash.py
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from indexes import write

from qa.building import build
from qa.errors import StorageFailed
from qa.service import QA
from qa.storage import CRASH_AT

STEPS = (
    "while-writing",
    "before-manifest",
    "before-sync",
    "before-replace-CURRENT",
    "after-replace-CURRENT",
    "while-cleaning",
)
BUILD = "import sys; from qa.building import build; build(sys.argv[1], sys.argv[2])"
RUNS = int(os.environ.get("QA_LONG", "6"))
QUESTION = "How high is the lighthouse?"


def builder(seeds: Path, index: Path, **environment: str) -> subprocess.Popen[bytes]:
    """A build in a process of its own."""
    command = [sys.executable, "-c", BUILD, str(seeds), str(index)]
    return subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.PIPE)


def said(index: Path) -> str:
    with QA.open(index) as qa:
        return qa.ask(QUESTION).to_json()


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    write(folder, "old.txt", "The lighthouse is forty metres high. Its lamp is electric.")
    return folder


def before_and_after(seeds: Path, new_index: Callable[[], Path]) -> tuple[Path, str, str]:
    """An index built before the folder changed, and what it says before and after."""
    index = new_index()
    build(seeds, index)
    old = said(index)
    write(seeds, "new.txt", "The lighthouse was raised to fifty metres. " * 3)
    write(seeds, "more.csv", "\n".join(f"harbour {number},pier {number}" for number in range(30)))
    other = new_index()
    build(seeds, other)
    return index, old, said(other)


@pytest.mark.parametrize("step", STEPS)
def test_a_power_cut_at_a_step_leaves_the_old_or_the_new_answers(
    step: str, seeds: Path, new_index: Callable[[], Path], encoded: list[str]
) -> None:
    index, old, new = before_and_after(seeds, new_index)
    assert old != new
    process = builder(seeds, index, **{CRASH_AT: step})
    process.communicate()
    assert process.returncode == -signal.SIGKILL, f"{step} was not reached"
    published = step in ("after-replace-CURRENT", "while-cleaning")
    assert said(index) == (new if published else old)
    encoded.clear()
    build(seeds, index)
    assert said(index) == new
    if step != "while-writing":
        passages = [text for text in encoded if text != QUESTION]
        assert len(passages) <= 1, "what the broken build had encoded was encoded again"


def test_a_build_killed_at_random_leaves_the_old_or_the_new_answers(
    seeds: Path, new_index: Callable[[], Path]
) -> None:
    index, old, new = before_and_after(seeds, new_index)
    started = time.monotonic()
    builder(seeds, new_index()).communicate()
    usual = time.monotonic() - started
    chance = random.Random(7)
    for _ in range(RUNS):
        process = builder(seeds, index)
        time.sleep(chance.uniform(0.3, 1.0) * usual)
        process.kill()
        process.communicate()
        assert said(index) in (old, new)
    build(seeds, index)
    assert said(index) == new


def test_a_full_disk_is_one_clear_error_and_the_old_index_answers(
    seeds: Path, new_index: Callable[[], Path]
) -> None:
    index, old, new = before_and_after(seeds, new_index)
    limited = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (12000, 12000)); " + BUILD
    )
    command = [sys.executable, "-c", limited, str(seeds), str(index)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert StorageFailed.__name__ in done.stderr.splitlines()[-1]
    assert said(index) == old
    build(seeds, index)
    assert said(index) == new
