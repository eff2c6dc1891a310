"""What the page says, in English; `TEXTS` gives each text in the language that is spoken."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import Any, TypeVar, cast

from qa.records import Freshness
from qa.records.likelihood import Likelihood
from qa.records.rendering import FIGURES, NEAREST, NO_ANSWER, NOT_RATED, PERHAPS, STALE
from qa.translation import Number, plural_form, speaking, spoken, tr


@dataclass(frozen=True, slots=True)
class Texts:
    """Every text of the page's HTML; `{}` stands for what is put in. Pairs are for one and for more."""

    # the page
    title: str = "Ask your documents"
    prompt: str = "Ask a question, then press Enter"
    ask: str = "Ask"
    library: str = "Library"
    history: str = "History"
    filters: str = "Filters"
    folder: str = "Folder"
    kind: str = "Kind"
    file: str = "File"
    language: str = "Language"
    since: str = "From"
    until: str = "Until"
    any: str = "any"
    history_hint: str = "The questions asked in this browser. They are kept nowhere else."
    clear_history: str = "Clear the history"
    address: str = "address"
    # an answer
    welcome: str = (
        "Ask, and the sentences that answer come back word for word, each with the place where it "
        "stands. {}, {} in the index."
    )
    examples: str = "For example"
    newest: str = "Newest documents"
    next_of_these: str = "The next question is asked of what these filters leave:"
    empty: str = "There are no documents yet."
    empty_hint: str = (
        "Drop files here, or choose them: text, Markdown, HTML, PDF, Word, Excel, PowerPoint, mail "
        "and more. They stay on this machine. As soon as they are read you can ask about them."
    )
    empty_for_reading: str = (
        "Nothing has been put into this library yet, and it is for reading only."
    )
    documents: tuple[str, str] = ("{:,} document", "{:,} documents")
    passages: tuple[str, str] = ("{:,} passage", "{:,} passages")
    excerpts: tuple[str, str] = ("{:,} excerpt", "{:,} excerpts")
    answered: str = "{} from {}"
    perhaps: str = f"{PERHAPS} {{}} from {{}}"
    all_places: tuple[str, str] = ("The only place", "All {:,} places")
    not_answered: str = NO_ANSWER
    not_known: str = NOT_RATED
    figures: str = FIGURES
    nearest: str = NEAREST
    nearest_hint: str = "Close to the question, but not likely to answer it."
    milliseconds: str = "{:.0f} ms"
    remove_filter: str = "Remove this filter"
    page: str = "page {}"
    line: str = "line {}"
    lines: str = "lines {}–{}"
    stale: Mapping[Freshness, str] = field(default_factory=lambda: STALE)
    likelihoods: Mapping[Likelihood, str] = field(
        default_factory=lambda: {each: each.value for each in Likelihood}
    )
    not_rated: str = "This model has no calibrated confidence"
    confidence: str = "Probability {:.2f} that this excerpt holds an answer"
    columns: str = "Columns:"
    more_around: str = "Show more around"
    copy: str = "Copy with citation"
    within: str = "In this document"
    within_title: str = "Ask the next question of this document"
    helpful: str = "Helpful"
    unhelpful: str = "Not helpful"
    # a document
    untitled: str = "Untitled"
    close: str = "Close"
    close_title: str = "Close (Esc)"
    missing: str = "Not in the index"
    missing_hint: str = (
        "This document was changed or removed since the link was made. Ask again to find where its "
        "words stand now."
    )
    no_pages: str = "Its pages cannot be shown ({}). This is its text."
    earlier: str = "Earlier part of this document"
    later: str = "Later part of this document"
    page_image: str = "Page {}"
    page_of: str = "Page {} of {}"
    page_words: str = "Text of page {}"
    # the library
    search_library: str = "Search the library"
    reading_only: str = "This library is shown for reading only."
    drop: str = "Drop files here, or choose them"
    rebuild: str = "Rebuild the index"
    rebuild_progress: str = "Rebuild"
    status: str = "Status"
    passage_count: str = "Passages"
    page_count: str = "Pages"
    size: str = "Size"
    date: str = "Date"
    indexed: str = "Indexed, UTC"
    remove: str = "Remove"
    remove_file: str = "Remove {}"
    settled: str = "The index holds every file as it is now."
    waiting: str = "Not in the index yet: {}."
    all_files: str = "{:,} files"
    some_files: str = "{:,} of {:,} files"


@dataclass(frozen=True, slots=True)
class ScriptTexts:
    """What the page's script says by itself; it puts values in the places of `{}`."""

    source: str = "Source"
    answer: str = "Answer"
    copied: str = "Copied"
    cannot_copy: str = "This browser does not let the page copy."
    unanswered: str = "The server did not answer: try again."
    no_reply: str = "no answer"
    undrawn: str = "This page cannot be shown ({}). This is its text."
    no_such_file: str = "There is no such file in the index."
    taking: str = "Taking {} …"
    added: str = "Added {}: to be asked about after the next rebuild."
    replace: str = "{} Replace it?"
    kept: str = "kept as it was"
    remove: str = "{} from the folder? This cannot be undone."
    removed: str = "Removed {}: its words stay in the index until the next rebuild."
    remove_many: str = "{} Remove them?"
    files_done: str = "{} of {} files"
    passages_done: str = "{} passages"
    rate: str = "{} a second"
    left: str = "about {} s left"
    rebuilt: str = "Rebuilt in {} s: {}."
    counts: str = "{} added, {} changed, {} removed"
    counts_failed: str = "{} added, {} changed, {} removed, {} failed"
    stages: Mapping[str, str] = field(
        default_factory=lambda: {
            each: each for each in ("starting", "reading", "encoding", "publishing")
        }
    )


Record = TypeVar("Record", Texts, ScriptTexts)


class _Spoken:
    """The texts of whichever language is spoken when one is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_texts_in(spoken()), name)


TEXTS = cast(Texts, _Spoken())


def script_texts() -> dict[str, Any]:
    """The texts of the page's script in the language that is spoken."""
    return {"language": spoken(), **asdict(_translated(ScriptTexts()))}


@cache
def _texts_in(language: str) -> Texts:
    with speaking(language):
        return _translated(Texts())


def _translated(texts: Record) -> Record:
    return replace(texts, **{each.name: _said(getattr(texts, each.name)) for each in fields(texts)})


def _said(value: Any) -> Any:
    if isinstance(value, str):
        return tr(value)
    if isinstance(value, tuple):
        return tuple(plural_form(value, number) for number in (1, 2))
    return {name: tr(text) for name, text in value.items()}


def counted(number: int, forms: tuple[str, str]) -> str:
    """`"1 document"`, `"2,000 documents"`."""
    return forms[number != 1].format(Number(number))
