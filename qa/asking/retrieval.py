"""Retrieval: question -> candidates, the best passages by meaning (vectors) and by words (BM25).

Where the question names documents, their best passages are candidates too, and what it names them by
counts as found in each of them.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.asking.exactness import Exact, by_sentence, exact
from qa.asking.naming import Named, named
from qa.asking.questions import EncodedQuestion
from qa.asking.recency import dated
from qa.asking.sections import named_sections
from qa.index.store import Filter, Keys, Scope, Scores, Snapshot

CANDIDATES = 64  # of each list
CANDIDATES_NAMED = 32  # of each list, among the documents that the question names
MOST_NAMED = 64  # documents, of which passages are looked for
SECTION_WEIGHT = np.float32(1.5)  # standard deviations, for a passage whose section is named
RERANKED = 64  # of both lists together: those of the best sum of both z-scores


class Candidates(NamedTuple):
    """Passages that may answer, by path and position."""

    keys: Keys  # (n,)
    places: npt.NDArray[np.int64]  # (n,) ascending
    bm25: Scores  # (n,)
    word_places: Keys  # (n,) from 0 in the list of those that are best by words; its length beyond
    exact: Exact | None = None  # the exact matches of each
    recent: Keys | None = None  # (n,) how late each is dated, where the question asks for that
    sections: Scores | None = None  # (n,) standard deviations for one whose section is named


def candidates(snapshot: Snapshot, question: EncodedQuestion, among: Filter | None) -> Candidates:
    """The passages that are best by meaning and by words at once."""
    snapshot.expect_nearest(question.pooled, (CANDIDATES, among))
    names = named(snapshot, question)
    scopes: list[Scope] = [(CANDIDATES, among)]
    if 0 < len(names.best) <= MOST_NAMED:
        scopes.append((CANDIDATES_NAMED, snapshot.of_documents(names.best, among)))
    lists = [_by_words(snapshot, question, scope) for scope in scopes]
    by_words = lists[0][0]
    keys = np.unique(np.concatenate([each for pair in lists for each in pair]))
    snapshot.prefetch_nearest(question.pooled, scopes, keys)
    for limit, scope in scopes:
        keys = np.union1d(keys, snapshot.nearest(question.pooled, limit, scope))
    places = snapshot.places(keys)
    ascending = np.argsort(places)
    keys, places = keys[ascending], places[ascending]
    bm25 = _bm25(snapshot, question, names, keys)
    matches = exact(snapshot, question, names, keys)
    sections = SECTION_WEIGHT * named_sections(snapshot, question, names, keys)
    scores = z_scores(snapshot.similarity(question.pooled, keys)) + z_scores(bm25)
    scores += matches.bonus + sections
    kept = np.sort(np.argsort(-scores, kind="stable")[:RERANKED])
    snapshot.prefetch_passages(keys[kept])
    matches = by_sentence(snapshot, question, keys[kept], matches.of(kept))
    word_places = places_in(by_words, keys[kept])
    recent = dated(snapshot, question.text, keys[kept])
    return Candidates(
        *(keys[kept], places[kept], bm25[kept], word_places), matches, recent, sections[kept]
    )


def _by_words(snapshot: Snapshot, question: EncodedQuestion, scope: Scope) -> tuple[Keys, Keys]:
    """The best passages of a scope by the question's words, and by its identifiers alone."""
    forms = [form for one in question.identifiers for form in one.forms]
    limit, among = scope
    by_words, _ = snapshot.search(question.terms, limit, among)
    by_identifiers, _ = snapshot.search(forms, limit, among)
    return by_words, by_identifiers


def places_in(best: Keys, keys: Keys) -> Keys:
    """Where each key stands in a list of the best, from 0; `CANDIDATES` where it is not among them."""
    place = {key: at for at, key in enumerate(best.tolist()[:CANDIDATES])}
    return np.array([place.get(key, CANDIDATES) for key in keys.tolist()], np.int64)


def _bm25(snapshot: Snapshot, question: EncodedQuestion, names: Named, keys: Keys) -> Scores:
    """The BM25 of passages; words that name their document count as if they stood in each."""
    naming = [term for term in question.terms if term in names.terms]
    if not naming:
        return snapshot.bm25(question.terms, keys)
    others = snapshot.bm25([term for term in question.terms if term not in names.terms], keys)
    of_names = names.of(snapshot.documents_of(keys), names.idf)
    return others + np.maximum(snapshot.bm25(naming, keys), of_names)


def z_scores(values: Scores) -> Scores:
    """The values as z-scores among the candidates; zeros when they are all equal."""
    if not len(values):
        return values
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
