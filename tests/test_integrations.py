"""LangChain, LlamaIndex and Haystack, each by its real package, over an index and behind a retriever."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from beside import missing
from test_offline import faults

from qa import QA, verify
from qa.integrations.quotations import Wish

QUESTION = "How old is Ri?"
ABSENT = "Who won the chess match on Mars?"
TEXTS = (
    "The ferry crosses at six. In winter it does not run because of the ice.",
    "Ri came to the front in October 2024. Ri is 26 years old.",
    "The mill has four sails.",
)
SENTENCE = "Ri is 26 years old."
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def asker(library):
    with QA.open(library[1], seeds=library[0]) as opened:
        yield opened


def framework(package, extra):
    return pytest.importorskip(package, reason=f"the extra `{extra}` is not installed")


def check(text, metadata, seeds):
    """A citation is in the metadata, word for word, and with what `verify` needs."""
    source = (seeds / metadata["paths"][0]).read_text()
    assert text == source[metadata["start"] : metadata["end"]]
    assert metadata["citation"] and metadata["freshness"] == "fresh"
    (best, *_) = metadata["highlights"]
    assert best["text"].strip() == SENTENCE
    assert source[best["start"] : best["end"]] == best["text"]
    quoted = {**metadata, "path": metadata["paths"][0], "text": text}
    return {"excerpts": [quoted], "nearest": []}


def test_langchain_retrieves_excerpts_with_their_citations(asker, library):
    framework("langchain_core", "langchain")
    from qa.integrations.langchain import ExcerptRetriever

    found = ExcerptRetriever(qa=asker).invoke(QUESTION)
    expected = asker.ask(QUESTION).excerpts
    assert [each.page_content for each in found] == [excerpt.text for excerpt in expected]
    first = found[0]
    saved = check(first.page_content, first.metadata, library[0])
    assert verify(saved, index=library[1], seeds=library[0])[0].outcome == "valid"
    assert first.metadata["source"] in ("ri.txt", "copy.txt")
    assert first.metadata["start_index"] == expected[0].start
    assert first.metadata["relevance_score"] == expected[0].confidence
    assert ExcerptRetriever(qa=asker).invoke(ABSENT) == []
    wish = Wish(nearest=True, only=["notes"])
    (near,) = ExcerptRetriever(qa=asker, wish=wish).invoke(ABSENT)
    assert near.metadata["source"] == "notes/ferry.txt"


def test_langchain_highlights_behind_the_users_own_retriever():
    framework("langchain_core", "langchain")
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever

    from qa.integrations.langchain import HighlightCompressor

    class Own(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):  # noqa: ARG002
            return [Document(page_content=text, metadata={"source": "own"}) for text in TEXTS]

    found = Own().invoke(QUESTION)
    kept = HighlightCompressor().compress_documents(found, QUESTION)
    assert [each.page_content for each in kept] == [TEXTS[1]]
    assert kept[0].metadata["source"] == "own"
    assert kept[0].metadata["highlights"][0]["text"].strip() == SENTENCE
    assert 0 < kept[0].metadata["relevance_score"] <= 1
    assert "highlights" not in found[1].metadata  # the caller's own stay as they were
    everything = HighlightCompressor(least=0.0).compress_documents(found, QUESTION)
    assert {each.page_content for each in everything} == set(TEXTS)
    assert everything[0].page_content == TEXTS[1]
    assert HighlightCompressor().compress_documents([], QUESTION) == []


def test_langchain_gives_pages_as_its_loaders_do(asker):
    framework("langchain_core", "langchain")
    from answers import excerpt

    from qa.integrations import langchain

    document = langchain._document(excerpt(page=3))
    assert (document.metadata["page"], document.metadata["page_label"]) == (2, "3")


def test_llamaindex_retrieves_nodes_with_their_citations(asker, library):
    framework("llama_index.core", "llamaindex")
    from llama_index.core.schema import MetadataMode

    from qa.integrations.llamaindex import ExcerptRetriever

    found = ExcerptRetriever(asker).retrieve(QUESTION)
    expected = asker.ask(QUESTION).excerpts
    assert [each.node.text for each in found] == [excerpt.text for excerpt in expected]
    assert [each.score for each in found] == [excerpt.confidence for excerpt in expected]
    node = found[0].node
    saved = check(node.text, node.metadata, library[0])
    assert verify(saved, index=library[1], seeds=library[0])[0].outcome == "valid"
    assert node.metadata["file_name"] in ("ri.txt", "copy.txt")
    assert (node.start_char_idx, node.end_char_idx) == (expected[0].start, expected[0].end)
    assert node.source_node.node_id == expected[0].document
    prompt = node.get_content(metadata_mode=MetadataMode.LLM)
    assert "file_path" in prompt and expected[0].document not in prompt
    assert ExcerptRetriever(asker).retrieve(ABSENT) == []


def test_llamaindex_highlights_behind_the_users_own_retriever():
    framework("llama_index.core", "llamaindex")
    from llama_index.core.schema import NodeWithScore, TextNode

    from qa.integrations.llamaindex import HighlightPostprocessor

    nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in TEXTS]
    (kept,) = HighlightPostprocessor().postprocess_nodes(nodes, query_str=QUESTION)
    assert kept.node.text == TEXTS[1]
    assert kept.node.metadata["highlights"][0]["text"].strip() == SENTENCE
    assert kept.score != 0.5 and nodes[1].node.metadata == {}


def test_haystack_retrieves_documents_and_extracted_answers(library):
    framework("haystack", "haystack")
    from haystack import Pipeline

    from qa.integrations.haystack import ExcerptRetriever

    pipeline = Pipeline()
    pipeline.add_component("documents", ExcerptRetriever(str(library[1]), limit=3))
    written = pipeline.dumps()
    again = Pipeline.loads(written, allowed_modules=["qa.integrations.haystack"])
    result = again.run({"documents": {"query": QUESTION}})["documents"]
    with QA.open(library[1]) as opened:
        expected = opened.ask(QUESTION, limit=3).excerpts
    assert [each.content for each in result["documents"]] == [each.text for each in expected]
    first = result["documents"][0]
    check(first.content, first.meta, library[0])
    assert first.meta["file_path"] in ("ri.txt", "copy.txt")
    assert first.meta["source_id"] == expected[0].document
    assert first.meta["split_idx_start"] == expected[0].start
    answer = result["answers"][0]
    assert answer.data.strip() == SENTENCE and answer.query == QUESTION
    span = answer.document_offset
    assert answer.document.content[span.start : span.end] == answer.data
    assert again.run({"documents": {"query": ABSENT}})["documents"]["documents"] == []


def test_haystack_highlights_behind_the_users_own_retriever():
    framework("haystack", "haystack")
    from haystack import Document, Pipeline
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    from qa.integrations.haystack import Highlighter

    store = InMemoryDocumentStore()
    store.write_documents([Document(content=text) for text in TEXTS])
    pipeline = Pipeline()
    pipeline.add_component("own", InMemoryBM25Retriever(store))
    pipeline.add_component("highlighter", Highlighter())
    pipeline.connect("own.documents", "highlighter.documents")
    asked = {"own": {"query": QUESTION}, "highlighter": {"query": QUESTION}}
    (kept,) = pipeline.run(asked)["highlighter"]["documents"]
    assert kept.content == TEXTS[1]
    assert kept.meta["highlights"][0]["text"].strip() == SENTENCE


USE = {
    "langchain": (
        "langchain_core",
        """from qa.integrations.langchain import *; import qa
print(ExcerptRetriever(qa=qa.QA.open('index')).invoke('How old is Ri?'))""",
    ),
    "llamaindex": (
        "llama_index.core",
        """from qa.integrations.llamaindex import *; import qa
print(ExcerptRetriever(qa.QA.open('index')).retrieve('How old is Ri?'))""",
    ),
    "haystack": (
        "haystack",
        """from qa.integrations.haystack import *; import haystack
pipeline = haystack.Pipeline(); pipeline.add_component('x', ExcerptRetriever('index'))
print(pipeline.run({'x': {'query': 'How old is Ri?'}}))""",
    ),
}


@pytest.mark.parametrize("name", USE)
def test_no_framework_sends_anything_when_it_is_imported_and_used_here(name, library, tmp_path):
    """The system calls of a process of its own, in a network of its own."""
    package, code = USE[name]
    framework(package, name)
    if why := missing():
        pytest.skip(f"what native code asks of the system was not looked at: {why}")
    (tmp_path / "tmp").mkdir()
    for folder, place in zip(("seeds", "index"), library, strict=True):
        shutil.copytree(place, tmp_path / folder)
    known = {**os.environ, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    known |= {"TMPDIR": str(tmp_path / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
    known.pop("XDG_CACHE_HOME", None)
    trace = tmp_path / "trace"
    command = ["unshare", "--net", "strace", "-f", "-y", "-qq", "-o", str(trace)]
    tracing = ["-e", "trace=network,openat,mkdir,rename"]
    done = subprocess.run(
        [*command, *tracing, sys.executable, "-c", code], env=known, cwd=tmp_path,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert SENTENCE in done.stdout
    assert faults(trace.read_text(), tmp_path) == []


def test_haystack_counts_nobody_even_where_it_was_imported_first():
    framework("haystack", "haystack")
    code = (
        "import haystack.telemetry._telemetry as telemetry;"
        "import qa.integrations.haystack;"
        "print(telemetry.telemetry)"
    )
    known = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=known, capture_output=True, text=True, check=True
    )
    assert done.stdout == "None\n"
