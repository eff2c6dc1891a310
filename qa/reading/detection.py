"""Which format a file has: its content decides first, its name only where content leaves it open."""

import re
import zipfile
import zlib
from fnmatch import fnmatchcase
from io import BytesIO

from qa.errors import ReadFailed, Unsupported
from qa.reading.decoding import looks_like_text
from qa.reading.formats import (
    COMPOUND_START,
    FLAT_START,
    FORMAT_OF_MIMETYPE,
    FORMAT_OF_SUFFIX,
    IMAGE_STARTS,
    IWORK,
    KNOWN_BY_CONTENT,
    KNOWN_BY_NAME,
    NEVER_MAIL,
    NO_DOCUMENTS,
    OFFICE_FOLDERS,
    OLD_OFFICE,
    UNREAD_OFFICE,
    UNREAD_STARTS,
    WORDPERFECT_START,
    ZIP_STARTS,
    ZIPPED_BY_MEMBER,
    ZIPPED_BY_SUFFIX,
    Format,
)

_HTML_START = re.compile(
    rb"(?:\s++|<\?xml[^>]*+>|(?><!--.*?-->))*+<(?:!doctype\s+html|html[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(rb"<[a-zA-Z!/][^<>]*>")
_SVG_START = re.compile(
    rb"(?:\s++|<\?xml[^>]*+>|(?><!--.*?-->)|<!doctype svg[^>]*+>)*+<svg[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_MAIL_START = re.compile(
    rb"(?:(?:Return-Path|Received|Delivered-To|From|To|Subject|Date|Message-ID|MIME-Version|"
    rb"X-[\w-]+|DKIM-Signature|Authentication-Results):[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n){3}",
    re.IGNORECASE,
)
_XML_START = re.compile(rb"\s*<\?xml\s")
_MAILBOX_START = re.compile(rb"From [^\r\n]*\d{4}[^\r\n]*\r?\n[!-9;-~]+:")
_BOTH_ALIKE = re.compile(
    rb"multipart/related[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*type=\"?text/html", re.IGNORECASE
)
_HEAD = 4096  # bytes
_IWORK_PARTS = (".iwa", "index.xml", "index.xml.gz", "index.apxl", "index.apxl.gz", "Index.zip")

# What `zipfile` raises for archives that are damaged or beyond it.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)


def format_of(data: bytes, name: str) -> Format:
    """The format that a reader is chosen by.

    Raises Unsupported for formats that are known but not read and for what is not text at all, and
    ReadFailed for damaged or encrypted containers.
    """
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    head = data[:_HEAD]
    _refuse_by_name(name)
    if _is_pdf(head, suffix):
        return Format.PDF
    if head.startswith(ZIP_STARTS):
        return _format_of_zip(data, suffix)
    if head.startswith(COMPOUND_START):
        return _format_of_compound(data)
    by_start = _format_of_start(head)
    if by_start:
        return by_start
    _refuse_unread(head)
    return _format_of_text(data, head, suffix)


def _refuse_by_name(name: str) -> None:
    """Raises Unsupported for what programs leave beside documents, and for downloads cut off."""
    last = name.rpartition("/")[2].lower()
    for pattern, what in NO_DOCUMENTS:
        if fnmatchcase(last, pattern):
            raise Unsupported(what)


def _format_of_start(head: bytes) -> Format | None:
    """The format that a file's first bytes make, where they are its own."""
    if head.startswith(WORDPERFECT_START):
        return Format.WORDPERFECT
    webp = (head[:4], head[8:12]) == (b"RIFF", b"WEBP")
    if webp or head.startswith(IMAGE_STARTS) or _is_bitmap(head):
        return Format.IMAGE
    return Format.RICH_TEXT if _is_rich_text(head) else None


def _is_rich_text(head: bytes) -> bool:
    return head.lstrip().startswith(b"{\\rtf")


def _is_pdf(head: bytes, suffix: str) -> bool:
    """True for %PDF- at the start, or within the first kilobyte of a file named so."""
    return head.startswith(b"%PDF-") or (suffix == "pdf" and b"%PDF-" in head[:1024])


def _is_bitmap(head: bytes) -> bool:
    return head.startswith(b"BM") and head[6:10] == b"\0\0\0\0" and len(head) > 26


def _refuse_unread(head: bytes) -> None:
    for start, what in UNREAD_STARTS:
        if head.startswith(start):
            raise Unsupported(what)
    if head[257:262] == b"ustar":
        raise Unsupported("a tar archive; only zip archives are opened")
    if head[4:8] == b"ftyp":
        raise Unsupported("video, sound or a HEIC image")
    if _SVG_START.match(head):
        raise Unsupported("an SVG drawing")


def _format_of_text(data: bytes, head: bytes, suffix: str) -> Format:
    sample = head.removeprefix(b"\xef\xbb\xbf")
    sample = sample.replace(b"\0", b"") if head.startswith((b"\xff\xfe", b"\xfe\xff")) else sample
    named = FORMAT_OF_SUFFIX.get(suffix, Format.TEXT)
    if named in KNOWN_BY_CONTENT and data and not _is_text(data):
        raise ReadFailed(f"damaged or cut off: named .{suffix}, but its content is not")
    if FLAT_START in sample and b"opendocument" in sample and sample.lstrip().startswith(b"<"):
        return Format.FLAT_DOCUMENT
    if _HTML_START.match(sample) or (named is Format.HTML and (_TAG.search(sample) or not data)):
        return Format.HTML
    if b'"nbformat"' in data[-_HEAD:] and sample.lstrip()[:1] == b"{":
        return Format.NOTEBOOK
    if named in KNOWN_BY_NAME:
        return named
    if suffix not in NEVER_MAIL and _XML_START.match(sample):
        return Format.XML
    return _format_of_mail(sample, suffix)


def _format_of_mail(sample: bytes, suffix: str) -> Format:
    """Mail or a mailbox, as the text begins; else text."""
    if suffix in NEVER_MAIL:
        return Format.TEXT
    if _MAILBOX_START.match(sample):
        return Format.MAILBOX
    if _MAIL_START.match(sample):
        return Format.WEB_ARCHIVE if _BOTH_ALIKE.search(sample) else Format.MAIL
    return Format.TEXT


def _is_text(data: bytes) -> bool:
    """True for text that was given the name of another format; parts of a PDF are none."""
    return looks_like_text(data) and b"endobj" not in data


def _format_of_zip(data: bytes, suffix: str) -> Format:
    """The format that a zip's members make."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist())
            mimetype = ""
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                mimetype = archive.read("mimetype").decode("ascii", errors="replace").strip()
    except BROKEN as error:
        raise ReadFailed("damaged or cut off: its zip directory cannot be read") from error
    if mimetype in FORMAT_OF_MIMETYPE:
        return FORMAT_OF_MIMETYPE[mimetype]
    if mimetype.startswith("application/vnd.oasis.opendocument"):
        kind = mimetype.rpartition(".")[2]
        raise Unsupported(f"an OpenDocument {kind}; save it as .odt, .ods or .odp")
    if "[Content_Types].xml" in names:
        return _format_of_office(names)
    is_open = {"content.xml", "META-INF/manifest.xml"} <= names
    if is_open:
        return Format.OPEN_DOCUMENT
    if suffix in IWORK and any(name.endswith(_IWORK_PARTS) for name in names):
        return IWORK[suffix]
    if what := _zipped_document(names, suffix):
        raise Unsupported(what)
    return Format.ARCHIVE


def _zipped_document(names: set[str], suffix: str) -> str:
    """What a zip is that is a document of another program; "" for an archive of files."""
    if suffix in ZIPPED_BY_SUFFIX:
        return ZIPPED_BY_SUFFIX[suffix]
    for member, what in ZIPPED_BY_MEMBER:
        if member in names:
            return what
    return ""


def _format_of_office(names: set[str]) -> Format:
    if "xl/workbook.bin" in names:
        return Format.BINARY_SHEETS
    for folder, office in OFFICE_FOLDERS.items():
        if any(name.startswith(folder) for name in names):
            return office
    for folder, what in UNREAD_OFFICE:
        if any(name.lower().startswith(folder) for name in names):
            raise Unsupported(what)
    return Format.ARCHIVE


def _format_of_compound(data: bytes) -> Format:
    """The format of an OLE container. Raises Unsupported, and ReadFailed for what is encrypted."""
    if "__properties_version1.0".encode("utf-16-le") in data:
        return Format.MESSAGE  # before the others, which may be attached to it
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise ReadFailed("encrypted: it opens with a password only")
    for stream, old in OLD_OFFICE:
        if stream.encode("utf-16-le") in data:
            return old
    if any(_entry(name) in data for name in ("Workbook", "Book")):
        return Format.OLD_SHEETS
    raise Unsupported("an old Office file; save it in today's format")


def _entry(name: str) -> bytes:
    """How a stream's name stands in the directory of an OLE container."""
    return f"{name}\0\0".encode("utf-16-le")
