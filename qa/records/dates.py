"""The days of documents, and spans of days that a question is asked of."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import NamedTuple, Self

from qa.errors import QuestionRefused
from qa.records.reports import File

_DAY = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?\Z")


class Days(NamedTuple):
    """A span of days, both ends included; `""` leaves an end open.

    Each end is a day, a month or a year: until `2024` is until its last day.
    """

    since: str = ""
    until: str = ""

    def __bool__(self) -> bool:
        return bool(self.since or self.until)

    @classmethod
    def of(cls, since: str, until: str) -> Self:
        """The span between two ends as they were typed. Raises QuestionRefused."""
        return cls(_valid("since", since), _valid("until", until))

    def hold(self, day: str) -> bool:
        """Whether a day is within; a year or a month is where any part of it may be.

        >>> Days("2024-05-17", "2024-06").hold("2024-06-30"), Days("2024-05-17").hold("2024")
        (True, True)
        """
        return day >= self.since[: len(day)] and day[: len(self.until)] <= (self.until or day)

    def __str__(self) -> str:
        ends = (("from", self.since), ("until", self.until))
        return " ".join(f"{word} {end}" for word, end in ends if end)


ALWAYS = Days()


def day_of(file: File, date_: str | None) -> str:
    """The document's own date, or else the day on which its file was changed, UTC."""
    return (date_ or datetime.fromtimestamp(file.modified / 1e9, UTC).isoformat())[:10]


def _valid(name: str, value: str) -> str:
    value = value.strip()
    if not value:
        return ""
    with suppress(ValueError):
        date.fromisoformat(value + "-01-01"[len(value) - 4 :] if _DAY.match(value) else "")
        return value
    raise QuestionRefused(f"{name} is {value!r}: give a day such as 2024-05-17, a month or a year.")
