"""How fast files are read, with one process and with two, and how much memory it takes.

Run with `python bench/reading.py`; it makes its own files and prints a table. With
`python bench/reading.py CHECKOUT [FILE...]` it reads the files (its own where none is named) in turn
by this checkout and by another one, in a process each, and prints how their times compare.
"""

import os
import statistics
import subprocess
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


ROUNDS = 5  # of a paired run
# Reads the files that are named on its input: the seconds of the processor, characters, kilobytes.
READER = """
import resource, sys, time
from pathlib import Path
from qa.reading import read
for line in sys.stdin:
    file = Path(line.rstrip("\\n"))
    data = file.read_bytes()
    start = time.process_time()
    length = len(read(data, file.name).text)
    print(time.process_time() - start, length, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    sys.stdout.flush()
"""


def compare(other: Path, files_: list[Path]) -> None:
    """Print the medians of both checkouts for each file, and their ratio in paired rounds."""
    readers = [_reader(root) for root in (other, ROOT)]
    print(f"{'file':44} {'before':>9} {'after':>9} {'ratio':>6} {'memory, before and after':>26}")
    totals = [0.0, 0.0]
    for file in files_:
        seconds: list[list[float]] = [[], []]
        memory = [0, 0]
        for number in range(ROUNDS):
            for which in (0, 1) if number % 2 else (1, 0):
                taken, memory[which] = _read_by(readers[which], file)
                seconds[which].append(taken)
        medians = [statistics.median(each) for each in seconds]
        ratio = statistics.median(after / before for before, after in zip(*seconds, strict=True))
        totals = [total + median for total, median in zip(totals, medians, strict=True)]
        times = f"{medians[0]:8.3f}s {medians[1]:8.3f}s {ratio:6.2f}"
        print(f"{file.name[:44]:44} {times} {memory[0] >> 10:>11} MB {memory[1] >> 10:>9} MB")
    print(f"{'all':44} {totals[0]:8.3f}s {totals[1]:8.3f}s {totals[1] / totals[0]:6.2f}")
    for reader in readers:
        reader.communicate()


def _reader(root: Path) -> "subprocess.Popen[str]":
    """A process that reads by the checkout of that folder."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", READER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root.resolve())},
    )


def _read_by(reader: "subprocess.Popen[str]", file: Path) -> tuple[float, int]:
    """The seconds of the processor, and the most kilobytes that the process has held so far."""
    if reader.stdin is None or reader.stdout is None:
        raise ValueError("a reader has pipes")
    reader.stdin.write(f"{file}\n")
    reader.stdin.flush()
    seconds, _, kilobytes = reader.stdout.readline().split()
    return float(seconds), int(kilobytes)


def _own_files(folder: Path) -> list[Path]:
    """A file of each of some kinds."""
    paragraphs = f"{PARAGRAPH}\n\n" * 3000
    table = "".join(f"| Mill {n} | {1900 + n % 99} | {n} |\n" for n in range(3000))
    made = {
        "prose.pdf": files.pdf([PAGE] * 250),
        "text.txt": paragraphs.encode(),
        "text.md": paragraphs.encode(),
        "table.md": f"| Station | Opened | Number |\n|---|---|---|\n{table}".encode(),
        "page.html": f"<h1>Mills</h1><p>{paragraphs.replace(chr(10) * 2, '</p><p>')}".encode(),
        "letter.docx": files.docx(files.FACTS * 400),
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in made]


def main() -> None:
    """Print a table of speed and memory for each kind of file, or how two checkouts compare."""
    if len(sys.argv) > 1:
        with tempfile.TemporaryDirectory() as folder:
            named = [Path(name).resolve() for name in sys.argv[2:]]
            compare(Path(sys.argv[1]), named or _own_files(Path(folder)))
        return
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
