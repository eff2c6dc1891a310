"""What a reader may begin with: questions that the documents answer, and the newest documents.

The questions are those that the documents ask themselves, in their headings, in any language; and, of
English ones, about the people, the places and the things that they name. All were answered.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, NamedTuple

from qa.errors import QAError
from qa.records import Document, File, Kind, Status
from qa.records.lists import ListPart

if TYPE_CHECKING:
    from qa.web.site import Site

SHOWN = 4  # questions
NEWEST = 5  # documents
_SAMPLED = 24  # documents
_TRIED = 6  # questions of each sort
_READ = 20_000  # characters of each document
_HEADING_LENGTH = 70
_ASKED = re.compile(r"[?？؟]\Z")
# A name is a capitalised word, or a run of them, that does not begin a sentence.
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+(?: [A-Z][a-z]+){0,2}")
_NO_NAME = re.compile(r"(?:an|ese|ish|day|ary|ber)\Z|\A(?:March|April|May|June|July|August|The)\b")
_PERSON = re.compile(r"[^.?!]*[.?!,]?\s[^.?!]*\b(?:he|she|his|her|him)\b")
_PLACE = re.compile(r"\b(?:in|from|near|to|at)\s\Z")
# A few plain words that name one thing: "opening hours", "the cancellation policy".
_THING = re.compile(r"(?:The |A |An )?[A-Z]?[a-z]{3,}(?: [a-z]{3,}){1,3}\Z")
_NO_THING = re.compile(
    r"\A\w+ing\b|\b(?:and|or|was|were|are|is|not|who|how|what|why|when|first)\b", re.IGNORECASE
)
_LEAST_NAMED = 2  # times that a name stands


class Newest(NamedTuple):
    """A document that was dated or changed last."""

    file: File
    day: str


class Beginnings(NamedTuple):
    """What a reader may begin with, the same for the same snapshot."""

    questions: tuple[str, ...] = ()
    newest: tuple[Newest, ...] = ()


def beginnings(site: "Site") -> Beginnings:
    """The questions and documents of the live snapshot, found once."""
    snapshot = site.qa.manifest.snapshot
    if snapshot not in site.beginnings:
        found = Beginnings(tuple(_questions(site)), tuple(_newest(site)))
        site.beginnings = {snapshot: found}
    return site.beginnings.get(snapshot, Beginnings())


def _newest(site: "Site") -> list[Newest]:
    newest = ListPart(statuses=(Status.INDEXED,), sort="date", is_down=True, limit=NEWEST)
    return [Newest(*row) for row in site.qa.listed(newest).files]


def _questions(site: "Site") -> Iterator[str]:
    """Questions of each sort in turn, those with the highest confidence first."""
    documents = [
        found
        for file, _ in site.qa.listed(ListPart(limit=_SAMPLED)).files
        if file.status is Status.INDEXED and (found := site.qa.document(file.sha256))
    ]
    english = [document for document in documents if document.language == "en"]
    text = "\n".join(document.text[:_READ] for document in english)
    sorts = (
        [heading for heading in _headings(documents) if _ASKED.search(heading)],
        _of_names(text),
        _of_things(list(_headings(english))),
    )
    try:
        answered = [_answered(site, sort) for sort in sorts]
    except QAError:
        return iter(())
    in_turn = chain.from_iterable(zip_longest(*answered))
    return islice((question for question in dict.fromkeys(in_turn) if question), SHOWN)


def _answered(site: "Site", questions: Iterable[str]) -> list[str]:
    answers = [site.qa.ask(question) for question in islice(questions, _TRIED)]
    answers.sort(key=lambda answer: -(answer.confidence or 0))
    return [each.question for each in answers if each.answered or each.confidence is None]


def _of_names(text: str) -> Iterator[str]:
    """Who a person is, and what happened in a place, by what stands beside their names."""
    counts = Counter(_NAME.findall(text))
    for name, count in counts.most_common():
        if count < _LEAST_NAMED or _NO_NAME.search(name):
            continue
        places = [match.start() for match in re.finditer(rf"\b{name}\b", text)]
        if 2 * sum(bool(_PLACE.search(text[max(at - 9, 0) : at])) for at in places) > len(places):
            yield f"What happened in {name}?"
        elif any(_PERSON.match(text[at + len(name) : at + 160]) for at in places):
            yield f"Who is {name}?"


def _of_things(headings: Sequence[str]) -> Iterator[str]:
    """What a thing is that a heading names: "Opening hours" -> "What are the opening hours?"."""
    for heading in headings:
        if _THING.match(heading) and not _NO_THING.search(heading):
            thing = re.sub(r"\A(?:the|a|an) ", "", heading[0].lower() + heading[1:])
            is_many = thing.endswith("s") and not thing.endswith(("ss", "us", "is"))
            yield f"What {'are' if is_many else 'is'} the {thing}?"


def _headings(documents: Sequence[Document]) -> Iterator[str]:
    """The headings of documents, each once, in their order."""
    found = (
        block.heading[-1].strip(" .:#")
        for document in documents
        for block in document.blocks
        if block.kind is Kind.HEADING and block.heading
    )
    for heading in dict.fromkeys(found):
        if 8 <= len(heading) <= _HEADING_LENGTH and " " in heading and heading.isprintable():
            yield heading
