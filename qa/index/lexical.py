"""Passages by their words: BM25. The only importer of tantivy.

One writer thread makes one segment, so that a passage's number in tantivy is its key in the
snapshot, statistics are of the live passages only, and ties are in the order of ordinals.
"""

import math
import os
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tantivy

from qa import storage
from qa.errors import StorageFailed
from qa.index.identifiers import DIGIT, exact_words
from qa.index.integrity import damaged, reading

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
FREQUENCIES = 16_384  # terms whose frequency is known without looking
MANY = 20_000  # passages, from which the large heap is worth its memory


CONTEXT = "\t"  # between a passage's words and those of them that stand in its context alone


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
        """The words of a text in their order, then its identifiers; very long ones are left out."""
        marked = (found for found in exact_words(text) if not found.is_word)
        return self.stems(text) + [form for found in marked for form in found.forms]

    def stems(self, text: str) -> list[str]:
        """The words of a text without its identifiers."""
        stems: list[str] = self._analyzer.analyze(text)
        return stems

    def line(self, text: str, context: str = "") -> str:
        """The words of a passage's ranking text as `write` takes them; `context` is its beginning."""
        words = " ".join(self.words(text))
        above = set(self.words(context)).difference(self.words(text[len(context) :]))
        return f"{words}{CONTEXT}{' '.join(sorted(above))}" if above else words


def write(folder: Path, texts: Iterable[str], *, count: int) -> None:
    """Writes the word index of `count` texts; a text's number is its ordinal.

    A text is its words as `Analyzer.line` gives them, with blanks between: finding the stems of words
    takes twice as long as all else, and a passage is written again for every snapshot.
    """
    storage.new_folder(folder)
    try:
        _fill(tantivy.Index(_schema(), path=str(folder)), texts, count=count)
    except ValueError as error:  # tantivy's error for a disk that refuses
        raise OSError(str(error)) from error


def _fill(index: tantivy.Index, texts: Iterable[str], *, count: int) -> None:
    by_blanks = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("words", by_blanks)
    heap = SMALL_HEAP if count < MANY else HEAP
    writer = index.writer(heap_size=heap, num_threads=1)
    for ordinal, text in enumerate(texts):
        writer.add_document(_record(ordinal, text))
    writer.commit()
    writer.wait_merging_threads()


class WordIndex:
    """An open word index; `count` of its passages have words, the others are boilerplate."""

    def __init__(self, index: tantivy.Index, place: Path, *, language: str, count: int) -> None:
        self._place = place
        index.config_reader(reload_policy="manual", num_warmers=0)
        self._searcher = index.searcher()
        self._searcher.doc_freq("body", "")  # the field is there
        self._has_context = _has_field(self._searcher, "context")
        self._schema = index.schema
        self._analyzer = Analyzer(language)
        self.passages = int(self._searcher.num_docs)
        self._frequency = lru_cache(FREQUENCIES)(partial(_frequency, self._searcher, place))
        self.count = count

    @classmethod
    def open(cls, folder: Path, *, language: str, count: int) -> "WordIndex":
        """The word index in a folder that `write` wrote. Raises IndexDamaged."""
        with _reading(folder), _openable(folder) as place:
            return cls(tantivy.Index.open(str(place)), folder, language=language, count=count)

    @classmethod
    def of(cls, texts: Sequence[str], *, language: str) -> "WordIndex":
        """The word index of texts as they are, in memory; all of them have words."""
        analyzer, index = Analyzer(language), tantivy.Index(_schema())
        _fill(index, (" ".join(analyzer.words(text)) for text in texts), count=len(texts))
        return cls(index, Path("memory"), language=language, count=len(texts))

    def terms(self, question: str) -> list[str]:
        """The question's words as they are indexed: stemmed, each once, stop words dropped.

        When nothing but stop words is asked, they are kept. Of a number with marks between, its
        digits are none: only the number as a whole is.
        """
        found = exact_words(question)
        for one in reversed([each for each in found if each.is_number]):
            question = f"{question[: one.start]} {question[one.end :]}"
        words = re.findall(r"\w+", question.lower())
        kept = [word for word in words if word not in STOP_WORDS] or words
        forms = [form for one in found for form in one.forms]
        return list(dict.fromkeys([*self._analyzer.words(" ".join(kept)), *forms]))

    def frequency(self, term: str) -> int:
        """In how many passages a term stands."""
        return self._frequency(term)

    def holding(self, wanted: Sequence[Collection[str]]) -> Ordinals:
        """Every passage whose own text holds one term of each of `wanted`, ascending.

        A million take about a second; an index of an older version counts titles and headings, too.
        """
        if not all(wanted) or not wanted or not self.count:
            return np.empty(0, np.int64)
        clauses = [(tantivy.Occur.Must, self._any_of(terms)) for terms in wanted]
        query = tantivy.Query.const_score_query(tantivy.Query.boolean_query(clauses), 0.0)
        with _reading(self._place):
            counted: Any = self._searcher.search(query, limit=1, count=True)
            count = int(counted.count)
            hits = self._searcher.search(query, limit=max(count, 1), count=False).hits
        found = self._ordinals(hits)[0]  # equal scores are in the order of passages
        if len(found) and found[-1] >= self.passages:
            raise damaged(self._place, "names a passage that is not there")
        return found

    def search(
        self, terms: Sequence[str], limit: int, only: Sequence[int] | None = None
    ) -> tuple[Ordinals, Scores]:
        """The best `limit` passages and their BM25, best first; `only` names ordinals."""
        if not terms or limit < 1 or not self.count:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        query = self._query(terms)
        if only is not None:
            query = self._restricted(query, only)
        with _reading(self._place):
            hits = self._searcher.search(query, limit=limit, count=False).hits
        ordinals, scores = self._ordinals(hits)
        if len(ordinals) and ordinals.max() >= self.passages:
            raise damaged(self._place, "names a passage that is not there")
        return ordinals, scores

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

    def terms_in(self, text: str, terms: Collection[str]) -> set[str]:
        """Which of the terms stand in a text; identifiers are looked for where a term may be one."""
        is_numbered = any(map(DIGIT.search, terms))
        found = self._analyzer.words(text) if is_numbered else self._analyzer.stems(text)
        return set(found).intersection(terms)

    def _any_of(self, terms: Collection[str]) -> Any:
        """The passages in whose own texts one of the terms stands."""
        queries = map(self._own, sorted(terms))
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])

    def _own(self, term: str) -> Any:
        in_body = tantivy.Query.term_query(self._schema, "body", term)
        if not self._has_context:
            return in_body
        above = tantivy.Query.term_query(self._schema, "context", term)
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, in_body), (tantivy.Occur.MustNot, above)]
        )

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


def _frequency(searcher: Any, place: Path, term: str) -> int:
    with _reading(place):
        return int(searcher.doc_freq("body", term))


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    """Turns tantivy's errors with damaged files, its panics included, into IndexDamaged."""
    try:
        with reading(folder):
            yield
    except Exception:
        raise
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # that of no module that can be imported
            raise
        raise damaged(folder, f"cannot be read ({error})") from error


@contextmanager
def _openable(folder: Path) -> Iterator[Path]:
    """The folder, or where it may only be read one of links to its files.

    Even to read, tantivy must write a lock. It maps every file when it opens them, so that the links
    are not needed from then on, and nothing is left behind by a process that is killed.
    """
    for file in folder.iterdir():
        if not file.name.endswith(".lock"):
            file.open("rb").close()  # raises PermissionError, which tantivy calls by another name
    locks = (folder / name for name in (".tantivy-meta.lock", "."))
    if all(os.access(path, os.W_OK) for path in locks if path.exists()):
        yield folder
        return
    try:
        links = tempfile.TemporaryDirectory(prefix="qa-words-")
    except OSError as error:
        raise StorageFailed(
            "There is no folder for temporary files, which an index needs that may only be read: "
            "name one in TMPDIR."
        ) from error
    with links:
        for file in folder.iterdir():
            if not file.name.endswith(".lock"):
                (Path(links.name) / file.name).symlink_to(file.resolve())
        yield Path(links.name)


def _has_field(searcher: Any, name: str) -> bool:
    try:
        searcher.doc_freq(name, "")
    except ValueError:
        return False
    return True


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("ordinal", indexed=True)
    builder.add_text_field("body", tokenizer_name="words", index_option="freq")
    builder.add_text_field("context", tokenizer_name="words", index_option="basic")
    return builder.build()


def _record(ordinal: int, text: str) -> Any:
    record = tantivy.Document()
    record.add_unsigned("ordinal", ordinal)
    body, _, context = text.partition(CONTEXT)
    record.add_text("body", body)
    if context:
        record.add_text("context", context)
    return record
