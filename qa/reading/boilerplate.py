"""Which parts of a web page are content, and which are menus, controls and other boilerplate."""

import re
from itertools import islice
from typing import Any

_SILENT = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "canvas",
        "iframe",
        "object",
        "embed",
        "audio",
        "video",
        "head",
        "nav",
        "select",
        "option",
        "input",
        "textarea",
        "dialog",
        "menu",
        "datalist",
        "map",
        "rt",  # how a word is spoken, above it
        "rp",
    ]
)
BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "caption",
        "hgroup",
        "search",
    ]
)
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_ROLES = frozenset(
    [
        "navigation",
        "contentinfo",
        "menu",
        "menubar",
        "search",
        "dialog",
        "alertdialog",
    ]
)
_BANNER = re.compile(r"(?:^|[-_\s])(?:cookie|consent|gdpr)", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BANNER_LIMIT = 2_000  # characters: a page about cookies is no banner
_NOTE_MARKS = frozenset(("noteref", "doc-noteref", "backlink", "doc-backlink"))
_MARK = re.compile(r"\[?(?:\d{1,4}|[a-z]{1,2}|[^\w\s]{1,3})\]?")
_LABEL_LIMIT = 20  # characters: less hidden text than that is a label or an icon
_LINKS_SHARE = 0.6  # of the words of a menu are links
_EXAMINED = 300  # elements of a part that decide whether it is a menu


def is_silent(element: Any) -> bool:
    """True for an element whose text is not part of what the page says."""
    tag, attributes = element.tag, element.attrib
    if tag in _SILENT or (tag in ("a", "sup") and _is_note_mark(element)):
        return True
    if tag == "button":
        return not any(True for _ in element.iterancestors("summary", "dt", *HEADINGS))
    if not attributes and tag not in ("header", "footer", "aside", "ul"):
        return False
    role = attributes.get("role", "").lower()
    if role in _ROLES or (_is_hidden(element) and not _is_collapsed(element)):
        return True
    return _is_around(element, role) or _is_banner(element)


def _is_note_mark(element: Any) -> bool:
    """True for the mark that leads to a note or back, which is no part of the sentence."""
    if element.tag == "a":
        kinds = {*element.get("epub:type", "").split(), *element.get("role", "").split()}
        return not kinds.isdisjoint(_NOTE_MARKS)
    if not any("#" in (link.get("href") or "") for link in element.iterchildren("a")):
        return False
    return _MARK.fullmatch("".join(islice(element.itertext(), _EXAMINED)).strip()) is not None


def _is_around(element: Any, role: str) -> bool:
    """True for a footer, for a header without a title, and for a menu that calls itself otherwise."""
    tag = element.tag
    if tag == "footer":
        return not _is_within_article(element)
    if tag == "header" or role == "banner":
        return not _is_within_article(element) and next(element.iter("h1"), None) is None
    if tag == "ul" and next(element.iterancestors("header"), None) is None:
        return False
    return (tag in ("aside", "ul") or role == "complementary") and _is_menu(element)


def _is_banner(element: Any) -> bool:
    """True for what asks about cookies."""
    named = f"{element.get('id', '')} {element.get('class', '')}"
    return (
        element.tag in ("div", "section", "form", "p", "span")
        and bool(_BANNER.search(named))
        and len("".join(element.itertext())) < _BANNER_LIMIT
    )


def _is_within_article(element: Any) -> bool:
    return next(element.iterancestors("article", "main", "section"), None) is not None


def _is_hidden(element: Any) -> bool:
    """True for what the page does not show when it is opened."""
    attributes = element.attrib
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or bool(_HIDDEN.search(attributes.get("style", "")))
    )


def _is_collapsed(element: Any) -> bool:
    """True for a hidden block of text: an answer that a click would show, no menu and no label."""
    if element.tag not in BLOCKS or next(element.iterancestors("nav", "header"), None) is not None:
        return False
    words, _ = _measured(element)
    return (words >= _LABEL_LIMIT or _is_sentence(element)) and not _is_menu(element)


def _is_sentence(element: Any) -> bool:
    """True for short text that reads like an answer: `"Four pounds."`."""
    text = "".join(islice(element.itertext(), _EXAMINED)).strip()
    return text.endswith((".", "!", "?", "\u3002")) and not text.endswith("..") and " " in text


def _is_menu(element: Any) -> bool:
    """True for a part whose words are links, most of them."""
    words, linked = _measured(element)
    return linked >= _LINKS_SHARE * words


def _measured(element: Any) -> tuple[int, int]:
    """How many characters of text the beginning of a part has, and how many of them are links."""
    words = linked = 0
    for inner in islice(element.iter(), _EXAMINED):
        if not isinstance(inner.tag, str) or inner.tag in _SILENT:
            continue
        own, after = (len((text or "").strip()) for text in (inner.text, inner.tail))
        words += own + (after if inner is not element else 0)
        if inner.tag == "a":
            linked += len(" ".join("".join(islice(inner.itertext(), _EXAMINED)).split()))
    return words, linked
