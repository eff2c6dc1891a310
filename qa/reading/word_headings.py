"""Headings of Word files whose styles make none: paragraphs in larger, bold or capital letters."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from qa.reading.bold import may_head
from qa.reading.word_styles import Styles

_LARGER = 1.15  # times the size of the usual type
_LEAST_CAPITALS = 4  # letters
_SHARE = 0.5  # of the text, at most; else its type says nothing about headings


class Face(NamedTuple):
    """How a paragraph is set; one that is more heads one that is less."""

    size: int = 0  # half points; 0 for no larger than usual
    is_capital: bool = False
    is_bold: bool = False


def headings_by_type(paragraphs: Iterable[tuple[Any, str]], styles: Styles) -> dict[Any, int]:
    """The levels of those paragraphs (each with its text) that head what follows them.

    A line in larger, bold or capital letters does where what follows is set in smaller or plainer
    ones: several of a kind in a row are a list, or an address. Larger type stands higher.
    """
    shown = [(paragraph, text) for paragraph, text in paragraphs if text.strip()]
    sizes = [styles.size(paragraph) for paragraph, _ in shown]
    usual = Counter[int]()
    for (_, text), size in zip(shown, sizes, strict=True):
        usual[size] += len(text)
    least = _LARGER * usual.most_common(1)[0][0] if usual else 0
    faces = [
        Face(
            size if size >= least else 0,
            _is_capital(text) or styles.is_capital(paragraph),
            styles.is_bold(paragraph),
        )
        for (paragraph, text), size in zip(shown, sizes, strict=True)
    ]
    found = {
        paragraph: face
        for (paragraph, text), above, face, below in zip(
            shown, [Face(), *faces], faces, faces[1:], strict=False
        )
        if may_head(text)
        and any(face)
        and (face > below or face.size)
        and not _goes_on(above, face)
    }
    return _levels(found, shown)


def _levels(found: dict[Any, Face], shown: Sequence[tuple[Any, str]]) -> dict[Any, int]:
    """The levels of headings by their faces; none where most of the text would be headings."""
    heads = sum(len(text) for paragraph, text in shown if paragraph in found)
    if heads > _SHARE * sum(len(text) for _, text in shown):
        return {}
    ranks = sorted(set(found.values()), reverse=True)
    return {paragraph: ranks.index(face) + 1 for paragraph, face in found.items()}


def _goes_on(above: Face, face: Face) -> bool:
    """True for a line of an address or a list in capital letters."""
    return face == above == Face(is_capital=True)


def _is_capital(text: str) -> bool:
    return text.isupper() and sum(map(str.isalpha, text)) >= _LEAST_CAPITALS
