"""JSON: each object of a list is a row of its own, under the names that lead to the list.

The text is drafted from the values with their names, because JSON's escapes are not what it says.
What is not JSON is read as the text that it is.
"""

import json

from qa.reading import text
from qa.reading.content import Content, Draft
from qa.reading.decoding import decode
from qa.reading.rows import flattened
from qa.records import Kind

_DEPTH_LIMIT = 8  # lists of objects within objects; what is deeper is a value of its object


def read(data: bytes, name: str) -> Content:
    """The content of a JSON file."""
    try:
        value = json.loads(decode(data))
    except (ValueError, RecursionError):
        return text.read(data, name)
    draft = Draft()
    _add(draft, value, 1)
    return draft.content()


def _add(draft: Draft, value: object, level: int) -> None:
    """Add the records of a value; the names within an object are headings where they hold some."""
    if isinstance(value, list) and _is_table(value):
        draft.add_table([list(map(_cell, row)) for row in value])
    elif isinstance(value, list) and _holds_records(value):
        for member in value:
            _add_row(draft, member)
    elif isinstance(value, dict):
        for name, member in value.items():
            if level < _DEPTH_LIMIT and (_holds_records(member) or _is_keyed(member)):
                draft.enter(level, name)
                _add(draft, member, level + 1)
                draft.headings.leave(level)
            elif level < _DEPTH_LIMIT and isinstance(member, dict) and member:
                draft.enter(level, name)
                _add_row(draft, member)
                draft.headings.leave(level)
            else:
                _add_row(draft, {name: member})
    else:
        _add_row(draft, value)


def _is_table(value: object) -> bool:
    """True for a list of rows: lists of plain values, as many in each."""
    if not isinstance(value, list) or len(value) < 2:
        return False
    plain = (str, int, float, bool, type(None))
    rows = [row for row in value if isinstance(row, list)]
    same = len(rows) == len(value) and len({len(row) for row in rows}) == 1 and len(rows[0]) > 1
    return same and all(isinstance(cell, plain) for row in rows for cell in row)


def _is_keyed(value: object) -> bool:
    """True for an object with an object within: the names lead to what that says."""
    return isinstance(value, dict) and any(isinstance(inner, dict) for inner in value.values())


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _holds_records(value: object, depth: int = 0) -> bool:
    """True for a list with objects, and for an object that has one below it."""
    if isinstance(value, list):
        return _is_table(value) or any(isinstance(member, dict) for member in value)
    if isinstance(value, dict) and depth < _DEPTH_LIMIT:
        return any(_holds_records(member, depth + 1) for member in value.values())
    return False


def _add_row(draft: Draft, value: object) -> None:
    """Add a row: each value after its name, where it has one."""
    try:
        pairs = flattened(value)
    except ValueError:
        pairs = [("", json.dumps(value, ensure_ascii=False))]
    cells = [f"{name}: {words}" if name else words for name, words in pairs if words.strip()]
    columns = ", ".join(dict.fromkeys(name for name, _ in pairs if name))
    draft.add("\t".join(cells), Kind.ROW, columns=columns)
