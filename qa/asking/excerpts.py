"""Excerpts: the passages that are quoted, and the answer that they make."""

from collections.abc import Iterable, Sequence

from qa.asking.claims import COMPARED, beside_each_other, told_apart
from qa.asking.confidence import THRESHOLD, Calibration, confidence
from qa.asking.figures import asks_for_figure, value
from qa.asking.highlights import highlights
from qa.asking.kinds import asks_for_several
from qa.asking.questions import EncodedQuestion
from qa.asking.quoting import Quoted, quoted
from qa.asking.reranking import Ranked
from qa.index.store import Snapshot
from qa.records import Answer, Excerpt, Figure
from qa.records.likelihood import POSSIBLE
from qa.splitting import columns_in


def answer(
    snapshot: Snapshot,
    question: EncodedQuestion,
    ranking: Sequence[Ranked],
    *,
    limit: int,
    calibration: Calibration | None,
    chosen: bool = False,
) -> Answer:
    """The answer that the ranking supports; freshness is not looked at here.

    Without a `calibration` nothing counts as answered: it is not known.
    `chosen` says that the one document was chosen of which the question is asked. Where one excerpt
    answers, each is served or not by its own confidence, whatever stands before it.
    """
    found = _quoted(snapshot, question, ranking, limit)
    pairs = [(one, excerpt(one, calibration, chosen=chosen)) for one in found]
    answered = any((excerpt.confidence or 0) >= THRESHOLD for _, excerpt in pairs)
    served = [pair for pair in pairs if answered and (pair[1].confidence or 0) >= POSSIBLE]
    return Answer(
        question=question.text,
        answered=answered,
        confidence=next(
            (first.confidence for _, first in served or pairs), 0.0 if calibration else None
        ),
        excerpts=tuple(excerpt for _, excerpt in served),
        nearest=tuple(pair[1] for pair in pairs if pair not in served),
        snapshot=snapshot.manifest.snapshot,
        figures=_side_by_side(one for one, _ in served),
        unknown_languages=_unknown_languages(question, found),
    )


def _unknown_languages(question: EncodedQuestion, found: Iterable[Quoted]) -> tuple[str, ...]:
    """The languages of the question and of what is quoted that the model does not know."""
    if question.is_unread:
        return (question.language,)
    return tuple(
        sorted({one.passage.language for one in found if one.together and one.together.alone})
    )


def _quoted(
    snapshot: Snapshot, question: EncodedQuestion, ranking: Sequence[Ranked], limit: int
) -> Sequence[Quoted]:
    """The best `limit` passages."""
    if not asks_for_figure(question.text):
        found = list(quoted(snapshot, question, ranking, limit))
        return beside_each_other(found) if asks_for_several(question.text) else found
    found = list(quoted(snapshot, question, ranking, max(limit, COMPARED)))
    return told_apart(found, question, snapshot.words)[:limit]


def _side_by_side(served: Iterable[Quoted]) -> tuple[Figure, ...]:
    """The different figures that excerpts give; none where there are not two."""
    different: dict[str, Figure] = {}
    for number, one in enumerate(served, 1):
        if one.figure:
            start, end = one.figure
            text = one.passage.text[start - one.passage.start : end - one.passage.start]
            different.setdefault(value(text), Figure(text, start, end, number))
    return tuple(different.values()) if len(different) > 1 else ()


def excerpt(one: Quoted, calibration: Calibration | None, *, chosen: bool) -> Excerpt:
    """A passage as it is quoted."""
    ranked, passage = one.ranked, one.passage
    return Excerpt(
        text=passage.text,
        start=passage.start,
        end=passage.end,
        highlights=highlights(
            passage.text,
            passage.start,
            passage.sentences,
            ranked,
            headings=passage.heading,
            language=passage.language,
        ),
        confidence=confidence(ranked, one.lead, calibration, chosen=chosen, words=one.together),
        document=passage.document,
        path=one.paths[0],
        paths=one.paths,
        title=passage.title or one.paths[0].rpartition("/")[2],
        date=passage.date,
        lines=passage.lines,
        page=passage.page,
        heading=passage.heading,
        columns=columns_in(passage.context, passage.title, passage.heading, passage.text),
        language=passage.language,
    )
