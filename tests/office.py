"""Office files that programs write and libraries fail on, made for the tests."""

import io
import zipfile
from collections.abc import Mapping

import files

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
M = "http://schemas.openxmlformats.org/officeDocument/2006/math"


def parts(data: bytes) -> dict[str, bytes]:
    """The parts of a package by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def strict(data: bytes) -> bytes:
    """A package in the Strict namespaces."""

    def changed(part: bytes) -> bytes:
        for family in (b"officeDocument", b"wordprocessingml", b"spreadsheetml", b"presentationml", b"drawingml"):  # fmt: skip
            part = part.replace(
                b"http://schemas.openxmlformats.org/" + family + b"/2006/",
                b"http://purl.oclc.org/ooxml/" + family + b"/",
            )
        return part

    return files.archive(
        {
            name: changed(part) if name.endswith((".xml", ".rels")) else part
            for name, part in parts(data).items()
        }
    )


def typed(data: bytes, old: str, new: str) -> bytes:
    """A package whose main part has another content type."""
    made = parts(data)
    made["[Content_Types].xml"] = made["[Content_Types].xml"].replace(old.encode(), new.encode())
    return files.archive(made)


def related(data: bytes, rels: str, *relations: str) -> bytes:
    """A package with more relationships, each `Type Target`, in the part `rels`."""
    made = parts(data)
    added = "".join(
        f'<Relationship Id="rIdX{number}" Type="{R}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(relation.split(" ", 1) for relation in relations)
    )
    made[rels] = made[rels].replace(b"</Relationships>", f"{added}</Relationships>".encode())
    return files.archive(made)


def word(body: str, more: Mapping[str, str] | None = None) -> bytes:
    """A Word file of that body; `more` are parts by their kind, such as "footnotes"."""
    made = parts(files.docx([]))
    new = [kind for kind in more or {} if f"word/{kind}.xml" not in made]
    relations = [f"{kind.rstrip('12')} {kind}.xml" for kind in new]
    data = related(files.docx([]), "word/_rels/document.xml.rels", *relations)
    made = parts(data)
    spaces = f'xmlns:w="{W}" xmlns:r="{R}" xmlns:m="{M}"'
    made["word/document.xml"] = (
        f"<w:document {spaces}><w:body>{body}</w:body></w:document>".encode()
    )
    types = made["[Content_Types].xml"].decode()
    for kind, content in (more or {}).items():
        made[f"word/{kind}.xml"] = content.replace(">", f" {spaces}>", 1).encode()  # fmt: skip
        if kind in new:
            part = f'<Override PartName="/word/{kind}.xml" ContentType="application/xml"/>'
            types = types.replace("</Types>", f"{part}</Types>")
    made["[Content_Types].xml"] = types.encode()
    return files.archive(made)


def paragraph(text: str, properties: str = "") -> str:
    """A paragraph of Word."""
    return (
        f'<w:p><w:pPr>{properties}</w:pPr><w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'
    )


def numbered(text: str, level: int, number: int = 1, style: str = "") -> str:
    """A paragraph that Word numbers."""
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    return paragraph(
        text,
        f'{named}<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>',
    )


def numbering(*levels: tuple[str, str]) -> str:
    """A numbering part of one list: the format and the text of each level."""
    made = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
        for at, (kind, text) in enumerate(levels)
    )
    return (
        f'<w:numbering><w:abstractNum w:abstractNumId="5">{made}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="5"/></w:num></w:numbering>'
    )
