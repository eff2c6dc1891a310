"""Twenty PDF pages of known layout, and how many are read as a person would read them.

Run with `python bench/pdf_layout.py`; it makes its own pages and prints a line for each.
"""

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from qa.reading import read  # noqa: E402  # found by the line above
from qa.records import Document  # noqa: E402  # found by the line above

TEXT = (
    "The harbour froze in January and nine ships waited outside it for the thaw while the mill "
    "ground eleven sacks a day and its wheel of oak turned through the coldest winter that the "
    "town had known since the bridge was built by masons from the northern valley"
)
WORDS = TEXT.split()
Line = tuple[Any, ...]  # x, y, text, and a font with its size where it is not the usual one


class Case(NamedTuple):
    """A page, and the stretches of text that are to be found in it in this order."""

    name: str
    lines: list[Line]
    expected: tuple[str, ...]
    headings: dict[str, str] = {}  # noqa: RUF012  # words -> the innermost heading above them
    turned: int = 0


def prose(name: str, count: int = 6, words: int = 6) -> list[str]:
    """Lines that can be told from those of every other text."""
    return [
        f"{name}{number} " + " ".join(WORDS[(7 * number + n) % len(WORDS)] for n in range(words))
        for number in range(count)
    ]


def column(lines: list[str], x: float, top: float = 700, pitch: float = 14) -> list[Line]:
    """The lines one below the other."""
    return [(x, top - pitch * number, text) for number, text in enumerate(lines)]


def by_row(*columns: list[Line]) -> list[Line]:
    """The lines of columns as a program draws them that goes from the top down."""
    return sorted(
        (line for lines in columns for line in lines), key=lambda line: (-line[1], line[0])
    )


def cells(rows: list[tuple[str, ...]], across: float = 120, top: float = 600) -> list[Line]:
    """A table's cells, row by row."""
    return [
        (60 + across * place, top - 14 * number, cell)
        for number, row in enumerate(rows)
        for place, cell in enumerate(row)
        if cell
    ]


A, B, C = prose("a"), prose("b"), prose("c")
ROWS = [("Station", "Opened", "Tracks")] + [(f"Mill {n}", f"{1900 + n}", f"{n}") for n in range(6)]
TABLE = ["\t".join(row) for row in ROWS]
TITLE: Line = (60, 740, "The annual report", "Helvetica-Bold", 18)
WIDE = prose("w", 3, 16)


def _columns() -> Iterator[Case]:
    left, right = column(A, 60), column(B, 320)
    yield Case("two columns, one after the other", left + right, (*A, *B))
    yield Case("two columns, row by row", by_row(left, right), (*A, *B))
    shifted = column(B, 320, top=694)
    yield Case("two columns, lines shifted, row by row", by_row(left, shifted), (*A, *B))
    three = [column(prose(name, words=3), 60 + 170 * n) for n, name in enumerate("abc")]
    expected = tuple(line for name in "abc" for line in prose(name, words=3))
    yield Case("three columns, row by row", by_row(*three), expected)
    yield Case("two columns below a title", [TITLE, *by_row(left, right)], (TITLE[2], *A, *B))
    below = column(WIDE, 60, top=590)
    yield Case("columns, then full width", [*by_row(left, right), *below], (*A, *B, *WIDE))
    above = column(WIDE, 60, top=760)
    yield Case("full width, then columns", [*above, *by_row(left, right)], (*WIDE, *A, *B))
    longer = column(prose("b", 11), 320)
    yield Case("columns of unequal length", by_row(left, longer), (*A, *prose("b", 11)))


def _others() -> Iterator[Case]:
    left, right = column(A, 60), column(B, 320)
    facts = ["Key facts", "Opened in spring", "Nine stations", "Two tunnels"]
    sidebar = column(facts, 430)
    yield Case("a sidebar", left + sidebar, (*A, *facts))
    notes = [(60, 80 - 10 * n, f"{n + 1} Note {n} on mills.", "Helvetica", 8) for n in range(2)]
    texts = tuple(str(note[2]) for note in notes)
    yield Case("footnotes below columns", [*by_row(left, right), *notes], (*A, *B, *texts))
    yield Case("footnotes drawn first", [*notes, *left], (*A, *texts))
    running: list[Line] = [(60, 810, "Hill Road Council"), (430, 810, "Minutes of May")]
    expected = ("Hill Road Council\n", "Minutes of May", *A)
    yield Case("a running header of two parts", [*running, *left], expected)
    foot: list[Line] = [(290, 40, "7")]
    yield Case("a page number below columns", [*by_row(left, right), *foot], (*A, *B, "\n7"))
    turned = [*by_row(left, right)]
    yield Case("two columns, turned by a quarter", turned, (*A, *B), turned=90)


def _tables() -> Iterator[Case]:
    left = column(A, 60)
    yield Case("a page that is a table", cells(ROWS), tuple(TABLE))
    yield Case("a table below prose", [*left, *cells(ROWS)], (*A, *TABLE))
    wide = [("Item", "", "2023", "2022"), *((f"Sales {n}", "$", f"{n},100", "9") for n in range(5))]
    expected = tuple("\t".join(filter(None, row)) for row in wide)
    yield Case("a table with empty cells", cells(wide), expected)


def _headings() -> Iterator[Case]:
    left = column(A, 60)
    yield Case("a heading drawn last", [*left, TITLE], (TITLE[2], *A), {"a3": TITLE[2]})
    bold: Line = (60, 720, "1 Introduction", "Helvetica-Bold", 11)
    second: Line = (60, 590, "2 Methods", "Helvetica-Bold", 11)
    lower = column(B, 60, top=570)
    result = {"a3": "1 Introduction", "b2": "2 Methods"}
    expected = ("1 Introduction", *A, "2 Methods", *B)
    yield Case("bold headings", [bold, *left, second, *lower], expected, result)
    drawn = [*left, *lower, second, bold]
    yield Case("bold headings drawn last", drawn, expected, result)


def cases() -> list[Case]:
    """The twenty pages."""
    makers: tuple[Callable[[], Iterator[Case]], ...] = (_columns, _others, _tables, _headings)
    return [case for make in makers for case in make()]


def pdf(case: Case) -> bytes:
    """The page as a file."""
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(842, 595) if case.turned else (595, 842), invariant=1)
    if case.turned:
        canvas.setPageRotation(case.turned)
        canvas.rotate(case.turned)
        canvas.translate(0, -842)
    for x, y, text, *style in case.lines:
        canvas.setFont(*(style or ("Helvetica", 10)))
        canvas.drawString(x, y, text)
    canvas.save()
    return out.getvalue()


def is_right(case: Case, document: Document) -> bool:
    """True when the page's words stand in order, each line whole, under their headings.

    Between the cells of a row a tab is as good as a space.
    """
    at, text = 0, document.text.replace("\t", " ")
    for line in case.expected:
        words = line.replace("\t", " ")
        at = text.find(words, at) + len(words)
        full = words.endswith("\n") or text[at : at + 1] in ("", "\n")
        if at < len(words) or not full:
            return False
    for words, heading in case.headings.items():
        place = text.index(words)
        block = next(block for block in document.blocks if block.start <= place < block.end)
        if block.heading[-1:] != (heading,):
            return False
    return True


def main() -> None:
    """Print a line for each page, and how many were read right."""
    every = cases()
    right = 0
    for case in every:
        good = is_right(case, read(pdf(case), "page.pdf"))
        right += good
        print(f"{'right' if good else 'WRONG'}  {case.name}")
    print(f"{right} of {len(every)} pages")


if __name__ == "__main__":
    main()
