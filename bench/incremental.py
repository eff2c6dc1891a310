"""What a rebuild costs: nothing changed, one file added, one renamed, one removed.

    python bench/incremental.py SEEDS_FOLDER [WORK_FOLDER]

Copies the folder, builds it once, then times each kind of rebuild in this process (start-up and the
model's loading left out) and prints seconds, passages encoded and bytes written.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from qa.building.pipeline import build
from qa.encoding.encoder import Encoded, Encoder
from qa.index.manifest import current, read_manifest
from qa.records import BuildReport

RUNS = 5
ADDED = "A note on tides. High water comes twice a day, and the harbour master writes it down.\n"


def main() -> None:
    """Prints the table."""
    at = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp())
    seeds, index = at / "seeds", at / "index"
    if not seeds.exists():
        shutil.copytree(sys.argv[1], seeds)
    counted = count_encodings()
    show("first build", index, counted, lambda: build(seeds, index))
    manifest = read_manifest(index / "snapshots" / current(index))
    size = sum(size for size, _ in manifest.files.values())
    print(f"{manifest.passages} passages, {size / manifest.passages:,.0f} bytes each on disk")
    build(seeds, index)  # settles time stamps that were too close to the first build
    for run in range(RUNS):
        show("nothing changed", index, counted, lambda: build(seeds, index))
        note = seeds / f"note-{run}.txt"
        note.write_text(f"{ADDED}Number {run}.\n")
        show("one file added", index, counted, lambda: build(seeds, index))
        moved = note.rename(seeds / f"moved-{run}.txt")
        show("one file renamed", index, counted, lambda: build(seeds, index))
        moved.unlink()
        show("one file removed", index, counted, lambda: build(seeds, index))


def count_encodings() -> list[float]:
    """Seconds of every encoding from here on."""
    seconds: list[float] = []
    original = Encoder.encode

    def timed(self: Encoder, text: str) -> Encoded:
        started = time.perf_counter()
        encoded = original(self, text)
        seconds.append(time.perf_counter() - started)
        return encoded

    Encoder.encode = timed  # type: ignore[method-assign]
    return seconds


def show(
    what: str, index: Path, counted: list[float], work: Callable[[], BuildReport]
) -> BuildReport:
    """One line of the table."""
    before = inodes(index)
    counted.clear()
    started = time.perf_counter()
    report = work()
    seconds = time.perf_counter() - started
    written = sum(size for inode, size in inodes(index).items() if inode not in before)
    print(
        f"{what:18} {seconds:7.2f} s, {len(counted):5} encoded in {sum(counted):6.2f} s, "
        f"{written:12,} bytes written"
    )
    return report


def inodes(index: Path) -> dict[int, int]:
    """Size of every file of the index by its inode: a linked file was not written."""
    return {
        file.stat().st_ino: file.stat().st_size
        for part in ("segments", "snapshots")
        for file in (index / part).rglob("*")
        if file.is_file()
    }


if __name__ == "__main__":
    main()
