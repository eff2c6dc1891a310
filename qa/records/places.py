"""Places: how many passages and documents hold to the letter what a question looks for."""

from dataclasses import dataclass

from qa.translation import plural, tr


@dataclass(frozen=True, slots=True)
class Places:
    """What holds the words that are looked for, and which part of it an answer's excerpts are."""

    text: str  # the words
    passages: int  # that hold them
    documents: int
    listed: str = ""  # "passages" or "documents": the excerpts are these, by path and position
    page: int = 0  # which of the pages of that list this is, from 1; 0 where nothing is listed
    pages: int = 0
    first: int = 0  # the number of the first excerpt in that list, from 1


def counted(places: Places) -> str:
    """One line: what holds the words, and which part of it is shown."""
    text = places.text
    passages = plural(places.passages, ("{:,} passage", "{:,} passages"))
    documents = plural(places.documents, ("{:,} document", "{:,} documents"))
    if places.pages > 1:
        page, pages = f"{places.page:,}", f"{places.pages:,}"
        return tr(f"“{text}” stands in {passages} of {documents}; page {page} of {pages}.")
    return tr(f"“{text}” stands in {passages} of {documents}.")
