"""highlight(): the sentences of any texts that answer a question, without an index."""

import os
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qa import splitting, storage
from qa.asking.confidence import THRESHOLD, confidence, lead
from qa.asking.highlights import highlights
from qa.asking.questions import encoded_question, validated_question
from qa.asking.quoting import words_of
from qa.asking.reranking import Ranked, ranking
from qa.asking.retrieval import Candidates, places_in
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoded, Encoder, codebook_of
from qa.index import dense
from qa.index.coding import Coded, encode
from qa.index.lexical import WordIndex
from qa.index.store import TokenCodes
from qa.records import Block, Document, Highlight, Passage
from qa.settings import Settings
from qa.splitting import RankingText


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
    passage. A highlight's strength is the probability that its passage holds an answer, computed as
    in an index of these texts: it depends on how rare words are among them, and on how much better
    another one matches. The first call of all exports the model to the user's cache folder.
    Raises QuestionRefused and ModelMissing.
    """
    question = validated_question(question)
    settings = settings or Settings.from_environment()
    encoder, _ = _encoder(settings)
    encoded = encoder.encode_question(question)
    parts = [
        part
        for number, text in enumerate(texts)
        for part in _parts(number, text, encoder, settings)
    ]
    if not parts or not len(encoded.tokens):  # some characters are nothing to the model
        return [()] * len(texts)
    found: list[list[Highlight]] = [[] for _ in texts]
    words = [words_of(texts[part.text][part.passage.start : part.passage.end]) for part in parts]
    ranked = _ranked(question, encoded, texts, parts, settings)
    by_match = sorted(zip(ranked, words, strict=True), key=lambda pair: -pair[0].match)
    for part, own, each in zip(parts, words, ranked, strict=True):
        best = next((other for other, its in by_match if its != own), None)
        probability = confidence(each, lead(each, best))
        if probability >= THRESHOLD:
            passage = part.passage
            text = texts[part.text][passage.start : passage.end]
            marks = highlights(text, passage.start, passage.sentences, each)
            found[part.text] += [mark._replace(strength=probability) for mark in marks]
    return [tuple(sorted(marks, key=lambda mark: -mark.strength)) for marks in found]


def _parts(number: int, text: str, encoder: Encoder, settings: Settings) -> Iterator[_Part]:
    bounds = [match.end() for match in re.finditer(r"\n\s*\n", text)]
    blocks = tuple(
        Block(start, end)
        for start, end in pairwise([0, *bounds, len(text)])
        if text[start:end].strip()
    )
    document = Document("", "text", text, blocks=blocks)
    for passage in splitting.split(
        document,
        encoder.token_ends,
        limit=settings.passage_tokens,
        window=encoder.window,
        language=settings.language,
    ):
        around = splitting.overlapping(blocks, passage)
        yield _Part(number, passage, splitting.ranking_text(document, passage, around))


def _ranked(
    question: str,
    encoded: Encoded,
    texts: Sequence[str],
    parts: Sequence[_Part],
    settings: Settings,
) -> list[Ranked]:
    """Each part, scored as the same passage in an index of these texts would be."""
    encoder, book = _encoder(settings)
    coded = [encode(encoder, book, part.ranking) for part in parts]
    mean = dense.mean([each.vector[None] for each in coded], encoder.dim, len(coded))
    words = WordIndex.of([part.ranking.text for part in parts], language=settings.language)
    asked = encoded_question(question, encoded, words, mean)
    numbers = np.arange(len(parts))
    by_words, _ = words.search(asked.terms, len(parts))
    zeros = np.zeros(len(parts), np.float32)
    found = Candidates(numbers, numbers, zeros, places_in(by_words, numbers))
    ranked = sorted(ranking(book, asked, found, _token_codes(coded)), key=attrgetter("key"))
    return [
        each.with_words(words, asked, "", _sentences(texts[part.text], part.passage))
        for part, each in zip(parts, ranked, strict=True)
    ]


def _token_codes(coded: Sequence[Coded]) -> TokenCodes:
    counts = np.array([len(each.bounds) for each in coded])
    starts = np.cumsum([0, *(len(each.codes) for each in coded)])
    ends = [np.array(each.bounds) + start for each, start in zip(coded, starts, strict=False)]
    return TokenCodes(
        codes=np.concatenate([each.codes for each in coded]),
        runs=np.concatenate([[0], *ends]).astype(np.int64),
        firsts=np.cumsum(counts) - counts,
    )


def _sentences(text: str, passage: Passage) -> list[str]:
    return [text[start:end] for start, end in pairwise([passage.start, *passage.sentences])]


@lru_cache(maxsize=2)
def _encoder(settings: Settings) -> tuple[Encoder, Codebook]:
    encoder = Encoder(settings.model, settings.precision, folder=_cache() / "encoders")
    return encoder, codebook_of(encoder)


def _cache() -> Path:
    """Where exported models are kept that belong to no index; for this user alone."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seedqa"
    storage.new_folder(folder, exist_ok=True)
    storage.close_tree_to_others(folder)
    return folder
