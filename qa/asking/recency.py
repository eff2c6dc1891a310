"""Recency: a question for the latest of something prefers, of passages that match alike, the later.

    What did the last meeting decide?     of the minutes of three meetings those of the last
    When does the next ferry go?          likewise: what was written last knows best

A passage's date is its document's, or else one in its path, or else the latest in its text. The clock
is not asked: the same index answers the same tomorrow.
"""

import re
from collections.abc import Iterator

import numpy as np

from qa.index.identifiers import identifiers
from qa.index.store import Keys, Scores, Snapshot, StoredPassage

WEIGHT = 0.7  # standard deviations of relevance between the latest close candidate and the earliest
CLOSE = 0.6  # the same: what is farther behind the first is not moved
_SPAN = r"(?:\d|one\b|two\b|three\b|four\b|five\b|six\b|ten\b|few\b|couple\b|several\b|decade|century|name\b|to\b)"
_LATEST = re.compile(
    r"\b(?:latest|newest|most recent(?:ly)?|upcoming"
    rf"|(?:the|this|our|your|my|its|their|\w+['\u2019]s) (?:very )?(?:last|next)(?! {_SPAN}))\b",
    re.IGNORECASE,
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_IN_PATH = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])(?:[-_.]?([0-2]\d|3[01]))?(?!\d)"
)


def asks_for_latest(question: str) -> bool:
    """Whether a question asks for the latest or the next of something."""
    return bool(_LATEST.search(question))


def dated(snapshot: Snapshot, question: str, keys: Keys) -> Keys | None:
    """How late each passage is dated among these, `(n,)`, 0 for one without a date; else None.

    Of passages from May, March, March and no date it is 2, 1, 1, 0.
    """
    if not asks_for_latest(question):
        return None
    days = [next(_days(passage), "") for passage in snapshot.passages(keys.tolist())]
    known = sorted({day for day in days if day})
    place = {day: at for at, day in enumerate(known, 1)}
    return np.array([place.get(day, 0) for day in days], np.int64)


def preferred(relevance: Scores, places: Keys) -> Scores:
    """The relevance of candidates with that of late ones raised, where they are close to the first."""
    is_close = (relevance >= relevance.max() - CLOSE) & (places > 0)
    known, later = np.unique(places[is_close], return_inverse=True)
    raised = relevance.copy()
    if len(known) > 1:
        raised[is_close] += np.float32(WEIGHT) * (later / (len(known) - 1)).astype(np.float32)
    return raised


def _days(passage: StoredPassage) -> Iterator[str]:
    """The passage's dates, ISO 8601 and perhaps without a day, the one that counts first."""
    if passage.date:
        yield passage.date[:10]
    for path in passage.paths:
        for year, month, day in _IN_PATH.findall(path):
            yield "-".join(filter(None, (year, month, day)))
    in_text = (form for one in identifiers(passage.text) for form in one.forms[:1])
    yield from sorted((form for form in in_text if _DAY.fullmatch(form)), reverse=True)
