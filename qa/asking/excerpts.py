"""Excerpts: reranked passages as they are quoted, and the answer that they make."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from qa.asking.confidence import THRESHOLD, confidence
from qa.asking.highlights import highlights
from qa.asking.questions import EncodedQuestion
from qa.asking.reranking import Ranked
from qa.index.store import Snapshot, StoredPassage
from qa.records import Answer, Excerpt


def answer(
    snapshot: Snapshot, question: EncodedQuestion, ranking: Sequence[Ranked], *, limit: int
) -> Answer:
    """The answer that the ranking supports; freshness is not looked at here.

    Each excerpt is served or not by its own confidence, whatever stands before it.
    """
    excerpts = tuple(_excerpts(snapshot, question, ranking, limit))
    served = tuple(excerpt for excerpt in excerpts if excerpt.confidence >= THRESHOLD)
    return Answer(
        question=question.text,
        answered=bool(served),
        confidence=next((first.confidence for first in served or excerpts), 0.0),
        excerpts=served,
        nearest=tuple(excerpt for excerpt in excerpts if excerpt.confidence < THRESHOLD),
        snapshot=snapshot.manifest.snapshot,
    )


def _excerpts(
    snapshot: Snapshot, question: EncodedQuestion, ranking: Sequence[Ranked], limit: int
) -> Iterator[Excerpt]:
    """The best `limit` passages as excerpts, those of the same words once with all their paths."""
    groups: dict[str, list[tuple[Ranked, StoredPassage]]] = {}
    for ranked, passage in _stored(snapshot, ranking, limit):
        words = " ".join(re.findall(r"\w+", passage.text.casefold()))
        if words not in groups and len(groups) == limit:
            break
        groups.setdefault(words, []).append((ranked, passage))
    for same in groups.values():
        best, passage = same[0]
        paths = [path for _, other in same for path in other.paths]
        best = best.with_words(snapshot.words, question, passage.context, sentences(passage))
        yield excerpt(best, passage, tuple(dict.fromkeys(paths)))


def _stored(
    snapshot: Snapshot, ranking: Sequence[Ranked], limit: int
) -> Iterator[tuple[Ranked, StoredPassage]]:
    """The ranking with its passages, which are read as many at once as are likely to be quoted."""
    rest = iter(ranking)
    while ranked := list(islice(rest, limit + 1)):
        yield from zip(ranked, snapshot.passages(each.key for each in ranked), strict=True)


def sentences(passage: StoredPassage) -> list[str]:
    """The sentences of a passage, word for word."""
    bounds = pairwise([0, *(end - passage.start for end in passage.sentences)])
    return [passage.text[start:end] for start, end in bounds]


def excerpt(ranked: Ranked, passage: StoredPassage, paths: tuple[str, ...]) -> Excerpt:
    """A ranked passage as it is quoted."""
    return Excerpt(
        text=passage.text,
        start=passage.start,
        end=passage.end,
        highlights=highlights(passage.text, passage.start, passage.sentences, ranked),
        confidence=confidence(ranked),
        document=passage.document,
        path=paths[0],
        paths=paths,
        title=passage.title or paths[0].rpartition("/")[2],
        date=passage.date,
        lines=passage.lines,
        page=passage.page,
        heading=passage.heading,
    )
