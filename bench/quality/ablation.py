"""Takes away the parts of this project's ranking, one at a time, for `compare.py`.

Nothing in the product knows of it: names in its modules stand for something else for a while.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from qa.asking import (
    highlights,
    kinds,
    late_interaction,
    questions,
    reranking,
    retrieval,
    scoring,
    service,
)
from qa.asking.questions import EncodedQuestion
from qa.asking.reranking import Ranked, rerank
from qa.asking.retrieval import CANDIDATES, Candidates, places_in, z_scores
from qa.asking.service import QA, open_encoder
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoder
from qa.encoding.quantisation import Vectors
from qa.index.segment import Segment
from qa.index.store import Filter, Snapshot

Part = tuple[str, AbstractContextManager[object]]
"""what is taken away, and the time for which it is"""

ALL = 1e6  # a weight beside which the other counts for nothing


def parts(qa: QA) -> Iterator[Part]:
    """Each part of the ranking, named by what is done without it."""
    yield (
        "no MaxSim of the passage, its best sentence alone",
        without(reranking, SENTENCE_WEIGHT=ALL),
    )
    yield (
        "no best sentence, the passage's MaxSim alone",
        without(reranking, SENTENCE_WEIGHT=0.0),
    )
    yield "no BM25 in the ranking", without(reranking, BM25_WEIGHT=0.0)
    yield "no late interaction: cosine + BM25", without(service, rerank=by_cosine)
    yield "candidates by words alone", without(service, candidates=by_words)
    yield "candidates by meaning alone", without(service, candidates=by_meaning)
    yield "all candidates reranked", without(retrieval, RERANKED=2 * CANDIDATES)
    yield "what all passages have in common left in", without(questions, without_common=untouched)
    yield "a word that stands everywhere counts in full", without(questions, LEAST_WEIGHT=1.0)
    yield "nothing carried over from the sentence before", without(scoring, CARRY_OVER=0.0)
    yield "a pronoun stands for nothing", without(scoring, PRONOUN_CARRY_OVER=0.0)
    yield (
        "no kind of answer preferred",
        without(kinds, QUANTITY_WEIGHT=0.0, NAMES_WEIGHT=0.0, SERIES_WEIGHT=0.0),
    )
    yield "no share of the question's words", without(scoring, OWN_WEIGHT=0, CONTEXT_WEIGHT=0)
    yield (
        "neighbours never joined in a highlight",
        without(highlights, JOINT_GAIN=ALL, PRONOUN_JOINT_GAIN=(ALL, ALL)),
    )
    yield (
        "a highlight's passage counts for nothing in its rank",
        without(highlights, RANK_WEIGHT=0.0),
    )
    yield "token vectors uncompressed", uncompressed(qa)


def without(where: ModuleType, /, **changed: Any) -> AbstractContextManager[object]:
    """A module with other values for some of its names."""
    patched: AbstractContextManager[object] = patch.multiple(where, **changed)
    return patched


def untouched(tokens: Vectors, *_: object) -> Vectors:
    """The tokens as they are."""
    return tokens


def by_words(snapshot: Snapshot, question: EncodedQuestion, among: Filter | None) -> Candidates:
    """The candidates of the word index."""
    found, scores = snapshot.search(question.terms, CANDIDATES, among)
    places = snapshot.places(found)
    order = np.argsort(places)
    return Candidates(found[order], places[order], scores[order], order)


def by_meaning(snapshot: Snapshot, question: EncodedQuestion, among: Filter | None) -> Candidates:
    """The candidates of the pooled vectors."""
    near = snapshot.nearest(question.pooled, CANDIDATES, among)
    near = near[np.argsort(snapshot.places(near))]
    found, _ = snapshot.search(question.terms, CANDIDATES, among)
    places = snapshot.places(near)
    return Candidates(near, places, snapshot.bm25(question.terms, near), places_in(found, near))


def by_cosine(
    snapshot: Snapshot, codebook: Codebook, question: EncodedQuestion, found: Candidates
) -> list[Ranked]:
    """The candidates by the sum of cosine and BM25, both as z-scores."""
    ranked = {each.key: each for each in rerank(snapshot, codebook, question, found)}
    cosine = snapshot.similarity(question.pooled, found.keys)
    relevance = z_scores(cosine) + z_scores(found.bm25)
    return [
        ranked[int(found.keys[at])]._replace(relevance=float(relevance[at]))
        for at in np.lexsort((found.places, -relevance)).tolist()
    ]


@contextmanager
def uncompressed(qa: QA) -> Iterator[None]:
    """Token vectors as the encoder gives them in place of their codes."""
    encoder = open_encoder(qa.index, qa.manifest)
    segments = qa.snapshot.segments
    codes = [segment.codes for segment in segments]
    for segment in segments:
        segment.codes = token_vectors(encoder, segment)
    try:
        with patch.object(late_interaction, "token_products", exact_products):
            yield
    finally:
        for segment, coded in zip(segments, codes, strict=True):
            segment.codes = coded


def token_vectors(encoder: Encoder, segment: Segment) -> Vectors:
    """The vectors `(tokens, dim)` of all passages of a segment, where their codes stand."""
    out = np.zeros((len(segment.codes), encoder.dim), np.float32)
    for row, record in enumerate(segment.records):
        first, tokens = int(record["first_token"]), int(record["tokens"])
        if tokens:
            out[first : first + tokens] = encoder.encode(segment.ranking_text(row)).tokens
    return out


def exact_products(_: Codebook, tokens: Vectors, question: Vectors) -> Vectors:
    """Cosines `(n, m)` of n tokens with the question's m tokens."""
    return tokens @ question.T
