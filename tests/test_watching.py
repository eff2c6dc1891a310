"""Watching: a change of the folder becomes a build."""

import threading
from collections.abc import Callable
from pathlib import Path

from indexes import write

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
    stop.set()
    assert list(reports) == []
