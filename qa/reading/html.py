"""HTML by lxml: the main text as a reader of the page sees it, without what surrounds it.

Left out: scripts, styles, forms' controls, menus, page footers, page headers without a title, and
banners about cookies. What a page keeps hidden until it is asked for, such as the answers of an
accordion, is content when it is more than a label. Runs of blanks fold to one space, as a browser folds them,
but not within preformatted text.
"""

import re
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from qa.errors import ReadFailed
from qa.reading.boilerplate import BLOCKS, HEADINGS, is_silent
from qa.reading.bold import is_bold, may_head
from qa.reading.content import Content, Draft, author_line, iso_date
from qa.reading.decoding import decode
from qa.reading.formulas import formula
from qa.reading.html_tables import BLANKS, is_data, names_rows, rows_of, visible
from qa.reading.quotes import heads_reply, is_quoted
from qa.records import Kind

_MADE_BY_SCRIPTS = "made by scripts in the browser: save the page as it is shown, or as PDF"
_SHORT = 200  # characters: with fewer, a page that wants scripts is made by them
_WANTS_SCRIPTS = re.compile(r"java\s?script", re.IGNORECASE)
_MAIN_SHARE = 0.4  # of the page's text; below it, what calls itself main is not all of it
_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*["']?([\w-]+)""", re.IGNORECASE
)
_FONT_WEIGHT = re.compile(r"font-weight\s*:([^;]*)", re.IGNORECASE)
_TITLE_PARTS = re.compile(r"\s+[|–—·»-]\s+")
_DATES = (
    "article:published_time",
    "datepublished",
    "date",
    "dc.date",
    "dcterms.created",
    "dcterms.date",
    "citation_publication_date",
    "citation_date",
    "article:modified_time",
    "last-modified",
)

_CONTROLS = ("input", "select", "textarea", "button")  # which part the words beside them
_FOOTNOTES = frozenset(("footnote", "endnote", "doc-footnote", "doc-endnote"))
_QUOTED = 7  # a level below every heading of a page


def read(data: bytes, _name: str) -> Content:
    """The main text of an HTML page, with its title and date."""
    return content_of(data)


def content_of(data: bytes, charset: str | None = None) -> Content:
    """The main text of a page; `charset` is what it was sent with, as far as that is known."""
    root = _parse(_decoded(data, charset))
    if root is None:
        return Content("", ())
    draft, main = Draft(), _main(root)
    _Walk(draft, by_weight=next(main.iter(*HEADINGS), None) is None).through(main)
    draft.add(author_line(_author(root), visible(root)), Kind.ROW)
    note = _MADE_BY_SCRIPTS if draft.length < _SHORT and _is_made_by_scripts(root) else ""
    return draft.content(title=_title(root), date=_date(root), note=note)


def add(draft: Draft, data: bytes, charset: str | None = None) -> None:
    """Add the main text of a page to a draft."""
    root = _parse(_decoded(data, charset))
    if root is not None:
        main = _main(root)
        _Walk(draft, by_weight=next(main.iter(*HEADINGS), None) is None).through(main)


def _decoded(data: bytes, charset: str | None) -> str:
    declared = _DECLARED.search(data[:4096])
    return decode(data, charset or (declared[1].decode("ascii") if declared else None))


def _parse(markup: str) -> Any:
    """The page's root element; None for a page without any."""
    # Without `huge_tree` the parser drops long texts and all that is nested deep, and says nothing.
    parser = lxml_html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True)
    encoded = markup.encode("utf-8", errors="replace").replace(b"\0", b"")
    try:
        root = lxml_html.document_fromstring(encoded, parser=parser, ensure_head_body=False)
    except etree.ParserError:
        root = None
    except (etree.LxmlError, ValueError) as error:
        raise ReadFailed(f"its HTML cannot be parsed: {error}") from error
    if any("RESOURCE_LIMIT" in fault.type_name for fault in parser.error_log):
        raise ReadFailed("its elements are nested too deep")
    return root


class _Walk:
    """One pass over a page's elements, without recursion, that fills a draft."""

    def __init__(self, draft: Draft, *, by_weight: bool = False) -> None:
        """`by_weight`: bold lines are headings, where the page has no others."""
        self.draft = draft
        self.bold = _Bold(draft) if by_weight else None
        self.words: list[str] = []  # of the block that is being read
        self.items: list[str] | None = None  # of the outermost list that is being read
        self.depth = 0  # of lists within lists
        self.label = ""  # what the next block begins with

    def through(self, root: Any) -> None:
        """Add every block of `root` to the draft."""
        events = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        for event, element in events:
            if event == "start":
                if not self.enter(element):
                    events.skip_subtree()
            elif event == "end":
                self.leave(element)
            if event != "start" and element is not root:
                self.add_text(element.tail)
        self.close(Kind.PROSE)
        self.close_list()
        if self.bold:
            self.bold.settle(heads=False)

    def enter(self, element: Any) -> bool:
        """Take an element's beginning in; False when what is within it was dealt with."""
        tag = element.tag
        shown = formula(element)
        if shown is not None:
            self.add_text(shown)
            return False
        if is_silent(element):
            self.words.append(" " if tag in _CONTROLS else "")
            return False
        if tag == "br":
            self.words.append("\n")
        elif tag in HEADINGS:
            self.close(Kind.PROSE)
            if self.items is None:
                self.draft.enter(int(tag[1]), _folded(visible(element)))
                return False
        elif tag == "table" and is_data(element):
            self.close(Kind.PROSE)
            self.flush_list()
            title = " ".join(_folded(visible(each)) for each in element.iter("caption"))
            self.add(title, Kind.PROSE)
            self.draft.add_table(rows_of(element), title=title, named=not names_rows(element))
            return False
        elif tag == "pre" and self.items is None:
            self.close(Kind.PROSE)
            self.add(visible(element, fold=False).strip("\r\n"), Kind.CODE)
            return False
        else:
            self._open(element)
        if self.bold:
            self.bold.enter(element)
        self.add_text(element.text)
        return True

    def _open(self, element: Any) -> None:
        """Begin what an element sets apart: a quotation, a list, a footnote or a block."""
        if is_quoted(element):
            self.close(Kind.PROSE)
            self.draft.headings.enter(_QUOTED, "Quoted")
        elif element.tag in ("ul", "ol", "dl"):
            self.close(Kind.PROSE)
            self.items = [] if self.items is None else self.items
            self.depth += 1
        elif element.tag in BLOCKS:
            self.close(Kind.PROSE)
        if not _FOOTNOTES.isdisjoint((element.get("epub:type"), element.get("role"))):
            self.label = "Footnote: "

    def leave(self, element: Any) -> None:
        """Take an element's end in."""
        tag = element.tag
        if self.bold:
            self.bold.leave(element)
        if tag in BLOCKS and not is_silent(element):
            self.close(Kind.PROSE)
            if is_quoted(element) and not heads_reply(element):
                self.draft.headings.leave(_QUOTED)
        if tag in ("ul", "ol", "dl") and not is_silent(element) and self.depth:
            self.depth -= 1
            if self.depth == 0:
                self.close_list()

    def add_text(self, text: str | None) -> None:
        """Take text in that belongs to the block being read."""
        if text:
            self.words.append(BLANKS.sub(" ", text))
            if self.bold:
                self.bold.take(text)

    def close(self, kind: Kind) -> None:
        """End the block being read: a block of the draft, or an item of the list."""
        text, self.words = _folded("".join(self.words)), []
        if not text:
            return
        text, self.label = f"{self.label}{text}", ""
        waits = self.bold is not None and self.bold.keeps(text, is_item=self.items is not None)
        if self.items is not None:
            self.items.append(text)
        elif not waits:
            self.add(text, kind)

    def add(self, text: str, kind: Kind) -> None:
        """Add a block to the draft."""
        if self.bold:
            self.bold.settle(heads=True)
        self.draft.add(text, kind)

    def flush_list(self) -> None:
        """Add the items read so far, so that what comes next stands after them."""
        if self.items:
            if self.bold:
                self.bold.settle(heads=True)
            self.draft.add_list(self.items)
            self.items = []

    def close_list(self) -> None:
        """End the list being read."""
        self.flush_list()
        self.items = None


class _Bold:
    """Bold lines that are headings once something follows that is not bold."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.within = list[Any]()  # the bold elements around the place
        self.plain = False  # the block being read has text that is not bold
        self.waiting = ""

    def enter(self, element: Any) -> None:
        """Take an element's beginning in."""
        weight = _FONT_WEIGHT.search(element.get("style") or "")
        if element.tag in ("b", "strong") or (weight and is_bold(weight[1])):
            self.within.append(element)

    def leave(self, element: Any) -> None:
        """Take an element's end in."""
        if self.within and self.within[-1] is element:
            self.within.pop()

    def take(self, text: str) -> None:
        """Take text of a block in."""
        self.plain = self.plain or (not self.within and not text.isspace())

    def keeps(self, text: str, *, is_item: bool) -> bool:
        """True for a block that waits for what follows."""
        plain, self.plain = self.plain, False
        if plain or is_item or not may_head(text):
            return False
        self.settle(heads=False)
        self.waiting = text
        return True

    def settle(self, *, heads: bool) -> None:
        """Add the line that waits, as a heading where what follows is not bold."""
        line, self.waiting = self.waiting, ""
        if line and heads:
            self.draft.enter(1, line)
        elif line:
            self.draft.add(line)


def _folded(text: str) -> str:
    """The text with single spaces, and its forced line breaks."""
    lines = (BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(lines).strip()


def _is_made_by_scripts(root: Any) -> bool:
    """True for a page that asks for scripts, or has nothing but them and what they fill."""
    asks = ("".join(found.itertext()) for found in root.iter("noscript"))
    if any(_WANTS_SCRIPTS.search(text) for text in asks):
        return True
    if next(root.iter("script"), None) is None:
        return False
    # By hand, as an XPath expression takes the square of the time where bodies are nested.
    return any(
        div.get("id") and not len(div) and not (div.text or "").strip() for div in root.iter("div")
    )


def _main(root: Any) -> Any:
    """The element that holds the page's main text."""
    body = root.find("body")
    body = root if body is None else body
    candidates = [*root.iter("main"), *root.xpath("//*[@role='main']")] or [*root.iter("article")]
    if len(candidates) != 1:
        return body
    total, main = (len(visible(element).strip()) for element in (body, candidates[0]))
    has_title = any(True for _ in body.iter("h1")) and not any(
        True for _ in candidates[0].iter("h1")
    )
    return body if main < _MAIN_SHARE * total or has_title else candidates[0]


def _metadata(root: Any) -> dict[str, str]:
    """The page's `meta` elements, by name; the first of a name counts."""
    found: dict[str, str] = {}
    for element in root.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        if content := element.get("content"):
            found.setdefault(name.lower(), content)
    return found


def _title(root: Any) -> str | None:
    """og:title, else the title without the site's name, else the first heading."""
    if named := _metadata(root).get("og:title"):
        return named
    heading = next((_folded(visible(found)) for found in root.iter("h1")), None)
    title = next((_folded(found.text_content()) for found in root.iter("title")), None)
    if title and heading and heading in _TITLE_PARTS.split(title):
        return heading
    return title or heading


def _author(root: Any) -> str | None:
    metadata = _metadata(root)
    named = (metadata.get(name) for name in ("author", "article:author", "dc.creator"))
    return next(filter(None, named), None)


def _date(root: Any) -> str | None:
    metadata = _metadata(root)
    times = (element.get("datetime") for element in root.iter("time"))
    named = (metadata.get(name) for name in _DATES)
    return next(
        (date for value in (*named, next(times, None)) if (date := iso_date(value))),
        None,
    )
