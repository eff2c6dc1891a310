"""Question files -> how well an index answers them: ranking, sentences, abstention, time.

A row of a question file is `{"question": ..., "document": path or null, "spans": [[start, end]]}`,
with `pages` besides or instead; without a document, the documents hold no answer. A row with
`helpful` is a reader's judgement of that place: the last one of a place counts, and one that is not
helpful is left out. Every figure is a mean over the questions that can speak to it, and None where
none can.
"""

import json
import logging
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from glob import escape
from pathlib import Path
from typing import Any, NamedTuple

from qa.asking.service import QA
from qa.errors import QuestionsInvalid
from qa.records import Answer, Excerpt

_log = logging.getLogger(__name__)

DEPTH = 10  # of the ranking, for MRR@10
BINS = 10  # of confidence, for the calibration error
COVERAGES = (0.5, 0.8, 0.9, 1.0)

Figures = dict[str, float | None]  # by name: shares in [0, 1], times in milliseconds


class Question(NamedTuple):
    """One row of a question file."""

    text: str
    document: str | None  # None: the documents hold no answer
    spans: tuple[tuple[int, int], ...] = ()  # each answers; offsets in the document
    pages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one question."""

    file: str
    question: str
    document: str | None
    spans: tuple[tuple[int, int], ...]
    answered: bool
    confidence: float
    seconds: float
    rank: int | None = None  # of the first excerpt that holds a gold span, from 1
    sentence_rank: int | None = None  # of the first such highlight, the strongest being 1
    page_rank: int | None = None  # of the first excerpt on a gold page
    pages: tuple[int, ...] = ()
    precision: float | None = None  # of the first excerpt's highlighted characters
    recall: float | None = None
    iou: float | None = None
    confidence_without: float | None = None  # with its own document left out


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
        said = {file: figures(rows) for file, rows in groups.items()}
        return said if len(said) == 1 else {**said, "all": figures(self.rows)}

    def to_dict(self) -> dict[str, Any]:
        """The report as values that JSON knows; `Report.from_dict` gives it back."""
        return {
            "snapshot": self.snapshot,
            "figures": self.by_file(),
            "rows": [asdict(row) for row in self.rows],
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "Report":
        """The report that `to_dict` said. Raises QuestionsInvalid when it is none."""
        try:
            return cls(str(said["snapshot"]), tuple(_row(row) for row in said["rows"]))
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

    `progress` is told how many are done of how many, `warn` in a line what was passed over. Raises
    QuestionsInvalid.
    """
    asked = [(str(file), one) for file in files for one in read_questions(file, warn=warn)]
    copies = _copies(qa) if without_gold else {}
    qa.ask(asked[0][1].text)  # what is loaded at the first question is no question's time
    rows = []
    for done, (file, question) in enumerate(asked, 1):
        row = judge(file, question, *_timed(qa, question.text))
        if without_gold and question.document is not None:
            row = _asked_without(qa, row, copies.get(question.document, (question.document,)))
        rows.append(row)
        if progress:
            progress(done, len(asked))
    return Report(qa.manifest.snapshot, tuple(rows))


def read_questions(file: Path, *, warn: Callable[[str], None] = _log.warning) -> list[Question]:
    """The rows of a question file. Raises QuestionsInvalid, naming the line.

    A last line that was broken off, as by a power cut, is passed over, and `warn` is told.
    """
    questions: dict[Question | int, Question] = {}
    for number, line in enumerate(_lines(file, warn), 1):
        if line.strip():
            question, helpful = _question(file, number, line)
            if helpful is not None:
                questions.pop(question, None)
            if helpful is not False:
                questions[number if helpful is None else question] = question
    if not questions:
        raise QuestionsInvalid(f"{file} holds no question: write one JSON object a line.")
    return list(questions.values())


def judge(file: str, question: Question, answer: Answer, seconds: float) -> Row:
    """How an answer stands to what the question file holds for right."""
    ranking = (*answer.excerpts, *answer.nearest)
    precision, recall, iou = overlap(_highlighted(ranking[:1], question), _gold(question))
    spoken = bool(question.spans)
    return Row(
        file=file,
        question=question.text,
        document=question.document,
        spans=question.spans,
        answered=answer.answered,
        confidence=answer.confidence,
        seconds=seconds,
        rank=first(holds(excerpt, question) for excerpt in ranking),
        sentence_rank=first(_starts_in(ranking, question)),
        page_rank=first(_is_of(e, question) and e.page in question.pages for e in ranking),
        pages=question.pages,
        precision=precision if spoken else None,
        recall=recall if spoken else None,
        iou=iou if spoken else None,
    )


def figures(rows: Sequence[Row]) -> Figures:
    """Every figure over the rows, by name."""
    spoken = [row for row in rows if row.spans]
    paged = [row for row in rows if row.pages]
    return {
        "questions": float(len(rows)),
        "hit@1": mean(within(row.rank, 1) for row in spoken),
        "hit@5": mean(within(row.rank, 5) for row in spoken),
        "MRR@10": mean(reciprocal(row.rank) for row in spoken),
        "sentence@1": mean(within(row.sentence_rank, 1) for row in spoken),
        "sentence@3": mean(within(row.sentence_rank, 3) for row in spoken),
        "page@1": mean(within(row.page_rank, 1) for row in paged),
        "page@5": mean(within(row.page_rank, 5) for row in paged),
        "precision": mean(row.precision or 0.0 for row in spoken),
        "recall": mean(row.recall or 0.0 for row in spoken),
        "IoU": mean(row.iou or 0.0 for row in spoken),
        "answered with answer": mean(row.answered for row in rows if row.document is not None),
        "answered without answer": mean(row.answered for row in rows if row.document is None),
        "median ms": percentile([row.seconds * 1000 for row in rows], 0.5),
        "95% ms": percentile([row.seconds * 1000 for row in rows], 0.95),
        **_abstention([row for row in spoken if row.confidence_without is not None]),
    }


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


def holds(excerpt: Excerpt, question: Question) -> bool:
    """Whether the excerpt is of the right document and overlaps a gold span."""
    return _is_of(excerpt, question) and any(
        start < excerpt.end and end > excerpt.start for start, end in question.spans
    )


def first(hits: Iterable[bool]) -> int | None:
    """The place of the first hit, from 1: `first([False, True])` is 2."""
    return next((place for place, hit in enumerate(hits, 1) if hit), None)


def within(rank: int | None, depth: int) -> bool:
    """Whether the rank is one of the first `depth`."""
    return rank is not None and rank <= depth


def reciprocal(rank: int | None) -> float:
    """One over the rank, 0 when there is none down to DEPTH: `reciprocal(4)` is 0.25."""
    return 1 / rank if rank is not None and rank <= DEPTH else 0.0


def overlap(said: set[int], gold: set[int]) -> tuple[float, float, float]:
    """Precision, recall and intersection over union of two sets of characters.

    Of 10 characters said, 6 are among 8 of gold: .6, .75 and 6 / 12 = .5. An empty set gives 0.
    """
    both = len(said & gold)
    union = len(said | gold)
    return (
        both / len(said) if said else 0.0,
        both / len(gold) if gold else 0.0,
        both / union if union else 0.0,
    )


def mean(values: Iterable[float]) -> float | None:
    """The mean, None of nothing."""
    said = list(values)
    return sum(said) / len(said) if said else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which that share lies, straight lines between neighbours; None of nothing.

    Of 10, 20, 30, 40 the 0.5 percentile is 25 and the 0.95 percentile 38.5.
    """
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


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

    Each bin's distance between its mean confidence and its share of right ones, weighed by its size:
    .82 right, .88 wrong, .1 wrong give (2 * |.85 - .5| + 1 * .1) / 3 = .2667.
    """
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for confidence, is_right in zip(confidences, right, strict=True):
        bins[min(int(confidence * BINS), BINS - 1)].append((confidence, is_right))
    distances = (abs(sum(c for c, _ in held) - sum(r for _, r in held)) for held in bins.values())
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
        held = groups[confidence]
        taken = min(left, len(held))
        found += sum(held) * taken / len(held)
        left -= taken
    return found / room


def _abstention(rows: Sequence[Row]) -> Figures:
    """How well confidence tells an answer from none, each question asked with and without its own.

    The area is that of confidence, asked with against without. An excerpt is right, for the
    calibration error over both, when it holds a gold span; precision is over those asked with.
    """
    if not rows:
        return {}
    sure = [row.confidence for row in rows]
    unsure = [row.confidence_without or 0.0 for row in rows]
    right = [within(row.rank, 1) for row in rows]
    return {
        "area under ROC": area_under_roc(sure, unsure),
        "calibration error": calibration_error(sure + unsure, right + [False] * len(rows)),
        **{f"precision at {share:.0%}": precision_at(share, sure, right) for share in COVERAGES},
    }


def _timed(qa: QA, question: str, exclude: Sequence[str] = ()) -> tuple[Answer, float]:
    started = time.perf_counter()
    answer = qa.ask(question, limit=DEPTH, exclude=exclude)
    return answer, time.perf_counter() - started


def _asked_without(qa: QA, row: Row, paths: Iterable[str]) -> Row:
    answer, _ = _timed(qa, row.question, [escape(path) for path in paths])
    return replace(row, confidence_without=answer.confidence)


def _copies(qa: QA) -> dict[str, tuple[str, ...]]:
    """Each path with every path of the same document: all must be left out to leave it out."""
    paths: dict[str, list[str]] = defaultdict(list)
    for file in qa.files():
        if file.sha256:
            paths[file.sha256].append(file.path)
    return {path: tuple(same) for same in paths.values() for path in same}


def _is_of(excerpt: Excerpt, question: Question) -> bool:
    return question.document in excerpt.paths


def _starts_in(ranking: Sequence[Excerpt], question: Question) -> Iterator[bool]:
    """For each highlight of the ranking, strongest first: whether a gold span starts in it."""
    marks = [(mark, excerpt) for excerpt in ranking for mark in excerpt.highlights]
    for mark, excerpt in sorted(marks, key=lambda pair: -pair[0].strength):
        text, first = excerpt.text, excerpt.start
        starts = any(
            mark.start <= _said(start, text, first) < mark.end for start, _ in question.spans
        )
        yield starts and _is_of(excerpt, question)


def _said(start: int, text: str, first: int) -> int:
    """Where a gold span that may begin with blanks says something; `text` begins at `first`."""
    while first <= start < first + len(text) and text[start - first].isspace():
        start += 1
    return start


def _highlighted(excerpts: Iterable[Excerpt], question: Question) -> set[int]:
    """The highlighted characters; those of another document are none of this one's."""
    return {
        at if _is_of(excerpt, question) else -1 - at
        for excerpt in excerpts
        for mark in excerpt.highlights
        for at in range(mark.start, mark.end)
    }


def _gold(question: Question) -> set[int]:
    return {at for start, end in question.spans for at in range(start, end)}


def _lines(file: Path, warn: Callable[[str], None]) -> list[str]:
    """The lines of a question file, without a last one that was broken off."""
    try:
        *ended, last = file.read_bytes().split(b"\n")
        lines = [line.decode() for line in ended]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise QuestionsInvalid(f"{file} cannot be read: {reason}.") from error
    try:
        json.loads(last or b"null")
    except ValueError:
        warn(f"{file}, line {len(lines) + 1} was broken off while it was written: left out.")
        return lines
    return [*lines, last.decode()]


def _question(file: Path, number: int, line: str) -> tuple[Question, bool | None]:
    """The question of a line, and how a reader judged its place, None when nobody did."""
    try:
        said = json.loads(line)
        return _as_question(said), _helpful(said)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise QuestionsInvalid(
            f"{file}, line {number} is not a question: write "
            '{"question": "...", "document": "path", "spans": [[start, end]]}.'
        ) from error


def _as_question(said: Mapping[str, Any]) -> Question:
    text, document = said["question"], said.get("document")
    spans = tuple((int(start), int(end)) for start, end in said.get("spans") or ())
    pages = tuple(int(page) for page in said.get("pages") or ())
    if not isinstance(text, str) or not isinstance(document, str | None):
        raise TypeError("question and document are texts")
    if document is None and (spans or pages):
        raise ValueError("spans and pages belong to a document")
    return Question(text, document, spans, pages)


def _helpful(said: Mapping[str, Any]) -> bool | None:
    helpful = said.get("helpful")
    if not isinstance(helpful, bool | None):
        raise TypeError("helpful is true or false")
    return helpful


def _row(said: Mapping[str, Any]) -> Row:
    spans = tuple((int(start), int(end)) for start, end in said["spans"])
    return Row(**{**said, "spans": spans, "pages": tuple(said["pages"])})


def _key(row: Row) -> tuple[object, ...]:
    return row.question, row.document, row.spans, row.pages


def _is_better(one: tuple[int | None, int | None], other: tuple[int | None, int | None]) -> bool:
    """Whether no rank is lower than the other's, and one is higher."""
    ones, others = ([rank or DEPTH * DEPTH for rank in ranks] for ranks in (one, other))
    return ones != others and all(a <= b for a, b in zip(ones, others, strict=True))
