"""Question -> candidates -> ranking: which passages answer, and which of their sentences.

Candidates are the best of both lists, by meaning (vectors) and by words (BM25). Those that are best
by both together are then weighed by late interaction: how well the passage's tokens match every
token of the question, how well those of its best sentence do, and how relevant its words are.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa import interaction, vectors
from qa.encoding import Encoded
from qa.errors import QuestionRefused
from qa.interaction import Codebook
from qa.lexical import Scores, Words
from qa.settings import QUESTION_LIMIT
from qa.snapshot import Ordinals, Snapshot
from qa.vectors import Vectors

CANDIDATES = 64  # of each list
SHORTLIST = 64  # of both lists that are weighed: those of the best sum of both z-scores
WORDS_WEIGHT = 0.25  # of BM25 against MaxSim, both as z-scores (FINDINGS: measured on three sets)
SENTENCE_WEIGHT = 1.0  # of the best sentence's MaxSim against the passage's

LOOKED_AT = 10  # best passages whose sentences are looked at word for word
SHARE_WEIGHT = 0.05  # of the share of the question's words that a sentence holds
CARRIED = 0.3  # of what the sentence before matches better


class Ranked(NamedTuple):
    """A candidate passage, weighed."""

    ordinal: int
    relevance: float  # what the ranking is ordered by; comparable within one question
    match: float  # MaxSim of the passage, a mean cosine
    strengths: Vectors  # (sentences,) how well each sentence answers
    coverage: float  # BM25 as a share of what the question's words could give at most
    similarity: float  # cosine of the pooled vectors


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
    pooled = vectors.whole(encoded.pooled)
    ordinals = candidates(snapshot, terms, pooled, only)
    if not len(ordinals) or not len(encoded.tokens):  # some characters are nothing to the model
        return []
    words = snapshot.words.relevance(terms, ordinals.tolist())
    similarity = snapshot.similarity(pooled, ordinals)
    kept = shortlist(similarity, words)
    ordinals, words, similarity = ordinals[kept], words[kept], similarity[kept]
    match, strengths = weigh(snapshot, codebook, words_of(question, encoded), ordinals)
    strongest = np.array([parts.max(initial=0) for parts in strengths], np.float32)
    relevance = _standard(match + SENTENCE_WEIGHT * strongest) + WORDS_WEIGHT * _standard(words)
    ceiling = snapshot.words.ceiling(terms)
    order = np.lexsort((ordinals, -relevance)).tolist()
    for at in order[:LOOKED_AT]:
        sentences = snapshot.sentences(int(ordinals[at]))
        shares = sentence_shares(snapshot.words, terms, sentences)
        strengths[at] = strengths[at] + SHARE_WEIGHT * shares
    return [
        Ranked(
            int(ordinals[at]),
            float(relevance[at]),
            float(match[at]),
            strengths[at],
            float(words[at]) / ceiling if ceiling else 0.0,
            float(similarity[at]),
        )
        for at in order
    ]


def sentence_shares(words: Words, terms: Sequence[str], sentences: Iterable[str]) -> Vectors:
    """For each sentence, how much of the question's words it holds, 0 to 1.

    Words count by their rarity: a name that stands in few passages tells more than a common verb.
    """
    rarities = {term: words.rarity(term) for term in terms}
    whole = sum(rarities.values()) or 1.0
    shares = []
    for sentence in sentences:
        held = words.stems(sentence)
        shares.append(sum(rarity for term, rarity in rarities.items() if term in held) / whole)
    return np.array(shares, np.float32)


def candidates(
    snapshot: Snapshot,
    terms: Sequence[str],
    pooled: Vectors,
    only: npt.NDArray[np.bool_] | None,
) -> Ordinals:
    """The ordinals of the best passages by meaning or by words, sorted."""
    near = snapshot.nearest(pooled, CANDIDATES, only)
    allowed = None if only is None else np.flatnonzero(only).tolist()
    said, _ = snapshot.words.search(terms, CANDIDATES, only=allowed)
    found = np.union1d(near, said)
    return found[snapshot.tokens(found) > 0]


def shortlist(similarity: Scores, words: Scores) -> Ordinals:
    """The indices of the candidates that are best by both at once, sorted; ties by index."""
    order = np.argsort(-(_standard(similarity) + _standard(words)), kind="stable")
    return np.sort(order[:SHORTLIST])


def weigh(
    snapshot: Snapshot, codebook: Codebook, question: Vectors, ordinals: Ordinals
) -> tuple[Vectors, list[Vectors]]:
    """What `matches` says of each passage for the question's tokens, computed in one product."""
    codes, runs, firsts = snapshot.token_codes(ordinals)
    products = interaction.token_products(codebook, codes, question)
    return matches(products, runs, firsts)


def words_of(question: str, encoded: Encoded) -> Vectors:
    """The token vectors of the question's words: marks alone match anything and say nothing."""
    bounds = pairwise([0, *encoded.ends.tolist()])
    said = [any(map(str.isalnum, question[start:end])) for start, end in bounds]
    return encoded.tokens[said] if any(said) else encoded.tokens


def matches(
    products: Vectors, runs: npt.NDArray[np.int64], firsts: npt.NDArray[np.int64]
) -> tuple[Vectors, list[Vectors]]:
    """The MaxSim of passages `(n,)`, and the strengths of their sentences.

    `runs` bounds the rows of `products`: for each passage its context, then its sentences; the last
    number is where all end. `firsts` says which run is the context of each passage.
    A sentence's strength is its MaxSim and a part of what the sentence before it adds, for a name
    that only a pronoun stands for: `.4 .2` after `.6 .1` has `(.4 + .2 + CARRIED * .2) / 2`. A run
    without tokens (no context, or beyond the model's window) matches nothing.
    """
    found = interaction.maxima(products, runs)
    strengths = found.mean(axis=1)
    carried = np.maximum(found[:-1] - found[1:], 0).mean(axis=1)
    carried[firsts[1:] - 1] = 0  # a passage's context follows no sentence
    carried[firsts] = 0  # nor does its first sentence
    strengths[1:] += CARRIED * carried
    strengths[np.diff(runs) == 0] = 0
    whole = np.maximum.reduceat(found, firsts, axis=0).mean(axis=1)
    return whole, [part[1:] for part in np.split(strengths, firsts[1:])]


def _standard(values: Scores) -> Scores:
    """The values as z-scores among the candidates; zeros when they are all equal."""
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
