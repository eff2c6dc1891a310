"""Retrieval: question -> candidates, the best passages by meaning (vectors) and by words (BM25)."""

from typing import NamedTuple

import numpy as np

from qa.asking.questions import EncodedQuestion
from qa.index.dense import Mask
from qa.index.lexical import Scores
from qa.index.snapshot import Ordinals, Snapshot

CANDIDATES = 64  # of each list
RERANKED = 64  # of both lists together: those of the best sum of both z-scores


class Candidates(NamedTuple):
    """Passages that may answer, in the order of their ordinals."""

    ordinals: Ordinals  # (n,)
    bm25: Scores  # (n,)


def candidates(snapshot: Snapshot, question: EncodedQuestion, only: Mask | None) -> Candidates:
    """The passages that are best by meaning and by words at once; `only` marks what may be found."""
    found = _of_both_lists(snapshot, question, only)
    similarity = snapshot.similarity(question.pooled, found.ordinals)
    order = np.argsort(-(z_scores(similarity) + z_scores(found.bm25)), kind="stable")
    kept = np.sort(order[:RERANKED])
    return Candidates(found.ordinals[kept], found.bm25[kept])


def _of_both_lists(snapshot: Snapshot, question: EncodedQuestion, only: Mask | None) -> Candidates:
    """The best passages by meaning or by words, and the BM25 of each."""
    near = snapshot.nearest(question.pooled, CANDIDATES, only)
    near = near[snapshot.tokens(near) > 0]
    allowed = None if only is None else np.flatnonzero(only).tolist()
    by_words, scores = snapshot.words.search(question.terms, CANDIDATES, only=allowed)
    others = np.setdiff1d(near, by_words)
    ordinals = np.concatenate([by_words, others])
    bm25 = np.concatenate([scores, snapshot.words.relevance(question.terms, others.tolist())])
    order = np.argsort(ordinals)
    return Candidates(ordinals[order], bm25[order])


def z_scores(values: Scores) -> Scores:
    """The values as z-scores among the candidates; zeros when they are all equal."""
    if not len(values):
        return values
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
