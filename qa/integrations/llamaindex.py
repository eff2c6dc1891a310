"""seedqa in LlamaIndex: `pip install 'seedqa[llamaindex]'`."""

from typing import Any

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import (
    MetadataMode,
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)

from qa.asking.service import QA
from qa.integrations.quotations import Wish, checkable, excerpts, key, marked, quoted
from qa.records import Excerpt

__all__ = ["ExcerptRetriever", "HighlightPostprocessor"]


class ExcerptRetriever(BaseRetriever):
    """The excerpts of an open index that answer a question; none where it holds no answer.

    A node's text is the quotation, its score the confidence. `file_path`, `file_name` and
    `page_label` are as LlamaIndex's own readers write them, `start_char_idx` and `end_char_idx` its
    span, its source node the document; the rest of the metadata says enough to check the citation,
    and is kept from prompts and embeddings.
    """

    def __init__(self, qa: QA, wish: Wish = Wish(), **options: Any) -> None:  # noqa: B008 - frozen
        self._qa = qa
        self._wish = wish
        super().__init__(**options)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = excerpts(self._qa, query_bundle.query_str, self._wish)
        return [NodeWithScore(node=_node(each), score=each.confidence) for each in found]


class HighlightPostprocessor(BaseNodePostprocessor):
    """Behind any retriever: the nodes that hold a sentence that answers, best first.

    Their text stays as it is; `highlights` in the metadata are those sentences with their offsets,
    and the score is the best one's probability.
    """

    least: float | None = None  # the probability from which a sentence is marked, as in `highlight`

    @classmethod
    def class_name(cls) -> str:
        """The name by which LlamaIndex saves it."""
        return "HighlightPostprocessor"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        question = query_bundle.query_str if query_bundle else ""
        texts = [each.node.get_content(metadata_mode=MetadataMode.NONE) for each in nodes]
        found = []
        for each in marked(question, texts, self.least):
            node = nodes[each.number].node.model_copy(deep=True)
            node.metadata["highlights"] = quoted(texts[each.number], each.highlights)
            _keep_from_prompts(node, ["highlights"])
            found.append(NodeWithScore(node=node, score=each.strength))
        return found


def _node(excerpt: Excerpt) -> TextNode:
    shown = {"file_path": excerpt.path, "file_name": excerpt.path.rpartition("/")[2]}
    if excerpt.page is not None:
        shown["page_label"] = str(excerpt.page)
    hidden = {"title": excerpt.title, **checkable(excerpt)}
    node = TextNode(
        id_=key(excerpt),
        text=excerpt.text,
        start_char_idx=excerpt.start,
        end_char_idx=excerpt.end,
        metadata={**shown, **hidden},
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=excerpt.document)},
    )
    _keep_from_prompts(node, list(hidden))
    return node


def _keep_from_prompts(node: Any, names: list[str]) -> None:
    node.excluded_llm_metadata_keys = [*node.excluded_llm_metadata_keys, *names]
    node.excluded_embed_metadata_keys = [*node.excluded_embed_metadata_keys, *names]
