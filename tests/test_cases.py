"""The shared cases: small files that real readers get wrong, each with a question or a status."""

import json
import os
import shutil
import time

import pytest
from conftest import SHARED

import qa
from qa.records import Status

CASES = SHARED / "cases" / "reading"
QUESTIONS = SHARED / "cases" / "reading-questions.jsonl"

pytestmark = pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not here")

# Files that are read in part or not at all, and what their status says. All others are indexed.
NOTED = {
    "Thumbs.db": (Status.UNSUPPORTED, "thumbnail cache"),
    "~$report.docx": (Status.UNSUPPORTED, "lock file"),
    "half.pdf.crdownload": (Status.UNSUPPORTED, "not complete"),
    "link.url": (Status.UNSUPPORTED, "link to a web page"),
    "notes.gdoc": (Status.UNSUPPORTED, "link to a Google document"),
    "html_script_rendered.html": (Status.EMPTY, "made by scripts"),
    "docx_hidden_text.docx": (Status.INDEXED, "hidden text not read"),
    "pptx_hidden_slide.pptx": (Status.INDEXED, "hidden slide: 2"),
    "xlsx_hidden_sheet.xlsx": (Status.INDEXED, "hidden sheet: Old prices"),
    "xlsx_formulas_never_computed.xlsx": (Status.INDEXED, "2 formulas without a value"),
    "pdf_scan_with_stamp.pdf": (Status.INDEXED, "no text on its page"),
    "mail_with_text_attachment.eml": (Status.INDEXED, "contract.txt"),
}


def asked():
    """The rows of the question file."""
    lines = QUESTIONS.read_text().splitlines() if QUESTIONS.exists() else ()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def built(tmp_path_factory, encoders):
    """An index of all cases, and the report of its build."""
    folder = tmp_path_factory.mktemp("cases")
    shutil.copytree(CASES, folder / "seeds")
    folder.joinpath("seeds").chmod(0o755)
    long_ago = time.time() - 100
    for file in folder.joinpath("seeds").iterdir():
        os.utime(file, (long_ago, long_ago))
    folder.joinpath("index").mkdir()
    shutil.copytree(encoders, folder / "index" / "encoders", copy_function=os.link)
    return folder / "index", qa.build(folder / "seeds", folder / "index")


@pytest.mark.parametrize("row", asked(), ids=lambda row: row["document"])
def test_the_first_excerpt_holds_what_the_document_says_and_marks_words_of_it(built, row):
    """The marked words stand in the excerpt, and where the document says that they do."""
    document = row["document"]
    with qa.QA.open(built[0]) as library:
        answer = library.ask(row["question"], only=[document, f"{document}/*"])
    excerpts = [*answer.excerpts, *answer.nearest]
    assert excerpts
    first = excerpts[0]
    assert row["contains"] in " ".join(first.text.split())
    assert first.highlights
    assert all(first.start <= mark.start < mark.end <= first.end for mark in first.highlights)
    marked = " ".join(
        first.text[mark.start - first.start : mark.end - first.start] for mark in first.highlights
    )
    assert row["contains"] in " ".join(marked.split())
    verdicts = qa.verify(answer, index=built[0])
    assert {verdict.outcome for verdict in verdicts} == {"valid"}


def test_every_case_is_read_or_says_why_not(built):
    """No file fails; what is not read of one stands in its status."""
    files = {file.path: file for file in built[1].files}
    for name in sorted(case.name for case in CASES.iterdir()):
        of_case = [file for path, file in files.items() if path.split("/")[0] == name]
        assert of_case, name
        expected, reason = NOTED.get(name, (Status.INDEXED, ""))
        found = [(file.status, file.reason) for file in of_case if file.path == name or not reason]
        assert all(status == expected for status, _ in found), (name, found)
        assert any(reason in said for _, said in found), (name, found)
        if not reason:
            assert not any(said for _, said in found), (name, found)


@pytest.mark.parametrize(
    "name", sorted(path.name for path in CASES.glob("enc_*")) if CASES.exists() else []
)
def test_no_legacy_encoding_leaves_a_sign_that_nobody_wrote(built, name):
    """Letters, digits and the marks of sentences are all that these texts hold."""
    with qa.QA.open(built[0]) as library:
        excerpts = library.ask("harbour", only=[name])
        text = " ".join(each.text for each in (*excerpts.excerpts, *excerpts.nearest))
    assert text
    odd = {sign for sign in text if not (sign.isalpha() or sign.isdigit() or sign.isspace())}
    assert odd <= set(".,'’-。，、：;:«»"), odd
