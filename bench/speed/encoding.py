"""Builds an index from nothing, and lets sentence-transformers encode the same passages, in turn.

The build is whole: reading, splitting, encoding, codes, words, writing, syncing. The other side
encodes texts that are there already and keeps nothing.
"""

import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from bench.speed.place import Figures, Place
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.encoding.library import model_folder
from qa.settings import Settings

RUNS = 3


def measure(place: Place) -> Figures:
    """Passages a second of each, medians of runs that alternate."""
    texts, tokens = _texts(place)
    ways: dict[str, Callable[[], object]] = {
        "fp32": lambda: _built(place, "fp32"),
        "int8": lambda: _built(place, "int8"),
        "reference": _reference(texts),
    }
    for way in ways.values():
        way()  # what is made or loaded once is nobody's time
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(RUNS):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    rates = {name: len(texts) / statistics.median(result) for name, result in seconds.items()}
    return {"passages": len(texts), "tokens": tokens, **rates}


def _texts(place: Place) -> tuple[list[str], float]:
    """The ranking texts of the index, and how many tokens they have in the mean."""
    with QA.open(place.index) as qa:
        places = qa.snapshot.locate(range(qa.snapshot.count))
        texts = [segment.ranking_text(row) for segment, row, _ in places]
        tokens = statistics.mean(int(segment.records[row]["tokens"]) for segment, row, _ in places)
    return texts, tokens


def _built(place: Place, precision: str) -> None:
    index = place.work / f"encoding-{precision}"
    settings = replace(Settings.from_environment(), precision=precision)
    for part in ("segments", "snapshots", "CURRENT"):
        shutil.rmtree(index / part, ignore_errors=True)
    (index / "CURRENT").unlink(missing_ok=True)
    build(place.documents, index, settings=settings, full=True)


def _reference(texts: Sequence[str]) -> Callable[[], object]:
    from sentence_transformers import SentenceTransformer

    model = model_folder(Settings.from_environment().model)
    encoder = SentenceTransformer(str(model), device="cpu", local_files_only=True)
    return lambda: encoder.encode(list(texts))
