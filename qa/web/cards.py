"""Answer -> HTML: excerpt cards, grouped by document, numbered by rank."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import groupby
from typing import NamedTuple

from qa.records import Answer, Excerpt, Freshness, Places, rendering
from qa.records.excerpts import citation
from qa.records.likelihood import LIKELY, likelihood
from qa.records.rendering import lead, side_by_side
from qa.translation import Number, tr
from qa.web.address import Address, Filters
from qa.web.examples import Beginnings
from qa.web.markup import Mark
from qa.web.templating import render
from qa.web.texts import TEXTS, counted

_PAGE_LINE_END = re.compile(r"(?<=[^\n]{40})\n(?=\S)")

Numbered = tuple[int, Excerpt]

_UNDATED: Mapping[str, str] = {}


class _Card(NamedTuple):
    """One excerpt as its card shows it."""

    number: int
    key: str  # names the excerpt to the page's script
    address: Address  # that opens its document there
    within: Address  # that asks the next question of its document
    place: str
    heading: str
    probability: str  # the confidence in words
    likelihood: str
    columns: str
    quote: str
    lead: int  # characters of `quote` that are hidden, as the place says them
    marks: list[Mark]  # offsets in `quote`
    citation: str


class _Document(NamedTuple):
    """The cards of one document, under its title and paths."""

    address: Address
    title: str
    paths: Sequence[str]
    day: str
    freshness: Freshness
    stale: str
    cards: list[_Card]


def answer_html(
    answer: Answer,
    address: Address,
    seconds: float,
    days: Mapping[str, str] = _UNDATED,
    *,
    read_only: bool = False,
) -> str:
    """The answer as the page shows it.

    `days` is the date of each path's file; excerpts that are `read_only` cannot be judged.
    """
    ranking = list(enumerate((*answer.excerpts, *answer.nearest), 1))
    cited = len(answer.excerpts)
    return render(
        "answer",
        address=address,
        query=str(address.closed())[1:],
        is_answered=answer.answered,
        is_rated=answer.confidence is not None,
        verdict=_verdict(answer),
        notes=list(map(tr, answer.notes)),
        figures=[
            (f"#excerpt-{figure.excerpt}", shown)
            for figure, shown in zip(answer.figures, side_by_side(answer), strict=True)
        ],
        all_places=_all_places(answer.places, address),
        pages=_pages(answer.places, address),
        milliseconds=Number(max(seconds * 1000, 1)),
        filters=list(_filters(address)),
        excerpts=_documents(ranking[:cited], address, days),
        nearest=_documents(ranking[cited:], address, days),
        read_only=read_only,
    )


def welcome_html(found: Beginnings, documents: int, passages: int, address: Address) -> str:
    """What stands where the answer will, before a question is asked."""
    return render(
        "welcome",
        address=address,
        documents=counted(documents, TEXTS.documents),
        passages=counted(passages, TEXTS.passages),
        filters=list(_filters(address)),
        examples=[(question, Address(q=question)) for question in found.questions],
        newest=[
            (each.file.path, Address(doc=each.file.sha256, at=(0, 0)), each.day)
            for each in found.newest
        ],
    )


def empty_html(address: Address, *, read_only: bool) -> str:
    """What stands there while there is no document: what to do first."""
    return render("empty", address=address, read_only=read_only)


def refusal_html(message: str, address: Address) -> str:
    """A question that could not be answered at all, and why."""
    return render("refusal", message=tr(message), address=address, filters=list(_filters(address)))


def notice_html(reason: str) -> str:
    """What is wrong with the service, in a line above the rest."""
    return render("notice", reason=tr(reason)) if reason else ""


def leading(html: str) -> str:
    """What is shown because of what was typed, not of the address: the browser's is to follow."""
    return html.replace('<a class="here"', '<a class="here leading"', 1)


def place(excerpt: Excerpt) -> str:
    """Where the excerpt stands in its file: `"page 3"` or `"lines 4-9"`."""
    if excerpt.page is not None:
        return TEXTS.page.format(excerpt.page)
    first, last = excerpt.lines
    return TEXTS.line.format(first) if first == last else TEXTS.lines.format(first, last)


def marks(excerpt: Excerpt, style: str = "") -> list[Mark]:
    """The excerpt's highlights as marks, the best one apart."""
    return [
        Mark(highlight.start, highlight.end, f"{style}{'best' if not rank else 'good'}")
        for rank, highlight in enumerate(excerpt.highlights)
    ]


def _verdict(answer: Answer) -> str:
    if answer.places and answer.places.listed:
        return rendering.verdict(answer)
    if answer.confidence is None:
        return TEXTS.not_known
    if not answer.answered:
        return TEXTS.not_answered
    documents = len({excerpt.document for excerpt in answer.excerpts})
    found = TEXTS.answered if answer.confidence >= LIKELY else TEXTS.perhaps
    return found.format(
        counted(len(answer.excerpts), TEXTS.excerpts), counted(documents, TEXTS.documents)
    )


def _all_places(places: Places | None, address: Address) -> tuple[str, Address] | None:
    """The link to all places of what is looked for, where they are not what is shown."""
    if places is None or not places.passages or places.listed == "passages":
        return None
    label = counted(places.passages, TEXTS.all_places)
    return label, replace(address.closed(), all=True, part=1)


def _pages(places: Places | None, address: Address) -> list[tuple[str, Address, bool]]:
    """Links to the first, the last and the neighbouring pages of a list of places."""
    if places is None or places.pages < 2:
        return []
    near = {1, places.page - 1, places.page, places.page + 1, places.pages}
    return [
        (f"{page:,}", replace(address.closed(), part=page), page == places.page)
        for page in sorted(near)
        if 1 <= page <= places.pages
    ]


def _filters(address: Address) -> Iterator[tuple[str, str, Address]]:
    """Each filter that holds: its name, its value, and the address without it."""
    for field in fields(Filters):
        value = getattr(address.filters, field.name)
        if value:
            filters = replace(address.filters, **{field.name: ""})
            yield getattr(TEXTS, field.name), value, replace(address, filters=filters)


def _documents(
    ranking: Iterable[Numbered], address: Address, days: Mapping[str, str]
) -> list[_Document]:
    """Excerpts under their documents; a document stands where its best excerpt ranks."""
    numbered = list(ranking)
    best: dict[str, int] = {}
    for number, excerpt in numbered:
        best.setdefault(excerpt.document, number)
    numbered.sort(key=lambda ranked: (best[ranked[1].document], ranked[0]))
    return [
        _document(list(group), address, days)
        for _, group in groupby(numbered, key=lambda ranked: ranked[1].document)
    ]


def _document(group: Sequence[Numbered], address: Address, days: Mapping[str, str]) -> _Document:
    first = group[0][1]
    return _Document(
        address=address.opening(first.document, first.start, first.end),
        title=first.title,
        paths=first.paths,
        day=days.get(first.path) or (first.date or "")[:10],
        freshness=first.freshness,
        stale=TEXTS.stale[first.freshness],
        cards=[_card(number, excerpt, address) for number, excerpt in group],
    )


def _card(number: int, excerpt: Excerpt, address: Address) -> _Card:
    start = excerpt.start
    return _Card(
        number=number,
        key=f"{excerpt.document}:{start}-{excerpt.end}",
        address=address.opening(excerpt.document, start, excerpt.end),
        within=Address(filters=Filters(file=excerpt.path)),
        place=place(excerpt),
        heading=" › ".join(excerpt.heading),
        probability=TEXTS.not_rated
        if excerpt.confidence is None
        else TEXTS.confidence.format(Number(excerpt.confidence)),
        likelihood=TEXTS.likelihoods[likelihood(excerpt.confidence)],
        columns=excerpt.columns,
        quote=_flowing(excerpt),
        lead=lead(excerpt),
        marks=[Mark(m.start - start, m.end - start, m.style) for m in marks(excerpt)],
        citation=_citation(excerpt),
    )


def _flowing(excerpt: Excerpt) -> str:
    """The text, on a card with a space for each line end that only the width of a page made."""
    return _PAGE_LINE_END.sub(" ", excerpt.text) if excerpt.page else excerpt.text


def _citation(excerpt: Excerpt) -> str:
    checked = f"sha256:{excerpt.document}#{excerpt.start}-{excerpt.end}"
    return f"“{excerpt.text}”\n— {citation(excerpt)}, {checked}"
