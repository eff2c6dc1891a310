"""The confidence: the calibrated probability that an excerpt holds an answer.

Evidence has another level in every collection, so an excerpt is also compared with the others that
were found for the same question: by its place among those of the question's words, and by how much
better it matches than the best of them.
"""

import json
import math
from operator import mul
from pathlib import Path
from typing import NamedTuple

from qa.asking.reranking import Ranked
from qa.encoding.library import CONFIDENCE
from qa.errors import ModelMissing
from qa.records import forms
from qa.records.likelihood import POSSIBLE
from qa.settings import DEFAULT_MODEL


class Calibration(NamedTuple):
    """A logistic regression over `features`."""

    coefficients: tuple[float, ...]
    intercept: float


# A logistic regression that bench/quality/fit.py fits on eleven question sets; what it reports of
# each was fitted without it. Another model's evidence has another level.
OF_DEFAULT = Calibration((6.98, -0.63, 5.59, 1.0), -5.95)
# By words alone, and beside the model in languages that it knows from English: chosen on
# bench/languages, whose RESULTS.md says how.
WORDS_COEFFICIENT, WORDS_INTERCEPT = 6.0, -5.2
WORDS_BESIDE, WORDS_LEVEL = 4.0, 0.7
# A calibrated probability makes the threshold a price: an answer withheld counts as much as four or
# five excerpts that are read in vain. See ARCHITECTURE.md for what it does to each set.
THRESHOLD = 0.18


def calibration_of(model: str, folder: Path) -> Calibration | None:
    """The calibration of a model whose files lie in the folder; None where it has none."""
    if model == DEFAULT_MODEL:
        return OF_DEFAULT
    try:
        return forms.from_dict(Calibration, json.loads((folder / CONFIDENCE).read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelMissing(
            f"{folder / CONFIDENCE} cannot be read: remove it, or run `qa model calibrate` again."
        ) from error


class Together(NamedTuple):
    """The question's words that stand together in a passage."""

    share: float  # by their idf, from 0 to 1
    alone: bool  # whether nothing else tells anything: the model does not know the language


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


def confidence(
    ranked: Ranked,
    ahead: float,
    calibration: Calibration | None,
    *,
    chosen: bool = False,
    words: Together | None = None,
) -> float | None:
    """The probability that the passage holds an answer, four decimals; None without a calibration.

    One that lacks an identifier of the question is not served, however much it is like it. In other
    languages than English `words` tell, too, and alone where the model does not know the language.
    """
    if calibration is None:
        return None
    values = features(ranked, ahead, chosen=chosen)
    logit = calibration.intercept + sum(map(mul, calibration.coefficients, values))
    if words is not None and words.alone:
        logit = WORDS_INTERCEPT + WORDS_COEFFICIENT * words.share
    elif words is not None:
        logit += WORDS_BESIDE * (words.share - WORDS_LEVEL)
    probability = 1 / (1 + math.exp(-logit))
    return round(min(probability, POSSIBLE - 0.01) if ranked.lacks else probability, 4)
