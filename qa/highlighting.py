"""highlight(): the sentences of any texts that answer a question, without an index."""

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qa import answering, interaction, lexical, passages, retrieval, vectors
from qa.encoding import Encoder, codebook
from qa.interaction import Codebook
from qa.passages import RankingText
from qa.records import Block, Document, Highlight, Passage
from qa.retrieval import Ranked
from qa.settings import Settings


class _Part(NamedTuple):
    """A passage of one of the texts."""

    text: int  # which of the texts
    passage: Passage
    ranking: RankingText


def highlight(
    question: str, texts: Sequence[str], *, settings: Settings | None = None
) -> list[tuple[Highlight, ...]]:
    """For each text the sentences that answer, best first; none where nothing answers.

    Offsets are within the text. A text that is longer than a passage is looked at passage by
    passage. A highlight's strength is the probability that its passage holds an answer. Words are
    weighed by how rare they are among these texts. Raises QuestionRefused and ModelMissing.
    """
    question = retrieval.checked(question)
    settings = settings or Settings.from_environment()
    encoder, book = _encoder(settings)
    encoded = encoder.encode(question)
    asked = retrieval.words_of(question, encoded)
    if not len(asked):  # some characters are nothing to the model
        return [()] * len(texts)
    parts = [
        part
        for number, text in enumerate(texts)
        for part in _parts(number, text, encoder, settings)
    ]
    found: list[list[Highlight]] = [[] for _ in texts]
    said = _said(question, texts, parts, settings)
    for part, (coverage, shares) in zip(parts, said, strict=True):
        ranked = _ranked(part, encoder, book, asked)
        strengths = ranked.strengths + retrieval.SHARE_WEIGHT * shares
        ranked = ranked._replace(coverage=coverage, strengths=strengths)
        sure = answering.confidence(ranked)
        if sure >= answering.THRESHOLD:
            passage = part.passage
            text = texts[part.text][passage.start : passage.end]
            marks = answering.highlights(text, passage.start, passage.sentences, ranked)
            found[part.text] += [mark._replace(strength=sure) for mark in marks]
    return [tuple(sorted(marks, key=lambda mark: -mark.strength)) for marks in found]


def _parts(number: int, text: str, encoder: Encoder, settings: Settings) -> Iterator[_Part]:
    bounds = [match.end() for match in re.finditer(r"\n\s*\n", text)]
    blocks = tuple(
        Block(start, end)
        for start, end in pairwise([0, *bounds, len(text)])
        if text[start:end].strip()
    )
    document = Document("", "text", text, blocks=blocks)
    for passage in passages.split(
        document,
        encoder.token_ends,
        limit=settings.passage_tokens,
        window=encoder.window,
        language=settings.language,
    ):
        around = passages.overlapping(blocks, passage)
        yield _Part(number, passage, passages.ranking_text(document, passage, around))


def _said(
    question: str, texts: Sequence[str], parts: Sequence[_Part], settings: Settings
) -> list[tuple[float, vectors.Vectors]]:
    """For each part how much of the question's words it holds, and how much each sentence does."""
    if not parts:
        return []
    with tempfile.TemporaryDirectory() as folder:
        at, rankings = Path(folder) / "words", [part.ranking.text for part in parts]
        lexical.write(at, rankings, count=len(rankings), language=settings.language)
        words = lexical.Words(at, language=settings.language)
        terms = words.terms(question)
        coverages = words.relevance(terms, range(len(parts))) / (words.ceiling(terms) or 1.0)
        shares = [
            retrieval.sentence_shares(words, terms, _sentences(texts[part.text], part.passage))
            for part in parts
        ]
        return list(zip(coverages.tolist(), shares, strict=True))


def _sentences(text: str, passage: Passage) -> list[str]:
    return [text[start:end] for start, end in pairwise([passage.start, *passage.sentences])]


def _ranked(part: _Part, encoder: Encoder, book: Codebook, asked: vectors.Vectors) -> Ranked:
    """The part, its tokens weighed as those of the same passage in an index would be."""
    encoded = encoder.encode(part.ranking.text)
    products = interaction.token_products(book, book.encode(encoded.tokens), asked)
    ends = encoded.ends.searchsorted(part.ranking.ends, side="right")
    runs = np.concatenate([[0], ends]).astype(np.int64)
    match, strengths = retrieval.matches(products, runs, np.zeros(1, np.int64))
    return Ranked(0, 0.0, float(match[0]), strengths[0], 0.0, 0.0)


@lru_cache(maxsize=2)
def _encoder(settings: Settings) -> tuple[Encoder, Codebook]:
    encoder = Encoder(settings.model, settings.precision, folder=_cache() / "encoders")
    return encoder, codebook(encoder)


def _cache() -> Path:
    """Where exported models are kept that belong to no index."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seedqa"
