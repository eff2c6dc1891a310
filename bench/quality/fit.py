"""Fits the confidence of an excerpt, and reports it on each set as fitted without that set.

    python -m bench.quality.fit TRAINING SETS INDEXES

TRAINING holds the documents that `bench/training/documents.py` made (the questions lie beside that
script), SETS the question sets, INDEXES an index of each (built when missing). How it is fitted
stands in `qa/evaluation/calibrating.py`. For a document that was chosen only `policies` has questions
that were put to one document by those who chose it, and there a coefficient of .8 fits.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from qa.asking.confidence import THRESHOLD
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.evaluation.calibrating import Flags, Labelled, Numbers, fit, labelled_excerpts
from qa.evaluation.metrics import area_under_roc, calibration_error
from qa.evaluation.questions import read_questions

QUESTIONS = Path(__file__).parents[1] / "training"
TRAINING = ("articles", "news", "manuals", "licences")
SETS = ("xquad", "covidqa", "excerpts", "lists", "policies", "filings", "seed")
MOST = 600  # questions of a set, about, evenly spread
THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.5)
BINS = 10


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
    print("OF_DEFAULT =", (tuple(model[:-1].round(2).tolist()), round(float(model[-1]), 2)))
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
            for row in labelled_excerpts(qa, question)
        ]
    return Labelled(*map(np.array, zip(*rows, strict=True)))


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
