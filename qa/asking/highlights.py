"""Highlights: the sentences of a passage that answer."""

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

import numpy as np

from qa.asking.pronouns import begins_with_pronoun
from qa.asking.reranking import Ranked
from qa.encoding.quantisation import Vectors
from qa.languages import ENGLISH
from qa.records import Highlight
from qa.records.rendering import bare

HIGHLIGHTS = 3  # of an excerpt, at most
NEARLY_BEST = 0.87  # of the best sentence's strength, from which another is marked beside it
JOINT_GAIN = 0.03  # joint gain of two sentences, from which they are one highlight
PRONOUN_JOINT_GAIN = (
    0.0,
    0.01,
)  # the same, where a marked one begins with a pronoun, or the one after it does
PARAGRAPH = re.compile(r"[^\S\n]*\n\s*\n")  # how a sentence begins that begins one
RANK_WEIGHT = 0.07  # of its passage's relevance in a highlight's strength


def highlights(  # noqa: PLR0913 - a passage, its ranking, and two wishes
    text: str,
    start: int,
    ends: Sequence[int],
    ranked: Ranked,
    *,
    headings: Iterable[str] = (),
    language: str = ENGLISH,
    every: bool = False,
) -> tuple[Highlight, ...]:
    """The sentences that answer best, or every one, best first; `start` and `ends` are in the document.

    Two neighbours with no blank line between that match much better together than either alone are
    one highlight, and one that begins with a pronoun goes with the one before. One of the
    `headings` goes with what follows it: where it asks the question, that is the answer.
    Strengths compare over a complete answer: a sentence's own, its passage's match and, for a little,
    its passage's relevance, so that the best sentence of the best passage tends to be first.
    """
    base = ranked.maxsim + RANK_WEIGHT * ranked.relevance
    least = -1.0 if every else max(float(ranked.strengths.max(initial=0)) * NEARLY_BEST, 1e-6)
    order = np.argsort(-ranked.strengths, kind="stable").tolist()[: None if every else HIGHLIGHTS]
    bounds = [start, *ends]
    sentences = [text[first - start : last - start] for first, last in pairwise(bounds)]
    names = {bare(heading) for heading in headings}
    above = {at for at, sentence in enumerate(sentences[:-1]) if bare(sentence) in names}
    marked: set[int] = set()
    found = []
    for at in order:
        strength = float(ranked.strengths[at])
        if strength >= least and at not in marked:
            if at in above and at + 1 not in marked:
                first, last = at, at + 2
            else:
                first, last = _with_neighbour(at, ranked.joint_gains, sentences, marked, language)
            marked.update(range(first, last))
            blanks = len(sentences[first]) - len(sentences[first].lstrip())
            mark = Highlight(bounds[first] + blanks, bounds[last], round(strength + base, 4))
            found.append(mark)
    return tuple(found)


def _with_neighbour(
    at: int,
    joint_gains: Vectors,
    sentences: Sequence[str],
    marked: AbstractSet[int],
    language: str,
) -> tuple[int, int]:
    """The bounds of the sentence, or of it and the neighbour that it needs and that is not marked."""
    best, bounds = 0.0, (at, at + 1)
    for later in (at, at + 1):  # it follows the one before, or the next one follows it
        other = later - 1 if later == at else later
        if 0 < later < len(sentences) and other not in marked:
            begins = begins_with_pronoun(sentences[later], language)
            needed = PRONOUN_JOINT_GAIN[later - at] if begins else JOINT_GAIN
            gained = float(joint_gains[later]) - needed
            if gained >= best and not PARAGRAPH.match(sentences[later]):
                best, bounds = gained, (later - 1, later + 1)
    return bounds
