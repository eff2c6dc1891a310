"""Programs that read a part of the files, without which an index would lose documents."""

from dataclasses import replace
from pathlib import Path

from qa.index.opening import last_complete
from qa.index.origin import origin
from qa.reading import libreoffice, ocr
from qa.reading.formats import SAVED_AS
from qa.settings import Settings

PROGRAMS = ("ocr", "libreoffice")  # the settings that belong to readers


def with_programs(index: Path, settings: Settings) -> Settings:
    """The settings of a build, with LibreOffice where it is on this machine.

    Raises SettingsInvalid where texts of the index came from a program that is missing here: they
    would be lost. Whoever wants that says so by `QA_OCR=0` or `QA_LIBREOFFICE=0`.
    """
    if settings.ocr:
        ocr.check()
    last = origin(index)
    there = libreoffice.command() is not None
    if last and last.settings.libreoffice and not there and _has_converted(index):
        libreoffice.check()
    return replace(settings, libreoffice=there)


def _has_converted(index: Path) -> bool:
    """True where documents of the index were read through LibreOffice."""
    last = last_complete(index)
    if last is None:
        return False
    formats = set(map(str, SAVED_AS))
    try:
        return any(file.reader.partition(" ")[0] in formats for file in last.files())
    finally:
        last.close()
