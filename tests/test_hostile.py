"""Whatever one file holds costs that file alone: every build ends, and says which file failed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import files
import pytest
from conftest import SHARED
from indexes import write

from qa import QA, ask, build, splitting
from qa.building import pipeline
from qa.encoding.encoder import Encoded, Encoder
from qa.errors import SeedsEmpty
from qa.index import lexical
from qa.reading import read_noted
from qa.reading.content import COLUMNS_LIMIT, DEPTH_LIMIT, HEADING_LIMIT
from qa.records import BuildReport, Document, Passage, Status

CASES = SHARED / "cases" / "hostile"
SOUND = "Ri is 26 years old. He comes from the north."
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_DATA, (2 << 30, 2 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
from qa.cli import main
main()
"""


def limited_build(seeds: Path, index: Path) -> dict[str, dict[str, str]]:
    """The files of a build that may take 2 GB and two minutes of one core, by path."""
    command = [sys.executable, "-c", LIMITED, "build", str(seeds), "--index", str(index), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {file["path"]: file for file in json.loads(done.stdout)["files"]}


def test_each_hostile_file_comes_to_a_status_of_its_own(tmp_path, new_index):
    """All in one folder: the build ends within its limits, and a sound file beside them answers."""
    seeds, index, expected = tmp_path / "seeds", new_index(), files.hostile()
    write(seeds, "sound.txt", SOUND)
    for name, (data, _, _) in expected.items():
        file = seeds / name.partition("/")[0]
        file.write_bytes(files.archive({name.partition("/")[2]: data}) if "/" in name else data)
    came = limited_build(seeds, index)
    assert {name: came[name]["status"] for name in expected} == {
        name: status for name, (_, status, _) in expected.items()
    }
    for name, (_, _, reason) in expected.items():
        assert reason in came[name]["reason"], name
    assert ask("How old is Ri?", index=index).excerpts[0].path == "sound.txt"


def test_whatever_a_file_holds_its_headings_columns_and_title_are_bounded():
    """And every text of it can be stored and printed."""
    for name, (data, status, _) in files.hostile().items():
        if status is not Status.INDEXED:
            continue
        document, note = read_noted(data, name.rpartition("/")[2])
        headings = {block.heading for block in document.blocks}
        assert max((len(heading) for heading in headings), default=0) <= DEPTH_LIMIT, name
        titles = [document.title or "", *(title for heading in headings for title in heading)]
        assert max(map(len, titles)) <= HEADING_LIMIT, name
        columns = {block.columns for block in document.blocks}
        assert max(map(len, columns), default=0) <= COLUMNS_LIMIT, name
        for text in (document.text, document.date or "", note, *titles, *columns):
            text.encode()
        assert not any(sign in text for text in (note, *titles, *columns) for sign in "\0\n\r"), (
            name
        )


@pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not here")
def test_the_shared_hostile_files_are_indexed(tmp_path, new_index):
    """Each can be read when it is read with care."""
    slow = () if os.environ.get("QA_LONG") else ("longhead_300k.md",)  # a minute of encoding
    shutil.copytree(CASES, tmp_path / "seeds", ignore=shutil.ignore_patterns(*slow))
    came = limited_build(tmp_path / "seeds", new_index())
    assert {file["status"] for file in came.values()} == {"indexed"}
    assert "nested too deep" in came["toml_dots.md"]["reason"]


# What fails after reading

Fault = Callable[[pytest.MonkeyPatch], None]


def _splitting_fails(patch: pytest.MonkeyPatch) -> None:
    original = splitting.split

    def split(document: Document, *given: object, **named: object) -> Iterator[Passage]:
        for passage in original(document, *given, **named):  # type: ignore[arg-type]
            yield passage
            if "SPOILED" in document.text[: passage.end]:
                raise IndexError("out of\nplace \ud800")

    patch.setattr(splitting, "split", split)


def _encoding_panics(patch: pytest.MonkeyPatch) -> None:
    original = Encoder.encode

    def encode(self: Encoder, text: str) -> Encoded:
        if "SPOILED" in text:
            raise type("PanicException", (BaseException,), {})("a library in Rust gave up")
        return original(self, text)

    patch.setattr(Encoder, "encode", encode)


def _writing_fails(patch: pytest.MonkeyPatch) -> None:
    original = lexical.Analyzer.words

    def words(self: lexical.Analyzer, text: str) -> list[str]:
        if "SPOILED" in text:
            raise MemoryError
        return original(self, text)

    patch.setattr(lexical.Analyzer, "words", words)


FAULTS = {
    "IndexError: out of place": _splitting_fails,
    "PanicException: a library": _encoding_panics,
    "more memory": _writing_fails,
}


@pytest.mark.parametrize("reason", FAULTS)
def test_what_fails_after_reading_costs_its_document_alone(
    tmp_path, new_index, monkeypatch, reason
):
    """Nothing of it stays, an equal file fails likewise, and incremental equals full."""
    seeds, index, complete = tmp_path / "seeds", new_index(), new_index()
    long = "The harbour froze in January. Nine ships waited outside it.\n\n" * 20
    write(seeds, "a.txt", "The mill has four sails. It grinds rye for three villages.\n")
    write(seeds, "m.txt", f"{long}The SPOILED words.\n\n{long}")
    write(seeds, "n.md", f"{long}The SPOILED words.\n\n{long}")
    write(seeds, "o.md", f"{long}The SPOILED words.\n\n{long}")
    write(seeds, "z.txt", SOUND)
    FAULTS[reason](monkeypatch)
    first = build(seeds, index)
    assert _failed(first) == ["m.txt", "n.md", "o.md"]
    assert all(reason in result for _, result in first.failed)
    write(seeds, "b.txt", "The ferry crosses at six.\n")
    again, full = build(seeds, index), build(seeds, complete)
    assert _failed(again) == _failed(full) == ["m.txt", "n.md", "o.md"]
    assert again.passages == full.passages == 3
    for question in ("How old is Ri?", "When does the ferry cross?", "How many sails?"):
        one, other = (ask(question, index=at).to_dict() for at in (index, complete))
        assert one == other
        assert one["excerpts"]
    monkeypatch.undo()
    assert build(seeds, index, full=True).failed == ()


def test_an_encoder_that_fails_at_everything_is_no_documents_fault(
    tmp_path, new_index, monkeypatch
):
    """An index is not emptied because the model cannot run."""
    seeds, index = tmp_path / "seeds", new_index()
    write(seeds, "a.txt", SOUND)
    build(seeds, index)
    write(seeds, "b.txt", "The ferry crosses at six.\n")

    def encode(self: Encoder, text: str) -> Encoded:
        raise RuntimeError("no such operator")

    monkeypatch.setattr(Encoder, "encode", encode)
    with pytest.raises(RuntimeError, match="no such operator"):
        build(seeds, index)
    assert ask("How old is Ri?", index=index).excerpts[0].path == "a.txt"


def test_a_caller_that_gives_up_ends_the_build_and_blames_no_document(tmp_path, new_index):
    """What a progress callback raises is not taken for a document's failure."""
    seeds, index = tmp_path / "seeds", new_index()
    write(seeds, "a.txt", SOUND)
    write(seeds, "b.txt", "The ferry crosses at six.\n")

    def give_up(progress: pipeline.Progress) -> None:
        if progress.stage == "encoding" and progress.path == "b.txt":
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        build(seeds, index, progress=give_up)
    assert not (index / "CURRENT").exists()


def _failed(report: BuildReport) -> list[str]:
    return [file.path for file in report.files if file.status is Status.FAILED]


def test_what_is_left_out_stands_in_the_report_and_is_never_opened(tmp_path, new_index):
    """Links out, pipes and a bad ignore file are told once, whatever is built, asked or waits."""
    seeds, index = tmp_path / "seeds", new_index()
    write(seeds, "a.txt", SOUND)
    write(tmp_path, "secret.txt", "The secret harbour froze in January.")
    (seeds / "out.txt").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(seeds / "pipe.txt")
    (seeds / ".qaignore").symlink_to("/dev/zero")
    expected = {
        ".qaignore": "its rules do not hold: a link that leaves the folder",
        "out.txt": "a link that leaves the folder",
        "pipe.txt": "no regular file",
    }
    assert dict(build(seeds, index).failed) == expected
    again = build(seeds, index)
    assert dict(again.failed) == expected
    assert (again.added, again.changed, again.removed) == ((), (), ())
    with QA.open(index) as qa:
        assert not qa.waiting()
        assert qa.ask("When did the secret harbour freeze?").excerpts == ()
        (seeds / "a.txt").unlink()
        os.mkfifo(seeds / "a.txt")  # what was a file may become anything
        assert qa.ask("How old is Ri?").excerpts[0].freshness == "changed"
        assert qa.waiting().changed == ("a.txt",)
    with pytest.raises(SeedsEmpty):
        build(seeds, index)
