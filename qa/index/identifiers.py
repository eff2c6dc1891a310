"""Identifiers of a text: numbers, dates and codes, each as one word in one form however it is written.

    12.2.2, 10.9.25.20, 3.5     as they stand: a section, an address, a decimal number
    2011\u201312, 6 \u2013 3             2011-12, 6-3
    95,418  95 418  95'418      95418
    5 July 2021, 2021-07-05     2021-07-05 (and July 5, 2021; 05.07.2021; 7/5/2021 in both readings)
    ERR-4012, SARS-CoV-2        err4012, sarscov2
    58740, ERR4012              58740, err4012
    Q2 2023, 2Q23               2023q2 (and the second quarter of 2023)
    fiscal 2018, FY18           fy2018
    1.4 million                 1400000 (and 1.4, where one asks for no more)

A tokeniser splits them at their marks and leaves a bag of digits that other numbers share.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"), ("february", "feb"), ("march", "mar"), ("april", "apr"), ("may",),
            ("june", "jun"), ("july", "jul"), ("august", "aug"), ("september", "sept", "sep"),
            ("october", "oct"), ("november", "nov"), ("december", "dec"),
        ),
        1,
    )
    for name in names
}  # fmt: skip
DIGIT = re.compile(r"\d")
_MONTH = rf"(?P<month>{'|'.join(MONTHS)})\b\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_NUMBERED = r"(?P<year>\d{4})"
_YEAR = re.compile(r"\d{4}")
_DATES = (
    re.compile(rf"\b{_DAY}\s+(?:of\s+)?{_MONTH},?\s+{_NUMBERED}\b", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}\s+{_DAY},?\s+{_NUMBERED}\b", re.IGNORECASE),
    re.compile(
        r"(?<![\d.])(?<!\d-)(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?![\w-])"
    ),
    re.compile(r"(?<![\w.-])(?P<day>\d{1,2})([-/.])(?P<month>\d{1,2})\2(?P<year>\d{4})(?![\w-])"),
    re.compile(r"(?<![\w/])(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})(?![\w/])"),
)
_GROUPED = re.compile(
    r"(?<![\w.,/-])(?<!\d )"
    r"(\d{1,3}(?:,\d{2,3})+|\d{1,3}(?:['\u2019\u00a0\u2009\u202f]\d{3})+|\d{1,3} \d{3})"
    r"(\.\d+)?(?![\w/-]|[.,' ]\d)"
)
_SCALES = {
    "thousand": 3, "million": 6, "mn": 6, "billion": 9, "bn": 9, "trillion": 12,
}  # fmt: skip
_SCALED = re.compile(
    rf"(?<![\w.,/#:-])(\d{{1,15}}\.\d{{1,12}})[ \u00a0-]?({'|'.join(_SCALES)})(?!\w)", re.IGNORECASE
)
_DASH = "\u2010\u2011\u2012\u2013\u2014\u2212"
_MARKED = re.compile(
    r"(?<![\w.,/#:])(?<!\w-)(?:\d+(?:[.:/-]\d+)+[a-z]?"
    rf"|\d+(?:(?:[{_DASH}]| [\u2013\u2014] )\d+)+(?![.,]\d))(?!\w)"
)
_CODE = re.compile(r"(?<![\w-])[^\W_]+(?:[-_/.#][^\W_]+)+(?!\w)")
_PERIOD = re.compile(r"q[1-4]|[1-4]q|quarter|fiscal|fy|financial year", re.IGNORECASE)
_YEAR_OF_PERIOD = r"(?:fy|cy|fiscal(?: year)? )?['\u2019]?(?P<year>(?:19|20)\d\d|\d\d)"
_PERIODS = tuple(
    re.compile(rf"(?<![^\W_]){pattern}(?![^\W_]|[.,'\u2019%]\d|%)", re.IGNORECASE)
    for pattern in (
        rf"q(?P<part>[1-4])[ _-]?{_YEAR_OF_PERIOD}",
        rf"(?P<part>[1-4])q[ _-]?{_YEAR_OF_PERIOD}",
        r"(?P<year>(?:19|20)\d\d)[ _-]?q(?P<part>[1-4])",
        (
            rf"(?P<part>first|second|third|fourth|1st|2nd|3rd|4th)[ -]quarter,?(?: of)?(?: the)? "
            rf"{_YEAR_OF_PERIOD}"
        ),
        r"(?:fy|fiscal(?: year)?|financial year)[ -]?['\u2019]?(?P<year>(?:19|20)\d\d|\d\d)",
    )
)
_QUARTERS = {"first": "1", "second": "2", "third": "3", "fourth": "4"}
_LETTER_ANDDIGIT = re.compile(r"[^\W\d_].*\d|\d.*[^\W\d_]")
_PLAIN = re.compile(
    r"(?<![\w.,'-])(?:\d{5,}|(?!(?:fy|cy|[qh][1-4])(?:19|20)\d\d(?!\w))[a-z]{1,8}\d{3,}[^\W_]*)(?!\w)",
    re.IGNORECASE,
)
LONGEST = 64  # characters; a longer one is data


class Identifier(NamedTuple):
    """A number, a date or a code, where it stands in a text."""

    start: int
    end: int
    forms: tuple[str, ...]  # what it may be: one form, or both readings of 7/5/2021
    also: tuple[str, ...] = ()  # by which a text has it besides: 1.4, of 1.4 million

    @property
    def in_text(self) -> tuple[str, ...]:
        """All forms by which one finds it in a text."""
        return self.forms + self.also

    def covers(self, ends: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Which of the tokens that end there are its own."""
        return (ends > self.start) & (ends <= self.end)

    @property
    def is_word(self) -> bool:
        """Whether it has no marks, and is a word of the text as it stands."""
        return (
            len(self.in_text) == 1
            and self.forms[0].isalnum()
            and self.end - self.start == len(self.forms[0])
        )

    @property
    def is_number(self) -> bool:
        """Whether its parts are digits alone, which say nothing without each other."""
        return not any(map(str.isalpha, self.forms[0]))


def identifiers(text: str) -> list[Identifier]:
    """The identifiers of a text, in their order; none overlaps another."""
    if not DIGIT.search(text):
        return []
    found: list[Identifier] = []
    taken: set[int] = set()
    for one in (
        *(*_dates(text), *_scaled(text), *_grouped(text)),
        *(*_marked(text), *_codes(text), *_plain(text)),
    ):
        if one.end - one.start <= LONGEST and taken.isdisjoint((one.start, one.end - 1)):
            taken.update(range(one.start, one.end))
            found.append(one)
    return sorted(found)


def exact_words(text: str) -> list[Identifier]:
    """The identifiers of a text and its fiscal years and quarters, in their order; none overlaps."""
    if not DIGIT.search(text):
        return []
    found = identifiers(text)
    if not _PERIOD.search(text):
        return found
    periods: list[Identifier] = []
    for one in sorted(_periods(text)):
        if not periods or one.start >= periods[-1].end:
            periods.append(one)
    within = [one for one in found if all(_apart(one, period) for period in periods)]
    return sorted((*within, *periods))


def _apart(one: Identifier, other: Identifier) -> bool:
    return one.end <= other.start or other.end <= one.start


def _dates(text: str) -> Iterator[Identifier]:
    readings: dict[tuple[int, int], list[str]] = {}
    for pattern in _DATES if _YEAR.search(text) else ():
        for found in pattern.finditer(text):
            month = MONTHS.get(found["month"].lower()) or int(found["month"])
            try:
                day = date(int(found["year"]), month, int(found["day"])).isoformat()
            except ValueError:  # the 31st of a month that has 30, or no date at all
                continue
            readings.setdefault(found.span(), []).append(day)
    for (start, end), days in readings.items():
        yield Identifier(start, end, tuple(dict.fromkeys(days)))


def _periods(text: str) -> Iterator[Identifier]:
    """Quarters and fiscal years; a year that is no word of its own ("FY18") is one besides."""
    for pattern in _PERIODS if _PERIOD.search(text) else ():
        for found in pattern.finditer(text):
            year = found["year"] if len(found["year"]) == 4 else f"20{found['year']}"
            part = found.groupdict().get("part")
            if part:
                forms: tuple[str, ...] = (f"{year}q{_QUARTERS.get(part.lower(), part[0])}",)
            else:
                is_word = re.search(rf"(?<![^\W_]){year}", found[0])
                forms = (f"fy{year}",) if is_word else (f"fy{year}", year)
            yield Identifier(*found.span(), forms)


def _scaled(text: str) -> Iterator[Identifier]:
    """Decimal numbers of thousands, millions and more: `1.4 million` is `1400000`."""
    for found in _SCALED.finditer(text):
        whole = Decimal(found[1]).scaleb(_SCALES[found[2].lower()])
        form = f"{whole:f}".rstrip("0").rstrip(".") if whole % 1 else f"{whole:.0f}"
        yield Identifier(*found.span(), (form,), (found[1],))


def _grouped(text: str) -> Iterator[Identifier]:
    """Numbers whose thousands are separated: `95,418.5` is `95418.5`."""
    for found in _GROUPED.finditer(text):
        yield Identifier(*found.span(), (re.sub(r"\D", "", found[1]) + (found[2] or ""),))


def _marked(text: str) -> Iterator[Identifier]:
    """Numbers with marks between, as they stand; each dash is a hyphen: `6 \u2013 3` is `6-3`."""
    for found in _MARKED.finditer(text):
        form = re.sub(rf" ?[{_DASH}] ?", "-", found[0])
        yield Identifier(*found.span(), (form,))


def _plain(text: str) -> Iterator[Identifier]:
    """Long numbers, and codes without marks."""
    return (Identifier(*found.span(), (found[0].lower(),)) for found in _PLAIN.finditer(text))


def _codes(text: str) -> Iterator[Identifier]:
    """Letters and digits joined by marks, without them."""
    for found in _CODE.finditer(text):
        if len(found[0]) <= LONGEST and _LETTER_ANDDIGIT.search(found[0]):
            yield Identifier(*found.span(), (re.sub(r"[-_/.#]", "", found[0]).lower(),))
