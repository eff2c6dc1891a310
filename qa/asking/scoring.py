"""How well passages and their sentences match a question, token by token and word by word."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.asking import late_interaction
from qa.asking.pronouns import begins_with_pronoun
from qa.asking.questions import EncodedQuestion
from qa.encoding.quantisation import Vectors
from qa.index.words import Words
from qa.languages import ENGLISH

CARRY_OVER = 0.3  # of what the sentence before matches better
CONTEXT_CARRY_OVER = 0.5  # of what the title, headings and columns above match better
PRONOUN_CARRY_OVER = 0.6  # of what all sentences before match better, for one with a pronoun
OWN_WEIGHT = 0.05  # of the share of the question's words that a sentence holds
CONTEXT_WEIGHT = 0.1  # the same, with the sentence before and the passage's context taken in


class PassageScores(NamedTuple):
    """How well passages match; lists hold an array of their sentences for each passage."""

    passages: Vectors  # (n,) MaxSim, a mean cosine
    evidence: Vectors  # (n,) the same, tokens weighted by idf
    strengths: list[Vectors]  # how well each sentence answers
    joint_gains: list[Vectors]  # by which a sentence and the one before match better than either
    matches: list[Vectors]  # (sentences, m) how well each sentence matches every token


def score(
    products: Vectors,
    question: EncodedQuestion,
    runs: npt.NDArray[np.int64],
    firsts: npt.NDArray[np.int64],
    named: Vectors | None = None,
) -> PassageScores:
    """The scores of passages, from the products `(tokens, m)` of their tokens with the question's.

    `runs` bounds the rows of `products`: for each passage its context, then its sentences; the last
    number is where all end. `firsts` says which run is the context of each passage. `named` `(n, m)`
    is how far a token names the document of each, which is no evidence for one of its passages.
    A sentence's strength is its MaxSim and a part of what the sentence before it adds, for a name
    that only a pronoun stands for: `.4 .2` after `.6 .1`, with equal weights, has
    `(.4 + .2 + CARRY_OVER * .2) / 2`; or a part of what the context adds, where that is more: a row
    of a table is about what the table's title says. Together they have `(.6 + .2) / 2`, .05 more
    than the better. A run without tokens (no context, or beyond the model's window) matches nothing.
    """
    found = late_interaction.maxima(products, runs)
    alone = _weighted_mean(found, question.weights)
    empty = np.diff(runs) == 0
    alone[empty] = 0
    added = np.zeros_like(alone)  # by the run before
    added[1:] = _weighted_mean(np.maximum(found[:-1] - found[1:], 0), question.weights)
    added[empty] = 0
    added[firsts] = 0  # a passage's context follows no sentence
    added[firsts[firsts + 1 < len(added)] + 1] = 0  # nor does its first sentence
    gained = np.zeros_like(alone)
    gained[1:] = np.maximum(np.minimum(added[1:], alone[1:] + added[1:] - alone[:-1]), 0)
    inherited = CONTEXT_CARRY_OVER * _of_context(found, question.weights, firsts)
    inherited[empty] = 0
    of_passages = np.maximum.reduceat(found, firsts, axis=0)
    return PassageScores(
        passages=_weighted_mean(of_passages, question.weights),
        evidence=_evidence(of_passages, question.idf_weights, named),
        strengths=_by_passage(alone + np.maximum(CARRY_OVER * added, inherited), firsts),
        joint_gains=_by_passage(gained, firsts),
        matches=_by_passage(found, firsts),
    )


def _of_context(found: Vectors, weights: Vectors, firsts: npt.NDArray[np.int64]) -> Vectors:
    """What the context of each run's passage matches better than the run."""
    contexts = np.repeat(found[firsts], np.diff(np.append(firsts, len(found))), axis=0)
    return _weighted_mean(np.maximum(contexts - found, 0), weights)


def _weighted_mean(found: Vectors, weights: Vectors) -> Vectors:
    """The weighted mean of each row; its sum is that of the row alone, wherever the row stands."""
    means: Vectors = (found * weights).sum(axis=1)
    return means


def _evidence(found: Vectors, weights: Vectors, named: Vectors | None) -> Vectors:
    """The weighted mean of each row over the tokens that do not name its document."""
    if named is None or not named.any():
        return _weighted_mean(found, weights)
    left = weights * (1 - named)
    total = left.sum(axis=1)
    means: Vectors = (found * left).sum(axis=1) / np.where(total > 0, total, 1)
    return means


def _by_passage(values: Vectors, firsts: npt.NDArray[np.int64]) -> list[Vectors]:
    """The values of the runs, split by passage, that of its context left out."""
    bounds = pairwise([*firsts.tolist(), len(values)])
    return [values[first + 1 : last] for first, last in bounds]


def pronoun_strengths(
    matches: Vectors, weights: Vectors, sentences: Sequence[str], language: str = ENGLISH
) -> Vectors:
    """What sentences that begin with a pronoun get of what those before them match better.

    "It features two singers" is about the song that the passage began with, however many sentences
    ago. `matches` `(n, m)` are those of the sentences with the question's tokens; one without tokens
    has -1 for all, and gets nothing.
    """
    added = np.zeros(len(sentences), np.float32)
    before = np.maximum.accumulate(matches, axis=0)
    for at in range(1, len(sentences)):
        begins = begins_with_pronoun(sentences[at], language)
        if begins and matches[at].max(initial=-1) > -1:
            added[at] = PRONOUN_CARRY_OVER * (np.maximum(before[at - 1] - matches[at], 0) @ weights)
    return added


def word_strengths(
    words: Words,
    terms: Sequence[str],
    context: str,
    sentences: Iterable[str],
    language: str = ENGLISH,
) -> Vectors:
    """What the question's words that each sentence holds add to its strength.

    Words count by their idf: a name that stands in few passages counts more than a common verb.
    They count again when they stand in the sentence, the one before or the passage's context: a
    sentence that says "he" is about him.
    """
    found = _held(words, words.of(terms, language), context, sentences, language)
    strengths = [(OWN_WEIGHT * own + CONTEXT_WEIGHT * near) / total for own, near, total in found]
    return np.array(strengths, np.float32)


def word_share(
    words: Words, terms: Sequence[str], context: str, sentences: Iterable[str], language: str
) -> float:
    """How many of the question's words, by their idf, stand together, from 0 to 1.

    In a sentence, that is, with the one before and the passage's context taken in.
    """
    found = _held(words, words.of(terms, language), context, sentences, language)
    return max((near / total for _, near, total in found), default=0.0)


def _held(
    words: Words, terms: Sequence[str], context: str, sentences: Iterable[str], language: str
) -> Iterator[tuple[float, float, float]]:
    """For each sentence the idf of the words that it holds, with what is around it, and of all."""
    idfs = {term: words.idf(term) for term in terms}
    total = sum(idfs.values()) or 1.0
    above, *of_sentences = words.terms_in([context, *sentences], terms, language)
    around = above
    for own_terms in of_sentences:
        near_terms = own_terms | around
        own = sum(idf for term, idf in idfs.items() if term in own_terms)
        near = sum(idf for term, idf in idfs.items() if term in near_terms)
        yield own, near, total
        around = above | own_terms
