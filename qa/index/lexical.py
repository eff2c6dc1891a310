"""Passages by their words: BM25. The only importer of tantivy.

One writer thread makes one segment, so that a passage's number in tantivy is its ordinal in the
snapshot, statistics are of the live passages only, and ties stand in the order of ordinals.
"""

import math
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tantivy

from qa import storage
from qa.errors import IndexDamaged

Ordinals = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]

STEMMERS = {
    "ar": "arabic", "da": "danish", "nl": "dutch", "en": "english", "fi": "finnish",
    "fr": "french", "de": "german", "el": "greek", "hu": "hungarian", "it": "italian",
    "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "es": "spanish", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
STOP_WORDS = frozenset(
    """
    a about after all also an and any are as at be been before between both but by can could did
    do does doing for from had has have having he her here him his how i if in into is it its me
    more most my no not of on or other our out over s she should so some such t than that the
    their them then there these they this those through to under up was we were what when where
    which while who whom whose why will with would you your
    """.split()  # noqa: SIM905 - ninety quoted words are no list that one reads
)
LONGEST_WORD = 64  # bytes of UTF-8, from which a word is data
HEAP = 1_000_000_000  # bytes; one segment up to about a million passages
SMALL_HEAP = 50_000_000
MANY = 20_000  # passages, from which the large heap is worth its memory


class Analyzer:
    """Texts of one language -> their words as they are indexed: in lower case, stemmed."""

    def __init__(self, language: str) -> None:
        builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        builder = builder.filter(tantivy.Filter.remove_long(LONGEST_WORD))
        builder = builder.filter(tantivy.Filter.lowercase())
        if language in STEMMERS:
            builder = builder.filter(tantivy.Filter.stemmer(STEMMERS[language]))
        self._analyzer = builder.build()

    def words(self, text: str) -> list[str]:
        """The words of a text in their order; very long ones are left out."""
        words: list[str] = self._analyzer.analyze(text)
        return words


def write(folder: Path, texts: Iterable[str], *, count: int) -> None:
    """Writes the word index of `count` texts; a text's number is its ordinal.

    A text is its words as an `Analyzer` gives them, with blanks between: finding the stems of words
    takes twice as long as all else, and a passage is written again for every snapshot.
    """
    storage.new_folder(folder)
    try:
        _write(folder, texts, count=count)
    except ValueError as error:  # how tantivy tells of a disk that refuses
        raise OSError(str(error)) from error


def _write(folder: Path, texts: Iterable[str], *, count: int) -> None:
    index = tantivy.Index(_schema(), path=str(folder))
    parted = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("words", parted)
    heap = SMALL_HEAP if count < MANY else HEAP
    writer = index.writer(heap_size=heap, num_threads=1)
    for ordinal, text in enumerate(texts):
        writer.add_document(_record(ordinal, text))
    writer.commit()
    writer.wait_merging_threads()


class Words:
    """An open word index; `count` of its passages have words, the others are furniture."""

    def __init__(self, folder: Path, *, language: str, count: int) -> None:
        self._links: tempfile.TemporaryDirectory[str] | None = None
        try:
            if not os.access(folder, os.W_OK):
                self._links = _linked(folder)
            self._index = tantivy.Index.open(self._links.name if self._links else str(folder))
        except ValueError as error:
            raise IndexDamaged(f"{folder} cannot be read: build again with --full.") from error
        self._analyzer = Analyzer(language)
        self._schema = self._index.schema
        self._index.config_reader(reload_policy="manual", num_warmers=0)
        self._searcher = self._index.searcher()
        self.count = count

    def terms(self, question: str) -> list[str]:
        """The question's words as they are indexed: stemmed, each once, stop words dropped.

        When nothing but stop words is asked, they are kept.
        """
        said = re.findall(r"\w+", question.lower())
        kept = [word for word in said if word not in STOP_WORDS] or said
        return list(dict.fromkeys(self._analyzer.words(" ".join(kept))))

    def frequency(self, term: str) -> int:
        """In how many passages a term stands."""
        return int(self._searcher.doc_freq("body", term))

    def search(
        self, terms: Sequence[str], limit: int, only: Sequence[int] | None = None
    ) -> tuple[Ordinals, Scores]:
        """The best `limit` passages and their BM25, best first; `only` names ordinals."""
        if not terms or limit < 1 or not self.count:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        query = self._query(terms)
        if only is not None:
            query = self._restricted(query, only)
        hits = self._searcher.search(query, limit=limit, count=False).hits
        return self._ordinals(hits)

    def relevance(self, terms: Sequence[str], ordinals: Sequence[int]) -> Scores:
        """BM25 of the given passages, 0 where no term stands."""
        found, scores = self.search(terms, len(ordinals), only=ordinals)
        known = dict(zip(found.tolist(), scores.tolist(), strict=True))
        return np.array([known.get(ordinal, 0.0) for ordinal in ordinals], np.float32)

    def idf(self, term: str) -> float:
        """The inverse document frequency of a term among passages that have words, as in BM25."""
        having = self.frequency(term)
        return math.log(1 + (self.count - having + 0.5) / (having + 0.5))

    def stems(self, text: str) -> set[str]:
        """The words of a text as they are indexed."""
        return set(self._analyzer.words(text))

    def _query(self, terms: Sequence[str]) -> Any:
        queries = [tantivy.Query.term_query(self._schema, "body", term) for term in terms]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])

    def _restricted(self, query: Any, only: Sequence[int]) -> Any:
        among = tantivy.Query.term_set_query(self._schema, "ordinal", list(only))
        return tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Must, query),
                (tantivy.Occur.Must, tantivy.Query.const_score_query(among, 0.0)),
            ]
        )

    def _ordinals(self, hits: Sequence[tuple[float, Any]]) -> tuple[Ordinals, Scores]:
        ordinals = np.array([address.doc for _, address in hits], np.int64)
        return ordinals, np.array([score for score, _ in hits], np.float32)


def _linked(folder: Path) -> "tempfile.TemporaryDirectory[str]":
    """A folder of links to the files of a word index: even to read, tantivy must write a lock."""
    links = tempfile.TemporaryDirectory(prefix="qa-words-")
    for file in folder.iterdir():
        if file.suffix != ".lock":
            (Path(links.name) / file.name).symlink_to(file.resolve())
    return links


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("ordinal", indexed=True)
    builder.add_text_field("body", tokenizer_name="words", index_option="freq")
    return builder.build()


def _record(ordinal: int, text: str) -> Any:
    record = tantivy.Document()
    record.add_unsigned("ordinal", ordinal)
    record.add_text("body", text)
    return record
