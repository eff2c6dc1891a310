r"""Rich text (.rtf) by striprtf: its paragraphs and tables, and what stands apart.

Footnotes, comments, headers and footers are groups of their own within the text: they are taken out
of the sentence that they stand in, and follow the body, each saying what it is.
"""

import re
from collections.abc import Iterator, Sequence

from striprtf.striprtf import rtf_to_text

from qa.reading.bold import may_head
from qa.reading.content import Content, Draft
from qa.reading.symbols import with_bullets

_TITLE = re.compile(r"\{\\title ([^{}\\]{1,300})\}")
_APART = (  # the group's word, the heading of such blocks, what each begins with
    ("header[lrf]?", "Headers", "Header"),
    ("footer[lrf]?", "Footers", "Footer"),
    (r"(?:\*\\)?footnote", "Footnotes", "Footnote"),
    (r"\*\\annotation", "Comments", "Comment"),
)
_GROUP = re.compile(rf"\{{\s*\\(?:{'|'.join(word for word, _, _ in _APART)})(?![a-z])")
_HIDDEN = re.compile(r"\{(?:\\[a-uw-z][a-z]*-?\d* ?){0,20}+\\v(?![a-z0-9])")
_DELETED = re.compile(r"\{(?:\\[a-z]{1,20}-?\d* ?){0,20}?\\deleted(?![a-z0-9])")
_BRACE = re.compile(r"\\[\\{}]|[{}]")
_CELL = re.compile(r"\\(?:nest)?cell(?![a-z])")
_ROW = re.compile(r"\\(?:nest)?row(?![a-z])")
_CODE = re.compile(r"\\u(-?\d+)")
_MARK = "\ue001"  # stands for the end of a cell
_BOLD = "\ue002"  # stands before a paragraph that is bold as a whole
_LEVELS = "\ue010\ue011\ue012\ue013\ue014\ue015\ue016\ue017\ue018"  # before headings
_MARKS = re.compile(f"[{_BOLD}{_LEVELS}]")
_OUTLINED = re.compile(r"\\outlinelevel([0-8])(?!\d)")
_STYLED = re.compile(r"\\s(\d{1,5})(?!\d)")
_STYLE = re.compile(
    r"\{[^{}]{0,300}?\\s(\d{1,5})(?!\d)[^{}]{0,300}?heading ([1-9])\b", re.IGNORECASE
)
_PARAGRAPH_END = re.compile(r"\\(?:par|sect|page|cell|row)(?![a-z])")
_BOLD_FROM = re.compile(r"(?:[\s{}]|\\(?!b(?![a-z]))[a-z]{1,32}-?\d* ?)*+\\b(?![a-z0-9])")
_BOLD_UNTIL = re.compile(r"\\(?:b0|plain|pard)(?![a-z0-9])|\}")
_WORDS = re.compile(r"(?:\\[a-z]{1,32}-?\d* ?|[{}\s])+")
_ITEM = re.compile(r"(?:[^\w\s]|\(?\w{1,3}[.)])\t")  # a bullet or a number
_NAMELESS_FONT = re.compile(r"\{\s*\\f\d+(?:(?!\\fcharset)[^{}])*\}")  # of a table
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_PICTURE = re.compile(r"\\pict(?![a-z])")
_STYLES = 100_000  # characters in which the styles are looked for
_LIMIT = 20_000  # groups that are taken apart


def read(data: bytes, _name: str) -> Content:
    """The content of a rich text file."""
    source = data.decode("cp1252", errors="replace")
    source, hidden = _without(_HIDDEN, source)
    source, _ = _without(_DELETED, source)
    body, groups = _parted(source)
    draft = Draft()
    _add(draft, _shown(_with_marks(body)))
    begin = _beginning(source)
    for word, heading, name in _APART:
        draft.headings.above = (heading,)
        found = (text for text in groups if re.match(rf"\{{\s*\\{word}(?![a-z])", text))
        shown = (
            " ".join(_shown(f"{begin}{_GROUP.sub('', text, count=1)}").split()) for text in found
        )
        for text in dict.fromkeys(filter(None, shown)):
            draft.add(f"{name}: {text}")
    title = _TITLE.search(source[:20_000])
    pictures = len(_PICTURE.findall(source))
    counts = ((hidden, "passage{} of hidden text"), (pictures, "picture{}"))
    parts = [f"{n} {what.replace('{}', 's' if n > 1 else '')}" for n, what in counts if n]
    note = f"{', '.join(parts)} not read" if parts else ""
    return draft.content(title=title[1].strip() if title else None, note=note)


def _without(groups: re.Pattern[str], source: str) -> tuple[str, int]:
    """The source without the groups that begin so, and how many there were."""
    kept, at, count = list[str](), 0, 0
    for found in groups.finditer(source):
        if found.start() >= at and count < _LIMIT:
            kept.append(source[at : found.start()])
            at = _end(source, found.start())
            count += 1
    return "".join([*kept, source[at:]]), count


def _with_marks(source: str) -> str:
    """The source with marks in front of its headings, and of paragraphs that are bold."""
    levels = {number: int(level) - 1 for number, level in _STYLE.findall(source[:_STYLES])}
    marked = _OUTLINED.sub(lambda found: f"{found[0]} {_written(_LEVELS[int(found[1])])}", source)
    if levels:
        marked = _STYLED.sub(lambda found: _styled(found, levels), marked)
    return "".join(_with_bold(marked)) if marked == source else marked


def _styled(found: re.Match[str], levels: dict[str, int]) -> str:
    at = levels.get(found[1])
    return found[0] if at is None else f"{found[0]} {_written(_LEVELS[at])}"


def _with_bold(source: str) -> Iterator[str]:
    """The source, in which a mark stands in each paragraph that is bold as a whole."""
    at = 0
    for end in _PARAGRAPH_END.finditer(source):
        first = max(at, source.rfind("\\pard", at, end.start()))
        found = _BOLD_FROM.match(source, first, end.start())
        if found:
            until = _BOLD_UNTIL.search(source, found.end(), end.start())
            rest = source[until.end() : end.start()] if until else ""
            if not _WORDS.sub("", rest):
                yield source[at : found.end()]
                yield f" {_written(_BOLD)}"
                at = found.end()
        yield source[at : end.end()]
        at = end.end()
    yield source[at:]


def _written(mark: str) -> str:
    return f"\\u{ord(mark)}?"


def _parted(source: str) -> tuple[str, list[str]]:
    """The source without the groups that stand apart, and these."""
    kept, groups, at = list[str](), list[str](), 0
    for found in _GROUP.finditer(source):
        if found.start() < at or len(groups) >= _LIMIT:
            continue
        end = _end(source, found.start())
        kept.append(source[at : found.start()])
        groups.append(source[found.start() : end])
        at = end
    return "".join([*kept, source[at:]]), groups


def _end(source: str, start: int) -> int:
    """Where the group that begins there ends."""
    depth = 0
    for found in _BRACE.finditer(source, start):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return len(source)


def _beginning(source: str) -> str:
    """The beginning of a file that holds one group alone, with the fonts and the code page."""
    fonts = source.find("{\\fonttbl")
    table = source[fonts : _end(source, fonts)] if fonts >= 0 else ""
    page = re.search(r"\\ansicpg\d+", source[:2000])
    return f"{{\\rtf1\\ansi{page[0] if page else ''}{table} "


def _with_fonts(source: str) -> str:
    """The source with those fonts alone that name their characters: striprtf mistakes others."""
    start = source.find("{\\fonttbl")
    if start < 0:
        return source
    end = _end(source, start)
    return source[:start] + _NAMELESS_FONT.sub("", source[start:end]) + source[end:]


def _possible(code: re.Match[str]) -> str:
    """A character by its number; what can be no number of one is the sign for that."""
    # At most 16 bits, with a sign: striprtf would fail on others, and the file with it.
    return code[0] if len(code[1]) < 7 and -(1 << 15) <= int(code[1]) < 1 << 16 else "\\u65533"


def _shown(source: str) -> str:
    """What the source shows, the ends of cells and rows marked."""
    source = _with_fonts(source).replace("{\\pntext", "{\\listtext")
    marked = _CELL.sub(r"\\u57345?", _CODE.sub(_possible, source))
    marked = _ROW.sub(lambda found: f"\\par {found[0]}", marked)
    shown: str = rtf_to_text(marked, errors="replace")  # type: ignore[no-untyped-call]
    return with_bullets(_PAIR.sub(_joined, shown))


def _joined(pair: re.Match[str]) -> str:
    """The character that a file writes as the two numbers of UTF-16."""
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _add(draft: Draft, text: str) -> None:
    """Add headings, paragraphs, lists and tables."""
    rows, items = list[list[str]](), list[str]()
    lines = [line for line in text.split("\n") if line.strip()]
    for line, below in zip(lines, [*lines[1:], ""], strict=False):
        shown = _MARKS.sub("", line).strip()
        level = _level(line, shown, below)
        if _MARK not in line:
            _add_rows(draft, rows)
            rows = []
        if level or _MARK in line or not _ITEM.match(shown):
            draft.add_list(items)
            items = []
        if _MARK in line:
            rows.append([cell.strip() for cell in _MARKS.sub("", line).split(_MARK)[:-1]])
        elif level:
            draft.enter(level, shown)
        elif _ITEM.match(shown):
            items.append(shown)
        else:
            draft.add(shown)
    _add_rows(draft, rows)
    draft.add_list(items)


def _level(line: str, shown: str, below: str) -> int:
    """The level of a heading, 0 for no heading; a bold line heads what is not bold below it."""
    if found := next((mark for mark in line if mark in _LEVELS), None):
        return _LEVELS.index(found) + 1
    return int(_BOLD in line and may_head(shown) and bool(below) and _BOLD not in below)


def _add_rows(draft: Draft, rows: Sequence[list[str]]) -> None:
    if rows:
        draft.add_table(rows)
