"""Claims: what several passages say in answer to one question.

Asked how many, two sources may count differently. Neither is the other's rival: both answer, and
are told apart from passages that only speak of the same matter.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from qa.asking.figures import counted_word, figures, unit, value
from qa.asking.questions import EncodedQuestion
from qa.asking.quoting import Quoted, sentences
from qa.index.words import Words

COMPARED = 8  # passages, whatever is the limit
NEARLY_BEST = 0.8  # of the best sentence's strength, from which a sentence is looked at
SENTENCES = 3  # of a passage that are looked at
NEARLY_AS_MUCH = 0.8  # of the question's words that the first holds with its figure
BEHIND = -0.05  # the lead, at least, where several things are asked for
OTHER_FIGURE = 0.7  # standard deviations of relevance for another figure than the first passage's


class _Claim(NamedTuple):
    """A sentence that gives a figure."""

    figure: tuple[int, int]  # in the document
    text: str
    share: float  # of the question's words, by idf, that the sentence and its context hold

    def differs(self, first: "_Claim") -> bool:
        """Whether it says as much of what is asked as the first, and says another number."""
        return (
            self.share >= NEARLY_AS_MUCH * first.share
            and unit(self.text) == unit(first.text)
            and value(self.text) != value(first.text)
        )


def told_apart(found: Sequence[Quoted], question: EncodedQuestion, words: Words) -> list[Quoted]:
    """The passages, those that give another figure than the first a little higher.

    What these match less than the first is not held against them. Where the first gives no figure
    for what is counted, all stay as they are.
    """
    counted = _counted(found[0], question, words) if found else None
    if counted is None:
        return list(found)
    claims = [_claim(one, counted, question, words) for one in found]
    first = claims[0]
    if first is None:
        return list(found)
    kept = [found[0]._replace(figure=first.figure)]
    relevance = {}
    for one, claim in zip(found[1:], claims[1:], strict=True):
        differs = claim is not None and claim.differs(first)
        if claim is not None and differs:
            one = one._replace(figure=claim.figure, lead=max(one.lead, 0.0))  # noqa: PLW2901
        relevance[one.ranked.key] = one.ranked.relevance + OTHER_FIGURE * differs
        kept.append(one)
    return kept[:1] + sorted(kept[1:], key=lambda one: -relevance[one.ranked.key])


def beside_each_other(found: Sequence[Quoted]) -> list[Quoted]:
    """The passages where several things are asked for: each may hold one, so none excludes another."""
    return [one._replace(lead=max(one.lead, BEHIND)) for one in found]


def _counted(first: Quoted, question: EncodedQuestion, words: Words) -> str | None:
    """The word that is counted, as the first passage's best sentence has it."""
    best = next(_best_sentences(first), None)
    if best is None:
        return None
    language = first.passage.language
    return counted_word(words.of(question.terms, language), words, best[1], language)


def _claim(one: Quoted, counted: str, question: EncodedQuestion, words: Words) -> _Claim | None:
    """The passage's figure for what is counted, of its best sentence that gives one."""
    for at, sentence in _best_sentences(one):
        language = one.passage.language
        for start, end in figures(sentence, counted, words, language):
            stems = words.stems(f"{one.passage.context} {sentence}", language)
            share = sum(words.idf(term) for term in question.terms if term in stems)
            return _Claim((at + start, at + end), sentence[start:end], share)
    return None


def _best_sentences(one: Quoted) -> Iterator[tuple[int, str]]:
    """The strongest sentences and where they begin in the document, best first."""
    strengths, texts = one.ranked.strengths, sentences(one.passage)
    starts = [one.passage.start, *one.passage.sentences]
    for at in np.argsort(-strengths, kind="stable")[:SENTENCES].tolist():
        if strengths[at] >= NEARLY_BEST * strengths.max():
            yield starts[at], texts[at]
