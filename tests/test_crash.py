"""A build killed at any instant leaves the old answers or the new ones, and no work is lost.

The long campaign is `make campaign`.
"""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from indexes import write

from qa.asking.service import QA
from qa.building.pipeline import build
from qa.errors import StorageFailed
from qa.index.compaction import MOST_SEGMENTS
from qa.storage import CRASH_AT

STEPS = (
    "while-writing",
    "before-manifest",
    "before-sync",
    "before-replace-CURRENT",
    "after-replace-CURRENT",
    "while-cleaning",
)
BUILD = "import sys; from qa.building.pipeline import build; build(sys.argv[1], sys.argv[2])"
RUNS = int(os.environ.get("QA_LONG", "6"))
QUESTION = "How high is the lighthouse?"


def builder(seeds: Path, index: Path, **environment: str) -> subprocess.Popen[bytes]:
    """A build in a process of its own."""
    command = [sys.executable, "-c", BUILD, str(seeds), str(index)]
    return subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.PIPE)


def result(index: Path) -> str:
    with QA.open(index) as qa:
        return qa.ask(QUESTION).to_json()


class Case(NamedTuple):
    """A folder that changed since its index was built, and what that says before and after."""

    seeds: Path
    index: Path
    old: str
    new: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, encoders: Path) -> Case:
    at = tmp_path_factory.mktemp("crash")
    seeds, index, other = at / "seeds", at / "index", at / "other"
    for folder in (index, other):
        folder.mkdir()
        shutil.copytree(encoders, folder / "encoders", copy_function=os.link)
    write(seeds, "old.txt", "The lighthouse is forty metres high. Its lamp is electric.")
    for number in range(MOST_SEGMENTS):  # the next build merges some of them
        write(seeds, f"boat-{number}.txt", f"Boat {number} lies in the harbour.")
        build(seeds, index)
    (seeds / "boat-0.txt").unlink()
    write(seeds, "new.txt", "The lighthouse was raised to fifty metres. " * 3)
    write(seeds, "more.csv", "\n".join(f"harbour {number},pier {number}" for number in range(30)))
    build(seeds, other)
    return Case(seeds, index, result(index), result(other))


@pytest.fixture
def case(made: Case, tmp_path: Path) -> Case:
    """The case with an index of its own: what is written once is linked, as snapshots do."""
    shutil.copytree(made.index, tmp_path / "index", copy_function=os.link)
    return made._replace(index=tmp_path / "index")


@pytest.mark.parametrize("step", STEPS)
def test_a_power_cut_at_a_step_leaves_the_old_or_the_new_answers(
    case: Case, step: str, encoded: list[str]
) -> None:
    seeds, index, old, new = case
    assert old != new
    process = builder(seeds, index, **{CRASH_AT: step})
    process.communicate()
    assert process.returncode == -signal.SIGKILL, f"{step} was not reached"
    published = step in ("after-replace-CURRENT", "while-cleaning")
    assert result(index) == (new if published else old)
    encoded.clear()
    build(seeds, index)
    assert result(index) == new
    if step != "while-writing":
        assert set(encoded) <= {QUESTION}, "what the broken build had encoded was encoded again"


def test_a_build_killed_at_random_leaves_the_old_or_the_new_answers(
    made: Case, tmp_path: Path, encoded: list[str]
) -> None:
    seeds, old, new = made.seeds, made.old, made.new
    chance, usual, killed = random.Random(7), 0.0, 0
    for number in range(1 + RUNS):
        index = tmp_path / f"index-{number}"
        shutil.copytree(made.index, index, copy_function=os.link)
        started, process = time.monotonic(), builder(seeds, index)
        if not usual:  # the first is not killed: it tells how long one takes
            assert process.wait() == 0
            usual = time.monotonic() - started
        else:
            with suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.3, 1.0) * usual)
            process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        after, kept = result(index), cached(index)
        assert after in (old, new)
        encoded.clear()
        report = build(seeds, index)
        again = [text for text in encoded if text != QUESTION]
        assert result(index) == new
        assert len(again) + kept <= report.passages, "what was done was encoded again"
        assert after == old or not again
        shutil.rmtree(index)
    assert killed > RUNS / 3, "most builds were done before they were killed"


def cached(index: Path) -> int:
    """How many passages a broken build has kept."""
    kept = 0
    for file in index.glob("cache/*.sqlite"):
        with closing(sqlite3.connect(file)) as database, suppress(sqlite3.OperationalError):
            kept += int(database.execute("SELECT count(*) FROM coded").fetchone()[0])
    return kept


def test_a_full_disk_is_one_clear_error_and_the_old_index_answers(case: Case) -> None:
    seeds, index, old, new = case
    limited = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (12000, 12000)); " + BUILD
    )
    command = [sys.executable, "-c", limited, str(seeds), str(index)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert StorageFailed.__name__ in done.stderr.splitlines()[-1]
    assert result(index) == old
    build(seeds, index)
    assert result(index) == new


def test_everything_is_synced_before_current_names_it(
    made: Case, new_index: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds, index = made.seeds, new_index()
    events: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noting_fsync(handle: int) -> None:
        events.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    def noting_replace(self: Path, target: Path) -> Path:
        events.append(f"rename {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(Path, "replace", noting_replace)
    build(seeds, index)
    published = events.index("rename CURRENT")
    before, after = set(events[:published]), events[published + 1 :]
    live = [
        path
        for part in ("segments", "snapshots")
        for path in (index / part, *(index / part).rglob("*"))
    ]
    assert {str(path) for path in live if not path.is_symlink()} <= before
    assert str(index / f".CURRENT.{os.getpid()}") in before, "the name alone would be kept"
    assert str(index) in after
