"""Damaged, closed and closed-off indexes: one clear outcome each, at no cost in memory."""

import gc
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from indexes import write

from qa import cli
from qa.asking import service
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.errors import IndexClosed, IndexDamaged
from qa.index import dense, integrity, lexical
from qa.index.catalog import DOCUMENT
from qa.index.manifest import current, read_manifest
from qa.index.paths import PATH
from qa.index.segment import PASSAGE, SENTENCE
from qa.index.snapshot import LocalSnapshot
from qa.index.store import Manifest

HERE = Path(__file__).parent
ROUNDS = 100 * int(os.environ.get("QA_LONG", "1"))
QUESTION = "How many sails has the mill?"
MILL = "# The mill\n\nThe mill has four sails. It grinds rye.\n\n## Harbour\n\nIlse keeps the harbour.\n"
COUNTED = [name for name in PASSAGE.names or () if name.startswith("first_")]
COUNTED += ["sentences", "tokens", "text_bytes", "input_bytes", "words_bytes"]


@pytest.fixture
def index(tmp_path: Path, new_index: Callable[[], Path]) -> Path:
    """An index of a few documents, beside their folder, with one snapshot."""
    write(tmp_path / "seeds", "mill.md", MILL)
    write(tmp_path / "seeds", "people.csv", "name,place\nIlse,harbour\nOtto,mill\n")
    new_index().rename(tmp_path / "index")
    build(tmp_path / "seeds", tmp_path / "index")
    return tmp_path / "index"


@pytest.fixture
def uncompared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opens indexes as if they were large: no file is compared with its hash."""
    monkeypatch.setattr(integrity, "COMPARED", -1)


@pytest.mark.parametrize("compared", [4 << 20, 0])
def test_a_bit_flipped_anywhere_gives_the_same_answer_or_a_clear_error(
    tmp_path: Path, encoders: Path, compared: int
) -> None:
    """Without comparing hashes, as in a large index, it may be another answer; nothing else."""
    shutil.copytree(HERE.parent / "seeds", tmp_path / "seeds")
    write(tmp_path / "seeds", "mill.md", MILL)
    (tmp_path / "index").mkdir()
    shutil.copytree(encoders, tmp_path / "index/encoders", copy_function=os.link)
    command = [sys.executable, HERE / "damaging.py", tmp_path, str(ROUNDS), "7", str(compared)]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=path)
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr[-2_000:]


@pytest.mark.usefixtures("uncompared")
@pytest.mark.parametrize("name", COUNTED)
def test_a_count_that_asks_for_gigabytes_is_damage(index: Path, name: str) -> None:
    (file,) = index.glob("segments/*/passages.bin")
    records = np.fromfile(file, PASSAGE)
    records[name][0] ^= 1 << 31
    records.tofile(file)
    with QA.open(index) as qa, pytest.raises(IndexDamaged, match=r"passages\.bin .*build again"):
        qa.ask(QUESTION)


@pytest.mark.usefixtures("uncompared")
@pytest.mark.parametrize("name", SENTENCE.names)
def test_a_sentence_that_ends_outside_of_its_passage_is_damage(index: Path, name: str) -> None:
    (file,) = index.glob("segments/*/sentences.bin")
    sentences = np.fromfile(file, SENTENCE)
    sentences[name][0] ^= 1 << 31
    sentences.tofile(file)
    with QA.open(index) as qa, pytest.raises(IndexDamaged, match=r"sentences\.bin"):
        qa.ask(QUESTION)


@pytest.mark.usefixtures("uncompared")
@pytest.mark.parametrize(("column", "value"), [("segment", 9), ("row", 1 << 40), ("row", 1 << 63)])
def test_a_document_that_stands_nowhere_is_damage(index: Path, column: str, value: int) -> None:
    (file,) = index.glob("snapshots/*/documents.bin")
    records = np.fromfile(file, DOCUMENT)
    records[column] = value
    records.tofile(file)
    with QA.open(index) as qa:
        (sha256, *_) = (each.sha256 for each in qa.files())
        with pytest.raises(IndexDamaged, match=r"documents\.bin"):
            qa.ask(QUESTION)
        if column == "segment":
            with pytest.raises(IndexDamaged, match=r"documents\.bin"):
                qa.document(sha256)


@pytest.mark.usefixtures("uncompared")
@pytest.mark.parametrize("value", [1 << 40, -1])
def test_documents_whose_passages_are_out_of_order_are_damage(index: Path, value: int) -> None:
    (file,) = index.glob("snapshots/*/firsts.i8")
    firsts = np.fromfile(file, np.int64)
    firsts[1] = value
    firsts.tofile(file)
    with QA.open(index) as qa, pytest.raises(IndexDamaged, match=r"documents\.bin|firsts\.i8"):
        qa.ask(QUESTION, only=["*.md"])


@pytest.mark.usefixtures("uncompared")
@pytest.mark.parametrize("column", ["kind", "day"])
def test_a_path_of_no_kind_or_day_that_there_is_is_damage(index: Path, column: str) -> None:
    (file,) = index.glob("snapshots/*/paths.bin")
    records = np.fromfile(file, PATH)
    records[column][-1] = 99
    records.tofile(file)
    with QA.open(index) as qa, pytest.raises(IndexDamaged, match=r"catalog\.sqlite"):
        qa.ask(QUESTION, only=["*.csv"], since="2001")


@pytest.mark.usefixtures("uncompared")
@pytest.mark.parametrize("name", ["documents.bin", "firsts.i8", "paths.bin"])
def test_a_catalog_of_another_number_of_documents_is_damage(index: Path, name: str) -> None:
    """Such as would be read beyond its end, or as another document's."""
    (file,) = index.glob(f"snapshots/*/{name}")
    size = file.stat().st_size
    os.truncate(file, size - size // 2)
    with pytest.raises(IndexDamaged):
        QA.open(index)


@pytest.mark.parametrize("place", [8, 14, -1 - 96 * 32, -5 - 96 * 32])
def test_an_approximate_index_of_another_number_of_passages_is_damage(
    tmp_path: Path, place: int
) -> None:
    vectors = np.ones((20, 384), np.float32)
    dense.ApproximateIndex.of([vectors], 384).save(tmp_path / "sketch")
    dense.ApproximateIndex.load(tmp_path / "sketch", dim=384, count=20)
    (file,) = (tmp_path / "sketch").iterdir()
    data = bytearray(file.read_bytes())
    data[place] ^= 64
    file.write_bytes(data)
    with pytest.raises(IndexDamaged, match="sketch"):
        dense.ApproximateIndex.load(tmp_path / "sketch", dim=384, count=20)


@pytest.mark.parametrize("field", ["body", "context", "ordinal"])
def test_a_word_index_without_one_of_its_fields_is_damage(tmp_path: Path, field: str) -> None:
    lexical.write(tmp_path / "words", ["mill sail"], count=1)
    meta = tmp_path / "words" / "meta.json"
    meta.write_text(meta.read_text().replace(f'"{field}"', f'"{field[:-1]}_"'))
    with pytest.raises(IndexDamaged, match="words"):
        lexical.WordIndex.open(tmp_path / "words", count=1)


def test_a_snapshot_that_does_not_open_lets_go_of_what_it_had_opened(
    index: Path, tmp_path: Path
) -> None:
    older = current(index)
    write(tmp_path / "seeds", "barn.txt", "The barn is red.")
    build(index=index)
    (index / "snapshots" / current(index) / "mean.f32").unlink()  # is opened last
    gc.disable()
    try:
        before = open_files(index)
        needed = LocalSnapshot(index, older)
        taken = open_files(index) - before
        assert taken
        needed.close()
        del needed
        before = open_files(index)
        opened = LocalSnapshot.open(index)
        assert opened.name == older
        assert open_files(index) - before == taken
    finally:
        gc.enable()


def open_files(folder: Path) -> int:
    """How many files of a folder this process has open; what else it opens meanwhile is left out."""
    links = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed by now, as the one that lists them is
            links.append(str(link.readlink()))
    return sum(link.startswith(f"{folder}/") for link in links)


def test_an_index_that_was_closed_is_said_to_be_closed(index: Path) -> None:
    qa = QA.open(index)
    (document, *_) = qa.files()
    qa.close()
    qa.close()
    for use in (
        lambda: qa.ask(QUESTION), lambda: qa.ask_many([QUESTION]), qa.files, qa.dates,
        lambda: qa.document(document.sha256),
    ):  # fmt: skip
        with pytest.raises(IndexClosed, match="closed"):
            use()


def as_another(*command: str, **environment: str) -> subprocess.Popen[str]:
    """A process to which file modes matter, as they do not to root."""
    others = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] * (os.getuid() == 0)
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(
        [*others, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    "pattern",
    ["snapshots", "CURRENT", "snapshots/*/manifest.json", "snapshots/*/catalog.sqlite", "snapshots/*/mean.f32",
     "snapshots/*/words/*.idx", "segments/*/documents.sqlite", "segments/*/texts.utf8",
     "segments/*/vectors.f32"],
)  # fmt: skip
def test_what_may_not_be_read_is_not_called_damaged(index: Path, pattern: str) -> None:
    (closed_off,) = index.glob(pattern)
    mode = closed_off.stat().st_mode
    closed_off.chmod(0)
    try:
        process = as_another(sys.executable, "-m", "qa", "ask", QUESTION, "--index", str(index))
        out, err = process.communicate()
    finally:
        closed_off.chmod(mode)
    assert (process.returncode, out) == (1, "")
    assert err.count("\n") == 1 and "may not be read" in err and "damage" not in err.lower()
    assert str(closed_off) in err


WAIT = """
import signal, sys
from qa import highlight
from qa.asking.service import QA
qa = QA.open(sys.argv[1])
highlight(sys.argv[2], ["The mill has four sails."])
print(qa.ask(sys.argv[2]).excerpts[0].path, flush=True)
signal.pause()
"""


@pytest.fixture
def read_only(index: Path) -> Iterator[Path]:
    """The index, which may be read and not written."""
    paths = (index, *index.rglob("*"))
    for path in paths:
        path.chmod(0o500 if path.is_dir() else 0o400)
    yield index
    for path in paths:
        path.chmod(0o700)


def test_a_process_that_is_killed_leaves_no_temporary_files(
    read_only: Path, tmp_path: Path, encoders: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    shutil.copytree(encoders, tmp_path / "seedqa/encoders", copy_function=os.link)
    places = {"TMPDIR": str(temporary), "XDG_CACHE_HOME": str(tmp_path)}
    process = as_another(sys.executable, "-c", WAIT, str(read_only), QUESTION, **places)
    assert process.stdout is not None
    assert process.stdout.readline() == "mill.md\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert list(temporary.iterdir()) == []


def test_a_bug_in_ranking_is_called_a_bug(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(*_: object) -> None:
        raise ValueError("a wrong turn")

    monkeypatch.setattr(service, "rerank", wrong)
    with QA.open(index) as qa, pytest.raises(ValueError, match="a wrong turn"):
        qa.ask(QUESTION)
    arguments = ["ask", QUESTION, "--index", str(index)]
    assert cli.run(arguments) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "ValueError: a wrong turn" in err and "report it" in err
    monkeypatch.setenv("QA_DEBUG", "1")
    assert cli.run(arguments) == 1
    assert "Traceback" in (err := capsys.readouterr().err) and "in wrong" in err


def damage(file: Path, place: int = -1) -> None:
    """Flips a bit."""
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)


def everything(index: Path) -> list[str]:
    """All that is asked of an index, but for when its files were seen."""
    with QA.open(index) as qa:
        documents = [qa.document(file.sha256) for file in qa.files()]
        paths = [(file.path, file.status, file.passages) for file in qa.files()]
        return [qa.ask(QUESTION, limit=20).to_json(), repr(documents), repr(paths)]


SEGMENT_FILES = [
    *("texts.utf8", "inputs.utf8", "words.utf8", "vectors.f32", "codes.u8"),
    *("passages.bin", "sentences.bin", "documents.sqlite"),
]


@pytest.mark.usefixtures("uncompared")
@pytest.mark.parametrize("name", SEGMENT_FILES)
def test_what_is_damaged_is_read_again_and_not_copied_into_another_segment(
    index: Path, tmp_path: Path, new_index: Callable[[], Path], name: str
) -> None:
    for number in range(4):
        write(tmp_path / "seeds", f"{number}.txt", f"Note number {number} is of no use.")
    write(tmp_path / "seeds", "barn.md", "# The barn\n\nThe barn is red.\n")
    build(index=index, full=True)
    for number in range(4):
        (tmp_path / "seeds" / f"{number}.txt").unlink()
    (segment,) = index.glob(f"segments/{read_manifest_of(index).segments[0]}")
    damage(segment / name, 40 if name == "documents.sqlite" else -1)
    report = build(index=index)
    assert report.changed == ("barn.md", "mill.md", "people.csv")
    assert len(report.removed) == 4
    with QA.open(index) as qa:
        assert qa.snapshot.damaged() == []
    fresh = new_index()
    build(tmp_path / "seeds", fresh)
    assert everything(index) == everything(fresh)


def read_manifest_of(index: Path) -> Manifest:
    return read_manifest(index / "snapshots" / current(index))


@pytest.mark.usefixtures("uncompared")
@pytest.mark.parametrize("name", ["vectors.f32", "codes.u8", "sentences.bin"])
def test_codes_that_are_damaged_are_not_taken_for_a_text_that_is_new(
    index: Path, tmp_path: Path, new_index: Callable[[], Path], name: str
) -> None:
    """A changed file keeps most of its passages, and what of them was encoded before."""
    for number in range(12):
        write(tmp_path / "seeds", f"{number}.txt", f"Note number {number} is of no use.")
    build(index=index, full=True)
    (segment,) = index.glob(f"segments/{read_manifest_of(index).segments[0]}")
    data = (segment / name).read_bytes()
    (segment / name).write_bytes(bytes(byte ^ 1 for byte in data))
    write(tmp_path / "seeds", "mill.md", MILL + "\n## Road\n\nThe road is closed.\n")
    assert build(index=index).changed == ("mill.md",)
    fresh = new_index()
    build(tmp_path / "seeds", fresh)
    (newest,) = set(read_manifest_of(index).segments) - {segment.name}
    expected = (fresh / "segments" / read_manifest_of(fresh).segments[0] / name).read_bytes()
    assert (index / "segments" / newest / name).read_bytes() in expected


@pytest.mark.usefixtures("uncompared")
def test_damage_to_what_the_next_snapshot_takes_over_unchanged_stays_known(
    index: Path, tmp_path: Path
) -> None:
    (damaged,) = index.glob("snapshots/*/mean.f32")
    damage(damaged)
    write(tmp_path / "seeds", "link.url", "[InternetShortcut]\nURL=x\n")
    before = current(index)
    build(index=index)
    assert current(index) != before
    with QA.open(index) as qa:
        assert qa.snapshot.damaged() == [f"snapshots/{current(index)}/mean.f32"]


@pytest.mark.usefixtures("uncompared")
def test_a_list_of_files_that_is_damaged_is_not_carried_on(index: Path, tmp_path: Path) -> None:
    (file,) = index.glob("snapshots/*/catalog.sqlite")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE file SET reason = 'not so'")
    write(tmp_path / "seeds", "barn.txt", "The barn is red.")
    build(index=index)
    with QA.open(index) as qa:
        assert [file.reason for file in qa.files()] == ["", "", ""]
        assert qa.snapshot.damaged() == []
