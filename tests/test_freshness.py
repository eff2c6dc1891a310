"""Whether files still are what was indexed: by size and time, then by their bytes."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from indexes import write

from qa.building.pipeline import build
from qa.checking.freshness import Freshnesses
from qa.index.opening import open_snapshot
from qa.index.store import Snapshot
from qa.records import Excerpt, Freshness

TEXT = "The lamp is red.\n"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    for name in ("a.txt", "b.txt", "c.txt"):
        write(tmp_path / "seeds", name, TEXT)
    return tmp_path / "seeds"


@pytest.fixture
def snapshot(seeds: Path, new_index: Callable[[], Path]) -> Iterator[Snapshot]:
    index = new_index()
    build(seeds, index)
    with closing(open_snapshot(index)) as opened:
        yield opened


def excerpt(*paths: str) -> Excerpt:
    places = {"document": "d" * 64, "path": paths[0], "paths": paths, "title": "Lamp"}
    return Excerpt(TEXT, 0, len(TEXT), (), 0.5, **places)  # type: ignore[arg-type]


def test_a_file_with_other_bytes_of_the_same_number_has_changed(
    seeds: Path, snapshot: Snapshot
) -> None:
    freshness = Freshnesses(seeds, snapshot)
    assert freshness.of("a.txt") is Freshness.FRESH
    write(seeds, "a.txt", TEXT.replace("red", "tan"))
    os.utime(seeds / "a.txt")
    assert freshness.of("a.txt") is Freshness.CHANGED
    write(seeds, "a.txt", TEXT)
    os.utime(seeds / "a.txt", (1, 1))  # the same bytes at another time
    assert freshness.of("a.txt") is Freshness.FRESH


def test_bytes_are_read_again_only_when_size_or_time_says_so(
    seeds: Path, snapshot: Snapshot
) -> None:
    freshness, about = Freshnesses(seeds, snapshot), (seeds / "a.txt").stat()
    write(seeds, "a.txt", TEXT.replace("red", "tan"))
    os.utime(seeds / "a.txt", ns=(about.st_atime_ns, about.st_mtime_ns))
    assert freshness.of("a.txt") is Freshness.FRESH
    os.utime(seeds / "a.txt", ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    assert freshness.of("a.txt") is Freshness.CHANGED
    write(seeds, "a.txt", f"{TEXT}More.\n")
    os.utime(seeds / "a.txt", ns=(about.st_atime_ns, about.st_mtime_ns))
    assert freshness.of("a.txt") is Freshness.CHANGED


def test_an_excerpt_is_as_fresh_as_the_best_of_its_paths(seeds: Path, snapshot: Snapshot) -> None:
    def best(*paths: str) -> Freshness:
        return Freshnesses(seeds, snapshot).marked(excerpt(*paths)).freshness

    (seeds / "a.txt").unlink()
    write(seeds, "b.txt", "Another text.\n")
    for paths, expected in {
        ("a.txt", "b.txt", "c.txt"): Freshness.FRESH,
        ("c.txt", "a.txt"): Freshness.FRESH,
        ("a.txt", "b.txt"): Freshness.CHANGED,
        ("b.txt", "a.txt"): Freshness.CHANGED,
        ("a.txt",): Freshness.GONE,
        ("a.txt", "none.txt"): Freshness.GONE,
    }.items():
        assert best(*paths) is expected, paths


def test_what_is_no_file_any_more_is_not_read(seeds: Path, snapshot: Snapshot) -> None:
    """A pipe would wait for a writer, and a device may never end."""
    for name, replace in {
        "a.txt": os.mkfifo,
        "b.txt": lambda at: at.symlink_to("/dev/zero"),
        "c.txt": Path.mkdir,
    }.items():
        (seeds / name).unlink()
        replace(seeds / name)
        assert Freshnesses(seeds, snapshot).of(name) is Freshness.CHANGED
