"""Answers as text and Markdown, and the words that terminal and page share.

Both are for the eye: control characters and marks that turn the direction of writing are shown as
signs, never obeyed.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from qa.records.excerpts import Excerpt, Figure, Freshness, Highlight, citation
from qa.records.likelihood import LIKELY, likelihood
from qa.records.places import Places, counted
from qa.records.printable import one_line, printable
from qa.translation import msg, tr

STALE = {
    Freshness.FRESH: "",
    Freshness.CHANGED: msg("the file has changed since it was indexed"),
    Freshness.GONE: msg("the file is gone"),
    Freshness.UNKNOWN: msg("not checked: the folder of documents is out of reach"),
}
PERHAPS = msg("Perhaps:")
NO_ANSWER = msg("The documents do not answer this.")
NOT_RATED = msg(
    "Whether the documents answer this is not known: the model has no calibrated confidence "
    "(`qa model calibrate` gives it one)."
)
NOTHING_NEAR = msg("No passage comes near it.")
NEAREST = msg("Nearest passages")
COLUMNS = msg("columns")
HEADING_LINES = 4  # of one heading, at most
FIGURES = msg("The excerpts give different figures")

_MARKDOWN = re.compile(r"([\\`*_\[\]<>&|~$#!])")
_HEADING_SIGNS = re.compile(r"^\s*#{1,6}\s|\s#+\s*$|[=~^-]{3,}|^\s*=+\s|\s=+\s*$")
_LINE_LEAD = re.compile(r"^(\d+)([.)])|^([-+=:])")


class Shown(Protocol):
    """What is shown of an answer."""

    @property
    def question(self) -> str:
        """What was asked."""

    @property
    def answered(self) -> bool:
        """Whether the documents answer it."""

    @property
    def confidence(self) -> float | None:
        """That of the first excerpt; None where the model has no calibrated one."""

    @property
    def places(self) -> Places | None:
        """What holds the words that are looked for to the letter."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of how the question was taken."""

    @property
    def excerpts(self) -> tuple[Excerpt, ...]:
        """What is served, best first."""

    @property
    def nearest(self) -> tuple[Excerpt, ...]:
        """The rest of the ranking."""

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Different figures that the excerpts give."""


class Piece(NamedTuple):
    """A stretch of an excerpt's text, and whether it is highlighted."""

    text: str
    highlighted: bool


def to_text(answer: Shown) -> str:
    """The answer for a reader; highlighted sentences stand between » and «."""
    lines = [verdict(answer), *remarks(answer)]
    for number, excerpt in enumerate(answer.excerpts, 1):
        lines += ["", *_text_block(number, excerpt)]
    if answer.nearest:
        lines += ["", f"{tr(NEAREST)}:"]
    for number, excerpt in enumerate(answer.nearest, len(answer.excerpts) + 1):
        block = () if answer.answered else _text_block(number, excerpt)
        lines += ["", *block] if block else [f"[{number}] {citation(excerpt)}"]
    return "\n".join(lines) + "\n"


def to_markdown(answer: Shown) -> str:
    """The answer as Markdown: numbered quotations, highlights in bold, each with its citation."""
    parts = [f"# {_escaped(printable(one_line(answer.question)))}", _escaped(verdict(answer))]
    parts += [_escaped(line) for line in remarks(answer)]
    parts += [_markdown_block(n, excerpt) for n, excerpt in enumerate(answer.excerpts, 1)]
    if answer.nearest:
        parts.append(f"## {tr(NEAREST)}")
    first = len(answer.excerpts) + 1
    parts += [_markdown_block(n, excerpt) for n, excerpt in enumerate(answer.nearest, first)]
    return "\n\n".join(parts) + "\n"


def verdict(answer: Shown) -> str:
    """One line: answered or not, and how sure that is."""
    if answer.places and answer.places.listed and answer.places.passages:
        return counted(answer.places)
    if answer.confidence is None:
        return tr(NOT_RATED)
    chance = f"{answer.confidence:.0%}"
    if answer.answered and answer.confidence >= LIKELY:
        return tr(f"Answered; the first excerpt answers with a probability of {chance}.")
    if answer.answered:
        return tr(f"Perhaps: the first excerpt answers with a probability of {chance}.")
    if not answer.nearest:
        return f"{tr(NO_ANSWER)} {tr(NOTHING_NEAR)}"
    nearest = tr(f"(The nearest passage answers with a probability of {chance}.)")
    return f"{tr(NO_ANSWER)} {nearest}"


def notes(excerpt: Excerpt) -> list[str]:
    """What else a reader should know of the excerpt: its confidence, a stale file, its copies."""
    notes = [tr(likelihood(excerpt.confidence))]
    if excerpt.confidence is not None:
        notes[0] += f", {excerpt.confidence:.0%}"
    if STALE[excerpt.freshness]:
        notes.append(tr(STALE[excerpt.freshness]))
    if others := [path for path in excerpt.paths if path != excerpt.path]:
        notes.append(tr(f"the same text in {', '.join(others)}"))
    return [printable(one_line(note)) for note in notes]


def remarks(answer: Shown) -> list[str]:
    """The lines below the verdict: how the question was taken, and figures that differ."""
    lines = list(map(tr, answer.notes))
    if answer.figures:
        lines.append(f"{tr(FIGURES)}: {'; '.join(side_by_side(answer))}.")
    return [printable(one_line(line)) for line in lines]


def shares(parts: Sequence[tuple[str, float]]) -> str:
    """`"reading 5%, encoding 95%"` of `(("reading", 1.0), ("encoding", 19.0))`."""
    total = sum(seconds for _, seconds in parts) or 1.0
    return ", ".join(f"{tr(name)} {seconds / total:.0%}" for name, seconds in parts)


def side_by_side(answer: Shown) -> list[str]:
    """Each of the different figures with its source and the number of its excerpt."""
    numbered = dict(enumerate(answer.excerpts, 1))
    return [
        f"“{figure.text}” ({_source(numbered.get(figure.excerpt))}) [{figure.excerpt}]"
        for figure in answer.figures
    ]


def _source(excerpt: Excerpt | None) -> str:
    """What stands above a figure: the heading, or else the title."""
    return (excerpt.heading or (excerpt.title,))[-1] if excerpt else "?"


def pieces(excerpt: Excerpt) -> Iterator[Piece]:
    """The excerpt's text cut where its highlights begin and end; joined, they are the text.

    Highlights that touch, or have only blanks between them, are one piece.
    """
    at = 0
    for start, end in _runs(excerpt.text, excerpt.start, excerpt.highlights):
        if at < start:
            yield Piece(excerpt.text[at:start], highlighted=False)
        yield Piece(excerpt.text[start:end], highlighted=True)
        at = end
    if at < len(excerpt.text):
        yield Piece(excerpt.text[at:], highlighted=False)


def lead(excerpt: Excerpt) -> int:
    """How many characters at the beginning are titles and headings that the citation has, too.

    None where a highlight is nothing else, or nothing else is there.
    """
    cited = {bare(name) for name in (excerpt.title, *excerpt.heading)}
    lines = excerpt.text.splitlines(keepends=True)
    at = number = 0
    while number < len(lines):
        heights = [
            count
            for count in range(1, HEADING_LINES + 1)
            if bare(" ".join(lines[number : number + count])) in {"", *cited}
        ]
        if not heights:
            break
        at += sum(map(len, lines[number : number + heights[-1]]))
        number += heights[-1]
    is_marked = any(mark.end - excerpt.start <= at for mark in excerpt.highlights)
    return 0 if is_marked or not excerpt.text[at:].strip() else at


def body(excerpt: Excerpt) -> Iterator[Piece]:
    """The pieces without what `lead` counts, as a reader sees them below the citation."""
    left = lead(excerpt)
    for text, highlighted in pieces(excerpt):
        if text[left:]:
            yield Piece(text[left:], highlighted)
        left = max(left - len(text), 0)


def bare(heading: str) -> str:
    """A heading's words, without the signs by which Markdown and its like make it one."""
    words = " ".join(_HEADING_SIGNS.sub(" ", heading).split())
    return words.strip("*_ ").casefold()


def _runs(text: str, offset: int, highlights: Sequence[Highlight]) -> list[tuple[int, int]]:
    """The highlights in order of place, offsets within `text`, neighbours joined."""
    runs: list[tuple[int, int]] = []
    for mark in sorted(highlights):
        start, end = max(mark.start - offset, 0), min(mark.end - offset, len(text))
        if start >= end:
            continue
        if runs and not text[runs[-1][1] : start].strip():
            runs[-1] = (runs[-1][0], max(runs[-1][1], end))
        else:
            runs.append((start, end))
    return runs


def _text_block(number: int, excerpt: Excerpt) -> list[str]:
    tight = _tight(body(excerpt))
    quotation = "".join(f"»{text}«" if marked else text for text, marked in tight)
    lines = [*columns_line(excerpt), *printable(quotation).strip("\n").split("\n")]
    quote = [f"    {line}".rstrip() for line in lines]
    return [f"[{number}] {citation(excerpt)}", *quote, f"    ({'; '.join(notes(excerpt))})"]


def columns_line(excerpt: Excerpt) -> list[str]:
    """The line that names the columns above rows of a table, if one is needed."""
    return [f"({tr(COLUMNS)}: {printable(one_line(excerpt.columns))})"] if excerpt.columns else []


def _tight(parts: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces, with the blanks at the ends of a highlight outside it."""
    for text, marked in parts:
        core = text.strip()
        if not marked or not core:
            yield Piece(text, highlighted=False)
            continue
        before, _, after = text.partition(core)
        yield Piece(before, highlighted=False)
        yield Piece(core, highlighted=True)
        yield Piece(after, highlighted=False)


def _markdown_block(number: int, excerpt: Excerpt) -> str:
    parts = [
        _bold(text) if marked else _escaped(printable(text))
        for text, marked in _tight(pieces(excerpt))
    ]
    lines = [_LINE_LEAD.sub(_lead, line.strip()) for line in "".join(parts).strip().split("\n")]
    quote = "\n".join(
        f"> {line}\\" if line and after else f"> {line}".rstrip()
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
    )
    place = f"**[{number}]** {_escaped(citation(excerpt))}  "
    span, digest = f"{excerpt.start}-{excerpt.end}", excerpt.document
    proof = tr(f"characters {span} of SHA-256 `{digest}`")
    return f"{quote}\n\n{place}\n{_escaped('; '.join(notes(excerpt)))}; {proof}"


def _bold(text: str) -> str:
    """Each line in bold: a run of bold cannot cross a blank line."""
    lines = printable(text).split("\n")
    return "\n".join(f"<b>{_escaped(line.strip())}</b>" if line.strip() else "" for line in lines)


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _lead(found: re.Match[str]) -> str:
    number, dot, sign = found.groups()
    return f"{number}\\{dot}" if number else f"\\{sign}"
