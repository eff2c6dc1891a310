"""An index remembers what it was built from, and is not emptied by a build of something else."""

import json
import os
import pty
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import files
import pytest
from indexes import write
from waiting import wait_for

from qa import cli
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.building.watching import watch
from qa.errors import RemovalRefused, SettingsInvalid
from qa.index.manifest import current, read_manifest
from qa.index.origin import Origin, origin
from qa.reading import ocr
from qa.settings import Settings
from qa.web.rebuilding import Rebuilder

MILL, BARN, ROAD = "The mill has four sails.", "The barn is red.", "The road is closed."


@pytest.fixture
def place(tmp_path: Path, new_index: Callable[[], Path]) -> Path:
    """A folder with two folders of documents and the index of the first, `docs`."""
    for name, text in {"mill": MILL, "barn": BARN, "road": ROAD}.items():
        write(tmp_path / "docs", f"{name}.txt", text)
    write(tmp_path / "seeds", "other.txt", "Something else stands here.")
    new_index().rename(tmp_path / "index")
    build(tmp_path / "docs", tmp_path / "index")
    return tmp_path


class Done(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def qa(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Runs a command line in the folder of both."""
    monkeypatch.chdir(place)

    def run(*arguments: str, **environment: str) -> Done:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            return Done(cli.run(list(arguments)), *capsys.readouterr())

    return run


def paths(index: Path) -> set[str]:
    with QA.open(index) as opened:
        return {file.path for file in opened.files()}


def test_a_second_build_takes_the_folder_and_the_settings_of_the_first(
    place: Path, qa: Callable[..., Done]
) -> None:
    assert qa("build", "docs", QA_LANGUAGE="de").code == 0
    write(place / "docs", "new.txt", "The mill is new.")
    done = qa("build")
    assert (done.code, done.err) == (0, "")
    assert "1 added, 0 changed, 0 removed, 3 unchanged" in done.out
    assert paths(place / "index") == {"mill.txt", "barn.txt", "road.txt", "new.txt"}
    assert origin(place / "index") == Origin(place / "docs", Settings(language="de"))


def test_a_variable_changes_one_setting_and_keeps_the_others(
    place: Path, qa: Callable[..., Done]
) -> None:
    index = place / "index"
    build(index=index, settings=Settings(language="de", passage_tokens=60))
    assert qa("build", QA_PASSAGE_TOKENS="90").code == 0
    last = origin(index)
    assert last is not None and last.settings == Settings(language="de", passage_tokens=90)


def test_an_index_of_an_older_format_still_says_what_it_was_built_from(place: Path) -> None:
    index = place / "index"
    build(index=index, settings=Settings(language="de"))
    (manifest,) = index.glob(f"snapshots/{(index / 'CURRENT').read_text().strip()}/manifest.json")
    payload = json.loads(manifest.read_text())
    del payload["seeds_relative"]
    manifest.write_text(json.dumps({**payload, "format": 1}))
    build(index=index)
    assert paths(index) == {"mill.txt", "barn.txt", "road.txt"}
    assert origin(index) == Origin(place / "docs", Settings(language="de"))


def test_an_index_that_was_moved_with_its_folder_finds_it(place: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("docs", "index"):
        shutil.move(place / name, moved / name)
    write(moved / "docs", "new.txt", "The mill is new.")
    with QA.open(moved / "index") as opened:
        assert opened.seeds == moved / "docs"
        assert opened.waiting().added == ("new.txt",)
    assert build(index=moved / "index").added == ("new.txt",)


@pytest.mark.parametrize("options", [(), ("--full",)])
def test_a_build_that_would_remove_most_documents_wants_yes(
    place: Path, qa: Callable[..., Done], options: tuple[str, ...]
) -> None:
    before = (place / "index" / "CURRENT").read_text()
    done = qa("build", "seeds", *options)
    assert (done.code, done.out) == (1, "")
    assert "would remove 3 of the 3 documents" in done.err and "--yes" in done.err
    assert done.err.count("\n") == 1
    assert (place / "index" / "CURRENT").read_text() == before
    assert qa("build", "seeds", "--plan").code == 0
    assert qa("build", "seeds", "--yes", *options).code == 0
    assert paths(place / "index") == {"other.txt"}


def test_other_settings_do_not_hide_that_documents_would_be_removed(
    qa: Callable[..., Done],
) -> None:
    done = qa("build", "seeds", QA_LANGUAGE="de")
    assert done.code == 1 and "would remove 3 of the 3" in done.err


def test_half_of_the_documents_may_go_and_renamed_ones_have_not_gone(place: Path) -> None:
    write(place / "docs", "gate.txt", "The gate is open.")
    index = place / "index"
    build(index=index)
    for name in ("mill", "barn"):
        (place / "docs" / f"{name}.txt").unlink()
    (place / "docs" / "road.txt").rename(place / "docs" / "street.txt")
    report = build(index=index, allow_removal=False)
    assert report.removed == ("barn.txt", "mill.txt", "road.txt")
    (place / "docs" / "gate.txt").unlink()
    build(index=index, allow_removal=False)
    write(place / "docs", "bridge.txt", "The bridge is new.")
    (place / "docs" / "street.txt").unlink()
    with pytest.raises(RemovalRefused, match=r"1 of the 1 documents .*street\.txt"):
        build(index=index, allow_removal=False)


def test_a_caller_that_names_another_folder_is_refused_until_that_is_allowed(place: Path) -> None:
    index = place / "index"
    with pytest.raises(RemovalRefused):
        build(place / "seeds", index)
    assert paths(index) == {"mill.txt", "barn.txt", "road.txt"}
    build(place / "seeds", index, allow_removal=True)
    assert paths(index) == {"other.txt"}


@pytest.mark.parametrize(("word", "code", "kept"), [("y", 0, False), ("n", 1, True)])
def test_a_terminal_is_asked(place: Path, *, word: str, code: int, kept: bool) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "qa", "build", "seeds"], cwd=place, stdin=theirs, stderr=theirs,
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(ours, 1_000)
    assert b"would remove 3 of the 3" in shown
    os.write(ours, f"{word}\n".encode())
    process.communicate()
    os.close(ours)
    assert process.returncode == code
    assert ("mill.txt" in paths(place / "index")) is kept


def test_a_watch_does_not_empty_an_index_and_goes_on(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index, docs, stop = place / "index", place / "docs", threading.Event()
    reports = watch(index=index, stop=stop)
    assert next(reports).removed == ()
    found: list[tuple[str, ...]] = []
    waiting = threading.Thread(target=lambda: found.append(next(reports).added))
    for name in ("mill", "barn"):
        (docs / f"{name}.txt").unlink()
    waiting.start()
    deadline = time.monotonic() + 60
    while not any("2 of the 3 documents" in row.getMessage() for row in caplog.records):
        assert waiting.is_alive() and time.monotonic() < deadline
        waiting.join(0.05)
    assert paths(index) == {"mill.txt", "barn.txt", "road.txt"}
    write(docs, "mill.txt", MILL)
    write(docs, "new.txt", "The mill is new.")
    waiting.join(60)
    stop.set()
    assert found == [("new.txt",)]


@pytest.fixture
def scanned(place: Path, qa: Callable[..., Done]) -> Path:
    """The index of a folder with a scan, whose text it has, and an answer that quotes it."""
    if shutil.which("tesseract") is None:
        pytest.skip("tesseract is not on this machine")
    pytest.importorskip("pytesseract")
    (place / "docs" / "scan.png").write_bytes(files.picture_of("Nine ships waited"))
    assert qa("build", "docs", QA_OCR="1").code == 0
    answer = qa("ask", "How many ships waited?", "--json").out
    assert json.loads(answer)["excerpts"][0]["path"] == "scan.png"
    (place / "answer.json").write_text(answer)
    return place / "index"


def statuses(index: Path) -> dict[str, str]:
    with QA.open(index) as opened:
        return {file.path: str(file.status) for file in opened.files()}


def other_scan(place: Path) -> None:
    picture = files.picture_of("The ferry is late")
    (place / "docs" / "other.png").write_bytes(picture)


def verdict(done: Done) -> dict[str, str]:
    row: dict[str, str] = json.loads(done.out)[0]
    assert row["path"] == "scan.png"
    return row


def test_an_index_with_the_text_of_scans_keeps_it_without_being_asked(
    place: Path, scanned: Path, qa: Callable[..., Done]
) -> None:
    last = origin(scanned)
    assert last is not None and last.settings == Settings(ocr=True)
    other_scan(place)
    done = qa("build")
    assert (done.code, done.err) == (0, "")
    assert "1 added, 0 changed, 0 removed, 4 unchanged" in done.out
    assert qa("build", "--full").err == ""
    assert set(statuses(scanned).values()) == {"indexed"}
    assert "ocr on" in qa("status").out


@pytest.mark.parametrize("environment", [{}, {"QA_OCR": "0"}, {"QA_OCR": "0", "QA_LANGUAGE": "de"}])
def test_a_scan_is_verified_as_it_was_read(
    scanned: Path, qa: Callable[..., Done], environment: dict[str, str]
) -> None:
    done = qa("verify", "answer.json", "--json", **environment)
    assert verdict(done)["outcome"] == "valid"
    done = qa("verify", "answer.json", "--json", "--seeds", "docs", **environment)
    assert verdict(done)["outcome"] == "valid"


@pytest.mark.parametrize(("options", "environment"), [((), {"QA_OCR": "0"}), (("--no-ocr",), {})])
def test_a_build_that_drops_the_text_of_scans_says_so(
    scanned: Path, qa: Callable[..., Done], options: tuple[str, ...], environment: dict[str, str]
) -> None:
    done = qa("build", *options, **environment)
    assert done.code == 0
    assert done.err == "qa: index was built with ocr on, and is built with ocr off from now on.\n"
    assert statuses(scanned)["scan.png"] == "needs OCR"
    assert qa("build").err == ""
    assert statuses(scanned)["scan.png"] == "needs OCR"
    assert "ocr off, and is built with ocr on" in qa("build", "--ocr").err
    assert statuses(scanned)["scan.png"] == "indexed"


def test_where_scans_cannot_be_read_their_text_is_kept_and_not_called_false(
    place: Path, scanned: Path, qa: Callable[..., Done]
) -> None:
    other_scan(place)
    before = current(scanned)
    done = qa("build", "--full", PATH=str(place))
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "tesseract is not on this machine" in done.err and "--no-ocr" in done.err
    assert current(scanned) == before
    row = verdict(qa("verify", "answer.json", "--json", PATH=str(place)))
    assert row["outcome"] == "unknown"
    assert row["reason"].startswith("scan.png cannot be read: ") and "tesseract" in row["reason"]


@pytest.mark.parametrize(("variable", "status"), [(None, "indexed"), ("0", "needs OCR")])
def test_a_rebuild_of_a_server_reads_scans_as_the_index_has_them_or_as_it_was_told(
    place: Path,
    scanned: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    variable: str | None,
    status: str,
) -> None:
    if variable:
        monkeypatch.setenv("QA_OCR", variable)
    other_scan(place)
    settings = read_manifest(scanned / "snapshots" / current(scanned)).settings
    rebuilder = Rebuilder(place / "docs", scanned, settings)
    assert ("ocr off from now on" in caplog.text) is (variable is not None)
    rebuilder.start()
    wait_for(lambda: rebuilder.done == 1)
    found = statuses(scanned)
    assert {found["scan.png"], found["other.png"]} == {status}


def test_a_switch_that_means_nothing_is_refused_and_an_empty_one_says_nothing(
    place: Path, qa: Callable[..., Done]
) -> None:
    done = qa("build", QA_OCR="perhaps")
    assert (done.code, done.err) == (2, "qa: QA_OCR is 'perhaps': give 1 or 0.\n")
    with pytest.raises(SettingsInvalid, match="QA_OCR is 'x'"):
        Settings.from_environment({"QA_OCR": "x"})
    assert Settings.from_environment({"QA_OCR": ""}, last=Settings(ocr=True)).ocr
    assert not Settings.from_environment({"QA_OCR": "off"}, last=Settings(ocr=True)).ocr
    assert ocr.environment(None) == {"QA_OCR": "0"}


def test_an_index_that_was_built_before_ocr_was_a_setting_stays_as_it_is(place: Path) -> None:
    index = place / "index"
    (manifest,) = index.glob(f"snapshots/{current(index)}/manifest.json")
    payload = json.loads(manifest.read_text())
    del payload["settings"]["ocr"]
    manifest.write_text(json.dumps(payload | {"checksum": ""}))
    assert build(index=index).unchanged == ("barn.txt", "mill.txt", "road.txt")
    last = origin(index)
    assert last is not None and last.settings == Settings()
