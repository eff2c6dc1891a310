"""Rebuilds an index of one size: nothing changed, and one file added."""

import statistics
import time

from bench.incremental import count_encodings
from bench.speed.place import Figures, Place
from qa.building.pipeline import build
from qa.settings import Settings

RUNS = 3
ADDED = "A note on tides. High water comes twice a day, and the harbour master writes it down.\n"


def measure(place: Place) -> Figures:
    """Seconds of each, without start-up and without the added file's own encoding."""
    encoding = count_encodings()
    _timed(place)  # time stamps that were too close to the first build are settled
    unchanged, added = [], []
    note = place.documents / "note.txt"
    try:
        for run in range(RUNS):
            unchanged.append(_timed(place))
            note.write_text(f"{ADDED}Number {run} of {time.time()}.\n", encoding="utf-8")
            encoding.clear()
            added.append(_timed(place) - sum(encoding))
    finally:
        note.unlink(missing_ok=True)
    _timed(place)
    return {"unchanged": statistics.median(unchanged), "added": statistics.median(added)}


def _timed(place: Place) -> float:
    started = time.perf_counter()
    build(place.documents, place.index, settings=Settings.from_environment())
    return time.perf_counter() - started
