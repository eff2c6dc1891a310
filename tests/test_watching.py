"""Watching: a change of the folder becomes a build."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from indexes import write
from waiting import wait_for

from qa.building.watching import watch
from qa.errors import SeedsMissing
from qa.index.lock import lock
from qa.reading.walking import IGNORE_FILE
from qa.records import BuildReport


class Watched(NamedTuple):
    """A folder of one file, an index that is yet empty, and the reports of a watch over both."""

    seeds: Path
    index: Path
    reports: Iterator[BuildReport]
    stop: threading.Event


@pytest.fixture
def watched(tmp_path: Path, new_index: Callable[[], Path]) -> Iterator[Watched]:
    seeds, index, stop = tmp_path / "seeds", new_index(), threading.Event()
    write(seeds, "one.txt", "One thing.")
    yield Watched(seeds, index, watch(seeds, index, stop=stop), stop)
    stop.set()


def test_changed_files_are_built_and_hidden_ones_are_not(watched: Watched) -> None:
    seeds, _, reports, stop = watched
    assert next(reports).added == ("one.txt",)
    (seeds / ".draft").write_text("hidden")
    timer = threading.Timer(0.5, write, (seeds, "two.txt", "Another thing."))
    timer.start()
    assert next(reports).added == ("two.txt",)
    (seeds / IGNORE_FILE).write_text("two.txt")
    assert next(reports).removed == ("two.txt",)
    stop.set()
    assert list(reports) == []


def test_a_build_that_cannot_be_yet_is_tried_again(watched: Watched) -> None:
    with lock(watched.index):
        found: list[BuildReport] = []
        waiting = threading.Thread(target=lambda: found.append(next(watched.reports)))
        waiting.start()
        waiting.join(2)
        assert found == [], "another process builds"
    waiting.join(30)
    assert found[0].added == ("one.txt",)


def test_a_folder_that_goes_away_is_waited_for_and_another_in_its_place_is_built(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    seeds, _, reports, _ = watched
    assert next(reports).added == ("one.txt",)
    found: list[BuildReport] = []
    waiting = threading.Thread(target=lambda: found.append(next(reports)))
    waiting.start()
    seeds.rename(seeds.with_name("away"))
    wait_for(lambda: "is out of reach" in caplog.text)
    other = seeds.with_name("other")
    write(other, "one.txt", "One thing.")
    write(other, "two.txt", "Another thing.")
    other.rename(seeds)
    waiting.join(60)
    assert found[0].added == ("two.txt",)


def test_a_missing_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(SeedsMissing):
        next(watch(tmp_path / "none", tmp_path / "index"))
