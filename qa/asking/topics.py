"""Topics, such as "offshore wind farms": queries that ask for nothing, and what bears on them.

A question has an answer, which stands in a sentence or two. Of a topic everything is wanted that
speaks of it, and no text bears on it less because another one bears on it more.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.asking.late_interaction import maxima, token_products
from qa.asking.questions import words_of
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoded
from qa.encoding.quantisation import Vectors
from qa.index.coding import Coded
from qa.index.lexical import Analyzer
from qa.index.stop_words import stop_words

Features = tuple[float, float, float, float]

STOP_WORD_WEIGHT = 0.3  # of a token of a stop word, any other having 1

_ASKING = re.compile(
    r"(?:who|whom|whose|what|which|when|where|why|how(?! to\b)|is|are|was|were|am|do|does|did|has|have|had"
    r"|can|could|will|would|shall|should|may|might|must)(?:n['’]t)?\b(?!-)"
    r"|(?:in|on|at|by|of|for|from|to|with|under|until|since|about|through|into) "
    r"(?:who|whom|whose|what|which|when|where)\b"
    r"|(?:list|name|give|tell|find|show|state|explain|describe|define|identify|compare|summari[sz]e)"
    r" (?:the|a|an|all|each|every|any|some|its|their|his|her|my|your|our|me|us|two|three|four|five"
    r"|\d+|who|what|which|when|where|why|how|whether)\b",
    re.IGNORECASE,
)
_QUESTION_MARKS = "?\N{FULLWIDTH QUESTION MARK}\N{ARABIC QUESTION MARK}"


def is_topic(query: str) -> bool:
    """Whether a query asks for nothing: no question mark ends it, no question word or imperative begins it.

    "how to bake bread" is a topic, too: a text that bears on it answers in many sentences.
    """
    query = query.strip().strip("\"'“”‘’(")
    return not (query.endswith(tuple(_QUESTION_MARKS)) or _ASKING.match(query))


class Topic(NamedTuple):
    """A topic as it is compared with passages."""

    tokens: Vectors  # (m, dim)
    weights: Vectors  # (m,) of sum 1
    distinctive: npt.NDArray[np.bool_]  # (m,) those of no stop word; all where there is none other
    terms: frozenset[str]  # its words as they are indexed
    analyzer: Analyzer

    @classmethod
    def of(cls, query: str, encoded: Encoded, analyzer: Analyzer) -> "Topic":
        """The tokens of the query's words; marks match anything and mean nothing."""
        ends = encoded.ends.tolist()
        has_word = [
            any(map(str.isalnum, query[a:b])) for a, b in zip([0, *ends], ends, strict=False)
        ]
        kept = np.array(has_word) if any(has_word) else np.ones(len(ends), np.bool_)
        words = words_of(query, encoded.ends[kept].tolist(), analyzer.language)
        unwanted = stop_words(analyzer.language)
        distinctive = np.array([word not in unwanted for word in words], np.bool_)
        weights = np.where(distinctive, 1, STOP_WORD_WEIGHT).astype(np.float32)
        if not distinctive.any():
            distinctive = ~distinctive
        terms = [word for word, counts in zip(words, distinctive, strict=True) if counts]
        found = frozenset(analyzer.words(" ".join(terms)))
        return cls(encoded.tokens[kept], weights / weights.sum(), distinctive, found, analyzer)

    def features(self, book: Codebook, coded: Coded, sentences: Sequence[str]) -> list[Features]:
        """For each sentence its MaxSim, its passage's, that of its worst word, and its share of words.

        A sentence may match a topic of several words well and yet miss one of them. Words count, too,
        that the sentence before holds: their share is `(n of both) / (n of the topic)`.
        """
        if not len(coded.codes):
            return [(0.0, 0.0, 0.0, 0.0)] * len(sentences)
        products = token_products(book, coded.codes, self.tokens)
        runs = np.array([0, *coded.bounds])
        found = maxima(products, runs)[1:]  # the first is the context
        found[np.diff(runs)[1:] == 0] = 0
        passage = float(products.max(axis=0) @ self.weights)
        return [
            (float(row @ self.weights), passage, float(row[self.distinctive].min()), share)
            for row, share in zip(found, self._shares(sentences), strict=True)
        ]

    def _shares(self, sentences: Sequence[str]) -> Iterator[float]:
        before: frozenset[str] = frozenset()
        for sentence in sentences:
            held = self.terms.intersection(self.analyzer.words(sentence))
            yield len(held | before) / max(len(self.terms), 1)
            before = held
