"""seedqa in LangChain: `pip install 'seedqa[langchain]'`."""

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun, Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.retrievers import BaseRetriever

from qa.asking.service import QA
from qa.integrations.quotations import Wish, checkable, excerpts, key, marked, quoted
from qa.records import Excerpt

__all__ = ["ExcerptRetriever", "HighlightCompressor"]


class ExcerptRetriever(BaseRetriever):
    """The excerpts of an open index that answer a question; none where it holds no answer.

    `page_content` is the quotation. `source`, `title`, `page` (from 0) and `page_label` (from 1) are
    as LangChain's own loaders write them, `start_index` as its splitters do, `relevance_score` as
    its rerankers do; the rest says enough to check the citation.
    """

    qa: QA
    wish: Wish = Wish()

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain's signature
    ) -> list[Document]:
        return [_document(excerpt) for excerpt in excerpts(self.qa, query, self.wish)]


class HighlightCompressor(BaseDocumentCompressor):
    """Behind any retriever: the documents that hold a sentence that answers, best first.

    Their text stays as it is; `highlights` in the metadata are those sentences with their offsets.
    """

    least: float | None = None  # the probability from which a sentence is marked, as in `highlight`

    def compress_documents(
        self,
        documents: Sequence[Document],
        query: str,
        callbacks: Callbacks | None = None,  # noqa: ARG002 - LangChain's signature
    ) -> Sequence[Document]:
        """The documents that hold a highlight, each with its highlights."""
        texts = [document.page_content for document in documents]
        return [
            _with(documents[each.number], {
                "highlights": quoted(texts[each.number], each.highlights),
                "relevance_score": each.strength,
            })
            for each in marked(query, texts, self.least)
        ]  # fmt: skip


def _document(excerpt: Excerpt) -> Document:
    metadata: dict[str, Any] = {
        "source": excerpt.path,
        "title": excerpt.title,
        "start_index": excerpt.start,
        "relevance_score": excerpt.confidence,
        **checkable(excerpt),
    }
    if excerpt.page is not None:
        metadata |= {"page": excerpt.page - 1, "page_label": str(excerpt.page)}
    return Document(id=key(excerpt), page_content=excerpt.text, metadata=metadata)


def _with(document: Document, metadata: dict[str, Any]) -> Document:
    return document.model_copy(update={"metadata": document.metadata | metadata})
