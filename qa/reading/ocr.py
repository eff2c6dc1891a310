"""Text of scanned pages by tesseract, where an index was asked to have it (the `ocr` extra).

Without it nothing is guessed: pages without text are named in the report. Whether pages are read, and
in which language, is a setting of the index; a reader process gets it from its environment.
"""

import os
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from typing import Any

from qa import processes
from qa.errors import ReadFailed, SettingsInvalid
from qa.reading.content import Content, Draft

PIXELS_PER_INCH = 300
PAGE_SECONDS = 120  # for one page
_MODES = ("1", "L", "RGB")  # of an image, which PNG has and tesseract reads
_PAGE_LIMIT = 1_000  # of one image file
_CODES = {  # ISO 639-1 -> tesseract's own, which are those of ISO 639-2 with few exceptions
    "ar": "ara",
    "bg": "bul",
    "ca": "cat",
    "cs": "ces",
    "da": "dan",
    "de": "deu",
    "el": "ell",
    "en": "eng",
    "es": "spa",
    "et": "est",
    "fa": "fas",
    "fi": "fin",
    "fr": "fra",
    "he": "heb",
    "hi": "hin",
    "hr": "hrv",
    "hu": "hun",
    "id": "ind",
    "it": "ita",
    "ja": "jpn",
    "ko": "kor",
    "lt": "lit",
    "lv": "lav",
    "nl": "nld",
    "no": "nor",
    "pl": "pol",
    "pt": "por",
    "ro": "ron",
    "ru": "rus",
    "sk": "slk",
    "sl": "slv",
    "sr": "srp",
    "sv": "swe",
    "th": "tha",
    "tr": "tur",
    "uk": "ukr",
    "vi": "vie",
    "zh": "chi_sim",
}


def enabled() -> bool:
    """True when this process is to read scanned pages."""
    return os.environ.get("QA_OCR") == "1"


def environment(language: str | None) -> dict[str, str]:
    """The environment of a process that reads scanned pages in that language, or does not where it is None."""
    return {"QA_OCR": "0"} if language is None else {"QA_OCR": "1", "QA_LANGUAGE": language}


def fingerprint(language: str | None) -> str:
    """What this module adds to the readers' fingerprint: the switch changes the texts."""
    return "ocr=off" if language is None else f"ocr={_library()} {language.lower()}"


def check() -> None:
    """Raises SettingsInvalid where scanned pages cannot be read: without, their text would be lost."""
    missing = ""
    if _library() is None:
        missing = "pytesseract is not installed (pip install 'seedqa[ocr]')"
    elif shutil.which("tesseract", path=processes.environment().get("PATH", "")) is None:
        missing = "tesseract is not on this machine (apt install tesseract-ocr)"
    if missing:
        raise SettingsInvalid(
            f"This index has the text of scans, and {missing}: install it, "
            "or build without by --no-ocr or QA_OCR=0."
        )


def _library() -> str | None:
    try:
        return version("pytesseract")
    except PackageNotFoundError:
        return None


def words_of(picture: Any) -> str:
    """The text that tesseract sees in a PIL image. Raises ReadFailed."""
    if _library() is None:
        raise ReadFailed("it has scanned pages, and pytesseract is not installed")
    program = shutil.which("tesseract")
    if program is None:
        raise ReadFailed("it has scanned pages, and tesseract is not on this machine")
    # By pipes: pytesseract itself would leave the page and its text in the temporary folder, for
    # all to read, where its process is ended meanwhile.
    command = [program, "stdin", "stdout", "-l", _languages()]
    try:
        done = subprocess.run(  # noqa: S603 - found by absolute places alone
            command, input=_png(picture), capture_output=True, timeout=PAGE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ReadFailed(f"tesseract took longer than {PAGE_SECONDS} s for a page") from error
    if done.returncode != 0:
        raise ReadFailed(f"tesseract failed: {done.stderr.decode(errors='replace')[:200]}")
    return done.stdout.decode(errors="replace").strip()


def _png(picture: Any) -> bytes:
    """A PIL image as PNG, on white where it lets something through."""
    from PIL import Image

    data, dpi = BytesIO(), {name: picture.info[name] for name in ("dpi",) if name in picture.info}
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    (picture if picture.mode in _MODES else picture.convert("RGB")).save(data, "PNG", **dpi)
    return data.getvalue()


def _languages() -> str:
    """What tesseract reads: the language of QA_LANGUAGE where its data is installed, and English.

    `"de"` becomes `"deu+eng"`; a language that is not installed is left out.
    """
    import pytesseract

    installed = set(pytesseract.get_languages())
    code = os.environ.get("QA_LANGUAGE", "en").lower()
    return "+".join(dict.fromkeys(filter(installed.__contains__, (_CODES.get(code, code), "eng"))))


def read(data: bytes, _name: str) -> Content:
    """The text of an image's pages; every page is without text when OCR is off."""
    if not enabled():
        return Content("", (), pages=1, pages_without_text=(1,))
    from PIL import Image, ImageSequence

    draft, blank = Draft(), list[int]()
    pages = 0
    with Image.open(BytesIO(data)) as image:
        frames = ImageSequence.Iterator(image) if image.format == "TIFF" else (image,)
        for draft.page, frame in enumerate(frames, start=1):
            pages = draft.page
            if pages > _PAGE_LIMIT:
                raise ReadFailed(f"an image of more than {_PAGE_LIMIT} pages")
            words = words_of(frame)
            draft.add(words)
            if not words:
                blank.append(pages)
    return draft.content(pages=pages, pages_without_text=tuple(blank))
