"""Asks the peers at one size: the same passages and questions, in their own environment."""

import sys
from pathlib import Path

from bench.peers import running
from bench.speed.place import Figures, Place
from qa.asking.service import QA
from qa.encoding.library import model_folder
from qa.evaluation.metrics import percentile
from qa.settings import EXCERPT_LIMIT

PEERS = ("dense", "txtai", "haystack")
QUESTIONS = 200


def measure(place: Place, python: Path) -> Figures:
    """Milliseconds of a question, seconds in which the passages were taken in, megabytes."""
    with QA.open(place.index) as qa:
        located = qa.snapshot.locate(range(qa.snapshot.count))
        texts = [segment.ranking_text(row) for segment, row, _ in located]
        model = model_folder(qa.manifest.encoder)
    figures = {}
    for peer in PEERS:
        print(f"  {peer}", file=sys.stderr, flush=True)
        group = running.Group(texts, place.questions[:QUESTIONS])
        result = running.rank(peer, model, [group], limit=EXCERPT_LIMIT, python=python)
        times = [seconds * 1000 for seconds in result.seconds]
        figures[peer] = {
            "median": percentile(times, 0.5),
            "95%": percentile(times, 0.95),
            "building": result.building,
            "megabytes": result.megabytes,
        }
    return figures
