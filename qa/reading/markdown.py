"""Markdown by markdown-it-py: the text is the decoded file, the parser's line maps give the blocks.

The markup stays in the text: an excerpt is what stands in the file.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from qa.errors import ReadFailed
from qa.reading import front_matter
from qa.reading.columns import columns_of
from qa.reading.content import HEADING_LIMIT, UNSPLIT_TABLE, Content, Headings, iso_date
from qa.reading.decoding import decode
from qa.records import Block, Kind

_LINE_END = re.compile(r"\r\n?|\n")  # as the parser counts lines
_ATTRIBUTES = re.compile(r"\s*\{[#.:-][^{}]*\}\s*\Z")  # of a heading, as pandoc has them
_MARKUP = re.compile(r"[*_`\[\]<&\\\n]")
_KINDS = {
    "heading_open": Kind.HEADING,
    "bullet_list_open": Kind.LIST,
    "ordered_list_open": Kind.LIST,
    "table_open": Kind.TABLE,
    "fence": Kind.CODE,
    "code_block": Kind.CODE,
    "paragraph_open": Kind.PROSE,
    "blockquote_open": Kind.PROSE,
    "html_block": Kind.PROSE,
    "hr": Kind.BOILERPLATE,
}


def read(data: bytes, _name: str) -> Content:
    """The content of a Markdown file; front matter names title and date.

    It is a row when it has other fields.
    """
    return mark(decode(data))


def mark(text: str, headings: Headings | None = None) -> Content:
    """The text as it is, with blocks where Markdown has them, under the headings that stand above.

    `headings` is taken along: what follows the text stands under its last heading.
    """
    front = front_matter.of(text)
    headings, blocks = Headings() if headings is None else headings, list[Block]()
    if front.end:
        blocks.append(Block(0, front.end, Kind.ROW if front.has_fields else Kind.BOILERPLATE))
    first_heading = None
    lines = _line_starts(text, front.end)
    tokens = _parse(text[front.end :])
    for number, token in enumerate(tokens):
        if token.level or token.map is None or token.type not in _KINDS:
            continue
        if token.type == "heading_open":
            title = _plain(token.meta["title"])
            headings.enter(int(token.tag[1:]), title)
            first_heading = first_heading or title
        begin, end = _span(token, lines)
        if token.type == "table_open":
            blocks += _table(tokens[number:], lines, headings.above)
        else:
            blocks.append(Block(begin, end, _KINDS[token.type], None, headings.above))
    joined = tuple(_with_lead_ins(text, blocks))
    return Content(
        text, joined, front.title or first_heading, iso_date(front.date), note=front.note
    )


def _span(token: Token, lines: Sequence[int]) -> tuple[int, int]:
    """Where the lines of a token begin and end in the text."""
    first, last = token.map or (0, 0)
    return lines[first], lines[min(last, len(lines) - 1)]


def _table(
    tokens: Sequence[Token], lines: Sequence[int], above: tuple[str, ...]
) -> Iterator[Block]:
    """A small table as one block; of a longer one a block for each row, which knows its columns."""
    rows, cells = list[tuple[int, int]](), list[list[str]]()
    start, end = _span(tokens[0], lines)
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append(_span(token, lines))
            cells.append([])
        elif token.type == "inline" and cells:
            cells[-1].append(_plain(token.content))
    if not cells or (end - start <= UNSPLIT_TABLE and all(row[:1] != [""] for row in cells)):
        columns = ", ".join(filter(None, cells[0])) if cells else ""
        yield Block(start, end, Kind.TABLE, None, above, columns)
        return
    yield Block(start, rows[1][0] if len(rows) > 1 else end, Kind.BOILERPLATE, None, above)
    for (first, last), row in zip(rows[1:], cells[1:], strict=True):
        yield Block(first, last, Kind.ROW, None, above, columns_of(cells[0], row))


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table").disable("inline")


@cache
def _inline_parser() -> MarkdownIt:
    return MarkdownIt("commonmark")


def _parse(text: str) -> Sequence[Token]:
    """The block tokens; a heading's has its source under `meta["title"]`."""
    try:
        tokens = _parser().parse(text)
    except RecursionError:
        raise ReadFailed("its Markdown is nested too deep") from None
    for token, following in pairwise(tokens):
        if token.type == "heading_open":
            token.meta["title"] = following.content
    return tokens


def _line_starts(text: str, start: int) -> list[int]:
    """Where each line from `start` on begins, and the text's end."""
    starts = [start, *(found.end() for found in _LINE_END.finditer(text, start))]
    return starts if starts[-1] == len(text) else [*starts, len(text)]


def _with_lead_ins(text: str, blocks: list[Block]) -> list[Block]:
    """The blocks, each list joined with the paragraph above it that ends with a colon."""
    joined: list[Block] = []
    for block in blocks:
        if joined and _leads_in(text, joined[-1], block):
            joined.append(block._replace(start=joined.pop().start))
        else:
            joined.append(block)
    return joined


def _leads_in(text: str, lead: Block, listed: Block) -> bool:
    """True for a paragraph that ends with a colon, above a list of the same section."""
    return (
        (lead.kind, listed.kind) == (Kind.PROSE, Kind.LIST)
        and lead.heading == listed.heading
        and text[lead.start : lead.end].rstrip(" \t\r\n*_").endswith((":", "："))
    )


def _plain(title: str) -> str:
    """A heading's words without the marks of emphasis, code and links."""
    title = title[: 2 * HEADING_LIMIT]  # inline markup takes the square of its length
    title = _ATTRIBUTES.sub("", title)
    if not _MARKUP.search(title):
        return title
    tokens = _inline_parser().parseInline(title)
    children = tokens[0].children or [] if tokens else []
    return "".join(
        " " if child.type.endswith("break") else child.content
        for child in children
        if child.type in ("text", "text_special", "code_inline", "softbreak", "hardbreak")
    )
