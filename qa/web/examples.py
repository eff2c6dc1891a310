"""Example questions drawn from the documents themselves, those that they answer best."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from qa.errors import QAError
from qa.records import Document, Kind, Status
from qa.web.address import Address
from qa.web.site import Site

SHOWN = 4
_LOOKED_AT = 24  # documents
_TRIED = 16  # questions
_HEADING_LENGTH = 60
_LEAST = 0.05  # confidence: a question below it finds next to nothing
# A name is a capitalised word, or a run of them, that does not begin a sentence.
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+(?: [A-Z][a-z]+)?")


def examples(site: Site) -> tuple[str, ...]:
    """A few questions, those first that the documents answer most surely."""
    snapshot = site.qa.manifest.snapshot
    if snapshot not in site.examples:
        site.examples = {snapshot: tuple(_best(site))}
    return site.examples.get(snapshot, ())


def _best(site: Site) -> list[str]:
    questions = list(islice(_candidates(site), _TRIED))
    try:
        answers = [site.ask(Address(q=question)) for question in questions]
    except QAError:
        return []
    answers.sort(key=lambda answer: -answer.confidence)
    return [answer.question for answer in answers if answer.confidence >= _LEAST][:SHOWN]


def _candidates(site: Site) -> Iterator[str]:
    """Questions after names and headings, by turns, the most frequent names first."""
    documents = [
        found
        for file in site.qa.files()[:_LOOKED_AT]
        if file.status is Status.INDEXED and (found := site.qa.document(file.sha256))
    ]
    names = Counter(name for held in documents for name in set(_NAME.findall(held.text[:20_000])))
    asked = [f"Who or what is {name}?" for name, _ in names.most_common(_TRIED)]
    headed = [f"What is said about {heading}?" for held in documents for heading in _headings(held)]
    for number in range(_TRIED):
        yield from headed[number : number + 1]
        yield from asked[number : number + 1]


def _headings(document: Document) -> list[str]:
    """The headings below the title that read like a part of a question."""
    found = []
    for block in document.blocks:
        if block.kind is Kind.HEADING and len(block.heading) > 1:
            said = block.heading[-1].strip(" .:?#")
            if 8 <= len(said) <= _HEADING_LENGTH and " " in said and "\n" not in said:
                found.append(said[0].lower() + said[1:] if said[1:2].islower() else said)
    return found
