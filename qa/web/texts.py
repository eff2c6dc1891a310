"""What the page says, in English: another language is another `Texts`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from qa.records import Freshness
from qa.records.likelihood import Likelihood
from qa.records.rendering import FIGURES, NEAREST, NO_ANSWER, PERHAPS, STALE


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
    documents: tuple[str, str] = ("{:,} document", "{:,} documents")
    passages: tuple[str, str] = ("{:,} passage", "{:,} passages")
    excerpts: tuple[str, str] = ("{:,} excerpt", "{:,} excerpts")
    answered: str = "{} from {}"
    perhaps: str = f"{PERHAPS} {{}} from {{}}"
    all_places: tuple[str, str] = ("The only place", "All {:,} places")
    not_answered: str = NO_ANSWER
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
    confidence: str = "Probability {:.2f} that this excerpt holds an answer"
    columns: str = "Columns:"
    more_around: str = "Show more around"
    copy: str = "Copy with citation"
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


TEXTS = Texts()


def counted(number: int, forms: tuple[str, str]) -> str:
    """`"1 document"`, `"2,000 documents"`."""
    return forms[number != 1].format(number)
