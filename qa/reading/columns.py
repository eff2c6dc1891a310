"""Which row of a table names its columns, and which of them a row has values in."""

import re
from collections.abc import Sequence

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
        and all(len(name) <= NAME_LIMIT for name in names)
        and not any(is_value(name) for name in names if name not in periods)
    )


def columns_of(names: Sequence[str], row: Sequence[str]) -> str:
    """The names of the columns in which a row has values, so that empty cells move nothing."""
    pairs = zip(names, row, strict=False)
    shown = (" ".join(name.split()) for name, cell in pairs if cell.strip())
    return ", ".join(filter(None, shown))


def is_value(cell: str) -> bool:
    """True for numbers, dates and sentences, which name no column."""
    digits = sum(character.isdigit() for character in cell)
    return digits * 2 > len(cell) or cell.endswith((".", "!", "?"))
