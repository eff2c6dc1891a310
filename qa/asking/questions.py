"""A question as it is compared with passages: validated, encoded and weighted by the collection.

Two things are learned from the collection itself: what all its passages have in common distinguishes
none of them, be it a direction that all vectors lean towards or a word that stands nearly
everywhere. In manuals of one product this is worth nine points of hit@1, in a collection of many
subjects nothing is changed (bench/quality/FAILURES.md).
"""

import math
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.encoding.encoder import Encoded, Encoder
from qa.encoding.quantisation import Vectors, quantise
from qa.errors import QuestionRefused
from qa.identification import language_of_question
from qa.index.identifiers import Identifier, exact_words
from qa.index.segmentation import segmented
from qa.index.stop_words import stop_words
from qa.index.words import Words
from qa.languages import ENGLISH
from qa.records.languages import MOST_UNREAD
from qa.settings import QUESTION_LIMIT

HALF_TRUST = 100  # passages at which half of what they have in common is removed
HALF_REMOVED = 0.15  # squared length of the passages' mean vector at which half of it is removed
LEAST_WEIGHT = 0.25  # of a token whose word stands in every passage, other tokens having 1
SLOPE = 3.0  # of that weight over the word's idf

IDF_POWER = 0.75  # of a word's idf in the evidence of its tokens


class EncodedQuestion(NamedTuple):
    """A question as it is compared with passages and their tokens."""

    text: str
    terms: tuple[str, ...]  # its words as they are indexed, stop words dropped
    pooled: Vectors  # (dim,) quantised
    tokens: Vectors  # (m, dim), those of its words
    weights: Vectors  # (m,) of sum 1: how much each counts in a ranking
    idf_weights: Vectors  # (m,) of sum 1: how much each counts as evidence
    ends: npt.NDArray[np.int32]  # (m,) where each token ends in the text
    identifiers: tuple[Identifier, ...] = ()  # its numbers, dates and codes
    language: str = ENGLISH  # its own
    is_unread: bool = False  # its letters say nothing to the model: its words alone count


class Spoken(NamedTuple):
    """The language of a question, and whether the model knows it."""

    language: str
    is_unread: bool = False


SPOKEN_ENGLISH = Spoken(ENGLISH)


def spoken(question: str, encoder: Encoder, languages: tuple[str, ...]) -> Spoken:
    """In which language the question is, asked of documents in these."""
    if question.isascii():
        return Spoken(language_of_question(question, languages))
    letters, unread = encoder.unread(question)
    is_unread = unread > MOST_UNREAD * letters
    return Spoken(language_of_question(question, () if is_unread else languages), is_unread)


def validated_question(question: str) -> str:
    """The question, composed (NFC), without the blanks around it; QuestionRefused when it is none."""
    question = unicodedata.normalize("NFC", question.encode(errors="replace").decode().strip())
    if not any(map(str.isprintable, question.replace(" ", ""))):
        raise QuestionRefused("The question is blank: ask something.")
    if len(question) > QUESTION_LIMIT:
        raise QuestionRefused(
            f"The question has {len(question)} characters: ask in at most {QUESTION_LIMIT}."
        )
    return question


def encoded_question(
    text: str, encoded: Encoded, words: Words, mean: Vectors, *, spoken: Spoken = SPOKEN_ENGLISH
) -> EncodedQuestion:
    """The question, encoded; `mean` is that of the vectors of all passages, `(dim,)`.

    Marks alone match anything and mean nothing: their tokens are left out. Tokens that a
    late-interaction model adds to a short question count in the ranking like a word of it, and are
    no evidence.
    """
    language = spoken.language
    bounds = pairwise([0, *encoded.ends.tolist()])
    has_word = [any(map(str.isalnum, text[start:end])) for start, end in bounds]
    is_added = encoded.ends > len(text)
    kept = np.array(has_word) | is_added if any(has_word) else np.ones(len(has_word), np.bool_)
    ends = encoded.ends[kept]
    of_tokens = words_of(text, ends.tolist(), language)
    idfs = np.array([idf(word, words, language) for word in of_tokens], np.float32)
    found = tuple(exact_words(text))
    for one in found:
        idfs[one.covers(ends)] = max(map(words.idf, one.forms))
    is_common = [word in stop_words(language) for word in of_tokens]
    common = np.array(is_common, np.bool_) | is_added[kept]
    trust = words.count / (words.count + HALF_TRUST)
    return EncodedQuestion(
        text=text,
        terms=tuple(words.terms(text, language)),
        pooled=quantise(encoded.pooled),
        tokens=without_common(encoded.tokens[kept], mean, trust),
        weights=_shares(token_weights(idfs, common, words.count)),
        idf_weights=_shares(idfs**IDF_POWER * np.where(common, np.float32(0.5), np.float32(1))),
        ends=ends,
        identifiers=found,
        language=language,
        is_unread=spoken.is_unread,
    )


def words_of(question: str, ends: Iterable[int], language: str = ENGLISH) -> list[str]:
    """The word, in lower case, that each token is of, which ends there; `""` when it is of none.

    Of `"What is it?"` and 2, 4, 7, 10, 11 it is `["what", "what", "is", "it", ""]`.
    """
    found_words = [(word.end, word.text.lower()) for word in segmented(question, language)]
    places = [bisect_left(found_words, (end, "")) for end in ends]
    return [found_words[at][1] if at < len(found_words) else "" for at in places]


def token_weights(idfs: Vectors, common: npt.NDArray[np.bool_], count: int) -> Vectors:
    """How much each token counts in a ranking, `(m,)`, from `LEAST_WEIGHT` to 1.

    Only a word that stands in a large part of the `count` passages counts for less than 1; one that
    is `common` to all texts and asks for a kind of answer never does.
    """
    reduction = 1 - np.minimum(LEAST_WEIGHT + SLOPE * idfs / math.log(max(count, 1) + 1), 1)
    weights = 1 - np.where(common, 0, reduction) * (count / (count + HALF_TRUST))
    return weights.astype(np.float32)


def idf(word: str, words: Words, language: str = ENGLISH) -> float:
    """The inverse document frequency of a question's word; 0 for none."""
    stems = words.stems(word, language) or (
        [word] if word else []
    )  # a very long one is not indexed
    return max(map(words.idf, stems), default=0.0)


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
    part = trust * square**2 / (square**2 + HALF_REMOVED**2)
    if not part:
        return tokens
    left: Vectors = tokens - np.float32(part / square) * (tokens @ mean)[:, None] * mean
    return left
