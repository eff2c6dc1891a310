"""EPUB by zipfile and lxml: the chapters in reading order, each through the HTML reader."""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import unquote, urldefrag

from lxml import etree

from qa.errors import ReadFailed
from qa.reading import html
from qa.reading.content import Content, Draft, Headings, iso_date
from qa.records import Kind

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONTS = ("font", "obfuscation")  # what may be encrypted in a book that anyone can read


def read(data: bytes, _name: str) -> Content:
    """The content of a book."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        _refuse_encrypted(archive)
        package_path = _package_path(archive)
        package = _xml(archive, package_path)
        folder = posixpath.dirname(package_path)
        labels = dict(_labels(archive, package, folder))
        draft, missing, last = Draft(), list[str](), ""
        for path in _spine(package, folder):
            goes_on = bool(labels) and path not in labels and _stem(path) == last
            try:
                _add(draft, archive.read(path), labels.get(path, ""), goes_on=goes_on)
            except KeyError:
                missing.append(path)
            last = _stem(path)
    note = f"chapters missing: {', '.join(missing[:5])}" if missing else ""
    title, date = (_first_text(package, name) for name in ("title", "date"))
    return draft.content(title=title, date=iso_date(date), note=note)


def _stem(path: str) -> str:
    """The path without the numbers by which the files of one chapter are told apart."""
    return re.sub(r"\d+", "", path)


def _add(draft: Draft, chapter: bytes, label: str, *, goes_on: bool) -> None:
    """Add a chapter; one without headings of its own stands under its name in the contents.

    Where it `goes_on` it is the next file of a chapter, whose headings hold for its beginning.
    """
    above = draft.blocks[-1].heading if goes_on and draft.blocks else ()
    draft.headings = Headings()
    before = len(draft.blocks)
    html.add(draft, chapter)
    added = draft.blocks[before:]
    if label and not any(block.kind is Kind.HEADING for block in added):
        above = (label,)
    draft.blocks[before:] = [block._replace(heading=block.heading or above) for block in added]


def _xml(archive: zipfile.ZipFile, path: str) -> Any:
    """The root of an XML file; its entities stay what they are."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        recover=True,
        load_dtd=False,
    )
    try:
        root = etree.fromstring(archive.read(path), parser=parser)
    except KeyError as error:
        raise ReadFailed(f"a damaged book: {path} is missing") from error
    except etree.XMLSyntaxError as error:
        raise ReadFailed(f"a damaged book: {path} is not XML") from error
    if root is None:
        raise ReadFailed(f"a damaged book: {path} is empty")
    return root


def _refuse_encrypted(archive: zipfile.ZipFile) -> None:
    if _ENCRYPTION not in archive.namelist():
        return
    methods = (
        element.get("Algorithm", "").lower()
        for element in _all(_xml(archive, _ENCRYPTION), "EncryptionMethod")
    )
    if any(not any(word in method for word in _FONTS) for method in methods):
        raise ReadFailed("encrypted: its publisher's reading program opens it only")


def _package_path(archive: zipfile.ZipFile) -> str:
    for element in _all(_xml(archive, _CONTAINER), "rootfile"):
        if path := element.get("full-path"):
            return str(path)
    raise ReadFailed("a damaged book: its contents are not named")


def _all(root: Any, name: str) -> Iterator[Any]:
    """The elements of a name in any namespace."""
    return (found for found in root.iter("{*}" + name))


def _first_text(root: Any, name: str) -> str | None:
    return next((found.text for found in _all(root, name) if found.text), None)


def _items(package: Any) -> Iterator[Any]:
    return (item for item in _all(package, "item") if item.get("href"))


def _spine(package: Any, folder: str) -> list[str]:
    """The chapters' paths within the archive, in reading order."""
    paths = {item.get("id"): _resolved(folder, item.get("href")) for item in _items(package)}
    named = (paths.get(reference.get("idref")) for reference in _all(package, "itemref"))
    return list(dict.fromkeys(path for path in named if path))


def _resolved(folder: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(urldefrag(href)[0])))


def _labels(archive: zipfile.ZipFile, package: Any, folder: str) -> Iterator[tuple[str, str]]:
    """Chapters' paths with their names in the table of contents; the first name of each counts."""
    contents = [
        item
        for item in _items(package)
        if "nav" in (item.get("properties") or "").split()
        or item.get("media-type") == "application/x-dtbncx+xml"
    ]
    found: dict[str, str] = {}
    for item in contents:
        path = _resolved(folder, item.get("href"))
        try:
            root = _xml(archive, path)
        except ReadFailed:
            continue  # a book without a table of contents can be read
        for href, label in (*_links(root), *_points(root)):
            found.setdefault(_resolved(posixpath.dirname(path), href), " ".join(label.split()))
    yield from found.items()


def _links(root: Any) -> Iterator[tuple[str, str]]:
    """The links of a navigation page."""
    for link in _all(root, "a"):
        if href := link.get("href"):
            yield href, "".join(link.itertext())


def _points(root: Any) -> Iterator[tuple[str, str]]:
    """The points of an older book's table of contents."""
    for point in _all(root, "navPoint"):
        target, label = (
            next(_all(point, "content"), None),
            next(_all(point, "text"), None),
        )
        if target is not None and label is not None and target.get("src"):
            yield target.get("src"), label.text or ""
