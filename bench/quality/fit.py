"""Fits the confidence of an excerpt on the training sets and reports it on the others.

    python -m bench.quality.fit TRAINING SETS INDEXES

TRAINING holds the documents that `bench/training/documents.py` made (the questions lie beside that
script), SETS the question sets to report on, INDEXES an index of each (built when missing). Every
question is asked as it is and again with its own document left out; the first five excerpts of each
ranking are labelled by whether they overlap a gold span. A logistic regression over
`qa.asking.confidence.features` is fitted on the training sets, which weigh alike.
"""

import sys
from collections.abc import Iterator, Sequence
from glob import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from qa.asking.confidence import THRESHOLD, features
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.evaluation.metrics import area_under_roc, calibration_error
from qa.evaluation.questions import Question, read_questions

QUESTIONS = Path(__file__).parents[1] / "training"
FITTED = ("articles", "news", "manuals", "licences")
REPORTED = ("xquad", "covidqa", "excerpts", "seed")
DEPTH = 5  # excerpts of a ranking that are labelled
MOST = 700  # questions of a set, about, evenly spread
THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)

Numbers = npt.NDArray[np.float64]


class Labelled(NamedTuple):
    """Excerpts of the questions of a set."""

    features: Numbers  # (n, features)
    rank: Numbers  # (n,) from 0
    answerable: npt.NDArray[np.bool_]  # (n,) the documents that were asked hold an answer
    right: npt.NDArray[np.bool_]  # (n,) the excerpt does


def main() -> None:
    """Prints the coefficients and the report."""
    training, sets, indexes = map(Path, sys.argv[1:4])
    fitted = {
        name: labelled(training / name / "documents", QUESTIONS / f"{name}.jsonl", indexes / name)
        for name in FITTED
    }
    model = fit(list(fitted.values()))
    print("COEFFICIENTS =", tuple(model.coef_[0].round(2).tolist()))
    print("INTERCEPT =", round(float(model.intercept_[0]), 2))
    for name, data in fitted.items():
        report(f"{name}, fitted on", model, data)
    for name in REPORTED:
        documents = sets / name / "documents" if name != "seed" else sets.parent / "seeds"
        data = labelled(documents, sets / name / "questions.jsonl", indexes / name)
        report(name, model, data)


def labelled(documents: Path, questions: Path, index: Path) -> Labelled:
    """The labelled excerpts of a set, whose index is built when it is missing."""
    if not (index / "CURRENT").exists():
        build(documents, index)
    asked = read_questions(questions)
    with QA.open(index) as qa:
        rows = [
            row
            for question in asked[:: max(1, len(asked) // MOST)]
            for without in ((False, True) if question.document else (True,))
            for row in excerpts(qa, question, without=without)
        ]
    said, rank, answerable, right = map(np.array, zip(*rows, strict=True))
    return Labelled(said, rank, answerable, right)


def excerpts(
    qa: QA, question: Question, *, without: bool
) -> Iterator[tuple[tuple[float, ...], int, bool, bool]]:
    """Features, rank, whether an answer is there, and whether the excerpt holds it."""
    snapshot = qa.snapshot
    left_out = [escape(question.document)] if without and question.document else []
    for rank, candidate in enumerate(qa.rank(question.text, snapshot, exclude=left_out)[:DEPTH]):
        (passage,) = snapshot.passages([candidate.key])
        here = not without and question.document in passage.paths
        right = here and any(
            first < passage.end and last > passage.start for first, last in question.spans
        )
        yield features(candidate), rank, not without, right


def fit(sets: Sequence[Labelled]) -> LogisticRegression:
    """The regression; each set weighs as much as any other."""
    weights = np.concatenate([np.full(len(data.right), 1 / len(data.right)) for data in sets])
    return LogisticRegression(C=100, max_iter=5000).fit(
        np.concatenate([data.features for data in sets]),
        np.concatenate([data.right for data in sets]),
        sample_weight=weights / weights.mean(),
    )


def report(name: str, model: LogisticRegression, data: Labelled) -> None:
    """Prints how well the confidence of first excerpts tells answers from none."""
    first = data.rank == 0
    sure = model.predict_proba(data.features[first])[:, 1]
    there, right = data.answerable[first], data.right[first]
    area = area_under_roc(sure[there].tolist(), sure[~there].tolist())
    error = calibration_error(sure.tolist(), right.tolist())
    every = model.predict_proba(data.features)[:, 1]
    of_all = calibration_error(every.tolist(), data.right.tolist())
    print(f"\n{name}: area {area:.3f}, calibration error {error:.3f} (all five {of_all:.3f})")
    for threshold in sorted({*THRESHOLDS, THRESHOLD}):
        served = sure >= threshold
        print(
            f"  at {threshold:.2f} refuses {1 - served[there].mean():.3f} that have an answer, "
            f"{1 - served[~there].mean():.3f} that have none; "
            f"{right[served].mean():.3f} of those answered hold one"
        )


if __name__ == "__main__":
    main()
