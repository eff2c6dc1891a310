"""Passages by their words: BM25. The only importer of tantivy.

One writer thread makes one segment, so that a passage's number in tantivy is its key in the
snapshot, statistics are of the live passages only, and ties are in the order of ordinals.
"""

import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tantivy

from qa import storage
from qa.index.files import openable
from qa.index.identifiers import DIGIT, exact_words
from qa.index.integrity import damaged, reading
from qa.index.runs import Runs
from qa.index.segmentation import asked_grams, grams, is_special, segmented
from qa.languages import ENGLISH

Ordinals = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]

STEMMERS = {
    "ar": "arabic", "da": "danish", "nl": "dutch", "en": "english", "fi": "finnish",
    "fr": "french", "de": "german", "el": "greek", "hu": "hungarian", "it": "italian",
    "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "es": "spanish", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
LONGEST_WORD = 64  # bytes of UTF-8, from which a word is data
HEAP = 1_000_000_000  # bytes; one segment up to about a million passages
SMALL_HEAP = 50_000_000
FREQUENCIES = 16_384  # terms whose frequency is known without looking
TERMS = 4_096  # whose best passages are known without looking
MANY = 20_000  # passages, from which the large heap is worth its memory
FEW_RUNS = 4  # of a filter: ranges of ordinals are looked along (2 ms each among 200,000 passages)
MOST_NAMED = 5_000  # passages of a filter of more runs, each of which is named (1 ms a thousand)
DEEPER = 2  # times as many are looked at as hold as many of a filter, where its passages lie evenly
NO_BOOSTS: Mapping[str, float] = {}

MARK = ":"  # between a word's language and its stem
CONTEXT = "\t"  # between a passage's words and those of them that stand in its context alone


class Analyzer:
    """Texts of one language -> their words as they are indexed: in lower case, stemmed.

    A word carries its language: the German "Rat" is `"de:rat"`, and so no English rat. Words of
    English and those that hold a digit carry none.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._simple = _analyzer(tantivy.Tokenizer.simple(), language)
        self._special = _analyzer(tantivy.Tokenizer.whitespace(), language)

    def words(self, text: str) -> list[str]:
        """The words of a text in their order, then its identifiers; very long ones are left out."""
        return self.stems(text) + _marked(text)

    def stems(self, text: str) -> list[str]:
        """The words of a text without its identifiers; those of special scripts come last."""
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
            if self.language != ENGLISH and is_special(text):
                found = segmented(text, self.language)
                return self._stems(*_parted(word.text for word in found))
        return self._of_language(self._simple.analyze(text))

    def words_of(self, found: Iterable[str]) -> list[str]:
        """The same as `words`, of the words of a question, which were segmented before."""
        if self.language == ENGLISH:
            plain, special = " ".join(found), ""
        else:
            plain, special = _parted(found, asked_grams)
        return self._stems(plain, special) + _marked(plain)

    def names(self, text: str) -> list[str]:
        """The words of a text as names of documents are known by: whatever is their language."""
        words = self.words(text)
        return words if self.language == ENGLISH else [split_term(word)[1] for word in words]

    def line(self, text: str, context: str = "") -> str:
        """The words of a passage's ranking text as `write` takes them; `context` is its beginning."""
        words = " ".join(self.words(text))
        above = set(self.words(context)).difference(self.words(text[len(context) :]))
        return f"{words}{CONTEXT}{' '.join(sorted(above))}" if above else words

    def _stems(self, plain: str, special: str) -> list[str]:
        stems: list[str] = self._simple.analyze(plain)
        return self._of_language(stems + self._special.analyze(special) if special else stems)

    def _of_language(self, stems: list[str]) -> list[str]:
        if self.language == ENGLISH:
            return stems
        return [of_language(stem, self.language) for stem in stems]


def _marked(text: str) -> list[str]:
    """The identifiers of a text that are no words of it."""
    marked = (found for found in exact_words(text) if not found.is_word)
    return [form for found in marked for form in found.in_text]


def _parted(found: Iterable[str], parts: Callable[[str], list[str]] = grams) -> tuple[str, str]:
    """Words with blanks between: those of simple scripts, and what an index has of the others."""
    plain, special = list[str](), list[str]()
    for word in found:
        if is_special(word):
            special += parts(word)
        else:
            plain.append(word)
    return " ".join(plain), " ".join(special)


def _analyzer(tokenizer: Any, language: str) -> Any:
    builder = tantivy.TextAnalyzerBuilder(tokenizer)
    builder = builder.filter(tantivy.Filter.remove_long(LONGEST_WORD))
    builder = builder.filter(tantivy.Filter.lowercase())
    if language in STEMMERS:
        builder = builder.filter(tantivy.Filter.stemmer(STEMMERS[language]))
    return builder.build()


def of_language(stem: str, language: str) -> str:
    """A stem as a word of that language."""
    return stem if language == ENGLISH or DIGIT.search(stem) else f"{language}{MARK}{stem}"


def split_term(term: str) -> tuple[str, str]:
    """The language that a word carries, `""` where it is one of all languages, and its stem."""
    language, mark, stem = term.partition(MARK)
    if mark and not DIGIT.search(term):
        return language, stem
    return "" if DIGIT.search(term) else ENGLISH, term


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

    def __init__(self, index: tantivy.Index, place: Path, *, count: int) -> None:
        self._place = place
        index.config_reader(reload_policy="manual", num_warmers=0)
        self._searcher = index.searcher()
        self._schema = index.schema
        for field, term in (("body", ""), ("context", ""), ("ordinal", 0)):
            tantivy.Query.term_query(self._schema, field, term)  # the field is there
        self.passages = int(self._searcher.num_docs)
        self.frequency = lru_cache(FREQUENCIES)(partial(_frequency, self._searcher, place))
        known = partial(_best_of_term, self._searcher, self._schema, place)
        self._best_of_term = lru_cache(TERMS)(known)
        self.count = count

    @classmethod
    def open(cls, folder: Path, *, count: int) -> "WordIndex":
        """The word index in a folder that `write` wrote. Raises IndexDamaged."""
        with _reading(folder), openable(folder) as place:
            return cls(tantivy.Index.open(str(place)), folder, count=count)

    @classmethod
    def of(cls, lines: Sequence[str]) -> "WordIndex":
        """The word index of lines as `write` takes them, in memory; all of them have words."""
        index = tantivy.Index(_schema())
        _fill(index, lines, count=len(lines))
        return cls(index, Path("memory"), count=len(lines))

    def holding(self, wanted: Sequence[Collection[str]]) -> Ordinals:
        """Every passage whose own text holds one term of each of `wanted`, ascending.

        A million take about a second.
        """
        if not all(wanted) or not wanted or not self.count:
            return np.empty(0, np.int64)
        clauses = [(tantivy.Occur.Must, self._any_of(terms)) for terms in wanted]
        query = tantivy.Query.const_score_query(tantivy.Query.boolean_query(clauses), 0.0)
        with _reading(self._place):
            counted: Any = self._searcher.search(query, limit=1, count=True)
        # equal scores are in the order of passages
        return self._best(query, max(int(counted.count), 1))[0]

    def search(
        self,
        terms: Sequence[str],
        limit: int,
        only: Runs | None = None,
        boosts: Mapping[str, float] = NO_BOOSTS,
    ) -> tuple[Ordinals, Scores]:
        """The best `limit` passages and their BM25, best first; `only` are the ordinals to look among.

        What a term adds is multiplied by its boost, where it has one.
        """
        if not terms or limit < 1 or not self.count:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if len(terms) == 1 and only is None and not boosts:
            return self._best_of_term(terms[0], limit)
        query = self._query(terms, boosts)
        if only is None:
            return self._best(query, limit)
        if len(only.starts) <= FEW_RUNS:
            return self._best(self._restricted(query, self._within(only)), limit)
        if only.size > MOST_NAMED:
            depth = DEEPER * limit * self.passages // only.size
            ordinals, scores = self._best(query, depth)
            kept = only.holds(ordinals)
            if kept.sum() >= limit or len(ordinals) < depth:
                return ordinals[kept][:limit], scores[kept][:limit]
        return self._best(self._restricted(query, self._named(only.numbers.tolist())), limit)

    def relevance(
        self,
        terms: Sequence[str],
        ordinals: Sequence[int],
        boosts: Mapping[str, float] = NO_BOOSTS,
    ) -> Scores:
        """BM25 of the given passages, 0 where no term stands."""
        if not terms or not ordinals or not self.count:
            return np.zeros(len(ordinals), np.float32)
        query = self._restricted(self._query(terms, boosts), self._named(ordinals))
        found, scores = self._best(query, len(ordinals))
        known = dict(zip(found.tolist(), scores.tolist(), strict=True))
        return np.array([known.get(ordinal, 0.0) for ordinal in ordinals], np.float32)

    def _any_of(self, terms: Collection[str]) -> Any:
        """The passages in whose own texts one of the terms stands."""
        queries = map(self._own, sorted(terms))
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])

    def _own(self, term: str) -> Any:
        in_body = tantivy.Query.term_query(self._schema, "body", term)
        above = tantivy.Query.term_query(self._schema, "context", term)
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, in_body), (tantivy.Occur.MustNot, above)]
        )

    def _query(self, terms: Sequence[str], boosts: Mapping[str, float]) -> Any:
        queries = [self._boosted(term, boosts.get(term)) for term in terms]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])

    def _boosted(self, term: str, boost: float | None) -> Any:
        query = tantivy.Query.term_query(self._schema, "body", term)
        return query if boost is None else tantivy.Query.boost_query(query, boost)

    def _restricted(self, query: Any, among: Any) -> Any:
        return tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Must, query),
                (tantivy.Occur.Must, tantivy.Query.const_score_query(among, 0.0)),
            ]
        )

    def _named(self, ordinals: Sequence[int]) -> Any:
        return tantivy.Query.term_set_query(self._schema, "ordinal", list(ordinals))

    def _within(self, runs: Runs) -> Any:
        kind = tantivy.FieldType.Unsigned
        bounds = zip(runs.starts.tolist(), (runs.ends - 1).tolist(), strict=True)
        ranges = [
            tantivy.Query.range_query(self._schema, "ordinal", kind, first, last)
            for first, last in bounds
        ]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, each) for each in ranges])

    def _best(self, query: Any, limit: int) -> tuple[Ordinals, Scores]:
        return _best(self._searcher, self._place, query, limit)


def _best(searcher: Any, place: Path, query: Any, limit: int) -> tuple[Ordinals, Scores]:
    """The best `limit` passages of a query and their scores, best first."""
    with _reading(place):
        hits = searcher.search(query, limit=limit, count=False).hits
    ordinals = np.array([address.doc for _, address in hits], np.int64)
    if len(ordinals) and ordinals.max() >= searcher.num_docs:
        raise damaged(place, "names a passage that is not there")
    return ordinals, np.array([score for score, _ in hits], np.float32)


def _best_of_term(
    searcher: Any, schema: Any, place: Path, term: str, limit: int
) -> tuple[Ordinals, Scores]:
    """The same by one term: the words of documents' names are looked for again and again."""
    found = _best(searcher, place, tantivy.Query.term_query(schema, "body", term), limit)
    for each in found:
        each.setflags(write=False)
    return found


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


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("ordinal", indexed=True, fast=True)  # fast: for ranges
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
