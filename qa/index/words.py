"""The words of questions and passages in the languages of an index, and how often they stand in it.

A passage is indexed by the words of its own language. A question is asked in one language and may
be answered in any other, so its words are looked up in each: "Brücken" in passages of German as
`de:bruck`, in those of English as `brücken`.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import zip_longest

from qa.index.identifiers import DIGIT, exact_words
from qa.index.lexical import FREQUENCIES, Analyzer, of_language, split_term
from qa.index.segmentation import segmented
from qa.index.stop_words import is_stop_word
from qa.languages import ENGLISH

SHORT_TEXT = 64  # characters: a word of a question or a heading, which come up again and again
SHORT_TEXTS = 8_192  # whose words are kept once they were found

Form = frozenset[str]
"""what a word may be in the word index: its stem in each language, or the forms of an identifier"""

analyzer = cache(Analyzer)


def _asked(question: str, language: str, looked_up_in: str) -> list[str]:
    """The words of a question as they are looked up in a language; stop words only if all are."""
    words = [word.text for word in segmented(question.lower(), looked_up_in)]
    return [word for word in words if not is_stop_word(word, language)] or words


class Words:
    """The words of an index's languages, and how often they stand in the passages that have words.

    A word is as frequent as it is in all languages together: a name in two German passages is no
    rarer than in two hundred English ones.
    """

    def __init__(
        self, languages: Collection[str], count: int, frequency: Callable[[str], int]
    ) -> None:
        """Of `languages`, in `count` passages; `frequency` tells in how many a term stands."""
        self.languages = tuple(sorted(languages)) or (ENGLISH,)
        self.count = count  # of passages that have words
        self._frequency = frequency
        self._in_all = lru_cache(FREQUENCIES)(self._frequency_in_all)
        self._stems_of_short = lru_cache(SHORT_TEXTS)(self._stems)
        self._forms_of_short = lru_cache(SHORT_TEXTS)(self._forms)

    def terms(self, question: str, language: str = ENGLISH) -> list[str]:
        """The question's words as they are indexed in each language: each once, stop words dropped.

        `language` is the question's own. When nothing but stop words is asked, they are kept. Of a
        number with marks between, its digits are none: only the number as a whole is.
        """
        found = exact_words(question)
        for one in reversed([each for each in found if each.is_number]):
            question = f"{question[: one.start]} {question[one.end :]}"
        terms = [
            term
            for each in self._in_order(language)
            for term in each.words_of(_asked(question, language, each.language))
        ]
        return list(dict.fromkeys([*terms, *(form for one in found for form in one.forms)]))

    def forms(self, text: str, language: str = ENGLISH) -> tuple[Form, ...]:
        """Each word of a text that is no stop word as what it may be in the index.

        One that stands there in parts, as a Korean one does, is as many.
        """
        is_short = len(text) <= SHORT_TEXT
        return (self._forms_of_short if is_short else self._forms)(text, language)

    def _forms(self, text: str, language: str) -> tuple[Form, ...]:
        analyzers = self._in_order(language)
        kept = _asked(text, language, self.segmented)
        found = ([each.words_of([word]) for each in analyzers] for word in kept)
        parts = (part for by_language in found for part in zip_longest(*by_language))
        return tuple(dict.fromkeys(frozenset(filter(None, part)) for part in parts))

    @property
    def segmented(self) -> str:
        """A language by whose rules texts are segmented: English where the index has no other."""
        return next((one for one in self.languages if one != ENGLISH), ENGLISH)

    def stems(self, text: str, language: str | None = None) -> frozenset[str]:
        """The words of a text of that language, or of any, as they are indexed."""
        is_short = len(text) <= SHORT_TEXT
        return (self._stems_of_short if is_short else self._stems)(text, language)

    def _stems(self, text: str, language: str | None) -> frozenset[str]:
        return frozenset(self._analyzed(text, language, Analyzer.words))

    def terms_in(
        self, texts: Iterable[str], terms: Iterable[str], language: str | None = None
    ) -> Iterator[set[str]]:
        """Which of the terms stand in each of the texts, which are of that language, or of any.

        Identifiers are looked for where a term may be one.
        """
        wanted = set(terms)
        how = Analyzer.words if any(map(DIGIT.search, wanted)) else Analyzer.stems
        for text in texts:
            yield wanted.intersection(self._analyzed(text, language, how))

    def of(self, terms: Sequence[str], language: str) -> Sequence[str]:
        """Those of the terms that may stand in a passage of that language."""
        if len(self.languages) == 1:
            return terms
        return [term for term in terms if split_term(term)[0] in ("", language)]

    def frequency(self, term: str) -> int:
        """In how many passages a word stands, of whatever language."""
        return self._frequency(term) if len(self.languages) == 1 else self._in_all(term)

    def idf(self, term: str) -> float:
        """The inverse document frequency of a word among passages that have words, as in BM25."""
        return self._idf(self.frequency(term))

    def boosts(self, terms: Iterable[str]) -> Mapping[str, float]:
        """By what the BM25 of a term is to be multiplied where it counts it in its language alone."""
        if len(self.languages) == 1:
            return {}
        pairs = ((term, self._frequency(term)) for term in terms)
        return {
            term: self.idf(term) / self._idf(own)
            for term, own in pairs
            if own and own != self.frequency(term)
        }

    def _idf(self, having: int) -> float:
        return math.log(1 + (self.count - having + 0.5) / (having + 0.5))

    def _frequency_in_all(self, term: str) -> int:
        language, stem = split_term(term)
        if not language:
            return self._frequency(term)
        return sum(self._frequency(of_language(stem, each)) for each in self.languages)

    def _in_order(self, language: str) -> list[Analyzer]:
        """The analyzers of all languages, that of the question's first."""
        return [analyzer(each) for each in sorted(self.languages, key=lambda one: one != language)]

    def _analyzed(
        self, text: str, language: str | None, how: Callable[[Analyzer, str], list[str]]
    ) -> Iterable[str]:
        languages = self.languages if language is None else (language,)
        if len(languages) == 1:
            return how(analyzer(languages[0]), text)
        return (term for each in languages for term in how(analyzer(each), text))
