"""Which row of a table names its columns, and which of them a row has values in."""

import re
from collections.abc import Sequence

_HEADS = (3, 2)  # rows of names, the upper ones over several columns
NAME_LIMIT = 60  # characters of a column's name
_PERIOD = re.compile(
    r"(?:(?:FY|[QH][1-4]|[A-Z][a-z]{2,8}\.?)[ '/-]?)?(?:19|20)\d\d(?:[/-]\d\d)?[AEP]?"
)


def names_columns(first: Sequence[str], second: Sequence[str]) -> bool:
    """True when `first` reads like the names of the columns over `second`.

    Years and quarters name columns where two or more stand side by side over other values.
    """
    names = [" ".join(cell.split()) for cell in first if cell.strip()]
    periods = [name for name in names if _PERIOD.fullmatch(name)]
    if len(periods) < 2 or any(_PERIOD.fullmatch(cell.strip()) for cell in second):
        periods = []
    return (
        bool(names)
        and len(set(names)) == len(names)
        and len(first) >= len(second)
        and all(_is_name(name) for name in names if name not in periods)
    )


def names_below(heads: Sequence[Sequence[str]], row: Sequence[str]) -> list[str]:
    """The names of columns that several rows of heads make over `row`; none where they do not.

    A name in an upper row goes on to its right over names of the next row that have none above:
    `[["", "Sales", ""], ["Town", "2022", "2023"]]` gives `["Town", "Sales 2022", "Sales 2023"]`.
    """
    lowest = [" ".join(cell.split()) for cell in heads[-1]]
    cells = [" ".join(cell.split()) for head in heads for cell in head if cell.strip()]
    figures = [is_value(cell) for name, cell in zip(lowest, row, strict=False) if name and cell]
    if 2 * sum(figures) < max(len(figures) - 1, 1):  # the first column may name the rows
        return []
    if not all(_is_name(cell) or _PERIOD.fullmatch(cell) for cell in cells):
        return []
    levels, spans = [lowest], False
    for head in reversed(heads[:-1]):
        level, does_span = _over(head, levels[0])
        levels.insert(0, level)
        spans = spans or does_span
    names = [" ".join(dict.fromkeys(filter(None, parts))) for parts in zip(*levels, strict=True)]
    shown = [name for name in names if name]
    return names if spans and len(set(shown)) == len(shown) > 1 else []


def _over(head: Sequence[str], below: Sequence[str]) -> tuple[list[str], bool]:
    """The name in `head` over each one below, and whether one goes over several."""
    names, last, spans = list[str](), "", False
    for at, name in enumerate(below):
        own = " ".join(head[at].split()) if at < len(head) else ""
        if own:
            last = own if name and own != name else ""
        elif name and last:
            spans = True
        names.append(own or (last if name else ""))
    return names, spans and len(head) <= len(below)


def _is_name(cell: str) -> bool:
    """True for what may name a column; a colon follows the labels of a form."""
    return len(cell) <= NAME_LIMIT and not is_value(cell) and not cell.endswith((":", "\uff1a"))


def heads_of(rows: Sequence[Sequence[str]]) -> tuple[int, Sequence[str]]:
    """How many rows at the top of a table name its columns, and the names; 0 where none do."""
    for count in _HEADS:
        if len(rows) > count and (names := names_below(rows[:count], rows[count])):
            return count, names
    named = len(rows) > 1 and names_columns(rows[0], rows[1])
    return (1, rows[0]) if named else (0, [])


def columns_of(names: Sequence[str], row: Sequence[str]) -> str:
    """The names of the columns in which a row has values, so that empty cells move nothing."""
    pairs = zip(names, row, strict=False)
    shown = (" ".join(name.split()) for name, cell in pairs if cell.strip())
    return ", ".join(filter(None, shown))


def is_value(cell: str) -> bool:
    """True for numbers, dates and sentences, which name no column."""
    digits = sum(character.isdigit() for character in cell)
    return digits * 2 > len(cell) or cell.endswith((".", "!", "?"))
