"""Files to Documents: a reader for each family of formats, chosen by content before name.

`read` does one file's bytes. `walking` finds the files of a folder, `workers` reads many of them in
processes of their own. Heavy libraries are imported by the reader that needs them, when it does.
"""

import gc
import hashlib
import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import cast

from qa.errors import ReadFailed, Unsupported
from qa.reading import archive, libreoffice, ocr
from qa.reading.content import Content, tidy
from qa.reading.detection import format_of
from qa.reading.formats import SAVED_AS, Format
from qa.records import Document

# Format -> module, function and version: the version grows when a reader makes another text or
# other blocks of the same bytes, so that an index knows which documents to read again.
_READERS = {
    Format.TEXT: ("text", "read", 6),
    Format.MARKDOWN: ("markdown", "read", 6),
    Format.HTML: ("html", "read", 9),
    Format.CSV: ("rows", "read_csv", 7),
    Format.JSONL: ("rows", "read_jsonl", 3),
    Format.JSON: ("json_records", "read", 3),
    Format.XML: ("xml_records", "read", 1),
    Format.SUBTITLES: ("subtitles", "read", 2),
    Format.RICH_TEXT: ("rtf", "read", 5),
    Format.CODE: ("code", "read", 1),
    Format.NOTEBOOK: ("notebook", "read", 4),
    Format.MAIL: ("mail", "read", 9),
    Format.MESSAGE: ("mail", "read", 6),
    Format.WEB_ARCHIVE: ("mail", "read_web_archive", 8),
    Format.PDF: ("pdf", "read", 11),
    Format.WORD: ("word", "read", 9),
    Format.SLIDES: ("slides", "read", 7),
    Format.SHEETS: ("sheets", "read", 8),
    Format.OLD_SHEETS: ("old_sheets", "read", 3),
    Format.OPEN_DOCUMENT: ("opendocument", "read", 7),
    Format.OPEN_SHEETS: ("opendocument", "read", 8),
    Format.OPEN_SLIDES: ("opendocument", "read", 7),
    Format.FLAT_DOCUMENT: ("opendocument", "read_flat", 8),
    **dict.fromkeys(SAVED_AS, ("libreoffice", "read", 5)),
    Format.BOOK: ("book", "read", 7),
    Format.IMAGE: ("ocr", "read", 2),
}
TEXT_FREE = 16 << 20  # characters that any file may hold, and
TEXT_RATIO = 100  # characters a byte of the file above that
_OBJECT = re.compile(r"'?<[\w.]+ object at 0x[0-9a-fA-F]+>'?")
_IN_ZIP = (
    *(Format.WORD, Format.SLIDES, Format.SHEETS, Format.BOOK),
    *(Format.OPEN_DOCUMENT, Format.OPEN_SHEETS, Format.OPEN_SLIDES),
)
_LIBRARIES = (
    "chardet",
    "lxml",
    "markdown-it-py",
    "olefile",
    "openpyxl",
    "pypdfium2",
    "python-docx",
    "python-pptx",
    "pyyaml",
    "striprtf",
    "tree-sitter",
    "tree-sitter-bash",
    "tree-sitter-c",
    "tree-sitter-c-sharp",
    "tree-sitter-cpp",
    "tree-sitter-go",
    "tree-sitter-java",
    "tree-sitter-javascript",
    "tree-sitter-php",
    "tree-sitter-python",
    "tree-sitter-ruby",
    "tree-sitter-rust",
    "tree-sitter-sql",
    "tree-sitter-typescript",
    "xlrd",
)


def fingerprint(ocr_language: str | None, *, has_libreoffice: bool = False) -> str:
    """A short hash of the readers' versions and of the libraries' that shape their text.

    `ocr_language` is the language in which scanned pages are read, None where they are not;
    `has_libreoffice` is whether it reads the documents of other programs.
    """
    readers = [f"{known}={number}" for known, (_, _, number) in sorted(_READERS.items())]
    libraries = [f"{library}={_installed(library)}" for library in _LIBRARIES]
    switched = (ocr.fingerprint(ocr_language), libreoffice.fingerprint(there=has_libreoffice))
    versions = ";".join((*readers, *libraries, *switched))
    return hashlib.sha256(versions.encode()).hexdigest()[:16]


def _installed(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "missing"


def read(data: bytes, name: str) -> Document:
    """The document that a file's bytes hold.

    Raises ReadFailed, whose message is the reason, and its kind Unsupported.
    """
    return read_noted(data, name)[0]


def read_noted(data: bytes, name: str) -> tuple[Document, str]:
    """The document, and what a report should say of it besides, such as parts left out.

    Whatever a library raises becomes a reason.
    """
    try:
        with _uncollected():
            return _read(data, name)
    except (ReadFailed, MemoryError, ImportError):
        raise
    except RecursionError as error:
        raise ReadFailed("nested too deep") from error
    except Exception as error:  # a library's own errors are too many to name
        raise ReadFailed(f"damaged: {_in_a_line(error)}") from error


@contextmanager
def _uncollected() -> Iterator[None]:
    """A time without the search for cycles: readers make many small objects, and few of those."""
    searches = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searches:
            gc.enable()


def _read(data: bytes, name: str) -> tuple[Document, str]:
    chosen = format_of(data, name)
    if chosen is Format.MAILBOX:
        raise Unsupported("a mailbox: its mails are documents, it is none itself")
    if chosen is Format.ARCHIVE:
        raise Unsupported("an archive: its members are documents, it is none itself")
    if chosen in _IN_ZIP:
        archive.check(data)
    module, function, number = _READERS[chosen]
    reader = getattr(importlib.import_module(f"qa.reading.{module}"), function)
    content = tidy(_within_limit(cast(Content, reader(data, name)), len(data)))
    document = Document(
        sha256=hashlib.sha256(data).hexdigest(),
        reader=f"{chosen} {number}",
        text=content.text,
        title=content.title,
        date=content.date,
        blocks=content.blocks,
        pages=content.pages,
        pages_without_text=content.pages_without_text,
    )
    return document, content.note


def _within_limit(content: Content, size: int) -> Content:
    """The content; raises ReadFailed where a small file unfolds to a huge text."""
    if len(content.text) > max(TEXT_FREE, TEXT_RATIO * size):
        raise ReadFailed(f"unfolds to more than {TEXT_RATIO} times its size")
    return content


def _in_a_line(error: Exception) -> str:
    """The error in at most 120 characters."""
    message = _OBJECT.sub("the file", f"{type(error).__name__}: {error}")
    return " ".join(message.split())[:120].rstrip(": ")
