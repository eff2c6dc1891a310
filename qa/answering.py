"""Ranked passages -> excerpts, highlights and confidence, or none."""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import mul

import numpy as np

from qa.records import Answer, Excerpt, Highlight
from qa.retrieval import Ranked
from qa.snapshot import Located, Snapshot

# The probability that an excerpt holds an answer: a logistic regression over four features of it
# alone, fitted and reported by bench/quality/fit.py on sets it was not fitted on.
COEFFICIENTS = (8.0, 8.0, 2.0, 2.0)  # match, best sentence's match, coverage, similarity
INTERCEPT = -9.5
THRESHOLD = 0.5  # `answered` means: more likely than not, the first excerpt holds an answer

HIGHLIGHTS = 3  # sentences of an excerpt that are marked, at most
NEARLY_BEST = 0.93  # a sentence is marked beside the best when its match is at least this share


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


def features(ranked: Ranked) -> tuple[float, float, float, float]:
    """What the confidence is computed from, each about 0 to 1."""
    strongest = float(ranked.strengths.max(initial=0))
    return ranked.match, strongest, ranked.coverage, ranked.similarity


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
        highlights=highlights(text, start, segment.sentence_ends(row), ranked.strengths),
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


def highlights(
    text: str, start: int, ends: Sequence[int], strengths: "np.typing.NDArray[np.float32]"
) -> tuple[Highlight, ...]:
    """The sentences that answer best, best first; `start` and `ends` are in the document."""
    order = np.argsort(-strengths, kind="stable")
    best = float(strengths[order[0]]) if len(order) else 0.0
    spans = list(pairwise([start, *ends]))
    found = []
    for at in order[:HIGHLIGHTS]:
        strength = float(strengths[at])
        if strength <= 0 or strength < best * NEARLY_BEST:
            break
        first, last = spans[at]
        blank = len(text[first - start : last - start]) - len(
            text[first - start : last - start].lstrip()
        )
        found.append(Highlight(first + blank, last, round(strength, 4)))
    return tuple(found)
