"""Answer -> HTML: excerpt cards, grouped by document, numbered by rank."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from itertools import groupby

from qa.asking.confidence import THRESHOLD
from qa.records import Answer, Excerpt, Freshness
from qa.records.excerpts import citation
from qa.records.rendering import NEAREST, NO_ANSWER, STALE
from qa.web.address import Address, Filters
from qa.web.markup import Mark, marked, quoted, shown

_WORDS = ((0.9, "very likely"), (0.7, "likely"), (0.5, "possible"), (THRESHOLD, "doubtful"))

_PAGE_LINE_END = re.compile(r"(?<=[^\n]{40})\n(?=\S)")

Numbered = tuple[int, Excerpt]

_UNDATED: Mapping[str, str] = {}


def answer_html(
    answer: Answer,
    address: Address,
    seconds: float,
    days: Mapping[str, str] = _UNDATED,
    *,
    read_only: bool = False,
) -> str:
    """The answer as the page shows it.

    `days` tells the date of each path's file; excerpts that are `read_only` cannot be judged.
    """
    ranking = list(enumerate((*answer.excerpts, *answer.nearest), 1))
    served, nearest = ranking[: len(answer.excerpts)], ranking[len(answer.excerpts) :]
    grouped = partial(_grouped, address=address, days=days, read_only=read_only)
    parts = [here(address), _verdict(answer, address, seconds), grouped(served)]
    if nearest:
        parts.append(f'<h2 class="apart">{NEAREST}</h2>')
        parts.append('<p class="quiet">Close to the question, but not likely to answer it.</p>')
        parts.append(grouped(nearest))
    return f'<div class="answer">{"".join(parts)}</div>'


def welcome_html(examples: Sequence[str], documents: int, passages: int, address: Address) -> str:
    """What stands where the answer will, before a question is asked."""
    links = "".join(
        f'<li><a href="{quoted(str(Address(q=example)))}">{shown(example)}</a></li>'
        for example in examples
    )
    tries = f'<h2>For example</h2><ul class="examples">{links}</ul>' if links else ""
    held = f"{_count(documents, 'document')}, {_count(passages, 'passage')}"
    return (
        f'<div class="welcome">{here(address)}<p>Ask, and the sentences that answer come back word '
        f"for word, each with the place where it stands. {held} in the index.</p>{tries}</div>"
    )


def refusal_html(message: str, address: Address) -> str:
    """A question that could not be answered at all, and why."""
    return f'<div class="answer">{here(address)}<p class="refusal">{shown(message)}</p></div>'


def notice_html(reason: str) -> str:
    """What is wrong with the service, in a line above the rest."""
    return f'<p class="notice" role="status">{shown(reason)}</p>' if reason else ""


def here(address: Address) -> str:
    """The address that belongs to what is shown.

    It differs each time, so that the browser sees even the same answer arrive.
    """
    moment = time.monotonic_ns()
    return f'<a class="here" hidden title="{moment}" href="{quoted(str(address))}">address</a>'


def leading(shown_html: str) -> str:
    """What is shown because of what was typed, not of the address: the browser's is to follow."""
    return shown_html.replace('<a class="here"', '<a class="here leading"', 1)


def place(excerpt: Excerpt) -> str:
    """Where the excerpt stands in its file: `"page 3"` or `"lines 4-9"`."""
    if excerpt.page is not None:
        return f"page {excerpt.page}"
    first, last = excerpt.lines
    return f"line {first}" if first == last else f"lines {first}–{last}"


def marks(excerpt: Excerpt, style: str = "") -> list[Mark]:
    """The excerpt's highlights as marks, the best one apart."""
    return [
        Mark(highlight.start, highlight.end, f"{style}{'best' if not rank else 'good'}")
        for rank, highlight in enumerate(excerpt.highlights)
    ]


def _verdict(answer: Answer, address: Address, seconds: float) -> str:
    time = f'<span class="time">{max(seconds * 1000, 1):.0f} ms</span>'
    if answer.answered:
        documents = len({excerpt.document for excerpt in answer.excerpts})
        said = f"{_count(len(answer.excerpts), 'excerpt')} from {_count(documents, 'document')}"
        head = f'<h2 class="verdict">{said}</h2>'
    else:
        head = f'<h2 class="verdict none">{NO_ANSWER}</h2>'
    return f'<div class="head">{head}{time}{_downloads(address)}</div>{_chips(address)}'


def _downloads(address: Address) -> str:
    query = quoted(str(address.closed())[1:])
    return (
        f'<span class="downloads"><a href="api/answer.md?{query}" download="answer.md">Markdown</a>'
        f'<a href="api/answer.json?{query}" download="answer.json">JSON</a></span>'
    )


def _chips(address: Address) -> str:
    chips = []
    for field in fields(Filters):
        value = getattr(address.filters, field.name)
        if value:
            left = replace(address, filters=replace(address.filters, **{field.name: ""}))
            chips.append(
                f'<a class="chip" href="{quoted(str(left))}" title="Remove this filter">'
                f"{field.name}: {shown(value)} <span>×</span></a>"
            )
    return f'<p class="chips">{"".join(chips)}</p>' if chips else ""


def _grouped(
    ranking: Iterable[Numbered], address: Address, days: Mapping[str, str], *, read_only: bool
) -> str:
    """Excerpts under their documents; a document stands where its best excerpt ranks."""
    numbered = list(ranking)
    best: dict[str, int] = {}
    for number, excerpt in numbered:
        best.setdefault(excerpt.document, number)
    numbered.sort(key=lambda ranked: (best[ranked[1].document], ranked[0]))
    return "".join(
        _document(list(group), address, days, read_only=read_only)
        for _, group in groupby(numbered, key=lambda ranked: ranked[1].document)
    )


def _document(
    group: Sequence[Numbered], address: Address, days: Mapping[str, str], *, read_only: bool
) -> str:
    first = group[0][1]
    opened = quoted(str(address.opening(first.document, first.start, first.end)))
    paths = "".join(f'<span class="path">{shown(path)}</span>' for path in first.paths)
    day = days.get(first.path) or (first.date or "")[:10]
    date = f"<time>{shown(day)}</time>" if day else ""
    cards = "".join(
        _card(number, excerpt, address, read_only=read_only) for number, excerpt in group
    )
    return (
        f'<section class="document"><h3><a href="{opened}">{shown(first.title)}</a></h3>'
        f'<p class="source">{paths}{date}{_badge(first.freshness)}</p>{cards}</section>'
    )


def _card(number: int, excerpt: Excerpt, address: Address, *, read_only: bool) -> str:
    opened = quoted(str(address.opening(excerpt.document, excerpt.start, excerpt.end)))
    shifted = [
        Mark(m.start - excerpt.start, m.end - excerpt.start, m.style) for m in marks(excerpt)
    ]
    quote = marked(_flowing(excerpt), 0, len(excerpt.text), shifted)
    heading = " › ".join(excerpt.heading)
    trail = f'<span class="heading">{shown(heading)}</span>' if heading else ""
    key = f"{excerpt.document}:{excerpt.start}-{excerpt.end}"
    return (
        f'<article class="card" tabindex="0" id="excerpt-{number}"><header>'
        f'<span class="number">{number}</span><a class="open" href="{opened}">{place(excerpt)}</a>'
        f"{trail}{_confidence(excerpt.confidence)}</header>"
        f'<blockquote dir="auto"><span class="before"></span>{quote}<span class="after"></span>'
        f'</blockquote><footer><button type="button" name="around" value="{key}">Show more around'
        f'</button><button type="button" name="copy" value="{key}">Copy with citation</button>'
        f'{"" if read_only else _judging(key)}<pre class="citation" hidden>{quoted(_citation(excerpt))}</pre></footer></article>'
    )


def _judging(key: str) -> str:
    return (
        f'<span class="judge"><button type="button" name="helpful" value="{key}">Helpful</button>'
        f'<button type="button" name="unhelpful" value="{key}">Not helpful</button></span>'
    )


def _flowing(excerpt: Excerpt) -> str:
    """The text, on a card with a space for each line end that only the width of a page made."""
    return _PAGE_LINE_END.sub(" ", excerpt.text) if excerpt.page else excerpt.text


def _citation(excerpt: Excerpt) -> str:
    checked = f"sha256:{excerpt.document}#{excerpt.start}-{excerpt.end}"
    return f"“{excerpt.text}”\n— {citation(excerpt)}, {checked}"


def _confidence(confidence: float) -> str:
    word = next((word for least, word in _WORDS if confidence >= least), "unlikely")
    title = f"Probability {confidence:.2f} that this excerpt holds an answer"
    return f'<abbr class="confidence" title="{title}">{word}</abbr>'


def _badge(freshness: Freshness) -> str:
    said = STALE[freshness]
    return f'<span class="badge {freshness}">{said}</span>' if said else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
