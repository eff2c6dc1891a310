"""The page's state as its address holds it: reload, back, bookmarks and links all rest on it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Self
from urllib.parse import urlencode

from qa.languages import code_of

_SPAN = re.compile(r"(\d{1,12})-(\d{1,12})\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which files a question is asked of; an empty string leaves all in."""

    folder: str = ""
    kind: str = ""  # a suffix without its dot, lower case: "pdf"
    file: str = ""  # a path
    since: str = ""  # ISO 8601 days, both included
    until: str = ""
    language: str = ""  # its code

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    @classmethod
    def of(
        cls, folder: str, kind: str, file: str, since: str, until: str, language: str = ""
    ) -> Self:
        """The filters as typed; an invalid date, or no language, filters nothing."""
        spoken = code_of(language) or ""
        days = _day(since), _day(until)
        return cls(folder.strip("/"), kind.lstrip(".").lower(), file, *days, spoken)


@dataclass(frozen=True, slots=True)
class Address:
    """The question, its filters, the open document and the list that is shown."""

    q: str = ""
    filters: Filters = Filters()
    all: bool = False  # every place that holds what the question says
    part: int = 1  # of a list of places: which page of it
    doc: str = ""  # SHA-256
    at: tuple[int, int] | None = None  # offsets in the open document
    view: str = ""  # "library", "history", or the question page
    find: str = ""
    sort: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The address of a query string; invalid values are ignored."""
        values = {name: value.replace("\0", "") for name, value in query.items()}
        return cls(
            q=values.get("q", ""),
            filters=Filters.of(*(values.get(field.name, "") for field in fields(Filters))),
            all=values.get("all") == "1",
            part=_page(values.get("part", "")),
            doc=values.get("doc", "") if _SHA256.match(values.get("doc", "")) else "",
            at=_span(values.get("at", "")),
            view=values.get("view", "") if values.get("view") in ("library", "history") else "",
            find=values.get("find", ""),
            sort=values.get("sort", ""),
            page=_page(values.get("page", "")),
        )

    def __str__(self) -> str:
        """The query string: `"?q=How+old+is+Ri%3F&kind=md"`."""
        values = {
            "view": self.view,
            "q": self.q,
            **{field.name: getattr(self.filters, field.name) for field in fields(Filters)},
            "all": "1" if self.all else "",
            "part": self.part if self.part > 1 else "",
            "doc": self.doc,
            "at": "{}-{}".format(*self.at) if self.at else "",
            "find": self.find,
            "sort": self.sort,
            "page": self.page if self.page > 1 else "",
        }
        return "?" + urlencode({name: value for name, value in values.items() if value})

    def opening(self, document: str, start: int, end: int) -> "Address":
        """The same question with that place of a document open beside it."""
        return replace(self, doc=document, at=(start, end))

    def closed(self) -> "Address":
        """The same question with no document open."""
        return replace(self, doc="", at=None)


def _page(value: str) -> int:
    """The number of a page; 1 where it makes no sense."""
    return max(int(value), 1) if value.isascii() and value.isdecimal() and len(value) < 7 else 1


def _span(text: str) -> tuple[int, int] | None:
    found = _SPAN.match(text)
    if found is None:
        return None
    start, end = int(found[1]), int(found[2])
    return (start, end) if start <= end else None


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        return ""
