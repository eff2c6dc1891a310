"""Judging: one answer against the gold answers of a question file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from qa.evaluation.metrics import first, overlap
from qa.evaluation.questions import Question
from qa.records import Answer, Excerpt


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one question."""

    file: str
    question: str
    document: str | None
    spans: tuple[tuple[int, int], ...]
    answered: bool
    confidence: float | None
    seconds: float
    rank: int | None = None  # of the first excerpt that holds a gold span, from 1
    sentence_rank: int | None = None  # of the first such highlight, the strongest being 1
    page_rank: int | None = None  # of the first excerpt on a gold page
    pages: tuple[int, ...] = ()
    precision: float | None = None  # of the first excerpt's highlighted characters
    recall: float | None = None
    iou: float | None = None
    confidence_without: float | None = None  # with its own document left out
    words: tuple[int, int, int] | None = None  # of `highlight()`: right, marked, gold


def judge(file: str, question: Question, answer: Answer, seconds: float) -> Row:
    """The judgement of an answer against the gold answers."""
    ranking = (*answer.excerpts, *answer.nearest)
    precision, recall, iou = overlap(_highlighted(ranking[:1], question), _gold(question))
    has_spans = bool(question.spans)
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
        page_rank=first(is_of(e, question) and e.page in question.pages for e in ranking),
        pages=question.pages,
        precision=precision if has_spans else None,
        recall=recall if has_spans else None,
        iou=iou if has_spans else None,
    )


def holds(excerpt: Excerpt, question: Question) -> bool:
    """Whether the excerpt is of the right document and overlaps a gold span."""
    return is_of(excerpt, question) and any(
        start < excerpt.end and end > excerpt.start for start, end in question.spans
    )


def is_of(excerpt: Excerpt, question: Question) -> bool:
    """Whether the excerpt is of the document that answers."""
    return question.document in excerpt.paths


def _starts_in(ranking: Sequence[Excerpt], question: Question) -> Iterator[bool]:
    """For each highlight of the ranking, strongest first: whether a gold span starts in it."""
    marks = [(mark, excerpt) for excerpt in ranking for mark in excerpt.highlights]
    for mark, excerpt in sorted(marks, key=lambda pair: -pair[0].strength):
        text, first = excerpt.text, excerpt.start
        starts = any(
            mark.start <= _first_character(start, text, first) < mark.end
            for start, _ in question.spans
        )
        yield starts and is_of(excerpt, question)


def _first_character(start: int, text: str, first: int) -> int:
    """Where a gold span that may begin with blanks has its first other character; `text` begins at `first`."""
    while first <= start < first + len(text) and text[start - first].isspace():
        start += 1
    return start


def _highlighted(excerpts: Iterable[Excerpt], question: Question) -> set[int]:
    """The highlighted characters; those of another document are none of this one's."""
    return {
        at if is_of(excerpt, question) else -1 - at
        for excerpt in excerpts
        for mark in excerpt.highlights
        for at in range(mark.start, mark.end)
    }


def _gold(question: Question) -> set[int]:
    return {at for start, end in question.spans for at in range(start, end)}
