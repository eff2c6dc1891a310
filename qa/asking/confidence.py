"""The confidence: the calibrated probability that an excerpt holds an answer.

Evidence has another level in every collection, so an excerpt is also compared with the others that
were found for the same question: by its place among those of the question's words, and by how much
better it matches than the best of them.
"""

import math
from operator import mul

from qa.asking.reranking import Ranked
from qa.records.likelihood import POSSIBLE

# A logistic regression that bench/quality/fit.py fits on eleven question sets; what it reports of
# each was fitted without it.
COEFFICIENTS = (6.98, -0.63, 5.59, 1.0)  # of the features, in their order
INTERCEPT = -5.95
# A calibrated probability makes the threshold a price: an answer withheld counts as much as four or
# five excerpts that are read in vain. See ARCHITECTURE.md for what it does to each set.
THRESHOLD = 0.18


def lead(ranked: Ranked, other: Ranked | None) -> float:
    """How much better it matches than the best candidate of other words; 0 where there is none."""
    return ranked.match - other.match if other else 0.0


def features(ranked: Ranked, ahead: float, *, chosen: bool) -> tuple[float, float, float, float]:
    """What the confidence is computed from.

    How well the passage and its best sentence match, where the passage stands by its words, by how
    much it is `ahead` of the others, and whether its document was chosen to be asked.
    """
    place = math.log1p(ranked.word_place)
    return ranked.evidence + ranked.strongest, place, ahead, float(chosen)


def confidence(ranked: Ranked, ahead: float, *, chosen: bool = False) -> float:
    """The probability that the passage holds an answer, four decimals.

    One that lacks an identifier of the question is not served, however much it is like it.
    """
    logit = INTERCEPT + sum(map(mul, COEFFICIENTS, features(ranked, ahead, chosen=chosen)))
    probability = 1 / (1 + math.exp(-logit))
    return round(min(probability, POSSIBLE - 0.01) if ranked.lacks else probability, 4)
