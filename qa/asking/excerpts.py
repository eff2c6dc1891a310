"""Ranked passages -> excerpts, highlights and confidence, or none."""

import math
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise, takewhile
from operator import mul

import numpy as np

from qa.asking import scoring
from qa.asking.retrieval import Ranked
from qa.encoding.quantisation import Vectors
from qa.index.snapshot import Located, Snapshot
from qa.records import Answer, Excerpt, Highlight

# The probability that an excerpt holds an answer: a logistic regression over two features, fitted by
# bench/quality/fit.py on question sets that were written for it, over other documents than those
# that this project is measured by.
COEFFICIENTS = (20.49, -54.64)  # evidence, behind
INTERCEPT = -9.63
# With every question asked once with and once without its own document, of those answered at it 91%
# held an answer in the first excerpt on XQuAD, 79% on the excerpts set and 37% on COVID-QA (where
# other papers may answer too); none was fitted on. Chosen to refuse few that have an answer (3%, 18%,
# 4%); .15 would be right more often on XQuAD (94%) and refuse 5%.
THRESHOLD = 0.09

HIGHLIGHTS = 3  # of an excerpt, at most
NEARLY_BEST = 0.87  # of the best sentence's strength, from which another is marked beside it
TOGETHER = 0.03  # that two sentences gain together, from which they are one highlight
NEEDED = (0.0, 0.01)  # the same, where a marked one begins with a pronoun, or the one after it does
PRONOUN = re.compile(
    r"\s*(?:It|They|He|She|This|These|Those|Such|His|Her|Their|Its|The (?:latter|former))\b"
)
PARAGRAPH = re.compile(r"[^\S\n]*\n\s*\n")  # how a sentence begins that begins one
RANK_WEIGHT = 0.07  # of its passage's relevance in a highlight's strength


def answer(snapshot: Snapshot, question: str, ranked: Sequence[Ranked], *, limit: int) -> Answer:
    """The answer that the ranking supports; freshness is not looked at here."""
    terms = snapshot.words.terms(question)
    excerpts = tuple(_excerpts(snapshot, terms, ranked, limit))
    sure = excerpts[0].confidence if excerpts else 0.0
    served = len(list(takewhile(lambda excerpt: excerpt.confidence >= THRESHOLD, excerpts)))
    return Answer(
        question=question,
        answered=served > 0,
        confidence=sure,
        excerpts=excerpts[:served],
        nearest=excerpts[served:],
        snapshot=snapshot.manifest.snapshot,
    )


def features(ranked: Ranked) -> tuple[float, float]:
    """What the confidence is computed from."""
    return ranked.evidence, ranked.behind


def confidence(ranked: Ranked) -> float:
    """The probability that the passage holds an answer, four decimals."""
    evidence = INTERCEPT + sum(map(mul, COEFFICIENTS, features(ranked)))
    return round(1 / (1 + math.exp(-evidence)), 4)


def _excerpts(
    snapshot: Snapshot, terms: Sequence[str], ranked: Sequence[Ranked], limit: int
) -> Iterator[Excerpt]:
    """The best `limit` passages as excerpts, those of the same words once with all their paths."""
    groups: dict[str, list[Ranked]] = {}
    for candidate in ranked:
        located = snapshot.locate(candidate.ordinal)
        words = " ".join(re.findall(r"\w+", located.segment.text(located.row).casefold()))
        if words not in groups and len(groups) == limit:
            break
        groups.setdefault(words, []).append(candidate)
    for same in groups.values():
        best, located = same[0], snapshot.locate(same[0].ordinal)
        others = [snapshot.locate(other.ordinal).document for other in same]
        paths = [path for number in others for path in snapshot.documents[number].paths]
        said = scoring.word_strengths(snapshot.words, terms, *snapshot.sentences(best.ordinal))
        best = best._replace(strengths=best.strengths + said)
        yield excerpt(snapshot, best, located, tuple(dict.fromkeys(paths)))


def excerpt(
    snapshot: Snapshot, ranked: Ranked, located: Located, paths: tuple[str, ...]
) -> Excerpt:
    """A ranked passage as it is quoted."""
    segment, row = located.segment, located.row
    record = segment.records[row]
    live = snapshot.documents[located.document]
    title, date = segment.title(live.place)
    text = segment.text(row)
    start = int(record["start"])
    return Excerpt(
        text=text,
        start=start,
        end=int(record["end"]),
        highlights=highlights(text, start, segment.sentence_ends(row), ranked),
        confidence=confidence(ranked),
        document=live.sha256,
        path=paths[0],
        paths=paths,
        title=title or paths[0].rpartition("/")[2],
        date=date,
        lines=(int(record["line"]), int(record["last_line"])),
        page=int(record["page"]) or None,
        heading=segment.heading(int(record["heading"])),
    )


def highlights(text: str, start: int, ends: Sequence[int], ranked: Ranked) -> tuple[Highlight, ...]:
    """The sentences that answer best, best first; `start` and `ends` are in the document.

    Two neighbours with no blank line between that match much better together than either alone are
    one highlight, and one that begins with an English pronoun goes with the one before.
    Strengths compare over a whole answer: a sentence's own, its passage's match and, for a little,
    its passage's relevance, so that the best sentence of the best passage tends to be first.
    """
    standing = ranked.match + RANK_WEIGHT * ranked.relevance
    least = max(float(ranked.strengths.max(initial=0)) * NEARLY_BEST, 1e-6)
    order = np.argsort(-ranked.strengths, kind="stable")[:HIGHLIGHTS].tolist()
    bounds = [start, *ends]
    sentences = [text[first - start : last - start] for first, last in pairwise(bounds)]
    marked: set[int] = set()
    found = []
    for at in order:
        strength = float(ranked.strengths[at])
        if strength >= least and at not in marked:
            first, last = _with_neighbour(at, ranked.together, sentences, marked)
            marked.update(range(first, last))
            blanks = len(sentences[first]) - len(sentences[first].lstrip())
            mark = Highlight(bounds[first] + blanks, bounds[last], round(strength + standing, 4))
            found.append(mark)
    return tuple(found)


def _with_neighbour(
    at: int, together: Vectors, sentences: Sequence[str], marked: AbstractSet[int]
) -> tuple[int, int]:
    """The bounds of the sentence, or of it and the neighbour that it needs and that is not marked."""
    best, bounds = 0.0, (at, at + 1)
    for later in (at, at + 1):  # it follows the one before, or the next one follows it
        other = later - 1 if later == at else later
        if 0 < later < len(sentences) and other not in marked:
            needed = NEEDED[later - at] if PRONOUN.match(sentences[later]) else TOGETHER
            gained = float(together[later]) - needed
            if gained >= best and not PARAGRAPH.match(sentences[later]):
                best, bounds = gained, (later - 1, later + 1)
    return bounds
