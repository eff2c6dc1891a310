"""Which row of a table names its columns, and which of them a row has values in."""

from collections.abc import Sequence

NAME_LIMIT = 60  # characters of a column's name


def names_columns(first: Sequence[str], second: Sequence[str]) -> bool:
    """True when `first` reads like the names of the columns over `second`."""
    names = [" ".join(cell.split()) for cell in first if cell.strip()]
    return (
        bool(names)
        and len(set(names)) == len(names)
        and len(first) >= len(second)
        and all(len(name) <= NAME_LIMIT and not _is_value(name) for name in names)
    )


def columns_of(names: Sequence[str], row: Sequence[str]) -> str:
    """The names of the columns in which a row has values, so that empty cells move nothing."""
    pairs = zip(names, row, strict=False)
    return ", ".join(
        " ".join(name.split()) for name, cell in pairs if cell.strip() and name.strip()
    )


def _is_value(cell: str) -> bool:
    """True for numbers, dates and sentences, which name no column."""
    digits = sum(character.isdigit() for character in cell)
    return digits * 2 > len(cell) or cell.endswith((".", "!", "?"))
