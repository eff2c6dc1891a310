"""Compaction: which segments are rewritten, so that they stay few and mostly alive."""

from collections.abc import Sequence

from qa.index.catalog import LiveDocument
from qa.index.snapshot import LocalSnapshot

MOST_SEGMENTS = 8
DEAD_SHARE = 1 / 3


def to_compact(last: LocalSnapshot, live: Sequence[LiveDocument]) -> set[int]:
    """The segments to rewrite: those mostly dead, and the smaller half when there are many."""
    alive = dict.fromkeys(range(len(last.segments)), 0)
    for document in live:
        if document.segment in alive:
            alive[document.segment] += document.passages
    total = {number: len(segment.records) for number, segment in enumerate(last.segments)}
    found = {n for n, passages in alive.items() if passages < total[n] * (1 - DEAD_SHARE)}
    others = sorted((n for n in alive if n not in found), key=lambda n: alive[n])
    if len(others) >= MOST_SEGMENTS:
        found.update(others[: len(others) // 2 + 1])
    return found
