"""What a reader makes of a file's bytes, and the drafting of it block by block.

A reader either keeps the decoded file as the text and marks blocks in it, or drafts the text from
the pieces that the format holds. `tidy` sees to it that the blocks are in order, do not overlap and
hold every character that is not blank, whatever the reader did.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from qa.reading.columns import columns_of, heads_of
from qa.records import Block, Kind

BLOCK_LIMIT = 20_000  # characters; a longer block is cut at a line's end, so that none is huge
HEADING_LIMIT = 300  # characters of a title or a heading; a longer one is cut
DEPTH_LIMIT = 16  # headings in a path; deeper ones stand in the text alone
COLUMNS_LIMIT = 500  # characters of the names of columns above a row
NOTE_LIMIT = 300  # characters
UNSPLIT_TABLE = 600  # characters of a table that stays one block
_TITLE_LIMIT = 80  # characters of the line above a table that is its title
_OF_CELLS = (Kind.ROW, Kind.TABLE, Kind.BOILERPLATE)

_TEMPLATE_DAYS = ("2013-12-23", "2013-01-27")  # of python-docx and python-pptx
_LONGEST_NAME = 100  # characters of an author
_NOBODY = frozenset(  # whom programs name, their templates' authors among them
    (
        "admin", "administrator", "anonymous", "apache poi", "author", "microsoft office user",
        "none", "openpyxl", "python-docx", "steve canny", "unknown", "unspecified", "user",
        "windows user",
    )
)  # fmt: skip

_ENCODED = 1 << 20  # characters at a time
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")
_NOT_BLANK = re.compile(r"\S")


Box = tuple[float, float, float, float]  # left, top, right, bottom in fractions of the page


@dataclass(frozen=True, slots=True)
class Content:
    """A file's text with its blocks, and what else the file states about itself."""

    text: str
    blocks: tuple[Block, ...]
    title: str | None = None
    date: str | None = None
    pages: int = 0
    pages_without_text: tuple[int, ...] = ()
    note: str = ""  # what a report should say of a file that was read, such as parts left out


def tidy(content: Content) -> Content:
    """The content with blocks as `Document` promises them, and with texts that encode to UTF-8."""
    text = content.text
    if _has_surrogates(text):
        text = _SURROGATE.sub("\ufffd", text)
    blocks = tuple(_cut(text, _cover(text, _limited(content.blocks))))
    return replace(
        content,
        text=text,
        blocks=blocks,
        title=one_line(content.title),
        note=one_line(content.note, NOTE_LIMIT) or "",
    )


def _has_surrogates(text: str) -> bool:
    """True for a text that does not encode to UTF-8, tried in parts for the memory's sake."""
    if text.isascii():
        return False
    try:
        for start in range(0, len(text), _ENCODED):
            text[start : start + _ENCODED].encode()
    except UnicodeEncodeError:
        return True
    return False


def one_line(text: str | None, limit: int = HEADING_LIMIT) -> str | None:
    r"""The text on one line, safe to print, in at most `limit` characters; None when it is blank.

    Its blanks are folded to single spaces: `" a\n b"` becomes `"a b"`.
    """
    line = " ".join(_CONTROL.sub(" ", (text or "").strip()[: 4 * limit]).split())
    line = _SURROGATE.sub("\ufffd", line)
    return (line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…") or None


def _limited(blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks with their headings and columns within limits."""
    paths: dict[tuple[str, ...], tuple[str, ...]] = {}
    names: dict[str, str] = {"": ""}
    for block in blocks:
        place = (block.heading, block.columns)
        if block.heading not in paths:
            titles = (one_line(title) for title in block.heading[:DEPTH_LIMIT])
            paths[block.heading] = tuple(filter(None, titles))
        if block.columns not in names:
            names[block.columns] = one_line(block.columns, COLUMNS_LIMIT) or ""
        heading, columns = paths[block.heading], names[block.columns]
        same = (heading, columns) == place
        yield block if same else block._replace(heading=heading, columns=columns)


def iso_date(value: str | None) -> str | None:
    """The day, month or year with which `value` begins, as ISO 8601; None when it holds none."""
    found = re.match(r"\s*(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?!\d)", value or "")
    if found is None:
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    if month is None or not 1 <= month <= 12:
        return f"{year:04d}"
    return f"{year:04d}-{month:02d}" + (f"-{day:02d}" if day and day <= 31 else "")


def author_line(author: str | None, text: str) -> str:
    """`Author: ...`, where a file's properties name one and its text does not; "" for programs."""
    name = one_line(author) or ""
    is_name = 0 < len(name) <= _LONGEST_NAME and any(map(str.isalpha, name)) and "://" not in name
    folded = name.casefold()
    if not is_name or folded.strip("()") in _NOBODY or name in text or folded in text.casefold():
        return ""
    return f"Author: {name}"


def made_on(created: date | None) -> str | None:
    """The day on which a document says it was made; None for the days of libraries' templates."""
    day = created.isoformat()[:10] if created else None
    return None if day in _TEMPLATE_DAYS else day


def _cover(text: str, blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks trimmed to what is not blank, with the gaps between them as prose."""
    at, heading, page = 0, tuple[str, ...](), None
    for block in blocks:
        start, end, _, following, below, _ = block
        if start > at and not text[at:start].isspace():
            yield from _trimmed(text, Block(at, start, Kind.PROSE, page, heading))
        if at <= start < end and not text[start].isspace() and not text[end - 1].isspace():
            yield block
        else:
            yield from _trimmed(text, block if start >= at else block._replace(start=at))
        at, heading, page = max(at, end), below, following
    yield from _trimmed(text, Block(at, len(text), Kind.PROSE, page, heading))


def _trimmed(text: str, block: Block) -> Iterator[Block]:
    """The block without blanks at its ends; nothing when it is blank."""
    start, end = block.start, block.end
    first = _NOT_BLANK.search(text, start, end)
    if first is None:
        return
    while text[end - 1].isspace():
        end -= 1
    if (first.start(), end) == (start, block.end):
        yield block
    else:
        yield block._replace(start=first.start(), end=end)


def _cut(text: str, blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks, those longer than `BLOCK_LIMIT` in pieces."""
    for block in blocks:
        start = block.start
        while block.end - start > BLOCK_LIMIT:
            end = _cutting_place(text, start, start + BLOCK_LIMIT)
            yield from _trimmed(text, block._replace(start=start, end=end))
            start = end
        if start == block.start:
            yield block
        else:
            yield from _trimmed(text, block._replace(start=start))


def _cutting_place(text: str, start: int, end: int) -> int:
    """The last line's end in text[start:end], or its last space, or `end` where it has neither."""
    for mark in ("\n", "\r", " "):
        found = text.rfind(mark, start + 1, end)
        if found >= 0:
            return found
    return end


def level(value: object, default: int = 1) -> int:
    """The level of a heading as a document gives it; `default` where it gives none."""
    text = str(value).strip()
    return int(text) if re.fullmatch(r"[0-9]{1,3}", text) else default


@dataclass(slots=True)
class Headings:
    """The headings that stand above the place reached so far."""

    path: list[tuple[int, str]] = field(default_factory=list)
    above: tuple[str, ...] = ()  # the titles of the path, outermost first

    def enter(self, level: int, title: str) -> tuple[str, ...]:
        """The heading path once a heading of that level was met."""
        while self.path and self.path[-1][0] >= level:
            self.path.pop()
        folded = one_line(title)
        if folded and len(self.path) < DEPTH_LIMIT:
            self.path.append((level, folded))
        self.above = tuple(title for _, title in self.path)
        return self.above

    def leave(self, level: int) -> None:
        """Leave the headings of that level and below: what follows stands under none of them."""
        while self.path and self.path[-1][0] >= level:
            self.path.pop()
        self.above = tuple(title for _, title in self.path)


@dataclass(slots=True)
class Draft:
    """A text that grows block by block, with an empty line between blocks."""

    headings: Headings = field(default_factory=Headings)
    page: int | None = None
    pieces: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    length: int = 0

    def add(self, text: str, kind: Kind = Kind.PROSE, *, columns: str = "") -> None:
        """Append a block; a blank one leaves no trace."""
        # A tab before a row stands for an empty cell, so that the next one keeps its column.
        text = text.rstrip().lstrip(" \r\n") if kind in _OF_CELLS else text.strip()
        if not text:
            return
        if self.pieces:
            self._append("\n" if self._continues(kind) else "\n\n")
        start = self.length
        self._append(text)
        above = self.headings.above
        self.blocks.append(Block(start, self.length, kind, self.page, above, columns))

    def enter(self, level: int, title: str) -> None:
        """Append a heading, under which stands what is added next."""
        self.headings.enter(level, title)
        self.add(title, Kind.HEADING)

    def add_list(self, items: Iterable[str]) -> None:
        """Append a list; a lead-in that ends with a colon becomes part of its block."""
        leads = bool(self.blocks) and self._leads_in(self.blocks[-1])
        before = len(self.blocks)
        self.add("\n".join(filter(None, (item.strip() for item in items))), Kind.LIST)
        if leads and len(self.blocks) > before:
            listed, lead = self.blocks.pop(), self.blocks.pop()
            self.blocks.append(listed._replace(start=lead.start))

    def add_table(
        self, rows: Iterable[Iterable[str]], *, title: str = "", named: bool = True
    ) -> None:
        """Append a table: a line for each row, tabs between its cells; `named`: by its first rows.

        A small one is one block. The rows of a longer one, and of one with empty cells at its left
        side, are blocks of their own that know the names of their columns and the table's title.
        """
        cells = [[" ".join(cell.split()) for cell in row] for row in rows]
        cells = [row for row in cells if any(row)]
        if not cells:
            return
        lines = ["\t".join(row).rstrip() for row in cells]
        heads, names = heads_of(cells) if named else (0, ())
        small = sum(map(len, lines)) <= UNSPLIT_TABLE and all(row[0] for row in cells)
        if small or not heads:
            self.add("\n".join(lines), Kind.TABLE, columns=", ".join(filter(None, names)))
            return
        above = self.headings.above
        title = one_line(title) or self._title_above()
        self.headings.above = (*above, title) if title else above
        for line in lines[:heads]:
            self.add(line, Kind.BOILERPLATE)
        for row, line in zip(cells[heads:], lines[heads:], strict=True):
            self.add(line, Kind.ROW, columns=columns_of(names, row))
        self.headings.above = above

    def add_content(self, content: Content) -> None:
        """Append what another reader made, with the headings that it gives."""
        if not content.text.strip():
            return
        if self.pieces:
            self._append("\n\n")
        shift = self.length
        self._append(content.text)
        for block in content.blocks:
            start, end = block.start + shift, block.end + shift
            self.blocks.append(block._replace(start=start, end=end, page=self.page))

    def content(
        self,
        *,
        title: str | None = None,
        date: str | None = None,
        author: str | None = None,
        pages: int = 0,
        pages_without_text: tuple[int, ...] = (),
        note: str = "",
    ) -> Content:
        """What was drafted, with its author where nothing in it names him."""
        self.headings, self.page = Headings(), None
        self.add(author_line(author, "".join(self.pieces)), Kind.ROW)
        text, blocks = "".join(self.pieces), tuple(self.blocks)
        return Content(text, blocks, title, date, pages, pages_without_text, note)

    def _append(self, piece: str) -> None:
        self.pieces.append(piece)
        self.length += len(piece)

    def _continues(self, kind: Kind) -> bool:
        return kind is Kind.ROW and bool(self.blocks) and self.blocks[-1].kind is Kind.ROW

    def _title_above(self) -> str:
        """The line just above, where it reads like the title of what follows; else ""."""
        block = self.blocks[-1] if self.blocks else None
        if block is None or block.kind is not Kind.PROSE or not self._is_near(block):
            return ""
        line = self.pieces[-1]
        is_title = len(line) <= _TITLE_LIMIT and "\n" not in line and not line.endswith(".")
        return line.rstrip(":\uff1a") if is_title else ""

    def _is_near(self, block: Block) -> bool:
        return block.heading == self.headings.above and block.page == self.page

    def _leads_in(self, block: Block) -> bool:
        return (
            block.kind is Kind.PROSE
            and self._is_near(block)
            and self.pieces[-1].endswith((":", "："))
        )
