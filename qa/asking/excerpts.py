"""Excerpts: reranked passages as they are quoted, and the answer that they make."""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from qa.asking.confidence import THRESHOLD, confidence
from qa.asking.highlights import highlights
from qa.asking.questions import EncodedQuestion
from qa.asking.reranking import Ranked
from qa.index.snapshot import Located, Snapshot
from qa.records import Answer, Excerpt


def answer(
    snapshot: Snapshot, question: EncodedQuestion, ranking: Sequence[Ranked], *, limit: int
) -> Answer:
    """The answer that the ranking supports; freshness is not looked at here."""
    excerpts = tuple(_excerpts(snapshot, question, ranking, limit))
    served = len(list(takewhile(lambda excerpt: excerpt.confidence >= THRESHOLD, excerpts)))
    return Answer(
        question=question.text,
        answered=served > 0,
        confidence=excerpts[0].confidence if excerpts else 0.0,
        excerpts=excerpts[:served],
        nearest=excerpts[served:],
        snapshot=snapshot.manifest.snapshot,
    )


def _excerpts(
    snapshot: Snapshot, question: EncodedQuestion, ranking: Sequence[Ranked], limit: int
) -> Iterator[Excerpt]:
    """The best `limit` passages as excerpts, those of the same words once with all their paths."""
    groups: dict[str, list[Ranked]] = {}
    for candidate in ranking:
        located = snapshot.locate(candidate.ordinal)
        words = " ".join(re.findall(r"\w+", located.segment.text(located.row).casefold()))
        if words not in groups and len(groups) == limit:
            break
        groups.setdefault(words, []).append(candidate)
    for same in groups.values():
        best, located = same[0], snapshot.locate(same[0].ordinal)
        others = [snapshot.locate(other.ordinal).document for other in same]
        paths = [path for number in others for path in snapshot.documents[number].paths]
        sentences = snapshot.sentences(best.ordinal)
        best = best.with_words(snapshot.words, question.terms, *sentences)
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
