"""How fast files are read, with one process and with two, and how much memory it takes.

Run with `python bench/reading.py`; it makes its own files and prints a table.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import files  # noqa: E402  # found by the line above

from qa.reading.workers import read_files  # noqa: E402  # found by the line above

PARAGRAPH = "The harbour froze in January, and nine ships waited outside it for the thaw. " * 7
PAGE = [
    f"{number}: The mill ground eleven sacks a day, and its wheel was of oak."
    for number in range(45)
]


def main() -> None:
    """Print a table of speed and memory for each kind of file."""
    text = f"{PARAGRAPH}\n\n".encode()
    pages = files.pdf([PAGE] * 250)
    kinds: tuple[tuple[str, str, int, Callable[[], bytes], float, str], ...] = (
        ("PDF, 8 files of 250 pages", ".pdf", 8, lambda: pages, 250, "pages/s"),
        ("PDF of 5,000 pages", ".pdf", 1, lambda: files.pdf([PAGE] * 5000), 5000, "pages/s"),
        ("text, 16 files of 4 MB", ".txt", 16, lambda: text * (4_000_000 // len(text)), 4, "MB/s"),
        (
            "Markdown, 16 files of 1 MB",
            ".md",
            16,
            lambda: text * (1_000_000 // len(text)),
            1,
            "MB/s",
        ),
        ("text of 200 MB", ".txt", 1, lambda: text * (200_000_000 // len(text)), 200, "MB/s"),
        (
            "text of 200 MB, one emoji",
            ".txt",
            1,
            lambda: "🚢".encode() + text * 350_000,
            189,
            "MB/s",
        ),
    )
    print(f"{'files':28} {'1 process':>18} {'2 processes':>18} {'peak memory':>12}")
    for label, suffix, count, make, amount, unit in kinds:
        with tempfile.TemporaryDirectory() as folder:
            names = [f"{number}{suffix}" for number in range(count)]
            data = make()
            for name in names:
                (Path(folder) / name).write_bytes(data)
            del data
            measured = [_measure(Path(folder), names, processes) for processes in (1, 2)]
        speeds = [f"{count * amount / seconds:.0f} {unit}" for seconds, _ in measured]
        peak = max(memory for _, memory in measured)
        print(f"{label:28} {speeds[0]:>18} {speeds[1]:>18} {peak >> 20:>9} MB")


def _measure(folder: Path, names: list[str], processes: int) -> tuple[float, int]:
    """Seconds, and the most memory that this process and the workers held together."""
    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    for reading in read_files(folder, names, processes=processes, seconds=300):
        if reading.outcomes[0].reason:
            print(reading.path, reading.outcomes[0].reason)
        del reading
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    return seconds, peak


def _resident() -> int:
    """Bytes that this process and its children hold in memory."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if os.getpid() in (parent, int(folder.name)):
                pages = int((folder / "statm").read_text().split()[1])
                total += pages * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError):
            continue
    return total


if __name__ == "__main__":
    main()
