"""Parts of documents for language models: some lines, with signs for what people do not see."""

from typing import Any, TypeVar, cast

from qa.asking.service import QA
from qa.errors import QAError
from qa.records.printable import visible

Value = TypeVar("Value")

LINES = 400  # of a document in one answer of the tool `read`, at most
CHARACTERS = 200_000  # in any answer
BLOCK = 65_536  # characters whose lines are counted at once


def shown(value: Value) -> Value:
    """The value with each text in it as `printable.visible` shows it: a model reads all of it."""
    seen: Any = value
    if isinstance(value, str):
        seen = visible(value)
    elif isinstance(value, dict):
        seen = {name: shown(each) for name, each in value.items()}
    elif isinstance(value, list):
        seen = list(map(shown, value))
    return cast(Value, seen)


def lines(
    qa: QA, document: str, first: int, last: int | None, *, most: int | None = LINES
) -> dict[str, Any]:
    """Lines of a document, at most `most` of them and `CHARACTERS` in all.

    Raises QAError when the index does not hold the document.
    """
    found = qa.document(document)
    if found is None:
        raise QAError("There is no such document in the index: ask again for its id.")
    count = found.text.count("\n") + 1
    last = min(count, first + (most or count) - 1, max(last or count, first))
    start, end = line_start(found.text, first), line_start(found.text, last + 1)
    text = found.text[start : min(end, start + CHARACTERS)]
    is_cut = end - start > CHARACTERS
    if not is_cut and last < count:
        text = text.removesuffix("\n")
    return {
        "document": document,
        "title": found.title,
        "first_line": first,
        "last_line": first + text.count("\n") if is_cut else last,
        "lines": count,
        "text": text,
        "cut": is_cut,
    }


def line_start(text: str, line: int) -> int:
    r"""Where a line begins, the first being 1; the end of a text that has fewer.

    In `"a\nb"` line 2 begins at 2 and line 3 at 3.
    """
    at, ends = 0, line - 1
    while ends and at < len(text):
        within = text.count("\n", at, at + BLOCK)
        if within < ends:
            at, ends = at + BLOCK, ends - within
            continue
        for _ in range(ends):
            at = text.index("\n", at) + 1
        return at
    return min(at, len(text))
