"""highlight(): the sentences of any texts that answer a question or bear on a topic, without an index."""

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter, mul
from typing import NamedTuple

import numpy as np

from qa import splitting, storage
from qa.asking.highlights import NEARLY_BEST, highlights
from qa.asking.questions import encoded_question, spoken, validated_question
from qa.asking.reranking import Ranked, ranking
from qa.asking.retrieval import Candidates
from qa.asking.topics import Topic, is_topic
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoded, Encoder, codebook_of
from qa.errors import SettingsInvalid
from qa.identification import language_of
from qa.index import dense
from qa.index.coding import Coded, encode
from qa.index.lexical import WordIndex
from qa.index.store import TokenCodes
from qa.index.words import Words, analyzer
from qa.languages import ENGLISH
from qa.records import Block, Document, Highlight, Passage
from qa.settings import AUTO, DEFAULT_MODEL, Settings
from qa.splitting import RankingText

SHORT = 200  # characters, up to which a text's language is taken from the others
ENCODED = 2_000  # passages of earlier calls that are kept encoded; about 10 KB each


Features = tuple[float, ...]


class Regression(NamedTuple):
    """The probability that a highlight is right: a logistic regression over its features."""

    coefficients: Features
    intercept: float
    least: (
        float  # the probability from which a highlight is given, unless the caller says otherwise
    )

    def probability(self, features: Features) -> float:
        """The probability, four decimals."""
        logit = self.intercept + sum(map(mul, self.coefficients, features))
        return round(1 / (1 + math.exp(-logit)), 4)


# Both are fitted by bench/quality/highlighting.py, which says on what, and how the least were chosen.
# Of a question's highlight: its passage's evidence, how much weaker the passage's best highlight is
# than the best of all texts, and how much weaker it is than its passage's best.
QUESTIONS = Regression((16.62, -8.64, -29.37), -7.3, 0.2)
# Of a sentence that may bear on a topic: see `Topic.features`.
TOPICS = Regression((10.7, 4.6, 9.76, 1.42), -8.52, 0.4)


class Compared(NamedTuple):
    """A sentence, or two neighbours, of a text that a query is compared with."""

    text: int  # which of the texts
    start: int
    end: int
    features: Features


class _Part(NamedTuple):
    """A passage of one of the texts."""

    number: int  # of the text
    text: str  # word for word
    passage: Passage
    read: str  # what the word index reads of it
    coded: Coded
    language: str

    @property
    def sentences(self) -> list[str]:
        """Its sentences, word for word."""
        start = self.passage.start
        bounds = pairwise([0, *(end - start for end in self.passage.sentences)])
        return [self.text[first:last] for first, last in bounds]


def highlight(
    question: str,
    texts: Sequence[str],
    *,
    least: float | None = None,
    settings: Settings | None = None,
) -> list[tuple[Highlight, ...]]:
    """For each text the sentences that answer the question or bear on the topic, best first.

    Offsets are within the text. A highlight's strength is the probability that it answers or bears
    on it, and those below `least` are left out. Unless given, that is precise for a question (.2),
    which a sentence or two answer, and complete for a topic (.4), which is a query without question
    mark, question word or imperative. With 0 every sentence has its strength. A question's highlights are weighed against the best one of all texts,
    and words count as they are rare in them; a topic's stand each for itself. A text that is longer
    than a passage is looked at passage by passage. The first call of all exports the model to the
    user's cache folder.

    The probabilities are the default model's. With another one a strength says how far a sentence is
    behind the best one (0, all others less), the nearest sentences of each text are given, whether
    they answer or not, and there is no `least`. Raises QuestionRefused, SettingsInvalid and ModelMissing.
    """
    highlighter = _highlighter(settings or Settings.from_environment())
    return highlighter.highlight(question, texts, least=least)


class Highlighter:
    """An encoder, ready to highlight; for those who have one, or many questions."""

    def __init__(self, encoder: Encoder, settings: Settings) -> None:
        self._encoder = encoder
        self._codebook = codebook_of(encoder)
        self._settings = settings
        self._coded = lru_cache(maxsize=ENCODED)(self._encode)

    def highlight(
        self, question: str, texts: Sequence[str], *, least: float | None = None
    ) -> list[tuple[Highlight, ...]]:
        """What `highlight` gives, whose docstring says it."""
        question = validated_question(question)
        if least is not None and not 0 <= least <= 1:
            raise SettingsInvalid(f"least is {least}: give a probability from 0 to 1.")
        if self._settings.model != DEFAULT_MODEL:
            return self._nearest(question, texts, least)
        regression = TOPICS if is_topic(question) else QUESTIONS
        least = regression.least if least is None else least
        found: list[list[Highlight]] = [[] for _ in texts]
        for text, start, end, features in self.compared(question, texts):
            strength = regression.probability(features)
            if strength >= least:
                found[text].append(Highlight(start, end, strength))
        return [tuple(sorted(of_text, key=lambda mark: -mark.strength)) for of_text in found]

    def _nearest(
        self, question: str, texts: Sequence[str], least: float | None
    ) -> list[tuple[Highlight, ...]]:
        """The sentences of each text that match best, without a claim that they answer."""
        if least is not None:
            raise SettingsInvalid(
                f"least is a probability, which nobody knows of the model {self._settings.model}: "
                "leave it out."
            )
        found: list[list[Highlight]] = [[] for _ in texts]
        compared = self.compared(question, texts, every=False)
        # Of a topic the first feature is the match; of a question the others are what it lacks.
        bears = is_topic(question)
        matches = [each.features[0] if bears else -sum(each.features[1:]) for each in compared]
        best = max(matches, default=0.0)
        for each, match in zip(compared, matches, strict=True):
            if not bears or match >= NEARLY_BEST * best:
                mark = Highlight(each.start, each.end, round(match - best, 4))
                found[each.text].append(mark)
        return [tuple(sorted(of_text, key=lambda mark: -mark.strength)) for of_text in found]

    def compared(
        self, question: str, texts: Sequence[str], *, every: bool = True
    ) -> list[Compared]:
        """All that may be marked, or the best of each passage, with their features."""
        encoded = self._encoder.encode_question(question)
        common = self._language("\n".join(texts))
        parts = [
            part
            for number, text in enumerate(texts)
            for part in self._parts(number, text, self._language(text, common))
        ]
        if not parts or not len(encoded.tokens):  # some characters are nothing to the model
            return []
        if is_topic(question):
            topic = Topic.of(question, encoded, analyzer(common))
            return [each for part in parts for each in _bearing(topic, part, self._codebook)]
        return list(_answering(parts, self._ranked(question, encoded, parts), every=every))

    def _language(self, text: str, default: str = "") -> str:
        """The language of a text; of a short one that of all texts."""
        if self._settings.language != AUTO:
            return self._settings.language
        return default if default and len(text) < SHORT else language_of(text, default or ENGLISH)

    def _parts(self, number: int, text: str, language: str) -> Iterator[_Part]:
        bounds = [match.end() for match in re.finditer(r"\n\s*\n", text)]
        blocks = tuple(
            Block(start, end)
            for start, end in pairwise([0, *bounds, len(text)])
            if text[start:end].strip()
        )
        document = Document("", "text", text, blocks=blocks, language=language)
        for passage in splitting.split(
            document,
            self._encoder.token_ends,
            limit=self._settings.passage_tokens,
            window=self._encoder.window,
        ):
            around = splitting.overlapping(blocks, passage)
            read = splitting.ranking_text(document, passage, around)
            quoted = text[passage.start : passage.end]
            yield _Part(number, quoted, passage, read.text, self._coded(read), language)

    def _encode(self, text: RankingText) -> Coded:
        return encode(self._encoder, self._codebook, text)

    def _ranked(self, question: str, encoded: Encoded, parts: Sequence[_Part]) -> list[Ranked]:
        """Each part, scored as the same passage in an index of these texts would be."""
        coded = [part.coded for part in parts]
        mean = dense.mean([each.vector[None] for each in coded], self._encoder.dim, len(coded))
        numbers = np.arange(len(parts))
        found = Candidates(numbers, numbers, np.zeros(len(parts), np.float32), numbers)
        lines = [" ".join(analyzer(part.language).words(part.read)) for part in parts]
        languages = {part.language for part in parts}
        words = Words(languages, len(parts), WordIndex.of(lines).frequency)
        how = spoken(question, self._encoder, words.languages)
        asked = encoded_question(question, encoded, words, mean, spoken=how)
        ranked = ranking(self._codebook, asked, found, _token_codes(coded))
        return [
            each.with_words(words, asked, "", part.sentences, language=part.language)
            for part, each in zip(parts, sorted(ranked, key=attrgetter("key")), strict=True)
        ]


def _bearing(topic: Topic, part: _Part, book: Codebook) -> Iterator[Compared]:
    """Every sentence of a part."""
    features = topic.features(book, part.coded, part.sentences)
    for sentence, end, of_sentence in zip(
        part.sentences, part.passage.sentences, features, strict=True
    ):
        yield Compared(part.number, end - len(sentence.lstrip()), end, of_sentence)


def _answering(
    parts: Sequence[_Part], ranked: Sequence[Ranked], *, every: bool
) -> Iterator[Compared]:
    """The highlights of all parts."""
    marks = [
        highlights(
            part.text,
            part.passage.start,
            part.passage.sentences,
            each,
            language=part.language,
            every=every,
        )
        for part, each in zip(parts, ranked, strict=True)
    ]
    best = max((of_part[0].strength for of_part in marks if of_part), default=0.0)
    for part, each, of_part in zip(parts, ranked, marks, strict=True):
        top = max((mark.strength for mark in of_part), default=0.0)
        for start, end, strength in of_part:
            features = (each.evidence, best - top, top - strength)
            yield Compared(part.number, start, end, features)


def _token_codes(coded: Sequence[Coded]) -> TokenCodes:
    counts = np.array([len(each.bounds) for each in coded])
    starts = np.cumsum([0, *(len(each.codes) for each in coded)])
    ends = [np.array(each.bounds) + start for each, start in zip(coded, starts, strict=False)]
    return TokenCodes(
        codes=np.concatenate([each.codes for each in coded]),
        runs=np.concatenate([[0], *ends]).astype(np.int64),
        firsts=np.cumsum(counts) - counts,
    )


@lru_cache(maxsize=2)
def _highlighter(settings: Settings) -> Highlighter:
    encoder = Encoder(settings.model, settings.precision, folder=storage.user_cache() / "encoders")
    return Highlighter(encoder, settings)
