"""Retrieval: question -> candidates, the best passages by meaning (vectors) and by words (BM25)."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.asking.questions import EncodedQuestion
from qa.index.store import Filter, Keys, Scores, Snapshot

CANDIDATES = 64  # of each list
RERANKED = 64  # of both lists together: those of the best sum of both z-scores


class Candidates(NamedTuple):
    """Passages that may answer, by path and position."""

    keys: Keys  # (n,)
    places: npt.NDArray[np.int64]  # (n,) ascending
    bm25: Scores  # (n,)


def candidates(snapshot: Snapshot, question: EncodedQuestion, among: Filter | None) -> Candidates:
    """The passages that are best by meaning and by words at once."""
    found = _of_both_lists(snapshot, question, among)
    similarity = snapshot.similarity(question.pooled, found.keys)
    order = np.argsort(-(z_scores(similarity) + z_scores(found.bm25)), kind="stable")
    kept = np.sort(order[:RERANKED])
    return Candidates(found.keys[kept], found.places[kept], found.bm25[kept])


def _of_both_lists(
    snapshot: Snapshot, question: EncodedQuestion, among: Filter | None
) -> Candidates:
    """The best passages by meaning or by words, and the BM25 of each."""
    near = snapshot.nearest(question.pooled, CANDIDATES, among)
    by_words, scores = snapshot.search(question.terms, CANDIDATES, among)
    others = np.setdiff1d(near, by_words)
    keys = np.concatenate([by_words, others])
    bm25 = np.concatenate([scores, snapshot.bm25(question.terms, others)])
    places = snapshot.places(keys)
    order = np.argsort(places)
    return Candidates(keys[order], places[order], bm25[order])


def z_scores(values: Scores) -> Scores:
    """The values as z-scores among the candidates; zeros when they are all equal."""
    if not len(values):
        return values
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
