"""Where the time of a build goes, and how soon it tells how long it will take.

    python bench/building.py FOLDER

Builds an index of the folder from nothing, in a temporary place. Prints the processor's seconds by
stage, and what the build said of its own length after some seconds, as a part of the time it took.
"""

import sys
import tempfile
import time
from pathlib import Path

from qa.building.pipeline import build
from qa.building.timing import Progress
from qa.records.rendering import shares

MOMENTS = (3.0, 5.0, 10.0, 20.0, 60.0)  # seconds, at which an estimate is noted


def main(folder: str) -> None:
    """Builds and prints."""
    estimates: dict[float, float] = {}
    started = time.monotonic()

    def note(progress: Progress) -> None:
        now = time.monotonic() - started
        for moment in MOMENTS:
            if now >= moment and moment not in estimates and progress.left is not None:
                estimates[moment] = now + progress.left

    with tempfile.TemporaryDirectory() as place:
        report = build(folder, Path(place) / "index", progress=note)
    total = time.monotonic() - started
    print(f"{report.passages} passages in {total:.1f} s; processor: {shares(report.processor)}")
    for moment, estimate in estimates.items():
        print(f"after {moment:.0f} s it said {estimate:.1f} s: {estimate / total:.2f} of the whole")


if __name__ == "__main__":
    main(sys.argv[1])
