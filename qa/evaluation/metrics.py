"""The metrics: ranks, overlap of characters, percentiles, area under the ROC curve, calibration."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

DEPTH = 10  # of the ranking, for MRR@10
BINS = 10  # of confidence, for the calibration error


def first(hits: Iterable[bool]) -> int | None:
    """The place of the first hit, from 1: `first([False, True])` is 2."""
    return next((place for place, hit in enumerate(hits, 1) if hit), None)


def within(rank: int | None, depth: int) -> bool:
    """Whether the rank is one of the first `depth`."""
    return rank is not None and rank <= depth


def reciprocal(rank: int | None) -> float:
    """One over the rank, 0 when there is none down to DEPTH: `reciprocal(4)` is 0.25."""
    return 1 / rank if rank is not None and rank <= DEPTH else 0.0


def overlap(predicted: set[int], gold: set[int]) -> tuple[float, float, float]:
    """Precision, recall and intersection over union of two sets of characters.

    Of 10 characters predicted, 6 are among 8 of gold: .6, .75 and 6 / 12 = .5. An empty set gives 0.
    """
    both = len(predicted & gold)
    union = len(predicted | gold)
    return (
        both / len(predicted) if predicted else 0.0,
        both / len(gold) if gold else 0.0,
        both / union if union else 0.0,
    )


def agreement(right: int, marked: int, gold: int) -> tuple[float, float, float]:
    """Precision, recall and F1 of what is marked, of which some is right, against what is gold.

    Of 10 marked, 6 are among 8 of gold: .6, .75 and 2 * .6 * .75 / 1.35 = .667. Nothing gives 0.
    """
    both = marked + gold
    return (
        right / marked if marked else 0.0,
        right / gold if gold else 0.0,
        2 * right / both if both else 0.0,
    )


def mean(values: Iterable[float]) -> float | None:
    """The mean, None of nothing."""
    known = list(values)
    return sum(known) / len(known) if known else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which that share lies, straight lines between neighbours; None of nothing.

    Of 10, 20, 30, 40 the 0.5 percentile is 25 and the 0.95 percentile 38.5.
    """
    return float(np.quantile(values, share)) if values else None


def area_under_roc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """How often a positive's value is above a negative's, a tie counting half.

    Of .9 and .4 against .5 and .4 it is (2 + .5) / 4 = .625.
    """
    if not positive or not negative:
        return None
    ordered = sorted(negative)
    wins = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in positive)
    return wins / 2 / (len(positive) * len(negative))


def calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float | None:
    """Expected calibration error over ten bins of equal width (Guo et al. 2017, equation 3).

    Each bin's distance between its mean confidence and its share of right ones, weighted by its size:
    .82 right, .88 wrong, .1 wrong give (2 * |.85 - .5| + 1 * .1) / 3 = .2667.
    """
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for confidence, is_right in zip(confidences, right, strict=True):
        bins[min(int(confidence * BINS), BINS - 1)].append((confidence, is_right))
    distances = (abs(sum(c for c, _ in rows) - sum(r for _, r in rows)) for rows in bins.values())
    return sum(distances) / len(confidences) if confidences else None


def precision_at(
    coverage: float, confidences: Sequence[float], right: Sequence[bool]
) -> float | None:
    """The share of right ones among the most confident `coverage` of them, one at least.

    Those of equal confidence share the places that are left between them.
    """
    if not confidences:
        return None
    room = max(1, round(coverage * len(confidences)))
    groups: dict[float, list[bool]] = defaultdict(list)
    for confidence, is_right in zip(confidences, right, strict=True):
        groups[confidence].append(is_right)
    found, left = 0.0, room
    for confidence in sorted(groups, reverse=True):
        group = groups[confidence]
        taken = min(left, len(group))
        found += sum(group) * taken / len(group)
        left -= taken
    return found / room
