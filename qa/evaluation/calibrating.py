"""A model's confidence: fitted to what it finds for questions whose answers are known.

Every question is asked as it is and, unless it names the file that it is asked of, again with its own
document left out; the first five excerpts are labelled by whether they overlap a gold span or stand
on a gold page. A logistic regression over `qa.asking.confidence.features` is fitted so:

- Each set weighs alike; the second to fifth excerpts of a set together as much as .3 of its first.
- An excerpt's lead counts for half of what fits best: it is what differs most between collections.
- That the document was chosen counts 1, which the sets of bench/quality have shown.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from glob import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa import storage
from qa.asking.confidence import Calibration, features
from qa.asking.filters import filtered
from qa.asking.quoting import quoted
from qa.asking.service import QA
from qa.encoding.library import CONFIDENCE, model_folder
from qa.errors import QuestionsInvalid
from qa.evaluation.metrics import area_under_roc
from qa.evaluation.questions import Question, read_questions
from qa.index.store import StoredPassage
from qa.records import forms
from qa.records.likelihood import POSSIBLE
from qa.settings import DEFAULT_MODEL

DEPTH = 5  # excerpts of a ranking that are labelled
LATER = 0.3  # what all excerpts but the first weigh, the first having 1
LEAD, CHOSEN = 2, 3  # places in the features
HALF = 0.5  # of what fits best, for the lead
PRIOR = 1.0  # the coefficient of a chosen document
FEWEST = 30  # first excerpts that hold an answer, and as many that hold none
LEAST_AREA = 0.7  # under ROC: a model that tells answers from none no better has no confidence

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Row = tuple[tuple[float, ...], bool, bool, bool, bool]
"""an excerpt, as `Labelled` has it in columns"""


class Labelled(NamedTuple):
    """Excerpts of the questions of a set."""

    features: Numbers  # (n, features)
    is_first: Flags
    answerable: Flags  # the documents that were asked hold an answer
    right: Flags  # the excerpt does
    lacks: Flags  # the excerpt lacks an identifier

    def weights(self) -> Numbers:
        """Those of the excerpts in a fit, of the sum 1.3."""
        first, later = self.is_first.sum(), max((~self.is_first).sum(), 1)
        weights: Numbers = np.where(self.is_first, 1 / first, LATER / later)
        return weights

    def probabilities(self, model: Numbers) -> Numbers:
        """Those that a model gives."""
        found = sigmoid(self.features @ model[:-1] + model[-1])
        served: Numbers = np.where(self.lacks, np.minimum(found, POSSIBLE - 0.01), found)
        return served


class Calibrated(NamedTuple):
    """What a calibration was made from, and how good it is on the very same questions."""

    model: str
    questions: int
    area: float  # under ROC: a right first excerpt against a wrong one


def calibrate(
    qa: QA,
    files: Sequence[Path],
    *,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Calibrated:
    """Gives the model of an open index a confidence of its own, kept beside its files.

    Raises QuestionsInvalid where the questions are too few, or tell nothing of the model.
    """
    name = qa.manifest.encoder
    if name == DEFAULT_MODEL:
        raise QuestionsInvalid(f"The confidence of {name} is calibrated already, on eleven sets.")
    asked = [question for file in files for question in read_questions(file)]
    rows: list[Row] = []
    for done, question in enumerate(asked):
        progress(done, len(asked))
        rows += labelled_excerpts(qa, question)
    if not rows:
        raise QuestionsInvalid("No question found any passage: are they of this index?")
    data = Labelled(*map(np.array, zip(*rows, strict=True)))
    area = _area(data)
    model = fit([data])
    found = Calibration(tuple(model[:-1].round(4).tolist()), round(float(model[-1]), 4))
    written = json.dumps(forms.to_dict(found)).encode() + b"\n"
    storage.replace_file(model_folder(name) / CONFIDENCE, written)
    return Calibrated(name, len(asked), area)


def _area(data: Labelled) -> float:
    """How well evidence tells right first excerpts from wrong ones. Raises QuestionsInvalid."""
    right = data.right & data.is_first
    wrong = ~data.right & data.is_first
    if min(right.sum(), wrong.sum()) < FEWEST:
        raise QuestionsInvalid(
            f"{right.sum()} first excerpts hold an answer and {wrong.sum()} none: take questions "
            f"that give {FEWEST} of each."
        )
    sure = data.probabilities(fit([data]))
    area = area_under_roc(sure[right].tolist(), sure[wrong].tolist()) or 0.0
    if area < LEAST_AREA:
        raise QuestionsInvalid(
            f"This model tells right excerpts from wrong ones hardly better than chance (an area "
            f"under ROC of {area:.2f}): it is given no confidence."
        )
    return area


def labelled_excerpts(qa: QA, question: Question) -> Iterator[Row]:
    """The rows of `Labelled` of a question, asked with its document and without."""
    alone = bool(question.only) or qa.manifest.documents == 1
    for without in (False,) if alone or not question.document else (False, True):
        yield from _excerpts(qa, question, without=without)


def _excerpts(qa: QA, question: Question, *, without: bool) -> Iterator[Row]:
    snapshot = qa.snapshot
    left_out = [escape(question.document)] if without and question.document else []
    left = filtered(snapshot, question.only, left_out)
    encoded, ranking = qa.ranked(question.text, snapshot, left.among)
    there = not without and question.document is not None
    for rank, one in enumerate(quoted(snapshot, encoded, ranking, DEPTH)):
        right = there and question.document in one.paths and _holds(one.passage, question)
        values = features(one.ranked, one.lead, chosen=left.one)
        yield values, rank == 0, there, right, one.ranked.lacks


def _holds(passage: StoredPassage, question: Question) -> bool:
    return passage.page in question.pages or any(
        first < passage.end and last > passage.start for first, last in question.spans
    )


def fit(sets: Sequence[Labelled]) -> Numbers:
    """The coefficients and, last, the intercept."""
    values = np.concatenate([data.features for data in sets])
    right = np.concatenate([data.right for data in sets])
    weights = np.concatenate([data.weights() for data in sets])
    known = {CHOSEN: PRIOR}
    best = _regression(values, right, weights, known)
    return _regression(values, right, weights, {**known, LEAD: HALF * best[LEAD]})


def _regression(
    values: Numbers, right: Flags, weights: Numbers, known: Mapping[int, float]
) -> Numbers:
    """A logistic regression by Newton's method, some of its coefficients known."""
    model = np.zeros(values.shape[1] + 1)
    model[list(known)] = list(known.values())
    wanted = [at for at in range(len(model)) if at not in known]
    full = np.c_[values, np.ones(len(values))]
    part, share = full[:, wanted], weights / weights.mean()
    for _ in range(30):
        found = sigmoid(full @ model)
        slope = part.T @ (share * (right - found))
        curve = (part * (share * found * (1 - found))[:, None]).T @ part
        model[wanted] += np.linalg.solve(curve + 1e-3 * np.eye(len(wanted)), slope)
    return model


def sigmoid(values: Numbers) -> Numbers:
    """The logistic function."""
    found: Numbers = 1 / (1 + np.exp(-values))
    return found
