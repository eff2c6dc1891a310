"""The confidence: the calibrated probability that an excerpt holds an answer."""

import math
from operator import mul

from qa.asking.reranking import Ranked

# The probability that an excerpt holds an answer: a logistic regression over two features, fitted by
# bench/quality/fit.py on question sets that were written for it, over other documents than those
# that this project is measured by.
COEFFICIENTS = (20.49, -54.64)  # evidence, score gap
INTERCEPT = -9.63
# With every question asked once with and once without its own document, of those answered at it 91%
# held an answer in the first excerpt on XQuAD, 79% on the excerpts set and 37% on COVID-QA (where
# other papers may answer too); none was fitted on. Chosen to refuse few that have an answer (3%, 18%,
# 4%); .15 would be right more often on XQuAD (94%) and refuse 5%.
THRESHOLD = 0.09


def features(ranked: Ranked) -> tuple[float, float]:
    """What the confidence is computed from."""
    return ranked.evidence, ranked.score_gap


def confidence(ranked: Ranked) -> float:
    """The probability that the passage holds an answer, four decimals."""
    logit = INTERCEPT + sum(map(mul, COEFFICIENTS, features(ranked)))
    return round(1 / (1 + math.exp(-logit)), 4)
