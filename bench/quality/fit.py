"""Fits the confidence of an excerpt, and reports it on each set as fitted without that set.

    python -m bench.quality.fit TRAINING SETS INDEXES

TRAINING holds the documents that `bench/training/documents.py` made (the questions lie beside that
script), SETS the question sets, INDEXES an index of each (built when missing). Every question is
asked as it is and, unless it names the file that it is asked of, again with its own document left
out; the first five excerpts are labelled by whether they overlap a gold span or stand on a gold page.
A logistic regression over `qa.asking.confidence.features` is fitted so:

- Each set weighs alike; the second to fifth excerpts of a set together as much as .3 of its first.
- An excerpt's lead counts for half of what fits best: it is what differs most between collections.
- That the document was chosen counts 1: but for `policies` no set has questions that were put to
  one document by those who chose it, and there .8 fits.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from glob import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.asking.confidence import THRESHOLD, features
from qa.asking.filters import filtered
from qa.asking.quoting import quoted
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.evaluation.metrics import area_under_roc, calibration_error
from qa.evaluation.questions import Question, read_questions
from qa.index.store import StoredPassage
from qa.records.likelihood import POSSIBLE

QUESTIONS = Path(__file__).parents[1] / "training"
TRAINING = ("articles", "news", "manuals", "licences")
SETS = ("xquad", "covidqa", "excerpts", "lists", "policies", "filings", "seed")
DEPTH = 5  # excerpts of a ranking that are labelled
MOST = 600  # questions of a set, about, evenly spread
LATER = 0.3  # what all excerpts but the first weigh, the first having 1
LEAD, CHOSEN = 2, 3  # places in the features
HALF = 0.5  # of what fits best, for the lead
PRIOR = 1.0  # the coefficient of a chosen document
THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.5)
BINS = 10

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


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
        return np.where(self.is_first, 1 / first, LATER / later)

    def probabilities(self, model: Numbers) -> Numbers:
        """Those that a model gives."""
        found = _sigmoid(self.features @ model[:-1] + model[-1])
        return np.where(self.lacks, np.minimum(found, POSSIBLE - 0.01), found)


def main() -> None:
    """Prints the coefficients and the report."""
    training, sets, indexes = map(Path, sys.argv[1:4])
    places = {
        **{name: (training / name / "documents", QUESTIONS / f"{name}.jsonl") for name in TRAINING},
        **{name: (sets / name / "documents", sets / name / "questions.jsonl") for name in SETS},
    }
    places["seed"] = (sets.parent / "seeds", sets / "seed" / "questions.jsonl")
    found = {name: labelled(*place, indexes / name) for name, place in places.items()}
    model = fit(list(found.values()))
    print("COEFFICIENTS =", tuple(model[:-1].round(2).tolist()))
    print("INTERCEPT =", round(float(model[-1]), 2))
    leave_one_out(found)


def leave_one_out(found: Mapping[str, Labelled]) -> None:
    """Prints the report of each set, by the model that has not seen it, and a reliability plot."""
    errors, bins = [], np.zeros((BINS, 3))
    for name, data in found.items():
        model = fit([other for key, other in found.items() if key != name])
        sure = data.probabilities(model)[data.is_first]
        right = data.right[data.is_first]
        errors.append(report(name, model, sure, data))
        number = np.minimum((sure * BINS).astype(int), BINS - 1)
        for at, column in enumerate((np.ones(len(sure)), sure, right)):
            bins[:, at] += np.bincount(number, column / len(sure), BINS)
    print(f"\ncalibration error: mean {np.mean(errors):.3f}, greatest {max(errors):.3f}")
    print("\nreliability, first excerpts of all sets, each weighing alike")
    for weight, sure, right in bins:
        bar = "#" * round(40 * right / weight)
        print(f"  said {sure / weight:.2f}, right {right / weight:.2f} {bar}")


def labelled(documents: Path, questions: Path, index: Path) -> Labelled:
    """The labelled excerpts of a set, whose index is built when it is missing."""
    if not (index / "CURRENT").exists():
        build(documents, index)
    asked = read_questions(questions)
    with QA.open(index) as qa:
        rows = [
            row
            for question in asked[:: max(1, len(asked) // MOST)]
            for without in _ways(qa, question)
            for row in excerpts(qa, question, without=without)
        ]
    return Labelled(*map(np.array, zip(*rows, strict=True)))


def _ways(qa: QA, question: Question) -> Sequence[bool]:
    """Whether the question is asked with its document, without it, or both."""
    alone = bool(question.only) or qa.manifest.documents == 1
    return (False,) if alone or not question.document else (False, True)


def excerpts(
    qa: QA, question: Question, *, without: bool
) -> Iterator[tuple[tuple[float, ...], bool, bool, bool, bool]]:
    """Features, whether it is the first, whether an answer is there and the excerpt holds it, `lacks`."""
    snapshot = qa.snapshot
    left_out = [escape(question.document)] if without and question.document else []
    left = filtered(snapshot, question.only, left_out)
    encoded = qa._encode(question.text, snapshot)  # noqa: SLF001 - measures what the product does
    ranking = qa._rerank(encoded, snapshot, left.among)  # noqa: SLF001
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
        found = _sigmoid(full @ model)
        slope = part.T @ (share * (right - found))
        curve = (part * (share * found * (1 - found))[:, None]).T @ part
        model[wanted] += np.linalg.solve(curve + 1e-3 * np.eye(len(wanted)), slope)
    return model


def _sigmoid(values: Numbers) -> Numbers:
    found: Numbers = 1 / (1 + np.exp(-values))
    return found


def report(name: str, model: Numbers, sure: Numbers, data: Labelled) -> float:
    """Prints how well the confidence of first excerpts tells answers from none; the calibration error."""
    there, right = data.answerable[data.is_first], data.right[data.is_first]
    area = area_under_roc(sure[there].tolist(), sure[~there].tolist()) or float("nan")
    error = calibration_error(sure.tolist(), right.tolist()) or 0.0
    print(f"\n{name}: area {area:.3f}, calibration error {error:.3f}", model.round(2).tolist())
    for threshold in sorted({*THRESHOLDS, THRESHOLD}):
        served = sure >= threshold
        print(
            f"  at {threshold:.2f} answered {_share(served[there])} of those that have an answer, "
            f"refused {_share(~served[~there])} of those that have none; of those answered "
            f"{_share(right[served])} right, of those refused {_share(~there[~served])} have none"
        )
    return error


def _share(flags: Flags) -> str:
    return f"{flags.mean():.2f}" if len(flags) else "-"


if __name__ == "__main__":
    main()
