"""Ranked passages -> excerpts, highlights and confidence, or none."""

import math
import re
from collections.abc import Iterator, Sequence
from operator import mul

import numpy as np

from qa.records import Answer, Excerpt, Highlight
from qa.retrieval import Ranked
from qa.snapshot import Located, Snapshot

# The probability that an excerpt holds an answer: a logistic regression over two features of the
# excerpt alone, fitted by bench/quality/fit.py on encyclopaedia and speech questions.
COEFFICIENTS = (18.47, 6.31)  # match, coverage
INTERCEPT = -9.59
# With every question asked once with and once without its gold document, of those answered at it 92%
# held an answer in the first excerpt on XQuAD, 79% on the excerpts set and 38% on COVID-QA (where
# other papers may answer too), each on a set that the fit had not seen. Chosen to refuse few that
# have an answer (3%, 18%, 3%); .35 would be right more often on XQuAD (96%) and refuse 8%.
THRESHOLD = 0.2

HIGHLIGHTS = 3  # sentences of an excerpt that are marked, at most
NEARLY_BEST = 0.87  # of the best sentence's strength, from which another is marked beside it
RANK_WEIGHT = 0.1  # of its passage's relevance in a highlight's strength


def answer(snapshot: Snapshot, question: str, ranked: Sequence[Ranked], *, limit: int) -> Answer:
    """The answer that the ranking supports; freshness is not looked at here."""
    excerpts = tuple(_excerpts(snapshot, ranked, limit))
    sure = excerpts[0].confidence if excerpts else 0.0
    served = 0
    if sure >= THRESHOLD:
        served = sum(1 for excerpt in excerpts if excerpt.confidence >= THRESHOLD)
    return Answer(
        question=question,
        answered=served > 0,
        confidence=sure,
        excerpts=excerpts[:served],
        nearest=excerpts[served:],
        snapshot=snapshot.manifest.snapshot,
    )


def features(ranked: Ranked) -> tuple[float, float]:
    """What the confidence is computed from, each about 0 to 1."""
    return ranked.match, ranked.coverage


def confidence(ranked: Ranked) -> float:
    """The probability that the passage holds an answer, four decimals."""
    evidence = INTERCEPT + sum(map(mul, COEFFICIENTS, features(ranked)))
    return round(1 / (1 + math.exp(-evidence)), 4)


def _excerpts(snapshot: Snapshot, ranked: Sequence[Ranked], limit: int) -> Iterator[Excerpt]:
    """The best `limit` passages as excerpts, those of the same words once with all their paths."""
    groups: dict[str, list[Ranked]] = {}
    for candidate in ranked:
        located = snapshot.locate(candidate.ordinal)
        words = " ".join(re.findall(r"\w+", located.segment.text(located.row).casefold()))
        if words not in groups and len(groups) == limit:
            break
        groups.setdefault(words, []).append(candidate)
    for same in groups.values():
        located = snapshot.locate(same[0].ordinal)
        others = [snapshot.locate(other.ordinal).document for other in same]
        paths = [path for number in others for path in snapshot.documents[number].paths]
        yield excerpt(snapshot, same[0], located, tuple(dict.fromkeys(paths)))


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

    Their strengths compare over a whole answer: a sentence's own, its passage's match and, for a
    little, its passage's relevance, so that the best sentence of the best passage tends to be first.
    """
    standing = ranked.match + RANK_WEIGHT * ranked.relevance
    order = np.argsort(-ranked.strengths, kind="stable")[:HIGHLIGHTS].tolist()
    least = max(float(ranked.strengths.max(initial=0)) * NEARLY_BEST, 1e-6)
    bounds = [start, *ends]
    found = []
    for at in order:
        strength = float(ranked.strengths[at])
        if strength >= least:
            first, last = bounds[at], bounds[at + 1]
            sentence = text[first - start : last - start]
            first = last - len(sentence.lstrip())
            found.append(Highlight(first, last, round(strength + standing, 4)))
    return tuple(found)
