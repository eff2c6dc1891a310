"""The shared cases: small files that real readers get wrong, each with a question about it."""

import json
import os
import shutil
import time

import pytest
from conftest import SHARED

import qa

CASES = SHARED / "cases" / "reading"
QUESTIONS = SHARED / "cases" / "reading-questions.jsonl"

pytestmark = pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not here")


def asked():
    """The rows of the question file."""
    lines = QUESTIONS.read_text().splitlines() if QUESTIONS.exists() else ()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def index(tmp_path_factory, encoders):
    """An index of all cases, and the report of its build."""
    folder = tmp_path_factory.mktemp("cases")
    shutil.copytree(CASES, folder / "seeds")
    folder.joinpath("seeds").chmod(0o755)
    long_ago = time.time() - 100
    for file in folder.joinpath("seeds").iterdir():
        os.utime(file, (long_ago, long_ago))
    folder.joinpath("index").mkdir()
    shutil.copytree(encoders, folder / "index" / "encoders", copy_function=os.link)
    qa.build(folder / "seeds", folder / "index")
    return folder / "index"


@pytest.mark.parametrize("row", asked(), ids=lambda row: row["document"])
def test_the_first_excerpt_holds_what_the_document_says(index, row):
    document = row["document"]
    with qa.QA.open(index) as library:
        answer = library.ask(row["question"], only=[document, f"{document}/*"])
    excerpts = [*answer.excerpts, *answer.nearest]
    assert excerpts
    assert row["contains"] in " ".join(excerpts[0].text.split())
