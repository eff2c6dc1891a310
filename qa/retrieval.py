"""Question -> candidates -> ranking: which passages answer, and which of their sentences.

Candidates are the best of both lists, by meaning (vectors) and by words (BM25). Each is then weighed
by late interaction: how well the passage's tokens match every token of the question, how well those
of its best sentence do, and how relevant its words are.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa import interaction, vectors
from qa.encoding import Encoded
from qa.interaction import Codebook
from qa.lexical import Scores
from qa.snapshot import Ordinals, Snapshot
from qa.vectors import Vectors

CANDIDATES = 64  # of each list
WORDS_WEIGHT = 0.25  # of BM25 against MaxSim, both as z-scores (FINDINGS: measured on three sets)
SENTENCE_WEIGHT = 1.0  # of the best sentence's MaxSim against the passage's


class Ranked(NamedTuple):
    """A candidate passage, weighed."""

    ordinal: int
    relevance: float  # what the ranking is ordered by; comparable within one question
    match: float  # MaxSim of the passage, a mean cosine
    strengths: Vectors  # (sentences,) MaxSim of each sentence
    words: float  # BM25
    similarity: float  # cosine of the pooled vectors


def rank(
    snapshot: Snapshot,
    codebook: Codebook,
    question: str,
    encoded: Encoded,
    only: npt.NDArray[np.bool_] | None,
) -> list[Ranked]:
    """The candidates, best first, ties by ordinal; `only` marks the passages that may be found."""
    terms = snapshot.words.terms(question)
    products = snapshot.products(vectors.whole(encoded.pooled))
    ordinals = candidates(snapshot, terms, products, only)
    if not len(ordinals):
        return []
    words = snapshot.words.relevance(terms, ordinals.tolist())
    found = weigh(snapshot, codebook, encoded, ordinals)
    match = np.array([weight[0] for weight in found], np.float32)
    strongest = np.array([weight[1].max(initial=0) for weight in found], np.float32)
    relevance = _standard(match + SENTENCE_WEIGHT * strongest) + WORDS_WEIGHT * _standard(words)
    similarity = vectors.similarity(products[ordinals])
    order = np.lexsort((ordinals, -relevance))
    return [
        Ranked(
            int(ordinals[at]),
            float(relevance[at]),
            float(match[at]),
            found[at][1],
            float(words[at]),
            float(similarity[at]),
        )
        for at in order
    ]


def candidates(
    snapshot: Snapshot,
    terms: Sequence[str],
    products: Vectors,
    only: npt.NDArray[np.bool_] | None,
) -> Ordinals:
    """The ordinals of the best passages by meaning or by words, sorted."""
    near = vectors.best(products, CANDIDATES, only)
    allowed = None if only is None else np.flatnonzero(only).tolist()
    said, _ = snapshot.words.search(terms, CANDIDATES, only=allowed)
    found = np.union1d(near, said)
    return found[snapshot.tokens(found) > 0]


def weigh(
    snapshot: Snapshot, codebook: Codebook, question: Encoded, ordinals: Ordinals
) -> list[tuple[float, Vectors]]:
    """For each passage its MaxSim and those of its sentences, all computed in one product."""
    codes, bounds = snapshot.token_codes(ordinals)
    products = interaction.token_products(codebook, codes, question.tokens)
    return [sentence_matches(products[first : first + ends[-1]], ends) for first, ends in bounds]


def sentence_matches(products: Vectors, ends: npt.NDArray[np.int64]) -> tuple[float, Vectors]:
    """MaxSim of a passage and of its sentences; `ends` bounds the context, then each sentence.

    A sentence without tokens of its own (beyond the window) matches nothing.
    """
    strengths = np.zeros(len(ends) - 1, np.float32)
    filled = np.flatnonzero(np.diff(ends) > 0)
    if len(filled):
        strengths[filled] = interaction.maxima(products, ends[filled]).mean(axis=1)
    return float(products.max(axis=0).mean()), strengths


def _standard(values: Scores) -> Scores:
    """The values as z-scores among the candidates; zeros when they are all equal."""
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
