"""Records: each line of a CSV or TSV file, each object of a JSONL file is a row of its own.

A CSV file's text is the decoded file, so a row is quoted with its commas and quotation marks. A
JSONL file's text is drafted from the values, because its escapes are not what it says.
"""

import csv
import json
import re
from collections.abc import Iterator
from itertools import islice

from qa.errors import ReadFailed
from qa.reading.columns import heads_of
from qa.reading.content import Content, Draft
from qa.reading.decoding import decode
from qa.records import Block, Kind

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SEPARATOR = re.compile(r"\s*\"?sep=([^\r\n\"])\"?[ \t]*(?:\r\n|\r|\n)", re.IGNORECASE)  # for Excel
_TITLES = 5  # rows of one cell that may stand above the names of columns
_DELIMITERS = ",;\t|"
_FIELD_LIMIT = 1 << 30  # characters: a field may be as long as its file
_DEPTH_LIMIT = 100


def read_csv(data: bytes, name: str) -> Content:
    """The content of a file of separated values; its first row may name the columns."""
    text = decode(data)
    csv.field_size_limit(_FIELD_LIMIT)
    named = _SEPARATOR.match(text)
    first = named.end() if named else 0  # where the rows begin
    rows = text[first:]
    delimiter = "\t" if name.lower().endswith((".tsv", ".tab")) else _delimiter(rows)
    delimiter = named[1] if named else delimiter
    above, heads, header = _header(rows, delimiter)
    columns = ", ".join(filter(None, header))
    blocks = [
        Block(first + start, first + end, Kind.ROW, columns=columns)
        for start, end in _spans(rows, delimiter)
    ]
    if header:
        blocks[:above] = [block._replace(kind=Kind.PROSE, columns="") for block in blocks[:above]]
        for at in range(above, above + heads):
            blocks[at] = blocks[at]._replace(kind=Kind.BOILERPLATE, columns="")
    if named:
        blocks.insert(0, Block(0, first, Kind.BOILERPLATE))
    return Content(text, tuple(blocks))


def read_jsonl(data: bytes, _name: str) -> Content:
    """The content of a JSONL file: the values of each object, its keys as columns."""
    draft, broken, known = Draft(), list[int](), dict[tuple[str, ...], str]()
    for number, line in enumerate(_lines(decode(data)), start=1):
        if not line.strip():
            continue
        try:
            pairs = flattened(json.loads(line))
        except (ValueError, RecursionError):
            broken.append(number)
            pairs = [("", line)]
        keys = tuple(key for key, _ in pairs if key)
        columns = known.setdefault(keys, ", ".join(dict.fromkeys(keys)))
        values = (value for _, value in pairs if value.strip())
        draft.add("\t".join(values), Kind.ROW, columns=columns)
    return draft.content(note=_note_of(broken))


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends; not by `io.StringIO`, which takes four bytes a character."""
    return (found[0] for found in _LINE.finditer(text))


def _note_of(broken: list[int]) -> str:
    """What a report says of lines that are not JSON; they are kept as they stand."""
    if not broken:
        return ""
    first = ", ".join(map(str, broken[:5])) + (" ..." if len(broken) > 5 else "")
    return f"not JSON, kept as text: line{'s' if len(broken) > 1 else ''} {first}"


def _rows(text: str, delimiter: str) -> Iterator[tuple[list[str], int]]:
    """Each record's cells, and how many lines were read when it ended."""
    reader = csv.reader(_lines(text), delimiter=delimiter)
    try:
        for cells in reader:
            yield cells, reader.line_num
    except csv.Error as error:
        raise ReadFailed(f"line {reader.line_num} is not separated values: {error}") from error


def _spans(text: str, delimiter: str) -> Iterator[tuple[int, int]]:
    """Where each record stands in the text, from its first line to its last."""
    lines, read, at = _lines(text), 0, 0
    for cells, line in _rows(text, delimiter):
        length = sum(len(part) for part in islice(lines, line - read))
        if cells:
            yield at, at + length
        at, read = at + length, line


def _delimiter(text: str) -> str:
    """The sign that cuts the first rows into the most columns, the same number in nearly all."""

    def columns(delimiter: str) -> tuple[float, int]:
        rows = _rows(text[:20_000], delimiter)
        widths = [len(cells) for cells, _ in islice(rows, 30) if cells]
        widths = widths[:-1] if len(widths) > 2 else widths  # the last may be cut
        usual = max(set(widths), key=widths.count, default=1)
        return (widths.count(usual) / len(widths) if usual > 1 else 0.0), usual

    return max(_DELIMITERS, key=columns)


def _header(text: str, delimiter: str) -> tuple[int, int, list[str]]:
    """How many rows stand above the names of the columns, how many hold them, and the names.

    A first row of different words over another row names them, or several rows do together; there
    are no names where none does. Rows of one cell above are titles.
    """
    rows = [cells for cells, _ in islice(_rows(text[:100_000], delimiter), 50) if cells]
    above = 0
    while above < min(_TITLES, len(rows)) and sum(map(bool, rows[above])) <= 1:
        above += 1
    if len(rows) < above + 2 or sum(map(bool, rows[above])) <= 1:
        above = 0
    heads, names = heads_of(rows[above:])
    return (above, heads, list(names)) if heads else (0, 0, [])


def flattened(value: object) -> list[tuple[str, str]]:
    """The names and the values of all that a JSON value holds, in order.

    Raises ValueError where it is nested too deep.
    """
    pairs: list[tuple[str, str]] = []

    def visit(inner: object, key: str, depth: int) -> None:
        if depth > _DEPTH_LIMIT:
            raise ValueError("nested too deep")
        if isinstance(inner, dict):
            for name, member in inner.items():
                visit(member, str(name), depth + 1)
        elif isinstance(inner, list):
            for member in inner:
                visit(member, key, depth + 1)
        elif inner is not None:
            pairs.append((key, inner if isinstance(inner, str) else json.dumps(inner)))

    visit(value, "", 0)
    return pairs
