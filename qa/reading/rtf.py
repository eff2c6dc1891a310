r"""Rich text (.rtf) by striprtf: its paragraphs and tables, and what stands apart.

Footnotes, comments, headers and footers are groups of their own within the text: they are taken out
of the sentence that they stand in, and follow the body, each saying what it is.
"""

import re
from collections.abc import Sequence

from striprtf.striprtf import rtf_to_text

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
_BRACE = re.compile(r"\\[\\{}]|[{}]")
_CELL = re.compile(r"\\(?:nest)?cell(?![a-z])")
_ROW = re.compile(r"\\(?:nest)?row(?![a-z])")
_CODE = re.compile(r"\\u(-?\d+)")
_MARK = "\ue001"  # stands for the end of a cell
_PICTURE = re.compile(r"\\pict(?![a-z])")
_LIMIT = 20_000  # groups that are taken apart


def read(data: bytes, _name: str) -> Content:
    """The content of a rich text file."""
    source = data.decode("cp1252", errors="replace")
    source, hidden = _without_hidden(source)
    body, groups = _parted(source)
    draft = Draft()
    _add(draft, _shown(body))
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


def _without_hidden(source: str) -> tuple[str, int]:
    """The source without groups of hidden text, and how many there were."""
    kept, at, count = list[str](), 0, 0
    for found in _HIDDEN.finditer(source):
        if found.start() >= at and count < _LIMIT:
            kept.append(source[at : found.start()])
            at = _end(source, found.start())
            count += 1
    return "".join([*kept, source[at:]]), count


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


def _possible(code: re.Match[str]) -> str:
    """A character by its number; what can be no number of one is the sign for that."""
    # At most 16 bits, with a sign: striprtf would fail on others, and the file with it.
    return code[0] if len(code[1]) < 7 and -(1 << 15) <= int(code[1]) < 1 << 16 else "\\u65533"


def _shown(source: str) -> str:
    """What the source shows, the ends of cells and rows marked."""
    marked = _CELL.sub(r"\\u57345?", _CODE.sub(_possible, source))
    marked = _ROW.sub(lambda found: f"\\par {found[0]}", marked)
    shown: str = rtf_to_text(marked, errors="replace")  # type: ignore[no-untyped-call]
    return with_bullets(shown)


def _add(draft: Draft, text: str) -> None:
    """Add paragraphs and tables."""
    rows = list[list[str]]()
    for line in text.split("\n"):
        if _MARK in line:
            rows.append([cell.strip() for cell in line.split(_MARK)[:-1]])
        elif line.strip():
            _add_rows(draft, rows)
            rows = []
            draft.add(line)
    _add_rows(draft, rows)


def _add_rows(draft: Draft, rows: Sequence[list[str]]) -> None:
    if rows:
        draft.add_table(rows)
