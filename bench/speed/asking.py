"""Asks one index: the time of each stage, memory, and how many of the true best vectors are found."""

import os
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from bench.speed.memory import mapped, resident
from bench.speed.place import Figures, Place
from qa.asking import excerpts, service
from qa.asking.service import QA
from qa.checking.freshness import Freshnesses
from qa.encoding import quantisation
from qa.encoding.encoder import Encoder
from qa.evaluation.metrics import percentile
from qa.index import dense
from qa.index.lexical import WordIndex
from qa.index.snapshot import LocalSnapshot

DEPTH = 50  # of the recall: recall@50
CALLERS = (1, 2, 4, 8)
CALLING = 10.0  # seconds
STAGES: dict[str, Sequence[tuple[object, str]]] = {
    "encode": [(Encoder, "encode_question")],
    "vectors": [(LocalSnapshot, "nearest"), (LocalSnapshot, "similarity")],
    "words": [(WordIndex, "search")],
    "ranking": [(service, "candidates"), (service, "rerank")],
    "excerpts": [(excerpts, "answer"), (Freshnesses, "marked")],
}
WITHIN = ("vectors", "words")  # stages that a part of ranking is

Seconds = dict[str, float]


def measure(place: Place) -> Figures:
    """Milliseconds of questions, asked one at a time, and of their stages; then many at once."""
    before = resident()["own"]
    forget(place.index)
    with QA.open(place.index) as qa:
        opened = resident()["own"]
        qa.ask("What is loaded at the first question?")  # is no question's time
        cold = milliseconds(qa, place.questions)
        times, stages = milliseconds(qa, place.questions), staged(qa, place.questions)
        current = resident()
        own = {
            "libraries": before,
            "index": opened - before,
            "model and questions": current["own"] - opened,
        }
        return {
            "passages": qa.manifest.passages,
            "questions": len(times),
            "median": statistics.median(times),
            "95%": percentile(times, 0.95),
            "cold": statistics.median(cold),
            "stages": stages,
            "resident": current,
            "own": own,
            "mapped": mapped(place.index),
            "recall": recall(qa, place.questions[:100]),
            "callers": {number: rate(qa, place.questions, number) for number in CALLERS},
        }


def forget(index: Path) -> None:
    """Lets the system drop the files of an index from its cache, as if it had not read them yet."""
    for file in filter(Path.is_file, index.rglob("*")):
        with file.open("rb") as stream:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def milliseconds(qa: QA, questions: Sequence[str]) -> list[float]:
    """What each question takes, one at a time."""
    times = []
    for question in questions:
        started = time.perf_counter()
        qa.ask(question)
        times.append((time.perf_counter() - started) * 1000)
    return times


def staged(qa: QA, questions: Sequence[str]) -> dict[str, float]:
    """The median milliseconds of each stage."""
    rounds: dict[str, list[float]] = defaultdict(list)
    with watched() as spent:
        for question in questions:
            spent.clear()
            qa.ask(question)
            spent["ranking"] -= sum(spent[stage] for stage in WITHIN)
            for stage in STAGES:
                rounds[stage].append(spent[stage] * 1000)
    return {stage: statistics.median(result) for stage, result in rounds.items()}


@contextmanager
def watched() -> Iterator[Seconds]:
    """The seconds that each stage takes from here on."""
    spent: Seconds = defaultdict(float)
    with ExitStack() as stack:
        for stage, places in STAGES.items():
            for owner, name in places:
                stack.enter_context(
                    patch.object(owner, name, _timed(getattr(owner, name), stage, spent))
                )
        yield spent


def _timed(work: Callable[..., Any], stage: str, spent: Seconds) -> Callable[..., Any]:
    def timed(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return work(*given, **named)
        finally:
            spent[stage] += time.perf_counter() - started

    return timed


def recall(qa: QA, questions: Sequence[str]) -> float:
    """The share of the true best vectors among those that the search finds."""
    snapshot, encoder = qa.snapshot, Encoder(qa.manifest.encoder, folder=qa.index / "encoders")
    shares = []
    for question in questions:
        asked = quantisation.quantise(encoder.encode_question(question).pooled)
        exact = dense.best(snapshot.products(asked), DEPTH)
        found = snapshot.all_nearest(asked, DEPTH)
        shares.append(len(np.intersect1d(exact, found)) / len(exact))
    return statistics.mean(shares)


def rate(qa: QA, questions: Sequence[str], callers: int) -> float:
    """Questions a second that so many threads get answered, each asking without a pause."""
    counts = [0] * callers
    end = time.perf_counter() + CALLING

    def caller(number: int) -> None:
        while time.perf_counter() < end:
            qa.ask(questions[(counts[number] * callers + number) % len(questions)])
            counts[number] += 1

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / CALLING
