"""Document -> Passages: runs of whole sentences that respect the document's structure.

A passage never crosses a page or a heading. Tables, lists and code stay whole where they fit. A
sentence longer than the encoder's window is cut at spaces. Passages cover every non-blank character,
and none is longer than `LONGEST`, however few tokens it has.

The text is never altered. What helps ranking (the title and headings above a passage, the names of
columns, words joined over a line-end hyphen) goes into the ranking text only, which remembers where
each sentence ends in it.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from math import ceil
from typing import NamedTuple

from qa.boundaries import boundaries
from qa.records import Block, Document, Kind, Passage

TokenEnds = Callable[[str], Sequence[int]]
"""text -> where each of its tokens ends, in order"""

VERSION = 13  # grows when the same document gives other passages or ranking texts
LONGEST = 4_000  # characters of a passage; English ones seldom have more than 1,400
STRETCH = 100_000  # characters of a block that are split at a time
LEAST_SHARE = 4  # a run shorter than this part of the limit does not stand alone
UNCUT_SHARE = 1.22  # a paragraph up to this many times the limit is not cut
WINDOW_MARGIN = 34  # tokens kept free for the context in front of a passage, [CLS] and [SEP]
CONTEXT_CHARACTERS = 120
COLUMNS_CHARACTERS = 60  # of them that are kept free for the names of columns
LINE_END_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010\ufffe\x02][ \t]*\r?\n\s*(?=[^\W\d_])")


class Sentence(NamedTuple):
    """A sentence in the document's text, without the blanks around it."""

    start: int
    end: int
    tokens: int


_ALONE = (Kind.ROW, Kind.BOILERPLATE)

Unit = list[Sentence]
"""Sentences that stay together where they fit"""


class RankingText(NamedTuple):
    """What the encoder and the word index read for a passage."""

    text: str
    ends: tuple[int, ...]  # where the context ends, then where each sentence ends, in `text`


def split(
    document: Document, token_ends: TokenEnds, *, limit: int, window: int
) -> Iterator[Passage]:
    """The passages of a document, in order; `limit` and `window` are counted in tokens."""
    language, longest = document.language, window - WINDOW_MARGIN
    for blocks in _sections(document.blocks):
        paragraphs = _paragraphs(document.text, blocks, token_ends, limit, longest, language)
        for run in _packed(paragraphs, min(limit, int(longest / UNCUT_SHARE))):
            ends = tuple(sentence.end for sentence in run)
            place = blocks[-1]
            yield Passage(run[0].start, ends[-1], ends, place.page, place.heading)


def ranking_text(document: Document, passage: Passage, blocks: Sequence[Block]) -> RankingText:
    """The passage with its context in front and its line-end hyphens joined.

    `blocks` are those that the passage overlaps. Boilerplate has no ranking text at all.
    """
    if all(block.kind is Kind.BOILERPLATE for block in blocks):
        return RankingText("", (0,) * (len(passage.sentences) + 1))
    pieces = [_context(document, passage, blocks)]
    ends = [len(pieces[0])]
    start = passage.start
    for end in passage.sentences:
        pieces.append(LINE_END_HYPHEN.sub("", document.text[start:end]))
        ends.append(ends[-1] + len(pieces[-1]))
        start = end
    return RankingText("".join(pieces), tuple(ends))


def overlapping(blocks: Sequence[Block], passage: Passage) -> Sequence[Block]:
    """The blocks that a passage overlaps."""
    first = bisect_right(blocks, passage.start, key=lambda block: block.end)
    last = bisect_left(blocks, passage.end, key=lambda block: block.start)
    return blocks[first:last]


def _sections(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """The blocks whose passages do not cross into others; a bare heading goes with what follows it.

    By itself it says nothing, and is like every question that names it.
    """
    bare: list[Block] = []
    for _, grouped in groupby(blocks, key=_section):
        section = list(grouped)
        if bare and (section[0].page != bare[0].page or section[0].kind in _ALONE):
            yield bare
            bare = []
        bare += section
        if any(block.kind is not Kind.HEADING for block in section):
            yield bare
            bare = []
    if bare:
        yield bare


def _section(block: Block) -> tuple[object, ...]:
    """What must be equal for two neighbouring blocks to share a passage."""
    row = block.start if block.kind is Kind.ROW else None
    return block.page, block.heading, block.kind is Kind.BOILERPLATE, row


def _context(document: Document, passage: Passage, blocks: Sequence[Block]) -> str:
    text = document.text[passage.start : passage.end]
    names = _names_above(document.title, passage.heading, text)
    columns = next((block.columns for block in blocks if _needs_columns(block, passage)), "")
    room = CONTEXT_CHARACTERS - min(len(columns) + 2, COLUMNS_CHARACTERS) * bool(columns)
    choices = list(_fewer(names))
    shortest = choices[-1][: CONTEXT_CHARACTERS - COLUMNS_CHARACTERS * bool(columns)]
    kept = next((few for few in choices if len(few) <= room), shortest)
    context = ". ".join(filter(None, (kept, columns)))
    return f"{context[:CONTEXT_CHARACTERS]}\n" if context else ""


def columns_in(context: str, title: str | None, heading: Sequence[str], text: str) -> str:
    """The names of columns in a passage's context, which has the title and headings before them.

    A context is short: where it was cut, so are they, which `…` says.
    """
    choices = list(_fewer(_names_above(title, heading, text)))
    choices += [choices[-1][: CONTEXT_CHARACTERS - COLUMNS_CHARACTERS]]
    for above in (f"{few}. " if few else "" for few in choices):
        if context.startswith(above):
            return context[len(above) :] + ("…" if len(context) == CONTEXT_CHARACTERS else "")
    return ""


def _fewer(names: Sequence[str]) -> Iterator[str]:
    """The names in one line, then fewer of them: the innermost stays, the document's goes last.

    In reports the outer ones are often the lines of a cover, which say nothing of a passage.
    """
    yield ". ".join(names)
    for first in range(2, len(names)):
        yield ". ".join([names[0], *names[first:]])
    if len(names) > 1:
        yield names[-1]


def _names_above(title: str | None, heading: Sequence[str], text: str) -> list[str]:
    """The title and headings that a passage's text does not begin with."""
    names = [name for name in (title or "", *heading) if name]
    beginning = " ".join(text.split()[:40]).lower()
    return [name for name in dict.fromkeys(names) if name.lower() not in beginning]


def _needs_columns(block: Block, passage: Passage) -> bool:
    """True where a passage does not hold the row that names the columns itself."""
    return bool(block.columns) and (block.kind is not Kind.TABLE or block.start < passage.start)


def _paragraphs(
    text: str,
    blocks: Iterable[Block],
    token_ends: TokenEnds,
    limit: int,
    longest: int,
    language: str,
) -> Iterator[list[Unit]]:
    """The section's blocks as units that stay together: sentences of prose, a whole table or list."""
    heading: Unit = []
    for block in blocks:
        sentences = list(_sentences(text, block, token_ends, longest, language))
        if not sentences:
            continue
        if block.kind is Kind.HEADING:
            heading += sentences  # a heading stays with what follows it
            if _fits(heading, limit):
                continue
            sentences, heading = heading, []
        elif heading and not _fits([*heading, sentences[0]], longest):
            yield [[sentence] for sentence in heading]
            heading = []
        is_unit = block.kind in (Kind.TABLE, Kind.LIST, Kind.CODE, Kind.ROW)
        if is_unit and _fits(sentences, limit) and _fits(heading + sentences, longest):
            yield [heading + sentences]
        else:
            yield [[*heading, sentences[0]], *([sentence] for sentence in sentences[1:])]
        heading = []
    if heading:
        yield [heading]


def _fits(unit: Unit, limit: int) -> bool:
    """Whether a unit is short enough to be a passage, in tokens and in characters."""
    return _size([unit]) <= limit and _extent(unit, unit) <= LONGEST


def _packed(paragraphs: Iterable[list[Unit]], limit: int) -> Iterator[list[Sentence]]:
    """Paragraphs gathered in order into runs of at most `limit` tokens and `LONGEST` characters.

    A run gives way to a paragraph that does not fit, unless it is too short to stand alone. One that
    is a little longer than the limit stays whole, a longer one is cut into even pieces. Measured:
    paragraphs kept whole find more than runs filled to the limit (hit@1 +.03 on xquad and excerpts).
    """
    run: list[Unit] = []
    size = 0
    for paragraph in paragraphs:
        more = _size(paragraph)
        full = size + more > limit and size >= limit // LEAST_SHARE
        if run and (full or _extent(run[0], paragraph[-1]) > LONGEST):
            yield list(chain(*run))
            run, size = [], 0
        run += paragraph
        size += more
        if size > limit * UNCUT_SHARE or _extent(run[0], run[-1]) > LONGEST:
            for piece in _even(run, limit):
                yield list(chain(*piece))
            run, size = [], 0
    if run:
        yield list(chain(*run))


def _even(units: Sequence[Unit], limit: int) -> Iterator[list[Unit]]:
    """The units in as few runs of about equal size as the limit allows."""
    total = _size(units)
    count = max(ceil(total / limit), 1)
    piece: list[Unit] = []
    size, cut, before = 0, 1, 0
    for unit in units:
        tokens = _size([unit])
        past_the_cut = before + tokens / 2 > total * cut / count
        too_long = (
            size + tokens > limit * UNCUT_SHARE or _extent((piece or [unit])[0], unit) > LONGEST
        )
        if piece and (past_the_cut or too_long):
            yield piece
            piece, size, cut = [], 0, cut + 1
        piece.append(unit)
        size += tokens
        before += tokens
    yield piece


def _size(units: Iterable[Unit]) -> int:
    return sum(sentence.tokens for unit in units for sentence in unit)


def _extent(first: Unit, last: Unit) -> int:
    """Characters from one unit's beginning to another's end."""
    return last[-1].end - first[0].start


def _sentences(
    text: str, block: Block, token_ends: TokenEnds, longest: int, language: str
) -> Iterator[Sentence]:
    """The block's sentences; one longer than the window is cut at spaces."""
    for first, last in _stretches(text, block.start, block.end):
        part = text[first:last]
        ends = token_ends(part)
        for start, end in boundaries(part, block.kind, language):
            at, to = bisect_right(ends, start), bisect_right(ends, end)
            for cut_start, cut_end in _cut(part, start, end, ends[at:to], longest):
                tokens = bisect_right(ends, cut_end) - bisect_right(ends, cut_start)
                yield Sentence(first + cut_start, first + cut_end, tokens)


def _stretches(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The span, split where it is too long to be one passage: after a line, or a space."""
    while end - start > STRETCH:
        stop = text.rfind("\n", start, start + STRETCH) + 1
        stop = stop or text.rfind(" ", start, start + STRETCH) + 1 or start + STRETCH
        yield start, stop
        start = stop
    yield start, end


def _cut(
    part: str, start: int, end: int, ends: Sequence[int], longest: int
) -> Iterator[tuple[int, int]]:
    """The span itself, or pieces within both limits, cut at spaces where there are any."""
    at = 0
    while len(ends) - at > longest or end - start > LONGEST:
        stop = min(ends[at + longest - 1] if len(ends) - at > longest else end, start + LONGEST)
        space = max(part.rfind(" ", start + 1, stop), part.rfind("\n", start + 1, stop))
        if space > start + (stop - start) // 2:
            stop = space
        yield start, stop
        start = stop + len(part[stop:end]) - len(part[stop:end].lstrip())
        at = bisect_right(ends, start)
    if start < end:
        yield start, end
