"""Office packages (Word, Excel, PowerPoint) made plain before a library opens them.

Programs leave relationships to parts that are not there, write the Strict namespaces of the
standard, and give templates, shows and files with macros content types of their own. The libraries
fail on each of these, although the text is complete.
"""

import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from posixpath import dirname, join, normpath
from typing import Any

from lxml import etree

from qa.errors import ReadFailed

TYPES = "[Content_Types].xml"
_STRICT = b"http://purl.oclc.org/ooxml/"
_STRICT_NAME = re.compile(_STRICT + rb"([A-Za-z]+)/([A-Za-z]+)")
_RENAMED = {
    b"extendedProperties": b"extended-properties",
    b"customProperties": b"custom-properties",
}
_MAIN_TYPES = (
    (
        (
            r"application/vnd\.ms-word\.\w+\.macroEnabled\w*\.main\+xml"
            r"|.*wordprocessingml\.template\.main\+xml"
        ),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    ),
    (
        (
            r"application/vnd\.ms-powerpoint\.\w+\.macroEnabled\w*\.main\+xml"
            r"|.*presentationml\.(?:slideshow|template)\.main\+xml"
        ),
        "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
    ),
)


def parse(data: bytes) -> Any:
    """The root of an XML part. Entities are not resolved, nothing else is opened.

    Raises ReadFailed where it is no XML.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ReadFailed(f"damaged: {' '.join(str(error).split())[:100]}") from error


def repaired(data: bytes) -> bytes:
    """The package as the libraries open it; the same bytes where nothing stands in their way."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        names = archive.namelist()
        changed: dict[str, bytes] = {}
        if any(_STRICT in archive.read(name) for name in names if name.endswith(".rels")):
            changed |= {name: _transitional(archive.read(name)) for name in names if _is_xml(name)}
        for name in names:
            part = changed.get(name) or (archive.read(name) if _is_index(name) else b"")
            if part and (better := _better(name, part, names)) is not None:
                changed[name] = better
        return _rewritten(archive, changed) if changed else data


def _is_xml(name: str) -> bool:
    return name.endswith((".xml", ".rels"))


def _is_index(name: str) -> bool:
    """True for the parts that name other parts."""
    return name == TYPES or name.endswith(".rels")


def _better(name: str, part: bytes, names: list[str]) -> bytes | None:
    """An index part without its faults; None where it has none, or is another part."""
    if name == TYPES:
        return _typed(part, names)
    return _related(name, part, names) if name.endswith(".rels") else None


def _transitional(part: bytes) -> bytes:
    """A part of a Strict file, with the namespaces that the libraries know."""

    def named(found: re.Match[bytes]) -> bytes:
        name = _RENAMED.get(found[2], found[2])
        return b"http://schemas.openxmlformats.org/" + found[1] + b"/2006/" + name

    return _STRICT_NAME.sub(named, part)


def _typed(part: bytes, names: list[str]) -> bytes | None:
    """The content types: main parts of every kind as a document's, and a type for each part."""
    root = parse(part)
    changed = False
    for element in root.iterchildren("{*}Override"):
        for pattern, plain in _MAIN_TYPES:
            if re.fullmatch(pattern, element.get("ContentType", ""), re.IGNORECASE):
                element.set("ContentType", plain)
                changed = True
    typed = {element.get("Extension", "").lower() for element in root.iterchildren("{*}Default")}
    for extension in {name.rpartition(".")[2] for name in names if "." in name.rpartition("/")[2]}:
        if extension.lower() not in typed:
            tag = f"{{{etree.QName(root).namespace}}}Default"
            etree.SubElement(root, tag, Extension=extension, ContentType="application/octet-stream")
            typed.add(extension.lower())
            changed = True
    return etree.tostring(root) if changed else None


def _related(name: str, part: bytes, names: list[str]) -> bytes | None:
    """The relationships of a part, without those that lead nowhere."""
    root = parse(part)
    base = dirname(dirname(name))
    spelt = {known.lower(): known for known in names}
    changed = False
    for element in list(root):
        if not isinstance(element.tag, str) or element.get("TargetMode") == "External":
            continue
        target = element.get("Target", "").replace("\\", "/")
        inside = normpath(target.lstrip("/") if target.startswith("/") else join(base, target))
        found = spelt.get(inside.lower())
        if found is None:
            root.remove(element)
        elif (target, found) != (element.get("Target"), inside):
            element.set("Target", f"/{found}")
        else:
            continue
        changed = True
    return etree.tostring(root) if changed else None


def _rewritten(archive: zipfile.ZipFile, changed: Mapping[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
        for name in dict.fromkeys(archive.namelist()):
            copy.writestr(name, changed[name] if name in changed else archive.read(name))
    return out.getvalue()
