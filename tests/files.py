"""Real files of every format and with every fault, made for the tests.

Most makers take sections, pairs of a heading and its paragraphs, and give the bytes of a file that
holds them. `make_folder` writes one folder of them all and tells what status each must come to.
"""

import io
import itertools
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from html import escape
from pathlib import Path

from qa.records import Status

Section = tuple[str, Sequence[str]]
FACTS: tuple[Section, ...] = (
    ("The harbour", ("The harbour froze in January.", "Nine ships waited outside it.")),
    ("The mill", ("The mill ground eleven sacks a day.", "Its wheel was made of oak.")),
)


# Text


def text(sections: Sequence[Section]) -> bytes:
    """Paragraphs with empty lines between them; headings are lines like any other."""
    return "\n\n".join(line for title, result in sections for line in (title, *result)).encode()


def markdown(sections: Sequence[Section]) -> bytes:
    """A Markdown file with a heading for each section."""
    return b"\n".join(
        f"## {title}\n\n".encode() + "\n\n".join(result).encode() + b"\n"
        for title, result in sections
    )


def rst(sections: Sequence[Section]) -> bytes:
    """A reStructuredText file with underlined headings."""
    return "\n".join(
        f"{title}\n{'=' * (len(title) + 1)}\n\n" + "\n\n".join(result) + "\n"
        for title, result in sections
    ).encode()


def org(sections: Sequence[Section]) -> bytes:
    """An Org file with starred headings."""
    return "\n".join(
        f"* {title}\n" + "\n\n".join(result) + "\n" for title, result in sections
    ).encode()


def tex(sections: Sequence[Section]) -> bytes:
    """A LaTeX file with sections."""
    body = "\n".join(f"\\section{{{title}}}\n" + "\n\n".join(result) for title, result in sections)
    return f"\\documentclass{{article}}\n\\begin{{document}}\n{body}\n\\end{{document}}\n".encode()


def html(sections: Sequence[Section], *, title: str = "", date: str = "") -> bytes:
    """A web page with the usual surroundings: navigation, a script, a banner, a footer."""
    body = "".join(
        f"<h2>{escape(heading)}</h2>" + "".join(f"<p>{escape(line)}</p>" for line in result)
        for heading, result in sections
    )
    meta = f'<meta property="article:published_time" content="{date}">' if date else ""
    return (
        f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>{escape(title)}</title>{meta}"
        "<style>p {color: red}</style><script>var hidden = 'script words';</script></head><body>"
        "<nav><a href='/'>navigation words</a></nav><div class='cookie-banner'>cookie words</div>"
        f"<main>{body}</main><aside>aside words</aside><footer>footer words</footer></body></html>"
    ).encode()


def csv(rows: Sequence[Sequence[str]]) -> bytes:
    """A CSV file as Excel writes it."""
    import csv as library

    out = io.StringIO(newline="")
    library.writer(out).writerows(rows)
    return out.getvalue().encode()


def jsonl(rows: Sequence[Mapping[str, object]]) -> bytes:
    """An object a line."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def notebook(sections: Sequence[Section], *, code: str = "print(1)") -> bytes:
    """A Jupyter notebook: Markdown cells and one of code with its output."""
    cells: list[dict[str, object]] = [
        {
            "cell_type": "markdown",
            "metadata": {},
            "source": [f"# {title}\n", "\n", "\n\n".join(result)],
        }
        for title, result in sections
    ]
    output = {"output_type": "stream", "name": "stdout", "text": ["printed words\n"]}
    cells.append({"cell_type": "code", "metadata": {}, "source": code, "outputs": [output]})
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def mail(subject: str, body: str, *, html_body: str = "", attachment: bytes = b"") -> bytes:
    """A mail of one or two bodies."""
    message = EmailMessage()
    message["From"], message["To"] = "Ada <ada@example.org>", "Ben <ben@example.org>"
    message["Subject"], message["Date"] = subject, "Tue, 05 Mar 2024 10:00:00 +0100"
    message.set_content(body)
    if html_body:
        message.add_alternative(html_body, subtype="html")
    if attachment:
        message.add_attachment(attachment, maintype="application", subtype="pdf", filename="a.pdf")
    return message.as_bytes()


def web_archive(page: bytes) -> bytes:
    """A page saved as one file."""
    message = EmailMessage()
    message["From"], message["Subject"] = "<Saved by a browser>", "A saved page"
    message["Date"] = "Tue, 05 Mar 2024 10:00:00 +0100"
    message.set_content(page.decode(), subtype="html")
    message.make_related()
    message.add_related(png(), maintype="image", subtype="png")
    return message.as_bytes()


# Documents


def pdf(
    pages: Sequence[Sequence[str]],
    *,
    title: str = "",
    outline: Mapping[int, Sequence[str]] | None = None,
    header: str = "",
    footer: str = "",
    password: str = "",
) -> bytes:
    """A PDF with the lines of each page; lines that begin with `# ` are set in larger type.

    `outline` names the headings on a page. `header` and `footer` stand on every page, with
    the page's number for `{}`.
    """
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    encryption = None
    if password:
        from reportlab.lib.pdfencrypt import StandardEncryption

        encryption = StandardEncryption(password, canPrint=0)
    canvas = Canvas(out, pagesize=(595, 842), encrypt=encryption, invariant=1)
    canvas.setTitle(title or "untitled")
    for number, lines in enumerate(pages, start=1):
        canvas.setFont("Helvetica", 9)
        if header:
            canvas.drawString(60, 815, header.format(number))
        for place, heading in enumerate((outline or {}).get(number, ())):
            canvas.bookmarkPage(f"{number}.{place}")
            canvas.addOutlineEntry(heading, f"{number}.{place}", 0)
        height = 770
        for line in lines:
            large = line.startswith("# ")
            canvas.setFont("Helvetica-Bold" if large else "Helvetica", 18 if large else 11)
            canvas.drawString(60, height, line.removeprefix("# "))
            height -= 30 if large else 15
        canvas.setFont("Helvetica", 9)
        if footer:
            canvas.drawString(60, 30, footer.format(number))
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def scan(pages: int = 1, *, text_on: Sequence[int] = ()) -> bytes:
    """A PDF of pictures; the pages of `text_on` have text besides."""
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842), invariant=1)
    for number in range(1, pages + 1):
        canvas.drawImage(ImageReader(io.BytesIO(png(60, 80))), 50, 50, 400, 600)
        if number in text_on:
            canvas.drawString(60, 780, f"Written words on page {number}.")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def docx(sections: Sequence[Section], *, title: str = "") -> bytes:
    """A Word file with a heading for each section."""
    from docx import Document

    file = Document()
    file.core_properties.title = title
    for heading, result in sections:
        file.add_heading(heading, level=1)
        for line in result:
            file.add_paragraph(line)
    return _saved(file)


def pptx(sections: Sequence[Section], *, notes: str = "") -> bytes:
    """A presentation with a slide for each section."""
    from pptx import Presentation

    file = Presentation()
    for heading, result in sections:
        slide = file.slides.add_slide(file.slide_layouts[1])
        slide.shapes.title.text = heading
        slide.placeholders[1].text = "\n".join(result)
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    return _saved(file)


def xlsx(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """A workbook of sheets of rows."""
    from openpyxl import Workbook

    file = Workbook()
    file.remove(file.active)
    for name, rows in sheets.items():
        sheet = file.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    return _saved(file)


_OPEN = "urn:oasis:names:tc:opendocument:xmlns"
OPEN_SPACES = " ".join(
    f'xmlns:{name}="{_OPEN}:{place}:1.0"'
    for name, place in (
        *((name, name) for name in ("office", "text", "table", "style", "meta", "presentation")),
        *(("draw", "drawing"), ("svg", "svg-compatible"), ("chart", "chart")),
    )
)


def odt(sections: Sequence[Section]) -> bytes:
    """An OpenDocument text with a heading for each section."""
    body = "".join(
        f'<text:h text:outline-level="1">{escape(heading)}</text:h>'
        + "".join(f"<text:p>{escape(line)}</text:p>" for line in result)
        for heading, result in sections
    )
    return open_document("text", body)


def open_document(
    kind: str, body: str, *, styles: str = "", more: Mapping[str, str | bytes] | None = None
) -> bytes:
    """An OpenDocument file: `kind` is "text", "spreadsheet" or "presentation"."""
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {OPEN_SPACES}>'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
        "</office:document-content>"
    )
    return archive(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "META-INF/manifest.xml": "<manifest/>",
            "content.xml": content,
            **(more or {}),
        }
    )


def epub(sections: Sequence[Section], *, title: str = "A book", headings: bool = True) -> bytes:
    """A book with a chapter for each section, whose heading it holds or only the contents name."""
    names = [f"chapter{number}.xhtml" for number in range(1, len(sections) + 1)]
    chapters = {
        f"OEBPS/{name}": (
            '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml">'
            "<head><title>x</title></head><body>"
            + (f"<h1>{escape(heading)}</h1>" if headings else "")
            + "".join(f"<p>{escape(line)}</p>" for line in result)
            + "</body></html>"
        )
        for name, (heading, result) in zip(names, sections, strict=True)
    }
    points = "".join(
        f"<navPoint><navLabel><text>{escape(heading)}</text></navLabel><content src='{name}'/>"
        "</navPoint>"
        for name, (heading, _) in zip(names, sections, strict=True)
    )
    items = "".join(
        f'<item id="c{number}" href="{name}" media-type="application/xhtml+xml"/>'
        for number, name in enumerate(names)
    )
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(names)))
    return archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": (
                '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
                '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
            ),
            "OEBPS/book.opf": (
                '<package xmlns="http://www.idpf.org/2007/opf" '
                'xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
                f"<dc:title>{escape(title)}</dc:title><dc:date>1901-05-02</dc:date></metadata>"
                f'<manifest>{items}<item id="toc" href="toc.ncx" '
                'media-type="application/x-dtbncx+xml"/></manifest>'
                f'<spine toc="toc">{spine}</spine></package>'
            ),
            "OEBPS/toc.ncx": f"<ncx xmlns='http://www.daisy.org/z3986/2005/ncx/'>{points}</ncx>",
            **chapters,
        }
    )


def _saved(file: object) -> bytes:
    out = io.BytesIO()
    file.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


# Pictures and archives


def png(width: int = 8, height: int = 8) -> bytes:
    """A grey picture."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def picture_of(words: str) -> bytes:
    """A PNG on which the words can be read."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("L", (1200, 160), 255)
    ImageDraw.Draw(image).text((40, 50), words, fill=0, font=ImageFont.load_default(48))
    out = io.BytesIO()
    image.save(out, format="PNG")
    return out.getvalue()


def archive(members: Mapping[str, str | bytes]) -> bytes:
    """A zip archive of members by name, the names as they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def nested(depth: int, members: Mapping[str, str | bytes]) -> bytes:
    """Archives within archives, `depth` in all."""
    data = archive(members)
    for number in range(1, depth):
        data = archive({f"inner{number}.zip": data})
    return data


def bomb(size: int = 64 << 20) -> bytes:
    """A small archive with one member of zeros."""
    return archive({"zeros.txt": b"\0" * size})


def locked_archive() -> bytes:
    """An archive whose member is marked as encrypted."""
    data = bytearray(archive({"secret.txt": "words"}))
    for start, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(start) + place] |= 1
    return bytes(data)


# Faults


def with_entities(levels: int = 12) -> str:
    """The document type of an XML file that would grow without end."""
    names = [f"e{number}" for number in range(levels)]
    lines = [f'<!ENTITY {names[0]} "lol">'] + [
        f'<!ENTITY {name} "{f"&{below};" * 10}">' for below, name in itertools.pairwise(names)
    ]
    return f"<!DOCTYPE bomb [{''.join(lines)}]>"


def docx_bomb() -> bytes:
    """A Word file whose text is an entity that grows without end."""
    return _changed(
        docx([("Heading", ("PLACE",))]),
        "word/document.xml",
        lambda xml: xml.replace(
            b"standalone='yes'?>", b"standalone='yes'?>" + with_entities().encode(), 1
        ).replace(b"PLACE", b"&e11;"),
    )


def xlsx_bomb() -> bytes:
    """A workbook whose cell is an entity that grows without end."""
    return _changed(
        xlsx({"Sheet": [["PLACE"]]}),
        "xl/worksheets/sheet1.xml",
        lambda xml: with_entities().encode() + xml.replace(b"PLACE", b"&e11;"),
    )


def odt_bomb() -> bytes:
    """An OpenDocument text that grows without end."""
    return _changed(
        odt([("Heading", ("PLACE",))]),
        "content.xml",
        lambda xml: xml.replace(b"?>", b"?>" + with_entities().encode(), 1).replace(
            b"PLACE", b"&e11;"
        ),
    )


def epub_bomb() -> bytes:
    """A book whose chapter grows without end."""
    return _changed(
        epub([("Heading", ("PLACE",))]),
        "OEBPS/chapter1.xhtml",
        lambda xml: xml.replace(b"?>", b"?>" + with_entities().encode(), 1).replace(
            b"PLACE", b"&e11;"
        ),
    )


def _changed(data: bytes, member: str, change: object) -> bytes:
    """A zip file with one member changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    before = members[member]
    members[member] = change(before)  # type: ignore[operator]
    if members[member] == before:
        raise ValueError(f"{member} is what it was")
    return archive(members)


def encrypted_office() -> bytes:
    """The start of a Word file with a password: an OLE container that names what it holds."""
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + "EncryptedPackage".encode("utf-16-le")
    )


def old_word() -> bytes:
    """The start of a .doc file."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + "WordDocument".encode("utf-16-le")


def deep_html(depth: int = 100_000) -> bytes:
    """A page of elements within elements."""
    return b"<html><body>" + b"<div>" * depth + b"<p>Deep words." + b"</div>" * depth


def deep_markdown(depth: int = 20_000) -> bytes:
    """Quotes within quotes."""
    return b">" * depth + b" deep words"


def make_folder(folder: Path) -> dict[str, Status]:
    """Write a file of every format and every fault; the status that each path must come to."""
    made = _sound_files() | _faulty_files()
    expected: dict[str, Status] = {}
    for name, (data, status) in made.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        if isinstance(status, Status):
            expected[_told(name)] = status
        else:
            expected.update({f"{name}/{inner}": came for inner, came in status.items()})
    return expected


Made = dict[str, tuple[bytes, Status | dict[str, Status]]]


def _told(name: str) -> str:
    from qa.reading.walking import safe

    return safe(name)


def _sound_files() -> Made:
    """Every format, so that something is indexed from each."""
    facts, indexed = FACTS, Status.INDEXED
    rows = [("name", "year"), ("Ada", "1815"), ("Ben", "1901")]
    return {
        "text/plain.txt": (text(facts), indexed),
        "text/notes.md": (markdown(facts), indexed),
        "text/manual.rst": (rst(facts), indexed),
        "text/plan.org": (org(facts), indexed),
        "text/paper.tex": (tex(facts), indexed),
        "text/server.log": (b"2024-01-01 started\n2024-01-01 stopped\n", indexed),
        "text/unknown.xyz": (b"Words in a file of no known name.", indexed),
        "text/no-suffix": (b"Words in a file without a suffix.", indexed),
        "text/utf16-mark.txt": ("Marked words.\n".encode("utf-16"), indexed),
        "text/utf16-le.txt": (
            "Little words without a mark.\n".encode("utf-16-le"),
            indexed,
        ),
        "text/utf16-be.txt": (
            "Big words without a mark.\n".encode("utf-16-be"),
            indexed,
        ),
        "text/utf8-mark.txt": (b"\xef\xbb\xbfMarked words.", indexed),
        "text/windows.txt": (
            "The café’s “plat du jour” – très bon.".encode("cp1252"),
            indexed,
        ),
        "text/arabic.txt": ("تجمد الميناء في يناير.".encode(), indexed),
        "text/chinese.txt": ("港口在一月结冰。九艘船在外面等候。".encode(), indexed),
        "web/page.html": (html(facts, title="Facts"), indexed),
        "web/page.xhtml": (html(facts, title="More facts"), indexed),
        "web/saved.mhtml": (web_archive(html(facts, title="Saved")), indexed),
        "rows/table.csv": (csv(rows), indexed),
        "rows/table.tsv": (b"name\tyear\nAda\t1815\nCy\t1888\n", indexed),
        "rows/table.jsonl": (jsonl([{"name": "Ada"}, {"name": "\ud800"}]), indexed),
        "office/report.pdf": (
            pdf([["The harbour froze."], ["The mill stood."]]),
            indexed,
        ),
        "office/report.docx": (docx(facts), indexed),
        "office/slides.pptx": (pptx(facts), indexed),
        "office/book.xlsx": (xlsx({"People": rows}), indexed),
        "office/report.odt": (odt(facts), indexed),
        "office/novel.epub": (epub(facts), indexed),
        "office/study.ipynb": (notebook(facts), indexed),
        "office/letter.eml": (mail("The harbour", "It froze."), indexed),
        "office/half-scan.pdf": (scan(3, text_on=(2,)), indexed),
        "renamed/really-a-pdf.txt": (pdf([["A PDF under another name."]]), indexed),
        "renamed/really-text.pdf": (b"Text under the name of a PDF.", indexed),
        "renamed/really-text.bin": (b"Text under another name.", indexed),
        "packed.zip": (
            archive({"a.txt": "Packed words.", "b/c.md": "# Packed\n\nMore words."}),
            {"a.txt": indexed, "b/c.md": indexed},
        ),
        "matryoshka.zip": (
            nested(3, {"a.txt": "Inner words."}),
            {"inner2.zip/inner1.zip/a.txt": indexed},
        ),
    }


def _faulty_files() -> Made:
    """Every fault, each with the one status that tells it."""
    failed, unsupported, empty = Status.FAILED, Status.UNSUPPORTED, Status.EMPTY
    full = pdf([["A page of words."]] * 3)
    return {
        "faults/zero.txt": (b"", empty),
        "faults/blank.md": (b" \n\t\r\n \n", empty),
        "faults/empty.html": (b"<html><body><script>x()</script></body></html>", empty),
        "faults/empty.docx": (docx([]), empty),
        "faults/empty.pdf": (pdf([[]]), empty),
        "faults/scan.pdf": (scan(2), Status.NEEDS_OCR),
        "faults/photo.png": (png(), Status.NEEDS_OCR),
        "faults/nul.txt": (b"words\0words", unsupported),
        "faults/binary.txt": (bytes(range(256)) * 20, unsupported),
        "faults/program.exe": (b"MZ\x90\0" + b"\0" * 100, unsupported),
        "faults/packed.gz": (b"\x1f\x8b\x08\0" + b"\0" * 20, unsupported),
        "faults/letter.rtf": (b"{\\rtf1 words}", Status.INDEXED),
        "faults/old.doc": (old_word(), unsupported),
        "faults/drawing.svg": (
            b"<svg xmlns='http://www.w3.org/2000/svg'><text>x</text></svg>",
            unsupported,
        ),
        "faults/locked.pdf": (pdf([["Secret words."]], password="secret"), failed),
        "faults/cut.pdf": (full[: len(full) // 3], failed),
        "faults/cut-head.pdf": (full[200:], failed),
        "faults/cut-tail.pdf": (full.rstrip()[:-5], Status.INDEXED),
        "faults/noise.docx": (bytes(range(200, 255)) + b"\0" * 100, failed),
        "faults/locked.docx": (encrypted_office(), failed),
        "faults/cut.docx": (docx(FACTS)[:5000], failed),
        "faults/cut.xlsx": (xlsx({"A": [["b"]]})[:-200], failed),
        "faults/bomb.docx": (docx_bomb(), failed),
        "faults/bomb.odt": (odt_bomb(), failed),
        "faults/bomb.xlsx": (xlsx_bomb(), failed),
        "faults/bomb.epub": (epub_bomb(), Status.INDEXED),
        "faults/deep.html": (deep_html(), failed),
        "faults/deep.md": (deep_markdown(), Status.INDEXED),
        "faults/damaged.ipynb": (b'{"cells": [', failed),
        "faults/bomb.zip": (bomb(), {"zeros.txt": failed}),
        "faults/locked.zip": (locked_archive(), {"secret.txt": failed}),
        "faults/climbing.zip": (
            archive(
                {
                    "../../climbed.txt": "words",
                    "/rooted.txt": "words",
                    "fine.txt": "Fine words.",
                }
            ),
            {
                "_/_/climbed.txt": failed,
                "rooted.txt": failed,
                "fine.txt": Status.INDEXED,
            },
        ),
        "faults/deep.zip": (
            nested(5, {"a.txt": "words"}),
            {"inner4.zip/inner3.zip/inner2.zip": failed},
        ),
        "faults/cut.zip": (archive({"a.txt": "words" * 100})[:-30], failed),
        "names/two\nlines.txt": (b"Words under a name of two lines.", Status.INDEXED),
        "names/undecodable-\udcff.txt": (
            b"Words under a name that is no text.",
            Status.INDEXED,
        ),
        "names/\u202egnp.txt": (b"Words under a name that turns.", Status.INDEXED),
        "names/back\\x0aslash.txt": (
            b"Words under a name with a backslash.",
            Status.INDEXED,
        ),
    }


# Small files that grow


SAID = "The keeper counted forty boats on Monday."


def grown(levels: int = 9) -> str:
    """YAML whose maps take ten of each below in: as many as there are atoms in a cat."""
    below = ["a0: &a0 {k: v}"]
    below += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, levels)]
    return "\n".join(below)


def headed(head: str, fence: str = "---") -> bytes:
    """Markdown with that front matter."""
    return f"{fence}\n{head}\n{fence}\n\n# Hello\n\n{SAID}\n".encode()


def deep_odt(depth: int = 3_000) -> bytes:
    """Headings each a level below the last."""
    levels = "".join(
        f'<text:h text:outline-level="{level}">\ue000</text:h>' for level in range(2, depth)
    ).encode()
    return _changed(
        odt([("Heading", (SAID,))]),
        "content.xml",
        lambda xml: xml.replace(b"</text:h>", b"</text:h>" + levels, 1),
    )


def growing_odt(blanks: int = 20_000_000) -> bytes:
    """A sentence with a number of blanks in it, which takes a few bytes to say."""
    return _changed(
        odt([("Heading", ("PLACE",))]),
        "content.xml",
        lambda xml: xml.replace(b"PLACE", f'a<text:s text:c="{blanks}"/>b'.encode()),
    )


def drawn_pdf(content: str, resources: str = "", box: str = "0 0 612 792") -> bytes:
    """A PDF of one page with that content; `resources` are named in it, objects from 6 on follow."""
    named, _, further = resources.partition("|")
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        (
            f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]/Contents 4 0 R"
            f"/Resources<</Font<</F1 5 0 R>>{named}>>>>"
        ),
        f"<</Length {len(content)}>>stream\n{content}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *filter(None, further.split("|")),
    ]
    body, places = b"%PDF-1.7\n", []
    for number, written in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{written}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    tail = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer<</Size {size}/Root 1 0 R>>\n"
    return body + f"{tail}startxref\n{len(body)}\n%%EOF\n".encode()


WRITTEN = f"BT /F1 12 Tf 10 700 Td ({SAID}) Tj ET"


def narrow_pdf() -> bytes:
    """A page so narrow that it is 800,000 pixels long where it is 1,100 wide."""
    return drawn_pdf(f"BT /F1 2 Tf 1 14000 Td ({SAID}) Tj ET", box="0 0 20 14400")


def endless_pdf(kept: str = "") -> bytes:
    """A page that is filled with a pattern of a step of next to nothing."""
    tile = "0 0 1 rg 0 0 1 1 re f"
    pattern = (
        "/Pattern<</P 6 0 R>>|<</Type/Pattern/PatternType 1/PaintType 1/TilingType 1"
        f"/BBox[0 0 1 1]/XStep 0.0001/YStep 0.0001/Resources<<>>/Length {len(tile)}>>"
        f"stream\n{tile}\nendstream"
    )
    return drawn_pdf(f"{WRITTEN} /Pattern cs /P scn 0 0 612 792 re f %{kept}", pattern)


def sheet_of_repeated_cells() -> bytes:
    """A sheet whose one cell stands in a thousand million rows and columns."""
    cell = f"<text:p>{SAID}</text:p>"
    names = " ".join(f'xmlns:{name}="{_OPEN}:{name}:1.0"' for name in ("office", "table", "text"))
    many = "1000000000"
    row = f'<table:table-row table:number-rows-repeated="{many}"><table:table-cell '
    row += f'table:number-columns-repeated="{many}">{cell}</table:table-cell></table:table-row>'
    sheet = f"<office:spreadsheet><table:table>{row}</table:table></office:spreadsheet>"
    content = f"<office:document-content {names}><office:body>{sheet}</office:body></office:document-content>"
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    return archive({"mimetype": kind, "content.xml": content.encode()})


def hostile() -> dict[str, tuple[bytes, Status, str]]:
    """Small files that each grew, hung or crashed something: what they come to, with what reason.

    Characters for private use have no token: they cost no time to encode.
    """
    indexed, failed = Status.INDEXED, Status.FAILED
    deep, bare = "nested too deep", "\ue000"
    return {
        "blank-paragraphs.txt": (
            f"{SAID}\n\n".encode() + f"{bare}\n\n".encode() * 20_000,
            indexed,
            "",
        ),
        "deep-front.md": (headed(f"x: {'[' * 90_000}"), indexed, deep),
        "deep-headings.odt": (deep_odt(), indexed, ""),
        "deep-notebook.ipynb": (b'{"nbformat": 4, "cells": ' + b"[" * 200_000, failed, deep),
        "digits.md": (headed(f"title: {'9' * 5_000}"), indexed, ""),
        "digits.ipynb": (
            json.dumps(
                {"cells": [{"cell_type": "heading", "level": "9" * 5_000, "source": SAID}]}
            ).encode(),
            indexed,
            "",
        ),
        "endless.pdf": (endless_pdf(), indexed, ""),
        "narrow.pdf": (narrow_pdf(), indexed, ""),
        "dots.md": (headed(f"{'.'.join('a' * 28_000)} = 1", "+++"), indexed, deep),
        "entity.xml": (
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a><b>&x;</b></a>',
            Status.EMPTY,
            "",
        ),
        "far-cells.ods": (sheet_of_repeated_cells(), indexed, ""),
        "impossible.rtf": (b"{\\rtf1 \\u-99999999?" + SAID.encode() + b"}", indexed, ""),
        "timeless.srt": (f"1\n{SAID}\n".encode(), indexed, ""),
        "growing.md": (headed(f"{grown()}\ntitle: x"), indexed, ""),
        "growing.odt": (growing_odt(), failed, "unfolds to more than"),
        "hex.md": (headed(f"title = 0x{'f' * 50_000}", "+++"), indexed, ""),
        "long-columns.csv": (f'"{bare * 300_000}",b\n{SAID},2\n'.encode(), indexed, ""),
        "long-heading.md": (
            f"# {bare * 140_000}\n\n".encode() + f"{bare}\n\n".encode() * 14_000,
            indexed,
            "",
        ),
        "long-key.jsonl": (jsonl([{bare * 1_000_000: SAID}]), indexed, ""),
        "long-label.epub": (epub([(bare * 200_000, (SAID,))], headings=False), indexed, ""),
        "long-run.txt": (f"{SAID}\n\n".encode() + bare.encode() * 400_000, indexed, ""),
        "long-title.html": (html([("A", (SAID,))], title=bare * 1_000_000), indexed, ""),
        "nul.html": (
            f"<html><title>a&#0;b</title><h1>c&#0;d</h1><p>{SAID}&#0;</p>".encode(),
            indexed,
            "",
        ),
        "nul.jsonl": (jsonl([{"a\0b": f"\0{SAID}"}]), indexed, ""),
        "surrogate-attachment.eml": (
            mail("A", SAID, attachment=b"x").replace(b'"a.pdf"', b'"\xed\xa0\x80.pdf"'),
            indexed,
            "attachments",
        ),
        "surrogate-key.jsonl": (jsonl([{"\ud800name": SAID, "b": 1}]), indexed, ""),
        "surrogate-title.md": (headed('title: "\\ud800x"'), indexed, ""),
        "surrogate-title.ipynb": (
            json.dumps(
                {
                    "cells": [{"cell_type": "markdown", "source": SAID}],
                    "metadata": {"title": "\udfff"},
                }
            ).encode(),
            indexed,
            "",
        ),
        "surrogates.zip/a.jsonl": (jsonl([{"\ud800": f"\udfff {SAID}"}]), indexed, ""),
    }
