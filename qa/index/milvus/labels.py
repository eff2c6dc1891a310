"""Labels: numbers of documents that ascend by their first paths and seldom change.

A passage's key is its document's label and its number in the document, so that keys ascend by path
and position without a list of all documents. A new document gets a number between those of its
neighbours; its last 8 bits are those of the build, so that two builds, of which one has lost the
lease, never give the same. Where there is no number left between two neighbours all are given anew
(list labelling; Itai, Konheim, Rodeh, A sparse table implementation of priority queues, 1981).
"""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

PASSAGES = 20  # bits of a passage's number in its document
BUILDS = 8  # bits of a build's number
SLOTS = 35  # bits of what is given between neighbours
STRIDE = 1 << 12  # between documents that are added before all others, or behind them

Numbers = npt.NDArray[np.int64]


def key_of(label: int, passage: int) -> int:
    """The key of a document's passage."""
    return label << PASSAGES | passage


def labels_of(keys: Numbers) -> Numbers:
    """The labels of the documents of passages."""
    return keys >> PASSAGES


def assigned(known: Sequence[int | None], build: int) -> list[int] | None:
    """A label for each document in the order of first paths; as many as can keep the `known` one.

    None where between two neighbours too few are left. A build of no known ones always has room.
    """
    kept = set(_longest_ascending([(at, label) for at, label in enumerate(known) if label]))
    labels: list[int] = []
    waiting = 0
    for at, label in enumerate([*known, None]):
        is_end = at == len(known)
        if not is_end and (at, label) not in kept:
            waiting += 1
            continue
        low = labels[-1] >> BUILDS if labels else None
        slots = _between(low, None if is_end else label >> BUILDS if label else None, waiting)
        if slots is None:
            return None
        labels += [slot << BUILDS | build % (1 << BUILDS) for slot in slots]
        waiting = 0
        if not is_end and label:
            labels.append(label)
    return labels


def _between(low: int | None, high: int | None, count: int) -> list[int] | None:
    """So many slots between two that are taken, None being none."""
    if not count:
        return []
    least, most = 0, 1 << SLOTS
    if low is None and high is None:
        low, high = most // 4, most - most // 4
    elif low is None and high is not None:
        low = max(least, high - (count + 1) * STRIDE)
    elif high is None and low is not None:
        high = min(most, low + (count + 1) * STRIDE)
    low, high = low or least, high or most
    room = high - low - 1
    if room < count:
        return None
    return [low + (at + 1) * (room + 1) // (count + 1) for at in range(count)]


def _longest_ascending(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of the pairs, in their order, whose second numbers ascend."""
    ends: list[int] = []  # the least number that a part of each length ends with
    places: list[int] = []  # which pair that is
    before: list[int] = []
    for at, (_, label) in enumerate(pairs):
        length = bisect_left(ends, label)
        before.append(places[length - 1] if length else -1)
        ends[length : length + 1] = [label]
        places[length : length + 1] = [at]
    found = []
    at = places[-1] if places else -1
    while at >= 0:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]
