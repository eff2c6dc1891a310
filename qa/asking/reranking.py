"""Reranking: candidates -> a ranking, by late interaction.

A passage is ranked by how well its tokens match every token of the question, how well those of its
best sentence do, and how relevant its words are.
"""

from collections.abc import Sequence
from itertools import starmap
from typing import NamedTuple

import numpy as np

from qa.asking import late_interaction, scoring
from qa.asking.kinds import AnswerKind, kind_of, kind_strengths
from qa.asking.questions import EncodedQuestion
from qa.asking.recency import preferred
from qa.asking.retrieval import Candidates, z_scores
from qa.encoding.codebook import Codebook
from qa.encoding.quantisation import Vectors
from qa.index.store import Snapshot, TokenCodes
from qa.index.words import Words
from qa.languages import ENGLISH

BM25_WEIGHT = 0.25  # against MaxSim, both as z-scores (measured on three sets)
UNREAD_BM25_WEIGHT = 3.0  # the same, of a question that the model does not know the letters of
UNREAD_WORDS = 20.0  # times what the words of such a question add to a sentence's strength
SENTENCE_WEIGHT = 1.0  # of the best sentence's MaxSim against the passage's


class Ranked(NamedTuple):
    """A reranked passage."""

    key: int  # of its passage in the snapshot
    place: int  # where it stands by path and position
    relevance: float  # what the ranking is ordered by; comparable within one question
    word_place: int  # from 0 in the list of those that are best by words; its length beyond
    maxsim: float  # of the passage, a mean cosine
    evidence: float  # the same, tokens weighted by idf
    strongest: float  # the greatest strength of its sentences by MaxSim alone
    lacks: bool  # an identifier of the question
    matches: Vectors  # (sentences, m) how well each sentence matches every token of the question
    strengths: Vectors  # (sentences,) how well each sentence answers
    joint_gains: Vectors  # (sentences,) by which it and the one before match better than either

    @property
    def match(self) -> float:
        """How well the passage and its best sentence match, words left aside."""
        return self.maxsim + self.strongest

    def with_words(
        self,
        words: Words,
        question: EncodedQuestion,
        context: str,
        sentences: Sequence[str],
        *,
        language: str = ENGLISH,
    ) -> "Ranked":
        """The passage with what the words of its sentences add to their strengths.

        Those are the question's own words, and such as are the kind of answer that it asks for; a
        pronoun at the beginning stands for what "who" and "where" ask about.
        """
        added = scoring.word_strengths(words, question.terms, context, sentences, language)
        if question.is_unread:
            added = UNREAD_WORDS * added
        added = added + kind_strengths(question.text, sentences)
        if kind_of(question.text) is AnswerKind.NAME:
            added += scoring.pronoun_strengths(self.matches, question.weights, sentences, language)
        return self._replace(strengths=self.strengths + added)


def rerank(
    snapshot: Snapshot, codebook: Codebook, question: EncodedQuestion, found: Candidates
) -> list[Ranked]:
    """The candidates of a snapshot, best first, ties by path and position."""
    if not len(found.keys):
        return []
    return ranking(codebook, question, found, snapshot.token_codes(found.keys))


def ranking(
    codebook: Codebook, question: EncodedQuestion, found: Candidates, tokens: TokenCodes
) -> list[Ranked]:
    """The candidates, best first, ties by path and position; `tokens` are theirs, in the same order."""
    if not len(question.tokens):  # the model knows none of its characters
        return []
    products = late_interaction.token_products(codebook, tokens.codes, question.tokens)
    if found.exact is not None:
        products = found.exact.applied(products, tokens)
    named = found.exact.named if found.exact is not None else None
    scores = scoring.score(products, question, tokens.runs, tokens.firsts, named)
    strongest = np.array([parts.max(initial=0) for parts in scores.strengths], np.float32)
    relevance = z_scores(scores.passages + SENTENCE_WEIGHT * strongest)
    weight = UNREAD_BM25_WEIGHT if question.is_unread else BM25_WEIGHT
    relevance += weight * z_scores(found.bm25)
    if found.sections is not None:
        relevance += found.sections
    if found.recent is not None:
        relevance = preferred(relevance, found.recent)
    lacking = found.exact.lacking if found.exact is not None else np.zeros(len(strongest), np.bool_)
    columns = (
        *(found.keys, found.places, relevance, found.word_places),
        *(scores.passages, scores.evidence, strongest, lacking),
    )
    arrays = (scores.matches, scores.strengths, scores.joint_gains)
    fields = zip(*(each.tolist() for each in columns), *arrays, strict=True)  # those of `Ranked`
    ranked = list(starmap(Ranked, fields))
    return [ranked[at] for at in np.lexsort((found.places, -relevance)).tolist()]
