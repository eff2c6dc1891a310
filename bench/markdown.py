"""What the reports write: tables, and the parts of the README that they own."""

from collections.abc import Iterable, Sequence
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def put(part: str, author: str, result: str) -> None:
    """Puts the text into the README between the marks of that part; ValueError without them."""
    begin, end = f"<!-- begin of {part}, written by {author} -->", f"<!-- end of {part} -->"
    text = README.read_text(encoding="utf-8")
    first, last = text.index(begin) + len(begin), text.index(end)
    README.write_text(f"{text[:first]}\n{result}\n{text[last:]}", encoding="utf-8")
