"""Records and token codes of passages that lie in several segments."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from qa.index.segment import PASSAGE, Records, Segment
from qa.index.store import Keys, TokenCodes


class Located(NamedTuple):
    """Where a passage stands."""

    segment: Segment
    row: int
    document: int  # index into the snapshot's documents


def records(segments: Sequence[Segment], numbers: Keys, rows: Keys) -> Records:
    """The records `(n,)` of the passages at `rows` of the segments with these `numbers`, checked."""
    out = np.empty(len(rows), PASSAGE)
    for number in np.unique(numbers):
        here = numbers == number
        segments[number].check(rows[here])
        out[here] = segments[number].records[rows[here]]
    return out


def headings(segments: Sequence[Segment], numbers: Keys, rows: Keys) -> list[tuple[str, ...]]:
    """The headings above these passages, in the same order."""
    found = records(segments, numbers, rows)["heading"].tolist()
    places = list(zip(numbers.tolist(), found, strict=True))
    known = {place: segments[place[0]].heading(place[1]) for place in set(places)}
    return [known[place] for place in places]


def token_codes(segments: Sequence[Segment], numbers: Keys, rows: Keys) -> TokenCodes:
    """The codes of these passages' tokens, in the same order."""
    found = records(segments, numbers, rows)
    tokens = found["tokens"].astype(np.int64)
    counts = found["sentences"].astype(np.int64) + 1
    firsts = np.cumsum(counts) - counts
    passage = np.repeat(np.arange(len(rows)), counts)  # of each run
    sentence = np.arange(len(passage)) - firsts[passage] - 1  # in its passage; -1: the context
    ends = found["context_tokens"].astype(np.int64)[passage]
    for number in np.unique(numbers):
        here = np.flatnonzero((numbers[passage] == number) & (sentence >= 0))
        place = found["first_sentence"].astype(np.int64)[passage[here]] + sentence[here]
        ends[here] = segments[number].sentences["token_end"][place]
    ends += (np.cumsum(tokens) - tokens)[passage]
    places = zip(numbers.tolist(), found["first_token"].tolist(), tokens.tolist(), strict=True)
    codes = [segments[at].codes[first : first + count] for at, first, count in places]
    return TokenCodes(np.concatenate(codes), np.concatenate([[0], ends]), firsts)
