"""Fits the confidence of an excerpt and reports it on the sets that it was not fitted on.

    python bench/quality/fit.py SHARED_EVAL_FOLDER INDEX_FOLDER

Reads the question sets below the first folder and an index of each below the second (built when
missing). Every question is asked as it is and again with its own document left out; the first five
excerpts of each ranking are labelled by whether they overlap a gold span. A logistic regression is
fitted on the other sets of FITTED and reported on each set, then on FITTED whole for the shipped
coefficients.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from qa.answering import features
from qa.building import build
from qa.service import QA

SETS = ("xquad", "covidqa", "excerpts")
FITTED = (
    "xquad",
    "excerpts",
)  # in the papers of covidqa, documents left out are answered by others
DEPTH = 5  # excerpts of a ranking that are labelled
QUESTIONS = 300  # of each set, evenly spread: the sets weigh alike


def main() -> None:
    """Prints the report and the coefficients."""
    shared, indexes = Path(sys.argv[1]), Path(sys.argv[2])
    data = {name: np.array(list(rows(shared / name, indexes / name))) for name in SETS}
    for name in SETS:
        rest = np.concatenate([data[other] for other in FITTED if other != name])
        report(name, fitted(rest), data[name])
    model = fitted(np.concatenate([data[name] for name in FITTED]))
    print("COEFFICIENTS =", tuple(model.coef_[0].round(2).tolist()))
    print("INTERCEPT =", round(float(model.intercept_[0]), 2))


def rows(folder: Path, index: Path) -> Iterator[tuple[float, ...]]:
    """Features, then the rank, whether the gold document was asked, and the label."""
    if not (index / "CURRENT").exists():
        build(folder / "documents", index)
    lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line) for line in lines]
    with QA.open(index) as qa:
        for row in questions[:: max(1, len(questions) // QUESTIONS)]:
            for exclude in ((), (row["document"],)):
                yield from asked(qa, row, exclude)


def asked(qa: QA, row: dict, exclude: tuple[str, ...]) -> Iterator[tuple[float, ...]]:
    """One ranking's rows."""
    snapshot = qa.snapshot
    ranked = qa.rank(row["question"], snapshot, exclude=exclude)
    for rank, candidate in enumerate(ranked[:DEPTH]):
        located = snapshot.locate(candidate.ordinal)
        record = located.segment.records[located.row]
        here = row["document"] in snapshot.documents[located.document].paths
        gold = here and any(a < record["end"] and record["start"] < b for a, b in row["spans"])
        yield (*features(candidate), rank, not exclude, gold)


def fitted(data: np.ndarray) -> LogisticRegression:
    """A logistic regression over the features; first ranks weigh as much as all the others."""
    weight = np.where(data[:, -3] == 0, DEPTH - 1, 1)
    return LogisticRegression(C=100).fit(data[:, :-3], data[:, -1], sample_weight=weight)


def report(name: str, model: LogisticRegression, data: np.ndarray) -> None:
    """Area under the ROC curve, calibration error and precision at coverage of first excerpts."""
    first = data[data[:, -3] == 0]
    sure = model.predict_proba(first[:, :-3])[:, 1]
    asked_gold, gold = first[:, -2], first[:, -1]
    bins = np.minimum((sure * 10).astype(int), 9)
    error = sum(
        abs(sure[bins == b].mean() - gold[bins == b].mean()) * (bins == b).mean()
        for b in np.unique(bins)
    )
    print(f"{name}: area {roc_auc_score(asked_gold, sure):.3f} (gold document there or not), "
          f"{roc_auc_score(gold, sure):.3f} (excerpt holds an answer), calibration {error:.3f}")  # fmt: skip
    for threshold in (0.1, 0.2, 0.35, 0.5):
        served = sure >= threshold
        refused = 1 - served[asked_gold == 1].mean()
        print(f"  at {threshold}: precision {gold[served].mean():.3f}, answerable refused "
              f"{refused:.3f}, unanswerable refused {1 - served[asked_gold == 0].mean():.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
