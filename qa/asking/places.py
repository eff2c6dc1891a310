"""Places: every passage that holds to the letter what a question looks for, in the order of paths.

The word index is walked, not the texts: those are read where an exact phrase is looked for, of the
passages that hold all of its words.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from qa.asking.phrases import (
    Token,
    exactly,
    in_a_row,
    is_quoted_alone,
    mention,
    quoted_phrases,
    tokens,
    wanted_forms,
)
from qa.errors import QuestionRefused
from qa.index.store import Filter, Keys, Snapshot, StoredPassage
from qa.index.words import Form
from qa.languages import ENGLISH
from qa.records import Answer, Excerpt, Highlight, Places

PAGE = 50  # places that are listed at once
AT_ONCE = 1_000  # texts that are read at once

Spans = Callable[[str], list[tuple[int, int]]]
"""a text -> where what is looked for stands in it"""


class Matches(NamedTuple):
    """The passages that hold what is looked for."""

    text: str  # what is looked for
    keys: Keys  # ascending by path and position
    spans: Spans
    is_exact: bool = True  # as a phrase; else its words, in any form and order
    note: str = ""  # how it was taken, where it stands nowhere as it was asked for


class Wish(NamedTuple):
    """How an answer is wished for."""

    limit: int | None = None  # excerpts, or places on a page; None: as many as is usual
    everywhere: bool = False  # every place that holds what the question says
    page: int = 1  # of these places


class ExactPart(NamedTuple):
    """What of a question is answered to the letter, and what it leaves to the ranking."""

    among: Filter | None  # the passages that are to be ranked
    answer: Answer | None = None  # in place of a ranking
    places: Places | None = None
    notes: tuple[str, ...] = ()


def quoted(
    snapshot: Snapshot, phrases: Sequence[str], among: Filter | None, language: str
) -> Matches:
    """The passages that hold all of these phrases word for word."""
    patterns = list(map(exactly, phrases))

    def spans(text: str) -> list[tuple[int, int]]:
        found = [[each.span() for each in pattern.finditer(text)] for pattern in patterns]
        return sorted(span for each in found for span in each) if all(found) else []

    wanted = [form for phrase in phrases for form in wanted_forms(phrase, snapshot.words, language)]
    keys = _verified(snapshot, snapshot.holding(wanted, among), spans)
    return Matches("” and “".join(phrases), keys, spans)


def unquoted(snapshot: Snapshot, text: str, among: Filter | None, language: str) -> Matches:
    """The passages that hold these words one after the other; where none does, all of the words."""
    words = snapshot.words
    wanted = wanted_forms(text, words, language)
    stems = cache(words.stems)
    keys = snapshot.holding(wanted, among)
    segmented = words.segmented
    in_order = [token.asked for token in tokens(text, stems, segmented)]

    def each(passage: str) -> list[tuple[int, int]]:
        return _each(wanted, tokens(passage, stems, segmented))

    def as_phrase_in(passage: str) -> list[tuple[int, int]]:
        return in_a_row(in_order, list(tokens(passage, stems, segmented)))

    if len(in_order) <= 1 or not len(keys):
        return Matches(text, keys, each, is_exact=False)
    as_phrase = _verified(snapshot, keys, as_phrase_in)
    if len(as_phrase):
        return Matches(text, as_phrase, as_phrase_in)
    note = f"No passage holds “{text}” word for word; these hold all of its words."
    return Matches(text, keys, each, is_exact=False, note=note)


def exact_part(
    snapshot: Snapshot, question: str, among: Filter | None, wish: Wish, *, language: str = ENGLISH
) -> ExactPart:
    """What of a question is answered to the letter, and what it leaves to the ranking.

    Raises QuestionRefused where there is no such page of places.
    """
    asked = mention(question)
    phrases = quoted_phrases(question)
    is_list = wish.everywhere or asked is not None or is_quoted_alone(question, language)
    if not phrases and not is_list:
        return ExactPart(among)
    if phrases:
        matches = quoted(snapshot, phrases, among, language)
    else:
        text = asked.text if asked else question.rstrip(" ?.!")
        matches = unquoted(snapshot, text, among, language)
    if not len(matches.keys):
        note = nowhere(matches, among)
        if phrases or wish.everywhere:
            return ExactPart(among, _empty(snapshot, question, matches, note))
        return ExactPart(among, notes=(note,))
    if is_list:
        by_document = asked is not None and asked.unit == "documents" and not wish.everywhere
        answer = listed(snapshot, question, matches, wish, by_document=by_document)
        return ExactPart(among, answer)
    return ExactPart(snapshot.of_passages(matches.keys), places=counts(snapshot, matches))


def _empty(snapshot: Snapshot, question: str, matches: Matches, note: str) -> Answer:
    """The answer that nothing holds what is looked for."""
    return Answer(
        question=question,
        answered=False,
        confidence=0.0,
        excerpts=(),
        nearest=(),
        snapshot=snapshot.manifest.snapshot,
        places=counts(snapshot, matches),
        notes=(note,),
    )


def listed(
    snapshot: Snapshot, question: str, matches: Matches, wish: Wish, *, by_document: bool
) -> Answer:
    """The answer that lists one page of what holds it: each passage, or the first of each document.

    Raises QuestionRefused where there is no such page.
    """
    page, limit = wish.page, wish.limit or PAGE
    documents = snapshot.documents_of(matches.keys)
    keys = matches.keys[np.unique(documents, return_index=True)[1]] if by_document else matches.keys
    pages = -(-len(keys) // limit)
    if page > max(pages, 1):
        raise QuestionRefused(f"There is no page {page:,} of these places: {pages:,} is the last.")
    first = (page - 1) * limit
    shown = snapshot.passages(keys[first : first + limit].tolist())
    unit = "documents" if by_document else "passages"
    return Answer(
        question=question,
        answered=bool(shown),
        confidence=1.0 if shown else 0.0,
        excerpts=tuple(_excerpt(passage, matches.spans) for passage in shown),
        nearest=(),
        snapshot=snapshot.manifest.snapshot,
        notes=(matches.note,) if matches.note else (),
        places=replace(
            counts(snapshot, matches), listed=unit, page=page, pages=pages, first=first + 1
        ),
    )


def counts(snapshot: Snapshot, matches: Matches) -> Places:
    """How many passages and documents hold it."""
    documents = len(np.unique(snapshot.documents_of(matches.keys)))
    return Places(matches.text, len(matches.keys), documents)


def nowhere(matches: Matches, among: Filter | None) -> str:
    """A line that says that nothing holds it."""
    where = "No passage" if among is None else "No passage of the documents that were chosen"
    return f"{where} holds “{matches.text}”{' word for word' if matches.is_exact else ''}."


def _verified(snapshot: Snapshot, keys: Keys, spans: Spans) -> Keys:
    """The passages in whose texts it stands."""
    kept = [key for key, text in _texts(snapshot, keys) if spans(text)]
    return np.array(kept, np.int64)


def _texts(snapshot: Snapshot, keys: Keys) -> Iterator[tuple[int, str]]:
    for first in range(0, len(keys), AT_ONCE):
        part = keys[first : first + AT_ONCE].tolist()
        yield from zip(part, snapshot.texts(part), strict=True)


def _each(wanted: Sequence[Form], found: Iterable[Token]) -> list[tuple[int, int]]:
    """Where any of the wanted words stands in a text of these tokens."""
    either = frozenset[str]().union(*wanted)
    return [(token.start, token.end) for token in found if token.forms & either]


def _excerpt(passage: StoredPassage, spans: Spans) -> Excerpt:
    """A passage as it is listed; the sentences that hold it are highlighted."""
    found = spans(passage.text)
    bounds = pairwise([passage.start, *passage.sentences])
    marks = [
        _trimmed(passage, start, end)
        for start, end in bounds
        if any(a + passage.start < end and b + passage.start > start for a, b in found)
    ]
    return Excerpt(
        text=passage.text,
        start=passage.start,
        end=passage.end,
        highlights=tuple(Highlight(start, end, 1.0) for start, end in marks),
        confidence=1.0,
        document=passage.document,
        path=passage.paths[0],
        paths=passage.paths,
        title=passage.title or passage.paths[0].rpartition("/")[2],
        date=passage.date,
        lines=passage.lines,
        page=passage.page,
        heading=passage.heading,
        language=passage.language,
    )


def _trimmed(passage: StoredPassage, start: int, end: int) -> tuple[int, int]:
    """A sentence without the blanks around it."""
    text = passage.text[start - passage.start : end - passage.start]
    return start + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())
