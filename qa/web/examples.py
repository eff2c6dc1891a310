"""Example questions made from the documents themselves, those that they answer best."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, zip_longest

from qa.errors import QAError
from qa.records import Document, Kind, Status
from qa.web.site import Site

SHOWN = 4
_SAMPLED = 24  # documents
_TRIED = 8  # questions of each sort
_HEADING_LENGTH = 60
_LEAST = 0.05  # confidence: a question below it finds next to nothing
# A name is a capitalised word, or a run of them, that does not begin a sentence.
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+(?: [A-Z][a-z]+)?")
_NO_NAME = re.compile(r"(?:an|ese|ish|day|ary|ber)\Z|\A(?:March|April|May|June|July|August)")


def examples(site: Site) -> tuple[str, ...]:
    """A few questions, those with the highest confidence first."""
    snapshot = site.qa.manifest.snapshot
    if snapshot not in site.examples:
        site.examples = {snapshot: tuple(_best(site))}
    return site.examples.get(snapshot, ())


def _best(site: Site) -> list[str]:
    """The best of the questions about headings and about names, alternating."""
    documents = [
        found
        for file in site.qa.files()[:_SAMPLED]
        if file.status is Status.INDEXED and (found := site.qa.document(file.sha256))
    ]
    try:
        groups = [
            _most_confident(site, (f"What is said about {part}?" for part in _headings(documents))),
            _most_confident(site, (f"Who or what is {name}?" for name in _names(documents))),
        ]
    except QAError:
        return []
    return [question for pair in zip_longest(*groups) for question in pair if question][:SHOWN]


def _most_confident(site: Site, questions: Iterable[str]) -> list[str]:
    answers = [site.qa.ask(question) for question in islice(questions, _TRIED)]
    answers.sort(key=lambda answer: -answer.confidence)
    return [answer.question for answer in answers if answer.confidence >= _LEAST]


def _names(documents: Sequence[Document]) -> list[str]:
    """Names by how many documents mention them, without those of peoples, months and days."""
    counts = Counter(
        name for document in documents for name in set(_NAME.findall(document.text[:20_000]))
    )
    return [name for name, _ in counts.most_common() if not _NO_NAME.search(name)]


def _headings(documents: Sequence[Document]) -> Iterator[str]:
    """The headings below the title that read like a part of a question."""
    for document in documents:
        for block in document.blocks:
            if block.kind is Kind.HEADING and len(block.heading) > 1:
                heading = block.heading[-1].strip(" .:?#")
                if (
                    8 <= len(heading) <= _HEADING_LENGTH
                    and " " in heading
                    and heading.isprintable()
                ):
                    yield heading[0].lower() + heading[1:] if heading[1:2].islower() else heading
