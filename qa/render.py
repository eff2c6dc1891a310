"""Answer -> text, Markdown, JSON and back. What the command line and the web page share.

JSON says exactly what the answer holds. Text and Markdown are for the eye: control characters and
marks that turn the direction of writing are shown there as signs, never obeyed.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from qa.errors import QuestionsInvalid
from qa.records import Answer, Excerpt, Freshness, Highlight

STALE = {
    Freshness.FRESH: "",
    Freshness.CHANGED: "the file has changed since it was indexed",
    Freshness.GONE: "the file is gone",
    Freshness.UNKNOWN: "not checked: the folder of documents is out of reach",
}
NO_ANSWER = "The documents do not answer this."
NOTHING_NEAR = "No passage comes near it."
NEAREST = "Nearest passages"

# C0 controls have signs of their own in Unicode; the rest, and half characters, become U+FFFD.
_SIGNS = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}
_SIGNS |= dict.fromkeys(
    [*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD
)
_SIGNS |= dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)
_SIGNS[0x7F] = 0x2421
# What a terminal or an editor might obey although JSON lets it stand.
_OBEYED = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_MARKDOWN = re.compile(r"([\\`*_\[\]<>&|~$#!])")
_LINE_LEAD = re.compile(r"^(\d+)([.)])|^([-+=:])")


class Piece(NamedTuple):
    """A stretch of an excerpt's text, and whether it is highlighted."""

    text: str
    highlighted: bool


def to_dict(answer: Answer) -> dict[str, Any]:
    """The answer as values that JSON knows; `from_dict` gives it back."""
    return {
        "question": answer.question,
        "answered": answer.answered,
        "confidence": answer.confidence,
        "excerpts": list(map(excerpt_to_dict, answer.excerpts)),
        "nearest": list(map(excerpt_to_dict, answer.nearest)),
        "snapshot": answer.snapshot,
    }


def excerpt_to_dict(excerpt: Excerpt) -> dict[str, Any]:
    """The excerpt as values that JSON knows."""
    return {
        "path": excerpt.path,
        "paths": list(excerpt.paths),
        "document": excerpt.document,
        "title": excerpt.title,
        "date": excerpt.date,
        "start": excerpt.start,
        "end": excerpt.end,
        "lines": list(excerpt.lines),
        "page": excerpt.page,
        "heading": list(excerpt.heading),
        "text": excerpt.text,
        "highlights": [mark._asdict() for mark in excerpt.highlights],
        "confidence": excerpt.confidence,
        "freshness": excerpt.freshness.value,
    }


def from_dict(said: Mapping[str, Any]) -> Answer:
    """The answer that `to_dict` said. Raises QuestionsInvalid when it is none."""
    try:
        return Answer(
            question=_text(said["question"]),
            answered=bool(said["answered"]),
            confidence=float(said["confidence"]),
            excerpts=tuple(map(_excerpt, said["excerpts"])),
            nearest=tuple(map(_excerpt, said["nearest"])),
            snapshot=_text(said["snapshot"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise QuestionsInvalid(
            "This is not a saved answer: save one with `qa ask ... --json > ANSWER.json`."
        ) from error


def to_json(answer: Answer) -> str:
    """The answer as JSON, keys sorted, ending with a newline: equal answers give equal bytes."""
    return dump(to_dict(answer))


def dump(said: object) -> str:
    """A value as JSON that is safe to print: sorted keys, no bare control characters."""
    text = json.dumps(said, ensure_ascii=False, allow_nan=False, indent=2, sort_keys=True)
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def to_text(answer: Answer) -> str:
    """The answer for a reader; highlighted sentences stand between » and «."""
    lines = [verdict(answer)]
    for number, excerpt in enumerate(answer.excerpts, 1):
        lines += ["", *_text_block(number, excerpt)]
    if answer.nearest:
        lines += ["", f"{NEAREST}:"]
    for number, excerpt in enumerate(answer.nearest, len(answer.excerpts) + 1):
        whole = () if answer.answered else _text_block(number, excerpt)
        lines += ["", *whole] if whole else [f"[{number}] {citation(excerpt)}"]
    return "\n".join(lines) + "\n"


def to_markdown(answer: Answer) -> str:
    """The answer as Markdown: numbered quotations, highlights in bold, each with its citation."""
    parts = [f"# {_escaped(printable(one_line(answer.question)))}", _escaped(verdict(answer))]
    parts += [_markdown_block(n, excerpt) for n, excerpt in enumerate(answer.excerpts, 1)]
    if answer.nearest:
        parts.append(f"## {NEAREST}")
    first = len(answer.excerpts) + 1
    parts += [_markdown_block(n, excerpt) for n, excerpt in enumerate(answer.nearest, first)]
    return "\n\n".join(parts) + "\n"


def verdict(answer: Answer) -> str:
    """One line: answered or not, and how sure that is."""
    if answer.answered:
        return f"Answered; the first excerpt answers with a probability of {answer.confidence:.0%}."
    if not answer.nearest:
        return f"{NO_ANSWER} {NOTHING_NEAR}"
    return (
        f"{NO_ANSWER} (The nearest passage answers with a probability of {answer.confidence:.0%}.)"
    )


def citation(excerpt: Excerpt) -> str:
    """Where the excerpt stands, in one printable line: title, path, page, lines, heading."""
    first, last = excerpt.lines
    parts = [excerpt.path]
    if excerpt.page is not None:
        parts.append(f"page {excerpt.page}")
    parts.append(f"line {first}" if first == last else f"lines {first}-{last}")
    if excerpt.heading:
        parts.append(f"under {' > '.join(excerpt.heading)}")
    said = ", ".join(parts)
    if excerpt.title and excerpt.title != excerpt.path:
        said = f"{excerpt.title} ({said})"
    return printable(one_line(said))


def notes(excerpt: Excerpt) -> list[str]:
    """What else a reader should know of the excerpt: its confidence, a stale file, its copies."""
    said = [f"confidence {excerpt.confidence:.0%}"]
    if STALE[excerpt.freshness]:
        said.append(STALE[excerpt.freshness])
    if others := [path for path in excerpt.paths if path != excerpt.path]:
        said.append(f"the same text in {', '.join(others)}")
    return [printable(one_line(note)) for note in said]


def quotation(excerpt: Excerpt) -> str:
    """The excerpt for a reader: its text, then its citation."""
    return f"{printable(excerpt.text).strip()}\n({citation(excerpt)})"


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


def printable(text: str) -> str:
    r"""The text with a visible sign for each character that a terminal would obey.

    `printable("a\x1b[31mb")` is `"a␛[31mb"`. Newlines and tabs stay; CR LF and CR end a line.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_SIGNS)


def one_line(text: str) -> str:
    """The text with each run of blanks and line ends as one space."""
    return " ".join(text.split())


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
    said = "".join(f"»{text}«" if marked else text for text, marked in _tight(excerpt))
    lines = printable(said).strip("\n").split("\n")
    quote = [f"    {line}".rstrip() for line in lines]
    return [f"[{number}] {citation(excerpt)}", *quote, f"    ({'; '.join(notes(excerpt))})"]


def _tight(excerpt: Excerpt) -> Iterator[Piece]:
    """The pieces, with the blanks at the ends of a highlight outside it."""
    for text, marked in pieces(excerpt):
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
        _bold(text) if marked else _escaped(printable(text)) for text, marked in _tight(excerpt)
    ]
    lines = [_LINE_LEAD.sub(_lead, line.strip()) for line in "".join(parts).strip().split("\n")]
    quote = "\n".join(
        f"> {line}\\" if line and after else f"> {line}".rstrip()
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
    )
    place = f"**[{number}]** {_escaped(citation(excerpt))}  "
    proof = f"characters {excerpt.start}-{excerpt.end} of SHA-256 `{excerpt.document}`"
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


def _excerpt(said: Mapping[str, Any]) -> Excerpt:
    first, last = map(int, said["lines"])
    return Excerpt(
        text=_text(said["text"]),
        start=int(said["start"]),
        end=int(said["end"]),
        highlights=tuple(
            Highlight(int(mark["start"]), int(mark["end"]), float(mark["strength"]))
            for mark in said["highlights"]
        ),
        confidence=float(said["confidence"]),
        document=_text(said["document"]),
        path=_text(said["path"]),
        paths=tuple(map(_text, said["paths"])),
        title=_text(said["title"]),
        date=None if said["date"] is None else _text(said["date"]),
        lines=(first, last),
        page=None if said["page"] is None else int(said["page"]),
        heading=tuple(map(_text, said["heading"])),
        freshness=Freshness(said["freshness"]),
    )


def _text(said: object) -> str:
    if not isinstance(said, str):
        raise TypeError(f"{said!r} is not a text")
    return said
