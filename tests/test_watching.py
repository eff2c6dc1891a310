"""Watching: a change of the folder becomes a build."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from indexes import write

from qa import storage
from qa.errors import SeedsMissing
from qa.reading.walking import IGNORE_FILE
from qa.records import BuildReport
from qa.watching import watch


def test_changed_files_are_built_and_hidden_ones_are_not(
    tmp_path: Path, new_index: Callable[[], Path]
) -> None:
    seeds, index = tmp_path / "seeds", new_index()
    write(seeds, "one.txt", "One thing.")
    stop = threading.Event()
    reports = watch(seeds, index, stop=stop)
    assert next(reports).added == ("one.txt",)
    (seeds / ".draft").write_text("hidden")
    timer = threading.Timer(0.5, write, (seeds, "two.txt", "Another thing."))
    timer.start()
    assert next(reports).added == ("two.txt",)
    (seeds / IGNORE_FILE).write_text("two.txt")
    assert next(reports).removed == ("two.txt",)
    stop.set()
    assert list(reports) == []


def test_a_build_that_cannot_be_yet_is_tried_again(
    tmp_path: Path, new_index: Callable[[], Path]
) -> None:
    seeds, index = tmp_path / "seeds", new_index()
    write(seeds, "one.txt", "One thing.")
    stop = threading.Event()
    reports = watch(seeds, index, stop=stop)
    with storage.lock(index):
        found: list[BuildReport] = []
        waiting = threading.Thread(target=lambda: found.append(next(reports)))
        waiting.start()
        waiting.join(2)
        assert found == [], "another process builds"
    waiting.join(30)
    assert found[0].added == ("one.txt",)
    stop.set()


def test_a_missing_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(SeedsMissing):
        next(watch(tmp_path / "none", tmp_path / "index"))
