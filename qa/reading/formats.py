"""Which format a file has: its content tells first, its name only where content leaves it open."""

import re
import zipfile
import zlib
from enum import StrEnum
from fnmatch import fnmatchcase
from io import BytesIO

from qa.errors import ReadFailed, Unsupported
from qa.reading.decoding import looks_like_text


class Format(StrEnum):
    """The formats that are read."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    CSV = "csv"
    JSONL = "jsonl"
    JSON = "json"
    XML = "xml"
    SUBTITLES = "srt"
    RICH_TEXT = "rtf"
    NOTEBOOK = "ipynb"
    MAIL = "eml"
    MAILBOX = "mbox"
    MESSAGE = "msg"
    WEB_ARCHIVE = "mhtml"
    PDF = "pdf"
    WORD = "docx"
    SLIDES = "pptx"
    SHEETS = "xlsx"
    OLD_SHEETS = "xls"
    OPEN_DOCUMENT = "odt"
    OPEN_SHEETS = "ods"
    OPEN_SLIDES = "odp"
    FLAT_DOCUMENT = "fodt"
    BOOK = "epub"
    IMAGE = "image"
    ARCHIVE = "zip"


_IMAGES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
)
_UNREAD = (
    (b"%!PS", "PostScript; save it as PDF"),
    (b"\x1f\x8b", "a gzip archive; only zip archives are opened"),
    (b"BZh", "a bzip2 archive; only zip archives are opened"),
    (b"\xfd7zXZ\0", "an xz archive; only zip archives are opened"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; only zip archives are opened"),
    (b"Rar!\x1a\x07", "a RAR archive; only zip archives are opened"),
    (b"(\xb5/\xfd", "a zstd archive; only zip archives are opened"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"ID3", "sound"),
    (b"fLaC", "sound"),
    (b"OggS", "sound or video"),
    (b"\x1aE\xdf\xa3", "video"),
)
_NO_DOCUMENTS = (  # patterns of names in lower case
    ("~$*", "a lock file that Office leaves beside an open document"),
    (".~lock.*#", "a lock file that LibreOffice leaves beside an open document"),
    ("thumbs.db", "a thumbnail cache of Windows"),
    ("ehthumbs*.db", "a thumbnail cache of Windows"),
    ("winmail.dat", "attachments packed by Outlook (TNEF); ask for them as files"),
    ("desktop.ini", "folder settings of Windows"),
    (".ds_store", "folder settings of macOS"),
    ("*.crdownload", "a download that is not complete"),
    ("*.part", "a download that is not complete"),
    ("*.partial", "a download that is not complete"),
    ("*.download", "a download that is not complete"),
    ("*.opdownload", "a download that is not complete"),
    ("*.url", "a link to a web page; save the page itself"),
    ("*.webloc", "a link to a web page; save the page itself"),
    ("*.desktop", "a link to a program or a web page"),
    ("*.lnk", "a shortcut of Windows; put the document itself here"),
    ("*.gdoc", "a link to a Google document; download it as .docx"),
    ("*.gsheet", "a link to a Google sheet; download it as .xlsx"),
    ("*.gslides", "a link to Google slides; download them as .pptx"),
    ("*.gdraw", "a link to a Google drawing; download it as PDF"),
    ("*.gform", "a link to a Google form"),
)
_ZIPPED = {
    "pages": "an Apple Pages document; export it as .docx or PDF",
    "numbers": "an Apple Numbers workbook; export it as .xlsx",
    "key": "an Apple Keynote presentation; export it as .pptx or PDF",
    "xmind": "an XMind map; export it as PDF or Markdown",
    "sketch": "a Sketch drawing; export it as PDF",
    "kmz": "a map (KMZ)",
    "jar": "a Java program",
    "war": "a Java program",
    "apk": "an Android program",
    "ipa": "an iOS program",
    "whl": "a Python package",
    "xpi": "a browser extension",
    "crx": "a browser extension",
}
_MEMBERS_OF = (  # members that only such a zip has
    ("Index/Document.iwa", "an Apple iWork document; export it as .docx, .xlsx, .pptx or PDF"),
    ("Index/Presentation.iwa", "an Apple Keynote presentation; export it as .pptx or PDF"),
    ("index.apxl", "an Apple Keynote presentation; export it as .pptx or PDF"),
    ("META-INF/MANIFEST.MF", "a Java program"),
    ("AndroidManifest.xml", "an Android program"),
)
_OTHER_OFFICE = (
    ("visio/", "a Visio drawing; save it as PDF"),
    ("fixeddocseq.fdseq", "an XPS document; save it as PDF"),
    ("3d/", "a 3D model (3MF)"),
)
_OLD_OFFICE = (  # streams of a compound file
    ("WordDocument", "an old Word file (.doc); save it as .docx"),
    ("PowerPoint Document", "an old PowerPoint file (.ppt); save it as .pptx"),
    ("VisioDocument", "an old Visio drawing (.vsd); save it as PDF"),
    ("Quill", "a Publisher document (.pub); save it as PDF"),
)
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # OLE: old Office, or encrypted Office
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OFFICE = {"word/": Format.WORD, "ppt/": Format.SLIDES, "xl/": Format.SHEETS}
_MIMETYPES = {
    "application/epub+zip": Format.BOOK,
    "application/vnd.oasis.opendocument.text": Format.OPEN_DOCUMENT,
    "application/vnd.oasis.opendocument.text-template": Format.OPEN_DOCUMENT,
    "application/vnd.oasis.opendocument.text-master": Format.OPEN_DOCUMENT,
    "application/vnd.oasis.opendocument.spreadsheet": Format.OPEN_SHEETS,
    "application/vnd.oasis.opendocument.spreadsheet-template": Format.OPEN_SHEETS,
    "application/vnd.oasis.opendocument.presentation": Format.OPEN_SLIDES,
    "application/vnd.oasis.opendocument.presentation-template": Format.OPEN_SLIDES,
    "application/vnd.oasis.opendocument.graphics": Format.OPEN_SLIDES,
}
# The names of files that are read. A program, a web page or any other text is text by its content
# under whatever name; these are the names that people give to documents.
FORMAT_OF_SUFFIX = {
    **dict.fromkeys(("txt", "text", "log", "rst", "org", "tex"), Format.TEXT),
    **dict.fromkeys(("md", "markdown", "mdown", "mkd"), Format.MARKDOWN),
    **dict.fromkeys(("html", "htm", "xhtml", "xht"), Format.HTML),
    **dict.fromkeys(("csv", "tsv", "tab"), Format.CSV),
    **dict.fromkeys(("jsonl", "ndjson"), Format.JSONL),
    **dict.fromkeys(("json", "geojson"), Format.JSON),
    **dict.fromkeys(("xml", "rss", "atom"), Format.XML),
    **dict.fromkeys(("srt", "vtt"), Format.SUBTITLES),
    "rtf": Format.RICH_TEXT,
    "ipynb": Format.NOTEBOOK,
    "eml": Format.MAIL,
    "mbox": Format.MAILBOX,
    "msg": Format.MESSAGE,
    **dict.fromkeys(("mht", "mhtml"), Format.WEB_ARCHIVE),
    "pdf": Format.PDF,
    **dict.fromkeys(("docx", "docm", "dotx", "dotm"), Format.WORD),
    **dict.fromkeys(("pptx", "pptm", "ppsx", "ppsm", "potx", "potm"), Format.SLIDES),
    **dict.fromkeys(("xlsx", "xlsm", "xltx", "xltm"), Format.SHEETS),
    "xls": Format.OLD_SHEETS,
    **dict.fromkeys(("odt", "ott"), Format.OPEN_DOCUMENT),
    **dict.fromkeys(("ods", "ots"), Format.OPEN_SHEETS),
    **dict.fromkeys(("odp", "otp"), Format.OPEN_SLIDES),
    **dict.fromkeys(("fodt", "fods", "fodp"), Format.FLAT_DOCUMENT),
    "epub": Format.BOOK,
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "tif", "tiff", "bmp", "webp"), Format.IMAGE),
    "zip": Format.ARCHIVE,
}
# Of these names the content decides alone: a damaged PDF is no text.
_OFFICE_FORMATS = (
    *(Format.WORD, Format.SLIDES, Format.SHEETS),
    *(Format.OPEN_DOCUMENT, Format.OPEN_SHEETS, Format.OPEN_SLIDES),
)
_FLAT_START = b"<office:document"
_KNOWN_BY_CONTENT = frozenset(
    [
        Format.PDF,
        *_OFFICE_FORMATS,
        Format.BOOK,
        Format.ARCHIVE,
        Format.MESSAGE,
        Format.RICH_TEXT,
        Format.OLD_SHEETS,
    ]
)
# Of these the name decides, as their content is text of any kind.
_KNOWN_BY_NAME = frozenset(
    [
        *(Format.MARKDOWN, Format.CSV, Format.JSONL, Format.JSON, Format.XML, Format.SUBTITLES),
        *(Format.NOTEBOOK, Format.MAIL, Format.WEB_ARCHIVE),
    ]
)
_NEVER_MAIL = ("txt", "log", "rst", "org", "tex")  # whatever lines they begin with
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
_MAILBOX_START = re.compile(rb"From [^\r\n]*\d{4}[^\r\n]*\r?\n[!-9;-~]+:")
_BOTH_ALIKE = re.compile(
    rb"multipart/related[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*type=\"?text/html", re.IGNORECASE
)
_HEAD = 4096  # bytes

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
    if head.startswith(_ZIP_STARTS):
        return _format_of_zip(data, suffix)
    if head.startswith(_COMPOUND):
        return _format_of_compound(data)
    if head.startswith(_IMAGES) or _is_bitmap(head) or (head[:4], head[8:12]) == (b"RIFF", b"WEBP"):
        return Format.IMAGE
    _refuse_unread(head)
    if _is_rich_text(head):
        return Format.RICH_TEXT
    return _format_of_text(data, head, suffix)


def _refuse_by_name(name: str) -> None:
    """Raises Unsupported for what programs leave beside documents, and for downloads cut off."""
    last = name.rpartition("/")[2].lower()
    for pattern, what in _NO_DOCUMENTS:
        if fnmatchcase(last, pattern):
            raise Unsupported(what)


def _is_rich_text(head: bytes) -> bool:
    return head.lstrip().startswith(b"{\\rtf")


def _is_pdf(head: bytes, suffix: str) -> bool:
    """True for %PDF- at the start, or within the first kilobyte of a file named so."""
    return head.startswith(b"%PDF-") or (suffix == "pdf" and b"%PDF-" in head[:1024])


def _is_bitmap(head: bytes) -> bool:
    return head.startswith(b"BM") and head[6:10] == b"\0\0\0\0" and len(head) > 26


def _refuse_unread(head: bytes) -> None:
    for start, what in _UNREAD:
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
    if named in _KNOWN_BY_CONTENT and data and not _is_text(data):
        raise ReadFailed(f"damaged or cut off: named .{suffix}, but its content is not")
    if _FLAT_START in sample and b"opendocument" in sample and sample.lstrip().startswith(b"<"):
        return Format.FLAT_DOCUMENT
    if _HTML_START.match(sample) or (named is Format.HTML and (_TAG.search(sample) or not data)):
        return Format.HTML
    if b'"nbformat"' in data[-_HEAD:] and sample.lstrip()[:1] == b"{":
        return Format.NOTEBOOK
    return named if named in _KNOWN_BY_NAME else _format_of_mail(sample, suffix)


def _format_of_mail(sample: bytes, suffix: str) -> Format:
    """Mail or a mailbox, as the text begins; else text."""
    if suffix in _NEVER_MAIL:
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
    if mimetype in _MIMETYPES:
        return _MIMETYPES[mimetype]
    if mimetype.startswith("application/vnd.oasis.opendocument"):
        kind = mimetype.rpartition(".")[2]
        raise Unsupported(f"an OpenDocument {kind}; save it as .odt, .ods or .odp")
    if "[Content_Types].xml" in names:
        return _format_of_office(names)
    is_open = {"content.xml", "META-INF/manifest.xml"} <= names
    if is_open:
        return Format.OPEN_DOCUMENT
    if what := _zipped_document(names, suffix):
        raise Unsupported(what)
    return Format.ARCHIVE


def _zipped_document(names: set[str], suffix: str) -> str:
    """What a zip is that is a document of another program; "" for an archive of files."""
    if suffix in _ZIPPED:
        return _ZIPPED[suffix]
    for member, what in _MEMBERS_OF:
        if member in names:
            return what
    return ""


def _format_of_office(names: set[str]) -> Format:
    if "xl/workbook.bin" in names:
        raise Unsupported("a binary Excel workbook (.xlsb); save it as .xlsx")
    for folder, office in _OFFICE.items():
        if any(name.startswith(folder) for name in names):
            return office
    for folder, what in _OTHER_OFFICE:
        if any(name.lower().startswith(folder) for name in names):
            raise Unsupported(what)
    return Format.ARCHIVE


def _format_of_compound(data: bytes) -> Format:
    """The format of an OLE container. Raises Unsupported, and ReadFailed for what is encrypted."""
    if "__properties_version1.0".encode("utf-16-le") in data:
        return Format.MESSAGE  # before the others, which may be attached to it
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise ReadFailed("encrypted: it opens with a password only")
    for stream, what in _OLD_OFFICE:
        if stream.encode("utf-16-le") in data:
            raise Unsupported(what)
    if any(_entry(name) in data for name in ("Workbook", "Book")):
        return Format.OLD_SHEETS
    raise Unsupported("an old Office file; save it in today's format")


def _entry(name: str) -> bytes:
    """How a stream's name stands in the directory of an OLE container."""
    return f"{name}\0\0".encode("utf-16-le")
