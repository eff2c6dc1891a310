"""Quoting: a ranking -> the passages that are quoted, copies once."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from qa.asking.confidence import Together, lead
from qa.asking.questions import EncodedQuestion
from qa.asking.reranking import Ranked
from qa.asking.scoring import word_share
from qa.index.store import Snapshot, StoredPassage
from qa.index.words import Words
from qa.languages import ENGLISH
from qa.records import languages


class Quoted(NamedTuple):
    """A passage that is quoted."""

    ranked: Ranked
    passage: StoredPassage
    paths: tuple[str, ...]  # of every document that has it in the same words
    lead: float  # see confidence.lead
    together: Together | None = None  # the question's words; None: the model knows best
    figure: tuple[int, int] | None = None  # where the number stands that answers, in the document


def quoted(
    snapshot: Snapshot, question: EncodedQuestion, ranking: Sequence[Ranked], limit: int
) -> Iterator[Quoted]:
    """The best `limit` passages, those of the same words once with all their paths."""
    stored, unknown = _Stored(snapshot), languages.unknown(snapshot.manifest.languages)
    groups: dict[str, list[tuple[Ranked, StoredPassage]]] = {}
    for ranked, passage, words in stored.of(ranking, limit + 1):
        if words not in groups and len(groups) == limit:
            break
        groups.setdefault(words, []).append((ranked, passage))
    by_match = sorted(ranking, key=lambda each: -each.match)
    for words, same in groups.items():
        best, passage = same[0]
        others = (other for other, _, its_words in stored.of(by_match, 1) if its_words != words)
        yield Quoted(
            best.with_words(
                snapshot.words,
                question,
                passage.context,
                sentences(passage),
                language=passage.language,
            ),
            passage,
            tuple(dict.fromkeys(path for _, other in same for path in other.paths)),
            lead(best, next(others, None)),
            _together(snapshot.words, question, passage, unknown),
        )


def _together(
    words: Words, question: EncodedQuestion, passage: StoredPassage, unknown: Collection[str]
) -> Together | None:
    """The question's words in a passage, where they tell something: in English the model knows best."""
    alone = question.is_unread or passage.language in unknown
    if not alone and (question.language == ENGLISH or passage.language != question.language):
        return None
    share = word_share(words, question.terms, passage.context, sentences(passage), passage.language)
    return Together(share, alone)


class _Stored:
    """The passages of a ranking and their words, read once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._read: dict[int, tuple[StoredPassage, str]] = {}

    def of(
        self, ranking: Iterable[Ranked], many: int
    ) -> Iterator[tuple[Ranked, StoredPassage, str]]:
        """The ranking with its passages, of which so `many` are read at once."""
        rest = iter(ranking)
        while ranked := list(islice(rest, many)):
            missing = [each.key for each in ranked if each.key not in self._read]
            found = self._snapshot.passages(missing) if missing else ()
            for key, passage in zip(missing, found, strict=True):
                self._read[key] = passage, words_of(passage.text)
            yield from ((each, *self._read[each.key]) for each in ranked)


def words_of(text: str) -> str:
    """The words of a text without what stands between them: copies have the same."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def sentences(passage: StoredPassage) -> list[str]:
    """The sentences of a passage, word for word."""
    bounds = pairwise([0, *(end - passage.start for end in passage.sentences)])
    return [passage.text[start:end] for start, end in bounds]
