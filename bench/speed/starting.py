"""Asks by the command line, each time in a process of its own: from nothing to the printed answer."""

import os
import statistics
import subprocess
import sys
import time

from bench.speed.place import Figures, Place

RUNS = 9


def measure(place: Place) -> Figures:
    """Seconds and megabytes, medians, the first run left out."""
    runs = [_run(place, question) for question in place.questions[: RUNS + 1]][1:]
    seconds, megabytes = zip(*runs, strict=True)
    return {"seconds": statistics.median(seconds), "megabytes": statistics.median(megabytes)}


def _run(place: Place, question: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "qa", "ask", question, "--index", str(place.index)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"qa ask failed: {status}")
    return time.perf_counter() - started, used.ru_maxrss / 1024
