"""Question -> candidates -> ranking: which passages answer, and which of their sentences.

Candidates are the best of both lists, by meaning (vectors) and by words (BM25). Those that are best
by both together are then weighed by late interaction: how well the passage's tokens match every
token of the question, how well those of its best sentence do, and how relevant its words are.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.asking import late_interaction, scoring
from qa.asking.scoring import Asked, Matches
from qa.encoding import quantisation
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoded
from qa.encoding.quantisation import Vectors
from qa.errors import QuestionRefused
from qa.index.lexical import Scores
from qa.index.snapshot import Ordinals, Snapshot
from qa.settings import QUESTION_LIMIT

CANDIDATES = 64  # of each list
SHORTLIST = 64  # of both lists that are weighed: those of the best sum of both z-scores
WORDS_WEIGHT = 0.25  # of BM25 against MaxSim, both as z-scores (FINDINGS: measured on three sets)
SENTENCE_WEIGHT = 1.0  # of the best sentence's MaxSim against the passage's


class Ranked(NamedTuple):
    """A candidate passage, weighed."""

    ordinal: int
    relevance: float  # what the ranking is ordered by; comparable within one question
    behind: float  # what it matches worse than the first one, at least 0
    match: float  # MaxSim of the passage, a mean cosine
    evidence: float  # the same, tokens counting as their words are rare
    strengths: Vectors  # (sentences,) how well each sentence's tokens answer
    together: (
        Vectors  # (sentences,) what it gains with the one before it over the better of the two
    )


def checked(question: str) -> str:
    """The question without the blanks around it; QuestionRefused when it is none."""
    question = question.encode(errors="replace").decode().strip()
    if not any(map(str.isprintable, question.replace(" ", ""))):
        raise QuestionRefused("The question is blank: ask something.")
    if len(question) > QUESTION_LIMIT:
        raise QuestionRefused(
            f"The question has {len(question)} characters: ask in at most {QUESTION_LIMIT}."
        )
    return question


def rank(
    snapshot: Snapshot,
    codebook: Codebook,
    question: str,
    encoded: Encoded,
    only: npt.NDArray[np.bool_] | None,
) -> list[Ranked]:
    """The candidates, best first, ties by ordinal; `only` marks the passages that may be found."""
    terms = snapshot.words.terms(question)
    pooled = quantisation.whole(encoded.pooled)
    ordinals, words = candidates(snapshot, terms, pooled, only)
    if not len(ordinals) or not len(encoded.tokens):  # some characters are nothing to the model
        return []
    similarity = snapshot.similarity(pooled, ordinals)
    kept = shortlist(similarity, words)
    ordinals, words = ordinals[kept], words[kept]
    asked = scoring.asked(question, encoded, snapshot.words, snapshot.mean)
    found = weigh(snapshot, codebook, asked, ordinals)
    strongest = np.array([parts.max(initial=0) for parts in found.strengths], np.float32)
    relevance = _standard(found.passages + SENTENCE_WEIGHT * strongest)
    relevance += WORDS_WEIGHT * _standard(words)
    order = np.lexsort((ordinals, -relevance)).tolist()
    return [
        Ranked(
            int(ordinals[at]),
            float(relevance[at]),
            max(float(found.passages[order[0]] - found.passages[at]), 0.0),
            float(found.passages[at]),
            float(found.evidence[at]),
            found.strengths[at],
            found.together[at],
        )
        for at in order
    ]


def candidates(
    snapshot: Snapshot,
    terms: Sequence[str],
    pooled: Vectors,
    only: npt.NDArray[np.bool_] | None,
) -> tuple[Ordinals, Scores]:
    """The ordinals of the best passages by meaning or by words, sorted, and their BM25."""
    near = snapshot.nearest(pooled, CANDIDATES, only)
    near = near[snapshot.tokens(near) > 0]
    allowed = None if only is None else np.flatnonzero(only).tolist()
    said, scores = snapshot.words.search(terms, CANDIDATES, only=allowed)
    unsaid = np.setdiff1d(near, said)
    found = np.concatenate([said, unsaid])
    words = np.concatenate([scores, snapshot.words.relevance(terms, unsaid.tolist())])
    order = np.argsort(found)
    return found[order], words[order]


def shortlist(similarity: Scores, words: Scores) -> Ordinals:
    """The indices of the candidates that are best by both at once, sorted; ties by index."""
    order = np.argsort(-(_standard(similarity) + _standard(words)), kind="stable")
    return np.sort(order[:SHORTLIST])


def weigh(snapshot: Snapshot, codebook: Codebook, asked: Asked, ordinals: Ordinals) -> Matches:
    """How well each passage matches, computed in one product."""
    codes, runs, firsts = snapshot.token_codes(ordinals)
    products = late_interaction.token_products(codebook, codes, asked.tokens)
    return scoring.matches(products, asked, runs, firsts)


def _standard(values: Scores) -> Scores:
    """The values as z-scores among the candidates; zeros when they are all equal."""
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
