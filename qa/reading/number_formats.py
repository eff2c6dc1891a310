"""Cells as Excel shows them: percent, currency, thousands and dates by their number format."""

import re
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import NamedTuple

_TOKEN = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]|[_*].|([#0?][#0?,.]*)|(.)', re.DOTALL)  # fmt: skip
_SECTION = re.compile(r'((?:"[^"]*"|\\.|\[[^\]]*\]|[^;"\\\[]|["\[\\])*)(?:;|$)')
_DATE = re.compile(
    r'"([^"]*)"|\\(.)|\[[^\]]*\]|[_*].|(AM/PM|A/P|y+|m+|d+|h+|s+(?:\.0+)?)|(.)',
    re.IGNORECASE | re.DOTALL,
)
_BEYOND = re.compile(r"[eE][+-]|/|@|General")  # exponents, fractions: shown as they are kept
_OF_THE_LOCALE = ("mm-dd-yy", "m/d/yy h:mm", "General")  # shown otherwise in each country
_MIDNIGHT = time()


class _Pattern(NamedTuple):
    """A section of a number format."""

    before: str
    after: str
    integer_digits: int  # digits before the point, at least
    decimals: int  # digits after it, at most
    needed: int  # and at least
    grouped: bool
    scale: int  # power of ten
    digits: bool  # False: the text stands alone


def shown(value: object, code: str) -> str:
    """A cell's value as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime | date | time):
        return _date(value, code)
    if isinstance(value, int | float):
        return _number(value, code)
    return _duration(value) if isinstance(value, timedelta) else str(value)


def _plain(value: float) -> str:
    """A number without a format: whole ones without a point."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return str(int(value))
    return f"{value:.15g}"


def _number(value: float, code: str) -> str:
    patterns = _patterns(code)
    if not patterns or value in (float("inf"), float("-inf")) or value != value:  # noqa: PLR0124
        return _plain(value)
    place = 1 if value < 0 and len(patterns) > 1 else 2 if not value and len(patterns) > 2 else 0
    pattern = patterns[place]
    if pattern is None:
        return _plain(value)
    if not pattern.digits:
        return (pattern.before + pattern.after).strip()
    step = Decimal(1).scaleb(-pattern.decimals)
    try:
        exact = abs(Decimal(repr(value))).scaleb(pattern.scale).quantize(step, ROUND_HALF_UP)
    except ArithmeticError:
        return _plain(value)
    digits = f"{exact:{',' if pattern.grouped else ''}f}"
    integer, _, rest = digits.partition(".")
    rest = rest[: pattern.needed] + rest[pattern.needed :].rstrip("0")
    sign = "-" if value < 0 and place != 1 and exact else ""
    number = integer.zfill(pattern.integer_digits) + (f".{rest}" if rest else "")
    return f"{sign}{pattern.before}{number}{pattern.after}".strip()


@cache
def _patterns(code: str) -> tuple[_Pattern | None, ...]:
    """The sections of a format; none where it is beyond this, as one with conditions is."""
    if len(code) > 300 or re.search(r"\[[<>=]", code):
        return ()
    sections = [found[1] for found in _SECTION.finditer(code)][:3]
    sections = sections[:-1] if len(sections) > 1 and not code.endswith(";") and not sections[-1] else sections  # fmt: skip
    return tuple(map(_pattern, sections))


def _pattern(section: str) -> _Pattern | None:
    before, digits, after, percent = "", "", "", 0
    if _BEYOND.search(re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", section)):
        return None
    for quoted, escaped, currency, run, other in _TOKEN.findall(section):
        literal = quoted or escaped or currency or other
        percent += other == "%"
        if run and digits:
            return None  # digits in groups, such as telephone numbers
        if run:
            digits = run
        elif digits:
            after += literal
        else:
            before += literal
    integer, _, decimals = digits.rstrip(",").partition(".")
    thousands = len(digits) - len(digits.rstrip(","))
    return _Pattern(
        before,
        after,
        integer_digits=integer.count("0"),
        decimals=len(decimals.replace(",", "")),
        needed=decimals.count("0"),
        grouped="," in integer,
        scale=2 * percent - 3 * thousands,
        digits=bool(digits),
    )


def _date(value: date | time, code: str) -> str:
    """A day or a time as its format shows it; in ISO 8601 where that is left to the country."""
    code = next((found[1] for found in _SECTION.finditer(code)), "")
    parts = [found[2].lower() for found in _DATE.findall(code) if found[2]]
    is_iso = bool(parts) and parts[0].startswith("y") and any(part[0] == "d" for part in parts)
    if not parts or is_iso or code in _OF_THE_LOCALE or isinstance(value, time):
        return _iso(value)
    moment = value if isinstance(value, datetime) else datetime.combine(value, _MIDNIGHT)
    timed = moment.time() != _MIDNIGHT
    twelve = any(part.startswith("a") for part in parts)
    pieces, last = [], ""
    for quoted, escaped, token, other in _DATE.findall(code):
        part = token.lower()
        if not part:
            pieces.append(quoted or escaped or other)
            continue
        minutes = part[0] == "m" and len(part) < 3 and last == "h"
        last = part[0]
        if timed or not (minutes or part[0] in "hsa"):
            pieces.append(_piece(moment, part, minutes=minutes, twelve=twelve))
    return "".join(pieces).strip(" :;@,")


def _piece(moment: datetime, part: str, *, minutes: bool, twelve: bool) -> str:
    """A part of a date; months and days have their English names."""
    hour = (moment.hour + 11) % 12 + 1 if twelve else moment.hour
    number = {"d": moment.day, "m": moment.month, "h": hour, "s": moment.second}
    match part[0], len(part):
        case "a", _:
            return "AM" if moment.hour < 12 else "PM"
        case "y", length:
            return f"{moment.year:04d}" if length > 2 else f"{moment.year % 100:02d}"
        case "m" | "d" as kind, length if length > 2:
            name = f"{moment:%B}" if kind == "m" else f"{moment:%A}"
            return name if length > 3 else name[:3]
        case kind, length:
            shown_number = moment.minute if minutes else number[kind]
            return f"{shown_number:02d}" if length > 1 else str(shown_number)


def _iso(value: date | time) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == _MIDNIGHT else value.isoformat(" ")
    return value.isoformat()


def _duration(value: timedelta) -> str:
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
