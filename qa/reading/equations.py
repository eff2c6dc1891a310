"""Equations of Word and PowerPoint as a line of text: `x^2`, `(a+b)/2`, `√(x)`."""

from collections.abc import Iterator
from typing import Any

MATHEMATICS = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_PROPERTIES = ("Pr", "ctrlPr")
_DEPTH = 100  # fractions within fractions; deeper ones are read as plain text


def equation(element: Any, depth: int = 0) -> str:  # noqa: PLR0911 - a case each
    """The text of an `m:oMath` or of any element within one."""
    if depth > _DEPTH:
        return "".join(element.itertext(f"{MATHEMATICS}t"))
    name = _name(element)
    if name == "t":
        return element.text or ""
    part = {_name(child): equation(child, depth + 1) for child in _children(element)}
    match name:
        case "f":
            return f"{_one(part.get('num', ''))}/{_one(part.get('den', ''))}"
        case "sSup" | "sSub" | "sSubSup" | "nary":
            sign = _sign(element, "chr", "∫") if name == "nary" else _one(part.get("e", ""))
            low = f"_{_one(part['sub'])}" if part.get("sub") else ""
            high = f"^{_one(part['sup'])}" if part.get("sup") else ""
            return f"{sign}{low}{high}" + (f" {part.get('e', '')}" if name == "nary" else "")
        case "rad":
            degree = f"^{_one(part['deg'])}" if part.get("deg") else ""
            return f"√{degree}({part.get('e', '')})"
        case "d":
            inner = "|".join(equation(child, depth + 1) for child in _children(element))
            return f"{_sign(element, 'begChr', '(')}{inner}{_sign(element, 'endChr', ')')}"
        case "mr":
            return ", ".join(equation(child, depth + 1) for child in _children(element))
        case "m":
            rows = (equation(child, depth + 1) for child in _children(element))
            return f"[{'; '.join(rows)}]"
    return "".join(equation(child, depth + 1) for child in _children(element))


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _children(element: Any) -> Iterator[Any]:
    """What is shown of an element: all but its properties."""
    return (child for child in element if _name(child) and not _name(child).endswith(_PROPERTIES))


def _one(text: str) -> str:
    """The text as one operand, in brackets where it is more."""
    return text if len(text) < 2 or text.isalnum() or text[0] + text[-1] == "()" else f"({text})"


def _sign(element: Any, name: str, default: str) -> str:
    found = next(element.iter(f"{MATHEMATICS}{name}"), None)
    return default if found is None else found.get(f"{MATHEMATICS}val", "")


def mathml(element: Any, depth: int = 0) -> str:  # noqa: PLR0911 - a case each
    """The text of an equation in MathML, as OpenDocument and web pages hold it."""
    name = _name(element)
    if name.startswith("annotation") or depth > _DEPTH:
        return ""
    parts = [mathml(child, depth + 1) for child in element]
    match name, len(parts):
        case "mfrac", 2:
            return f"{_one(parts[0])}/{_one(parts[1])}"
        case "msup" | "mover", 2:
            return f"{_one(parts[0])}^{_one(parts[1])}"
        case "msub" | "munder", 2:
            return f"{_one(parts[0])}_{_one(parts[1])}"
        case "msubsup" | "munderover", 3:
            return f"{_one(parts[0])}_{_one(parts[1])}^{_one(parts[2])}"
        case "msqrt", _:
            return f"√({''.join(parts)})"
        case "mroot", 2:
            return f"√^{_one(parts[1])}({parts[0]})"
        case _, 0:
            return " ".join((element.text or "").split())
    return "".join(parts)
