"""Languages: what there is of each in an index, and whether the model knows it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from qa.languages import named

MOST_UNREAD = 0.5  # of the letters of a language that the model knows


@dataclass(frozen=True, slots=True)
class OfLanguage:
    """The documents of one language."""

    language: str  # its code
    documents: int = 0
    passages: int = 0
    letters: int = 0  # of a part of each document
    unread: int = 0  # those of them that the model does not know, or reads one by one

    @property
    def is_known(self) -> bool:
        """Whether the model knows the language."""
        return self.unread <= MOST_UNREAD * self.letters


class Counted(Protocol):
    """A document as a store counts it."""

    @property
    def language(self) -> str:
        """Its code."""

    @property
    def passages(self) -> int:
        """How many it has."""

    @property
    def letters(self) -> int:
        """Of a part of it."""

    @property
    def unread(self) -> int:
        """Those of them that the model does not know, or reads one by one."""


def by_language(documents: Iterable[Counted]) -> tuple[OfLanguage, ...]:
    """What there is of each language, by their codes."""
    found: dict[str, OfLanguage] = {}
    for each in documents:
        of = found.get(each.language, OfLanguage(each.language))
        found[each.language] = OfLanguage(
            each.language,
            of.documents + 1,
            of.passages + each.passages,
            of.letters + each.letters,
            of.unread + each.unread,
        )
    return tuple(found[code] for code in sorted(found))


def unknown(languages: Iterable[OfLanguage]) -> frozenset[str]:
    """The codes of those that the model does not know."""
    return frozenset(each.language for each in languages if not each.is_known)


def in_words(languages: Iterable[OfLanguage]) -> str:
    """`"English 12, German 3, Russian 1 (unknown to the model)"`, the most documents first."""
    ordered = sorted(languages, key=lambda each: (-each.documents, each.language))
    return ", ".join(
        f"{named(each.language)} {each.documents:,}"
        f"{'' if each.is_known else ' (unknown to the model)'}"
        for each in ordered
    )


def warnings(languages: Iterable[OfLanguage]) -> list[str]:
    """A line on each language that the model does not know, as a build says it."""
    return [
        f"The model does not know {named(each.language)} ({each.unread / each.letters:.0%} of its letters "
        f"say nothing to it): what its {each.documents:,} documents hold is found by words alone."
        for each in languages
        if not each.is_known
    ]


def unknown_to_the_model(codes: Sequence[str]) -> list[str]:
    """A line on languages, as an answer says it; none where all are known."""
    if not codes:
        return []
    names = " and ".join(map(named, codes))
    return [
        f"The model does not know {names}: what is asked or said in it is found by words alone."
    ]
