"""seedqa in Haystack: `pip install 'seedqa[haystack]'`.

Haystack counts its users: as it comes it writes an id below `~/.haystack` when it is imported, and
sends what pipelines are made of when they run. Importing this module turns that off in this
process, whatever was imported before.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qa import processes

processes.silence()  # before haystack is imported: its telemetry begins with it

from haystack import Document, ExtractedAnswer, component  # noqa: E402 - see above
from haystack.telemetry import _telemetry  # noqa: E402

from qa.asking.service import QA  # noqa: E402
from qa.integrations.quotations import (  # noqa: E402
    Wish,
    checkable,
    excerpts,
    key,
    marked,
    quoted,
)
from qa.records import Excerpt, Highlight  # noqa: E402
from qa.settings import INDEX  # noqa: E402

_telemetry.telemetry = None  # it may have been imported before

__all__ = ["ExcerptRetriever", "Highlighter"]


@component
class ExcerptRetriever:
    """The excerpts of an index that answer a question; none where it holds no answer.

    `documents` are the excerpts, with the confidence as their score. `file_path`, `page_number`,
    `source_id` and `split_idx_start` are as Haystack's own converters and splitters write them; the
    rest says enough to check the citation. `answers` are the sentences that answer, as Haystack's
    extractive readers give them. The index is opened when it is first used.
    """

    def __init__(  # noqa: PLR0913 - what a pipeline's file may say
        self,
        index: str = str(INDEX),
        *,
        limit: int = 5,
        only: Sequence[str] = (),
        exclude: Sequence[str] = (),
        since: str = "",
        until: str = "",
        nearest: bool = False,
    ) -> None:
        self.index, self.limit, self.nearest = index, limit, nearest
        self.only, self.exclude = list(only), list(exclude)
        self.since, self.until = since, until
        self._qa: QA | None = None

    def warm_up(self) -> None:
        """Opens the index, once. Raises what `QA.open` raises."""
        self._opened()

    def _opened(self) -> QA:
        self._qa = self._qa or QA.open(self.index)
        return self._qa

    @component.output_types(documents=list[Document], answers=list[ExtractedAnswer])
    def run(self, query: str) -> dict[str, Any]:
        """The excerpts that answer the query, and the sentences in them."""
        wish = Wish(self.limit, self.only, self.exclude, self.since, self.until, self.nearest)
        found = excerpts(self._opened(), query, wish)
        documents = [_document(excerpt) for excerpt in found]
        answers = [
            _answer(query, mark, excerpt, document)
            for excerpt, document in zip(found, documents, strict=True)
            for mark in excerpt.highlights
        ]
        return {"documents": documents, "answers": answers}


@component
class Highlighter:
    """Behind any retriever: the documents that hold a sentence that answers, best first.

    Their text stays as it is; `highlights` in the meta are those sentences with their offsets, and
    the score is the best one's probability. `least` is as in `highlight`.
    """

    def __init__(self, least: float | None = None) -> None:
        self.least = least

    @component.output_types(documents=list[Document])
    def run(self, query: str, documents: list[Document]) -> dict[str, Any]:
        """The documents that hold a highlight, each with its highlights."""
        texts = [document.content or "" for document in documents]
        return {
            "documents": [
                replace(
                    documents[each.number],
                    meta=documents[each.number].meta
                    | {"highlights": quoted(texts[each.number], each.highlights)},
                    score=each.strength,
                )
                for each in marked(query, texts, self.least)
            ]
        }


def _document(excerpt: Excerpt) -> Document:
    meta = {
        "file_path": excerpt.path,
        "title": excerpt.title,
        "source_id": excerpt.document,
        "split_idx_start": excerpt.start,
        **checkable(excerpt),
    }
    if excerpt.page is not None:
        meta["page_number"] = excerpt.page
    return Document(id=key(excerpt), content=excerpt.text, meta=meta, score=excerpt.confidence)


def _answer(query: str, mark: Highlight, excerpt: Excerpt, document: Document) -> ExtractedAnswer:
    start, end = mark.start - excerpt.start, mark.end - excerpt.start
    return ExtractedAnswer(
        query=query, score=mark.strength, data=excerpt.text[start:end], document=document,
        document_offset=ExtractedAnswer.Span(start, end), context=excerpt.text,
        context_offset=ExtractedAnswer.Span(start, end), meta=document.meta,
    )  # fmt: skip
