"""Ranks passages by one of this project's peers, each put together as its own guide shows it.

    python bench/peers/ranking.py PEER INPUT.json OUTPUT.json

`running.py` calls this in an environment of the peers' own (`requirements.txt`); nothing of this
project is imported. INPUT holds `model` (a folder), `limit`, `kept` (see `Kept`), and `groups`:
`passages` and the `questions` that are asked of them (texts). OUTPUT gets `rankings` (for each question of every group
the numbers of its group's passages, best first), `seconds` (what each question took, one at a time,
after a first one of its group that is not counted), `building` (seconds in which the passages were
taken in) and `megabytes` (resident at the end).
"""

import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

Rank = Callable[[str], list[int]]
"""question -> the numbers of the best passages, best first"""

FUSED = 64  # passages of each list that are fused
CONSTANT = 60  # of the fusion, as its authors have it


def main() -> None:
    """Writes the output of one peer."""
    peer, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    given = json.loads(source.read_text(encoding="utf-8"))
    logging.disable(logging.WARNING)
    kept = Kept(Path(given["kept"])) if given["kept"] else None
    rankings, seconds, building = [], [], 0.0
    for group in given["groups"]:
        started = time.perf_counter()
        rank = PEERS[peer](group["passages"], given["model"], given["limit"])
        building += time.perf_counter() - started
        rank(group["questions"][0])
        for question in group["questions"]:
            started = time.perf_counter()
            rankings.append(rank(question))
            seconds.append(time.perf_counter() - started)
    result = {
        "rankings": rankings,
        "seconds": seconds,
        "building": building,
        "megabytes": resident(),
    }
    target.write_text(json.dumps(result), encoding="utf-8")
    if kept:
        kept.save()


class Kept:
    """Vectors of passages that peers get from sentence-transformers, kept in a file for the next peer.

    They have the same model, so that the vectors are the same; questions are encoded every time.
    """

    def __init__(self, file: Path) -> None:
        import numpy as np
        from sentence_transformers import SentenceTransformer

        self.file, self.vectors = file, {}
        if file.exists():
            with np.load(file) as found:
                self.vectors = dict(zip(found["names"].tolist(), found["vectors"], strict=True))
        self.encode = SentenceTransformer.encode
        SentenceTransformer.encode = lambda encoder, inputs, *args, **options: (
            self.encode(encoder, inputs, *args, **options)
            if isinstance(inputs, str) or len(inputs) == 1 or options.get("convert_to_tensor")
            else self.passages(encoder, inputs, *args, **options)
        )

    def passages(self, encoder: Any, texts: Sequence[str], *args: Any, **options: Any) -> Any:
        """The vectors of passages; those that are not known are encoded now."""
        import numpy as np

        names = [sha256(text.encode()).hexdigest() for text in texts]
        new = {
            name: text for name, text in zip(names, texts, strict=True) if name not in self.vectors
        }
        if new:
            found = self.encode(encoder, list(new.values()), *args, **options)
            self.vectors.update(zip(new, found, strict=True))
        return np.array([self.vectors[name] for name in names])

    def save(self) -> None:
        """Writes the file."""
        import numpy as np

        if self.vectors:
            np.savez(self.file, names=list(self.vectors), vectors=list(self.vectors.values()))


def resident() -> float:
    """Megabytes that this process holds."""
    result = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(result.split("VmRSS:")[1].split()[0]) / 1024


@lru_cache(maxsize=1)
def encoder_of(model: str) -> Any:
    """The model, loaded once."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(model, device="cpu")


def dense(texts: Sequence[str], model: str, limit: int) -> Rank:
    """Exact search by faiss over the pooled vectors of sentence-transformers."""
    import faiss

    encoder = encoder_of(model)
    vectors = encoder.encode(list(texts), normalize_embeddings=True)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)

    def rank(question: str) -> list[int]:
        asked = encoder.encode([question], normalize_embeddings=True)
        return [int(number) for number in index.search(asked, limit)[1][0] if number >= 0]

    return rank


def bm25(texts: Sequence[str], _model: str, limit: int) -> Rank:
    """BM25 by bm25s, with its English stop words and the Snowball stemmer."""
    import bm25s
    from Stemmer import Stemmer

    stemmer = Stemmer("english")
    words = bm25s.BM25()
    tokens = bm25s.tokenize(list(texts), stopwords="en", stemmer=stemmer, show_progress=False)
    words.index(tokens, show_progress=False)
    depth = min(limit, len(texts))

    def rank(question: str) -> list[int]:
        asked = bm25s.tokenize([question], stopwords="en", stemmer=stemmer, show_progress=False)
        return [int(number) for number in words.retrieve(asked, k=depth, show_progress=False)[0][0]]

    return rank


def fusion(texts: Sequence[str], model: str, limit: int) -> Rank:
    """Reciprocal rank fusion (Cormack et al., 2009) of `dense` and `bm25`, as plain as it is."""
    lists = [peer(texts, model, FUSED) for peer in (dense, bm25)]

    def rank(question: str) -> list[int]:
        weights = Counter[int]()
        for one in lists:
            for place, number in enumerate(one(question), 1):
                weights[number] += 1 / (CONSTANT + place)
        return [number for number, _ in weights.most_common(limit)]

    return rank


def txtai(texts: Sequence[str], model: str, limit: int) -> Rank:
    """The hybrid index: half dense, half BM25."""
    from txtai import Embeddings

    embeddings = Embeddings(path=model, hybrid=True)
    embeddings.index(list(texts))
    return lambda question: [number for number, _ in embeddings.search(question, limit)]


def haystack(texts: Sequence[str], model: str, limit: int) -> Rank:
    """A pipeline of the BM25 and the embedding retriever, joined by reciprocal rank."""
    from haystack import Document, Pipeline
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.retrievers.in_memory import (
        InMemoryBM25Retriever,
        InMemoryEmbeddingRetriever,
    )
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersDocumentEmbedder,
        SentenceTransformersTextEmbedder,
    )

    store = InMemoryDocumentStore()
    documents = [Document(id=str(number), content=text) for number, text in enumerate(texts)]
    embedder = SentenceTransformersDocumentEmbedder(model=model, progress_bar=False)
    embedder.warm_up()
    store.write_documents(embedder.run(documents=documents)["documents"])
    pipeline = Pipeline()
    pipeline.add_component("words", InMemoryBM25Retriever(store, top_k=limit))
    text_embedder = SentenceTransformersTextEmbedder(model=model, progress_bar=False)
    pipeline.add_component("embedder", text_embedder)
    pipeline.add_component("meaning", InMemoryEmbeddingRetriever(store, top_k=limit))
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=limit)
    pipeline.add_component("joiner", joiner)
    pipeline.connect("embedder.embedding", "meaning.query_embedding")
    pipeline.connect("words", "joiner")
    pipeline.connect("meaning", "joiner")

    def rank(question: str) -> list[int]:
        result = pipeline.run({"words": {"query": question}, "embedder": {"text": question}})
        return [int(document.id) for document in result["joiner"]["documents"]]

    return rank


def langchain(texts: Sequence[str], model: str, limit: int) -> Rank:
    """The ensemble of the BM25 retriever and a FAISS store, half each."""
    from langchain_classic.retrievers import EnsembleRetriever
    from langchain_community.retrievers import BM25Retriever
    from langchain_community.vectorstores import FAISS
    from langchain_huggingface import HuggingFaceEmbeddings

    numbers = [{"number": number} for number in range(len(texts))]
    words = BM25Retriever.from_texts(texts, metadatas=numbers, k=limit)
    store = FAISS.from_texts(list(texts), HuggingFaceEmbeddings(model_name=model), numbers)
    meaning = store.as_retriever(search_kwargs={"k": limit})
    ensemble = EnsembleRetriever(retrievers=[words, meaning], weights=[0.5, 0.5], id_key="number")

    def rank(question: str) -> list[int]:
        return [found.metadata["number"] for found in ensemble.invoke(question)[:limit]]

    return rank


def llamaindex(texts: Sequence[str], model: str, limit: int) -> Rank:
    """The fusion retriever over a vector index and BM25, by reciprocal rank, one query each."""
    from llama_index.core import VectorStoreIndex
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.schema import TextNode
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    from llama_index.retrievers.bm25 import BM25Retriever

    nodes = [TextNode(id_=str(number), text=text) for number, text in enumerate(texts)]
    index = VectorStoreIndex(nodes, embed_model=HuggingFaceEmbedding(model_name=model))
    fusion = QueryFusionRetriever(
        [
            index.as_retriever(similarity_top_k=limit),
            BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=limit),
        ],
        llm=MockLLM(),  # asked for nothing, as no further queries are made up
        num_queries=1,
        mode="reciprocal_rerank",
        similarity_top_k=limit,
        use_async=False,
    )

    def rank(question: str) -> list[int]:
        return [int(found.node.node_id) for found in fusion.retrieve(question)]

    return rank


PEERS = {
    "txtai": txtai,
    "haystack": haystack,
    "langchain": langchain,
    "llamaindex": llamaindex,
    "fusion": fusion,
    "dense": dense,
    "bm25": bm25,
}

if __name__ == "__main__":
    main()
