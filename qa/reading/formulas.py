"""Formulas of web pages as a line of text: MathML, and the TeX that pages keep beside or within it."""

import itertools
import re
from typing import Any

from qa.reading.boilerplate import is_silent

_TEX = re.compile(r"(?:application/x-|text/x-|math/)(?:la)?tex\b", re.IGNORECASE)
_OF_FORMULA = re.compile(r"\b(?:math|tex|latex|equation|formula)", re.IGNORECASE)
_STYLE = re.compile(r"\A\{\\(?:display|text)style\s*(.*)\}\Z", re.DOTALL)
_ONE = re.compile(r"\w*|[^\w\s]|\(.*\)")
_DEPTH = 60  # elements within each other; deeper ones are read as plain text


def formula(element: Any) -> str | None:
    """What a formula says; None for an element that is none.

    `<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>` gives `"a/b"`.
    """
    tag = element.tag
    if tag == "math":
        return _folded(_written(element) or _line(element, 0))
    if tag == "script" and _TEX.match(element.get("type") or ""):
        return _folded(element.text or "")
    if tag == "img" and _OF_FORMULA.search(f"{element.get('class')} {element.get('role')}"):
        return "" if _is_shown_beside(element) else _folded(element.get("alt") or "")
    if tag == "span" and "katex-html" in (element.get("class") or "").split():
        return ""  # the same once more, in pieces that are put in place
    return None


def _is_shown_beside(image: Any) -> bool:
    """True where the formula of an image stands beside it as MathML that is not hidden."""
    parent = image.getparent()
    if parent is None:
        return False
    for math in parent.iter("math"):
        between = itertools.takewhile(lambda above: above is not parent, math.iterancestors())
        if not any(is_silent(above) for above in between):
            return True
    return False


def _folded(text: str) -> str:
    text = " ".join(text.split())
    found = _STYLE.match(text)
    return found[1].strip() if found else text


def _written(math: Any) -> str:
    """The TeX that stands in an annotation of the formula, or in its alternative text."""
    for found in math.iter("annotation"):
        if _TEX.match(found.get("encoding") or ""):
            return found.text or ""
    return math.get("alttext") or ""


def _line(element: Any, depth: int) -> str:  # noqa: C901, PLR0911 - a case each
    """The MathML as a line."""
    if depth > _DEPTH:
        return "".join(element.itertext())
    inner = [child for child in element if isinstance(child.tag, str)]
    parts = [_line(child, depth + 1) for child in inner if not child.tag.startswith("annotation")]
    match element.tag, parts:
        case "mfrac", [above, below]:
            return f"{_one(above)}/{_one(below)}"
        case "msup" | "mover", [base, high]:
            return f"{_one(base)}^{_one(high)}"
        case "msub" | "munder", [base, low]:
            return f"{_one(base)}_{_one(low)}"
        case "msubsup" | "munderover", [base, low, high]:
            return f"{_one(base)}_{_one(low)}^{_one(high)}"
        case "mroot", [base, degree]:
            return f"√^{_one(degree)}({base})"
        case "msqrt", _:
            return f"√({''.join(parts)})"
        case "mtr", _:
            return ", ".join(parts)
        case "mtable", _:
            return f"[{'; '.join(parts)}]"
        case "mfenced", _:
            return f"({', '.join(parts)})"
    return (element.text or "").strip() + "".join(parts)


def _one(part: str) -> str:
    """The part, in brackets where it is more than one word or sign."""
    return part if _ONE.fullmatch(part) else f"({part})"
