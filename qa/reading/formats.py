"""The formats that are read, and how each, and what is known but not read, is recognised.

A new format gets its line in `Format` and its names in `FORMAT_OF_SUFFIX` here, its rule in
`detection` where its content identifies it, and its reader in `qa.reading`.
"""

from enum import StrEnum


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
    CODE = "code"
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
    OLD_WORD = "doc"
    OLD_SLIDES = "ppt"
    BINARY_SHEETS = "xlsb"
    WORDPERFECT = "wpd"
    PAGES = "pages"
    NUMBERS = "numbers"
    KEYNOTE = "key"
    VISIO = "vsd"
    NEW_VISIO = "vsdx"
    PUBLISHER = "pub"
    BOOK = "epub"
    IMAGE = "image"
    ARCHIVE = "zip"


IMAGE_STARTS = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
)
UNREAD_STARTS = (
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
NO_DOCUMENTS = (  # patterns of names in lower case
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
# What LibreOffice reads: what each is, and the format that it is saved in.
SAVED_AS = {
    Format.OLD_WORD: ("an old Word file (.doc); save it as .docx", "docx"),
    Format.OLD_SLIDES: ("an old PowerPoint file (.ppt); save it as .pptx", "pptx"),
    Format.BINARY_SHEETS: ("a binary Excel workbook (.xlsb); save it as .xlsx", "xlsx"),
    Format.WORDPERFECT: ("a WordPerfect document; save it as .docx", "docx"),
    Format.PAGES: ("an Apple Pages document; export it as .docx or PDF", "docx"),
    Format.NUMBERS: ("an Apple Numbers workbook; export it as .xlsx", "xlsx"),
    Format.KEYNOTE: ("an Apple Keynote presentation; export it as .pptx or PDF", "pptx"),
    Format.VISIO: ("an old Visio drawing (.vsd); save it as PDF", "pdf"),
    Format.NEW_VISIO: ("a Visio drawing; save it as PDF", "pdf"),
    Format.PUBLISHER: ("a Publisher document (.pub); save it as PDF", "pdf"),
}
IWORK = {"pages": Format.PAGES, "numbers": Format.NUMBERS, "key": Format.KEYNOTE}
WORDPERFECT_START = b"\xffWPC"
ZIPPED_BY_SUFFIX = {
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
ZIPPED_BY_MEMBER = (  # members that only such a zip has
    ("Index/Document.iwa", "an Apple iWork document; export it as .docx, .xlsx, .pptx or PDF"),
    ("Index/Presentation.iwa", "an Apple Keynote presentation; export it as .pptx or PDF"),
    ("index.apxl", "an Apple Keynote presentation; export it as .pptx or PDF"),
    ("META-INF/MANIFEST.MF", "a Java program"),
    ("AndroidManifest.xml", "an Android program"),
)
UNREAD_OFFICE = (
    ("fixeddocseq.fdseq", "an XPS document; save it as PDF"),
    ("3d/", "a 3D model (3MF)"),
)
OLD_OFFICE = (  # streams of a compound file
    ("WordDocument", Format.OLD_WORD),
    ("PowerPoint Document", Format.OLD_SLIDES),
    ("VisioDocument", Format.VISIO),
    ("Quill", Format.PUBLISHER),
)
COMPOUND_START = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # OLE: old Office, or encrypted Office
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
OFFICE_FOLDERS = {
    "word/": Format.WORD,
    "ppt/": Format.SLIDES,
    "xl/": Format.SHEETS,
    "visio/": Format.NEW_VISIO,
}
FORMAT_OF_MIMETYPE = {
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
# The names of files that are read. A web page or any other text is text by its content under whatever
# name; these are the names that people give to documents.
FORMAT_OF_SUFFIX = {
    **dict.fromkeys(("txt", "text", "log", "rst", "org", "tex"), Format.TEXT),
    **dict.fromkeys(("md", "markdown", "mdown", "mkd", "mdx", "qmd", "rmd"), Format.MARKDOWN),
    **dict.fromkeys(("html", "htm", "xhtml", "xht"), Format.HTML),
    **dict.fromkeys(("csv", "tsv", "tab"), Format.CSV),
    **dict.fromkeys(("jsonl", "ndjson"), Format.JSONL),
    **dict.fromkeys(("json", "geojson"), Format.JSON),
    **dict.fromkeys(("xml", "rss", "atom"), Format.XML),
    **dict.fromkeys(("srt", "vtt"), Format.SUBTITLES),
    "rtf": Format.RICH_TEXT,
    **dict.fromkeys(("py", "pyi", "rb", "php", "sh", "bash", "sql", "go", "rs"), Format.CODE),
    **dict.fromkeys(("js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"), Format.CODE),
    **dict.fromkeys(("c", "h", "cc", "cpp", "cxx", "hh", "hpp", "hxx"), Format.CODE),
    **dict.fromkeys(("java", "cs"), Format.CODE),
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
    **dict.fromkeys(("doc", "dot"), Format.OLD_WORD),
    **dict.fromkeys(("ppt", "pps", "pot"), Format.OLD_SLIDES),
    **{kind.value: kind for kind in SAVED_AS if kind not in (Format.OLD_WORD, Format.OLD_SLIDES)},
    "epub": Format.BOOK,
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "tif", "tiff", "bmp", "webp"), Format.IMAGE),
    "zip": Format.ARCHIVE,
}
# Of these names the content decides alone: a damaged PDF is no text.
_OFFICE_FORMATS = (
    *(Format.WORD, Format.SLIDES, Format.SHEETS),
    *(Format.OPEN_DOCUMENT, Format.OPEN_SHEETS, Format.OPEN_SLIDES),
)
FLAT_START = b"<office:document"
KNOWN_BY_CONTENT = frozenset(
    [
        Format.PDF,
        *_OFFICE_FORMATS,
        Format.BOOK,
        Format.ARCHIVE,
        Format.MESSAGE,
        Format.RICH_TEXT,
        Format.OLD_SHEETS,
        *SAVED_AS,
    ]
)
# Of these the content decides among texts, whatever the name; of all others the name does.
_OF_TEXT = (Format.TEXT, Format.HTML, Format.MAILBOX, Format.FLAT_DOCUMENT, Format.IMAGE)
KNOWN_BY_NAME = frozenset(Format) - KNOWN_BY_CONTENT - frozenset(_OF_TEXT)
NEVER_MAIL = ("txt", "log", "rst", "org", "tex")  # whatever lines they begin with
