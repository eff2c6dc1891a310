"""Question files -> how well an index answers them: ranking, sentences, abstention, time.

Every figure is a mean over the questions that it applies to, and None where it applies to none.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from glob import escape
from pathlib import Path
from typing import Any, NamedTuple

from qa.asking.highlighting import Highlighter
from qa.asking.service import QA, open_encoder
from qa.errors import FilterEmpty, QuestionsInvalid
from qa.evaluation.judging import Row, judge
from qa.evaluation.marking import marked_words
from qa.evaluation.metrics import (
    DEPTH,
    agreement,
    area_under_roc,
    calibration_error,
    mean,
    percentile,
    precision_at,
    reciprocal,
    within,
)
from qa.evaluation.questions import Question, read_questions
from qa.records import Answer
from qa.settings import Settings

_log = logging.getLogger(__name__)

COVERAGES = (0.5, 0.8, 0.9, 1.0)

Figures = dict[str, float | None]  # by name: shares in [0, 1], times in milliseconds


@dataclass(frozen=True, slots=True)
class Report:
    """The questions of one or more files, asked of one snapshot."""

    snapshot: str
    rows: tuple[Row, ...]

    def by_file(self) -> dict[str, Figures]:
        """The figures of each file, and of all when there are several."""
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            groups[row.file].append(row)
        found = {file: figures(rows) for file, rows in groups.items()}
        return found if len(found) == 1 else {**found, "all": figures(self.rows)}

    def to_dict(self) -> dict[str, Any]:
        """The report as values that JSON knows; `Report.from_dict` gives it back."""
        return {
            "snapshot": self.snapshot,
            "figures": self.by_file(),
            "rows": [asdict(row) for row in self.rows],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Report":
        """The report that `to_dict` gave. Raises QuestionsInvalid when it is none."""
        try:
            return cls(str(values["snapshot"]), tuple(_row(row) for row in values["rows"]))
        except (KeyError, TypeError, ValueError) as error:
            raise QuestionsInvalid(
                "This is not a saved evaluation: save one with `qa eval ... --json > OLD.json`."
            ) from error


class Change(NamedTuple):
    """A question that is answered otherwise than in an older report."""

    question: str
    old: tuple[int | None, int | None]  # rank, sentence's rank
    new: tuple[int | None, int | None]


class Comparison(NamedTuple):
    """What became better and worse since an older report, over the questions that both asked."""

    old: Figures
    new: Figures
    better: tuple[Change, ...]
    worse: tuple[Change, ...]
    shared: int


def evaluate(
    qa: QA,
    files: Sequence[Path],
    *,
    without_gold: bool = False,
    progress: Callable[[int, int], None] | None = None,
    warn: Callable[[str], None] = _log.warning,
) -> Report:
    """Every question of the files asked once, and again without its own document if so wished.

    `progress` gets how many are done of how many, `warn` a line on what was passed over. Raises
    QuestionsInvalid.
    """
    asked = [(str(file), one) for file in files for one in read_questions(file, warn=warn)]
    copies = _copies(qa) if without_gold else {}
    highlighter = Highlighter(
        open_encoder(qa.index, qa.manifest), Settings.from_dict(qa.manifest.settings)
    )
    qa.ask(asked[0][1].text)  # what is loaded at the first question is no question's time
    rows = []
    for done, (file, question) in enumerate(asked, 1):
        answer, seconds = _timed(qa, question)
        row = judge(file, question, answer, seconds)
        if question.spans:
            ranking = (*answer.excerpts, *answer.nearest)
            row = replace(row, words=marked_words(highlighter, question, ranking))
        if without_gold and question.document is not None:
            paths = copies.get(question.document, (question.document,))
            row = _asked_without(qa, row, question, paths)
        rows.append(row)
        if progress:
            progress(done, len(asked))
    return Report(qa.manifest.snapshot, tuple(rows))


def figures(rows: Sequence[Row]) -> Figures:
    """Every figure over the rows, by name."""
    with_spans = [row for row in rows if row.spans]
    with_pages = [row for row in rows if row.pages]
    return {
        "questions": float(len(rows)),
        "hit@1": mean(within(row.rank, 1) for row in with_spans),
        "hit@5": mean(within(row.rank, 5) for row in with_spans),
        "MRR@10": mean(reciprocal(row.rank) for row in with_spans),
        "sentence@1": mean(within(row.sentence_rank, 1) for row in with_spans),
        "sentence@3": mean(within(row.sentence_rank, 3) for row in with_spans),
        "page@1": mean(within(row.page_rank, 1) for row in with_pages),
        "page@5": mean(within(row.page_rank, 5) for row in with_pages),
        "precision": mean(row.precision or 0.0 for row in with_spans),
        "recall": mean(row.recall or 0.0 for row in with_spans),
        "IoU": mean(row.iou or 0.0 for row in with_spans),
        **_words([row.words for row in with_spans if row.words is not None]),
        "answered with answer": mean(row.answered for row in rows if row.document is not None),
        "answered without answer": mean(row.answered for row in rows if row.document is None),
        "median ms": percentile([row.seconds * 1000 for row in rows], 0.5),
        "95% ms": percentile([row.seconds * 1000 for row in rows], 0.95),
        **_abstention([row for row in with_spans if _is_rated(row)]),
    }


def _words(counts: Sequence[tuple[int, int, int]]) -> Figures:
    """How well `highlight()` marks the words of gold spans in the first five passages, all summed up."""
    if not counts:
        return {}
    right, marked, gold = map(sum, zip(*counts, strict=True))
    names = ("word precision", "word recall", "word F1")
    return dict(zip(names, agreement(right, marked, gold), strict=True))


def compare(old: Report, new: Report) -> Comparison:
    """What became better and worse, over the questions that both reports asked.

    A question is better when its excerpt or its sentence ranks higher and neither ranks lower.
    """
    before = {_key(row): row for row in old.rows}
    pairs = [(before[_key(row)], row) for row in new.rows if _key(row) in before]
    changes = [
        Change(row.question, (was.rank, was.sentence_rank), (row.rank, row.sentence_rank))
        for was, row in pairs
    ]
    return Comparison(
        old=figures([was for was, _ in pairs]),
        new=figures([row for _, row in pairs]),
        better=tuple(change for change in changes if _is_better(change.new, change.old)),
        worse=tuple(change for change in changes if _is_better(change.old, change.new)),
        shared=len(pairs),
    )


def _is_rated(row: Row) -> bool:
    """Whether it has a confidence, with its document and without."""
    return row.confidence is not None and row.confidence_without is not None


def _abstention(rows: Sequence[Row]) -> Figures:
    """How well confidence separates an answer from none, each question asked with and without its own.

    The area is that of confidence, asked with against without. An excerpt is right, for the
    calibration error over both, when it holds a gold span; precision is over those asked with.
    """
    if not rows:
        return {}
    sure = [row.confidence or 0.0 for row in rows]
    unsure = [row.confidence_without or 0.0 for row in rows]
    right = [within(row.rank, 1) for row in rows]
    return {
        "area under ROC": area_under_roc(sure, unsure),
        "calibration error": calibration_error(sure + unsure, right + [False] * len(rows)),
        **{f"precision at {share:.0%}": precision_at(share, sure, right) for share in COVERAGES},
    }


def _timed(qa: QA, question: Question, exclude: Sequence[str] = ()) -> tuple[Answer, float]:
    started = time.perf_counter()
    try:
        answer = qa.ask(question.text, limit=DEPTH, only=question.only, exclude=exclude)
    except (
        FilterEmpty
    ):  # its own document is the only one, and left out; or it is not in this index
        answer = Answer(
            question.text, answered=False, confidence=0.0, excerpts=(), nearest=(), snapshot=""
        )
    return answer, time.perf_counter() - started


def _asked_without(qa: QA, row: Row, question: Question, paths: Iterable[str]) -> Row:
    answer, _ = _timed(qa, question, [escape(path) for path in paths])
    return replace(row, confidence_without=answer.confidence)


def _copies(qa: QA) -> dict[str, tuple[str, ...]]:
    """Each path with every path of the same document: all must be left out to leave it out."""
    paths: dict[str, list[str]] = defaultdict(list)
    for file in qa.files():
        if file.sha256:
            paths[file.sha256].append(file.path)
    return {path: tuple(same) for same in paths.values() for path in same}


def _row(values: Mapping[str, Any]) -> Row:
    spans = tuple((int(start), int(end)) for start, end in values["spans"])
    words = values.get("words")
    return Row(
        **{
            **values,
            "spans": spans,
            "pages": tuple(values["pages"]),
            "words": None if words is None else tuple(words),
        }
    )


def _key(row: Row) -> tuple[object, ...]:
    return row.question, row.document, row.spans, row.pages


def _is_better(one: tuple[int | None, int | None], other: tuple[int | None, int | None]) -> bool:
    """Whether no rank is lower than the other's, and one is higher."""
    ones, others = ([rank or DEPTH * DEPTH for rank in ranks] for ranks in (one, other))
    return ones != others and all(a <= b for a, b in zip(ones, others, strict=True))
