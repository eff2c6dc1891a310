"""How well passages and their sentences match a question, token by token and word by word.

Late interaction (see `interaction`), with two things that a collection itself teaches: what all its
passages have in common tells none from another, be it a direction that all vectors lean towards or a
word that stands nearly everywhere. In manuals of one product this is worth nine points of hit@1, in
a collection of many subjects nothing is changed (bench/quality/FAILURES.md).
"""

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.asking import late_interaction
from qa.encoding.encoder import Encoded
from qa.encoding.quantisation import Vectors
from qa.index.lexical import STOP_WORDS, Words

ENOUGH = 100  # passages at which half of what they have in common is believed
COMMON = 0.15  # squared length of the passages' mean vector at which half of it is taken away
LEAST = 0.25  # weight of a token whose word stands in every passage, other tokens having 1
STEEP = 3.0  # how fast that weight grows with the word's rarity

TELLING = 0.75  # power of a word's rarity in the evidence of its tokens

CARRIED = 0.3  # of what the sentence before matches better
SHARE_WEIGHT = 0.05  # of the share of the question's words that a sentence holds
CONTEXT_WEIGHT = 0.1  # the same, with the sentence before and the passage's context taken in


class Asked(NamedTuple):
    """A question as it is compared with the tokens of passages."""

    tokens: Vectors  # (m, dim), those of its words
    weights: Vectors  # (m,) of sum 1: how much each counts in a ranking
    telling: Vectors  # (m,) of sum 1: how much it tells when each is found


class Matches(NamedTuple):
    """How well passages match; lists hold an array of their sentences for each passage."""

    passages: Vectors  # (n,) MaxSim, a mean cosine
    evidence: Vectors  # (n,) the same, tokens counting as their words are rare
    strengths: list[Vectors]  # how well each sentence answers
    together: list[Vectors]  # what a sentence and the one before it gain over the better of the two


def asked(question: str, encoded: Encoded, words: Words, mean: Vectors) -> Asked:
    """The question as it is compared; `mean` is that of the vectors of all passages, `(dim,)`.

    Marks alone match anything and say nothing: their tokens are left out.
    """
    bounds = pairwise([0, *encoded.ends.tolist()])
    said = [any(map(str.isalnum, question[start:end])) for start, end in bounds]
    kept = np.array(said) if any(said) else np.ones(len(said), np.bool_)
    of_tokens = words_of(question, encoded.ends[kept].tolist())
    rarities = np.array([rarity(word, words) for word in of_tokens], np.float32)
    common = np.array([word in STOP_WORDS for word in of_tokens], np.bool_)
    trust = words.count / (words.count + ENOUGH)
    return Asked(
        tokens=without_common(encoded.tokens[kept], mean, trust),
        weights=_shares(token_weights(rarities, common, words.count)),
        telling=_shares(rarities**TELLING * np.where(common, np.float32(0.5), np.float32(1))),
    )


def words_of(question: str, ends: Iterable[int]) -> list[str]:
    """The word, in lower case, that each token is of, which ends there; `""` when it is of none.

    Of `"What is it?"` and 2, 4, 7, 10, 11 it is `["what", "what", "is", "it", ""]`.
    """
    said = [(found.end(), found[0].lower()) for found in re.finditer(r"\w+", question)]
    places = [bisect_left(said, (end, "")) for end in ends]
    return [said[at][1] if at < len(said) else "" for at in places]


def token_weights(rarities: Vectors, common: npt.NDArray[np.bool_], count: int) -> Vectors:
    """How much each token counts in a ranking, `(m,)`, from `LEAST` to 1.

    Only a word that stands in a large part of the `count` passages counts for less than 1; one that
    is `common` to all texts and says what kind of answer is wanted never does.
    """
    lack = 1 - np.minimum(LEAST + STEEP * rarities / math.log(count + 1), 1)
    weights = 1 - np.where(common, 0, lack) * (count / (count + ENOUGH))
    return weights.astype(np.float32)


def rarity(word: str, words: Words) -> float:
    """How rare a word of a question is; 0 for none."""
    stems = words.stems(word) or ([word] if word else [])  # a very long one is not indexed
    return max(map(words.rarity, stems), default=0.0)


def _shares(weights: Vectors) -> Vectors:
    """The weights with the sum 1; equal ones when they are all 0."""
    total = weights.sum()
    return weights / total if total > 0 else np.full_like(weights, 1 / max(len(weights), 1))


def without_common(tokens: Vectors, mean: Vectors, trust: float) -> Vectors:
    """The tokens with less of what all passages have in common, the direction of their mean vector.

    The longer the mean, the narrower the subject, and the more is taken away (Mu and Viswanath,
    All-but-the-top, 2018, take away all of it, from word vectors).
    """
    square = float(mean @ mean)
    part = trust * square**2 / (square**2 + COMMON**2)
    if not part:
        return tokens
    left: Vectors = tokens - np.float32(part / square) * (tokens @ mean)[:, None] * mean
    return left


def matches(
    products: Vectors, asked: Asked, runs: npt.NDArray[np.int64], firsts: npt.NDArray[np.int64]
) -> Matches:
    """What the products `(tokens, m)` of passages' tokens with the question's say of each passage.

    `runs` bounds the rows of `products`: for each passage its context, then its sentences; the last
    number is where all end. `firsts` says which run is the context of each passage.
    A sentence's strength is its MaxSim and a part of what the sentence before it adds, for a name
    that only a pronoun stands for: `.4 .2` after `.6 .1`, with equal weights, has
    `(.4 + .2 + CARRIED * .2) / 2`. Together they have `(.6 + .2) / 2`, .05 more than the better. A
    run without tokens (no context, or beyond the model's window) matches nothing.
    """
    found = late_interaction.maxima(products, runs)
    alone = _weighed(found, asked.weights)
    empty = np.diff(runs) == 0
    alone[empty] = 0
    added = np.zeros_like(alone)  # by the run before
    added[1:] = _weighed(np.maximum(found[:-1] - found[1:], 0), asked.weights)
    added[empty] = 0
    added[firsts] = 0  # a passage's context follows no sentence
    added[firsts[firsts + 1 < len(added)] + 1] = 0  # nor does its first sentence
    gained = np.zeros_like(alone)
    gained[1:] = np.maximum(np.minimum(added[1:], alone[1:] + added[1:] - alone[:-1]), 0)
    whole = np.maximum.reduceat(found, firsts, axis=0)
    return Matches(
        passages=_weighed(whole, asked.weights),
        evidence=_weighed(whole, asked.telling),
        strengths=_by_passage(alone + CARRIED * added, firsts),
        together=_by_passage(gained, firsts),
    )


def _weighed(found: Vectors, weights: Vectors) -> Vectors:
    """The weighted mean of each row; its sum is that of the row alone, wherever the row stands."""
    means: Vectors = (found * weights).sum(axis=1)
    return means


def _by_passage(values: Vectors, firsts: npt.NDArray[np.int64]) -> list[Vectors]:
    """The values of the runs, parted by passage, that of its context left out."""
    bounds = pairwise([*firsts.tolist(), len(values)])
    return [values[first + 1 : last] for first, last in bounds]


def word_strengths(
    words: Words, terms: Sequence[str], context: str, sentences: Iterable[str]
) -> Vectors:
    """What the question's words that each sentence holds add to its strength.

    Words count by their rarity: a name that stands in few passages tells more than a common verb.
    They count again when they stand in the sentence, the one before or the passage's context: a
    sentence that says "he" is about him.
    """
    rarities = {term: words.rarity(term) for term in terms}
    whole = sum(rarities.values()) or 1.0
    around = above = words.stems(context)
    strengths = []
    for sentence in sentences:
        held = words.stems(sentence)
        own = sum(rarity for term, rarity in rarities.items() if term in held)
        near = sum(rarity for term, rarity in rarities.items() if term in held | around)
        strengths.append((SHARE_WEIGHT * own + CONTEXT_WEIGHT * near) / whole)
        around = above | held
    return np.array(strengths, np.float32)
