"""Texts in the reader's language: one gettext catalogue for page, terminal and errors.

Texts stand in English where they are used, with their values put in; `tr` gives them in the language
that is spoken, which a program chooses once and a server for each request. It finds a text by the
catalogue's entry that it fits, `{name}` in an entry being any value:

    "3 of 7 files"  fits  "{chosen} of {all} files"  ->  "{chosen} von {all} Dateien"

So an error, or a reason that an index keeps, is the same in every language until somebody reads it,
and programs, logs and indexes hold English alone. `tests/catalogue.py` collects the entries.
"""

import gettext
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

ENGLISH, GERMAN = "en", "de"
LANGUAGES = (ENGLISH, GERMAN)
DOMAIN = "qa"
FOLDER = Path(__file__).with_name("locale")
LONGEST = 4_000  # characters of a text that is looked up
DEPTH = 3  # of texts within texts

_language: ContextVar[str] = ContextVar("language", default=ENGLISH)
_VALUE = re.compile(r"\{(\w*)[^{}]*\}")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?: ?%)?\Z")
_SENTENCES = re.compile(r"(?<=[.!?]) (?=[A-Z])")
_TURNED = str.maketrans(",.", ".,")
_WEIGHTED = re.compile(r"\s*([\w-]+|\*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?\Z")


class _Entry(NamedTuple):
    """An entry of the catalogue with values in it."""

    literals: tuple[str, ...]  # what stands before, between and behind the values
    names: tuple[str, ...]  # of the values
    text: str  # in the other language

    def values(self, text: str) -> list[str] | None:
        """The values in a text that the entry fits, in linear time: each as short as may be."""
        first, *between, last = self.literals
        if not (text.startswith(first) and text.endswith(last)):
            return None
        found, at, end = [], len(first), len(text) - len(last)
        for literal in between:
            place = text.find(literal, at, end)
            if place < 0:
                return None
            found.append(text[at:place])
            at = place + len(literal)
        return [*found, text[at:end]] if at <= end else None


def spoken() -> str:
    """The language that is spoken now: `"en"`, unless somebody chose another."""
    return _language.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Within it that language is spoken, by this thread or task and those that it begins."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def speak(language: str) -> None:
    """From here on that language is spoken: for a program that has one reader."""
    _language.set(language)


def tr(text: str) -> str:
    """The text in the language that is spoken; as it is where the catalogue has none."""
    return text if spoken() == ENGLISH else _translated(spoken(), text, DEPTH)


def tr_notes(notes: str) -> str:
    """Notes on a file in the language that is spoken, each for itself where all of them are known."""
    parts = re.split(r"(; |, )", notes)
    shown = [tr(part) if at % 2 == 0 else part for at, part in enumerate(parts)]
    if len(parts) > 1 and all(
        one != other for one, other in zip(parts[::2], shown[::2], strict=True)
    ):
        return "".join(shown)
    return "; ".join(map(tr_notes, notes.split("; "))) if "; " in notes else tr(notes)


def msg(text: str) -> str:
    """The text as it is, for a reader to whom `tr` will show it; marks it for the catalogue."""
    return text


def plural_form(forms: tuple[str, str], number: int) -> str:
    """The form for that number, of a text's two in English, in the language that is spoken."""
    return _catalogue(spoken()).ngettext(*forms, number)


def plural(number: int, forms: tuple[str, str]) -> str:
    """`"1 document"`, `"2,000 documents"` of `("{:,} document", "{:,} documents")`."""
    return plural_form(forms, number).format(Number(number))


class Number(float):
    """A number that is formatted as the language that is spoken writes it: 2,000.5 or 2.000,5."""

    def __format__(self, form: str) -> str:
        value = int(self) if form in ("", ",") and self.is_integer() else float(self)
        text = format(value, form)
        return text if spoken() == ENGLISH else text.translate(_TURNED)


def of_environment(environment: Mapping[str, str]) -> str:
    """The language that `LANGUAGE`, `LC_ALL`, `LC_MESSAGES` and `LANG` name, in gettext's order."""
    locale = next(
        (value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))),
        "",
    )
    if locale.partition(".")[0] in ("", "C", "POSIX"):  # gettext heeds no LANGUAGE then
        return ENGLISH
    wished = [*environment.get("LANGUAGE", "").split(":"), locale]
    return _first([each for each in wished if each])


def of_header(accepted: str) -> str:
    """The language that an Accept-Language header prefers (RFC 9110, section 12.5.4)."""
    found = [match for part in accepted[:1_000].split(",") if (match := _WEIGHTED.match(part))]
    weights = [(float(match[2] or 1), match[1]) for match in found]
    return _first([name for weight, name in sorted(weights, key=lambda w: -w[0]) if weight])


def _first(wished: list[str]) -> str:
    """The first of the languages that there is."""
    names = (re.split(r"[-_.@]", each.lower())[0] for each in wished)
    return next((name for name in names if name in LANGUAGES), ENGLISH)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, FOLDER, [language], fallback=language == ENGLISH)


@cache
def _entries(language: str) -> tuple[_Entry, ...]:
    """The entries with values in them, those with most words first: they say most of what they fit."""
    texts: Mapping[object, str] = getattr(_catalogue(language), "_catalog", {})
    found = [
        _entry(english, text)
        for english, text in texts.items()
        if isinstance(english, str) and _VALUE.search(english)
    ]
    return tuple(sorted(found, key=lambda entry: -sum(map(len, entry.literals))))


def _entry(english: str, text: str) -> _Entry:
    names = tuple(match[1] for match in _VALUE.finditer(english))
    return _Entry(tuple(_VALUE.split(english)[::2]), names, text)


@lru_cache(maxsize=1_000)
def _translated(language: str, text: str, depth: int) -> str:
    if not text or len(text) > LONGEST:
        return text
    found = _catalogue(language).gettext(text)
    if found != text or not depth:
        return found
    for entry in _entries(language):
        values = entry.values(text)
        if values is not None:
            return _filled(entry, [_value(language, value, depth) for value in values])
    sentences = _SENTENCES.split(text)
    return " ".join(_translated(language, each, depth - 1) for each in sentences)


def _value(language: str, value: str, depth: int) -> str:
    """A value in a text: a number as it is written there, a text within the text, or as it is."""
    if _NUMBER.match(value):
        return value.translate(_TURNED)
    return _translated(language, value, depth - 1) if " " in value else value


def _filled(entry: _Entry, values: list[str]) -> str:
    """The entry's text with the values in the places of their names."""
    by_name = dict(zip(entry.names, values, strict=True))
    in_turn = iter(values)
    return _VALUE.sub(lambda place: by_name[place[1]] if place[1] else next(in_turn), entry.text)
