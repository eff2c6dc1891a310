"""Files put into the folder and taken out of it by the page, and rebuilds beside it."""

import io
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from indexes import write
from waiting import wait_for

from qa.asking.service import QA
from qa.building.pipeline import build
from qa.checking.freshness import Waiting
from qa.errors import ReadFailed, SeedsMissing
from qa.evaluation.report import evaluate
from qa.index.lock import lock
from qa.reading.detection import format_of
from qa.reading.formats import FORMAT_OF_SUFFIX, Format
from qa.records import File, Status
from qa.web import feedback, library, rebuilding
from qa.web.library import NameTaken, UploadRefused, put, remove, safe_name
from qa.web.listing import key
from qa.web.rebuilding import Rebuild, Rebuilder, Watcher

NONE = Waiting((), (), ())


@given(st.text(max_size=300), st.sampled_from(["txt", "PDF", "md"]))
def test_any_name_is_refused_or_made_one_that_stays_in_the_folder(name, suffix):
    try:
        safe = safe_name(f"{name}.{suffix}")
    except UploadRefused:
        return
    assert safe.endswith(f".{suffix}")
    assert not set(safe) & set('/\\\0\n<>"')
    assert not safe.startswith(".")
    assert len(safe.encode()) <= library.NAME_LIMIT


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/a.txt", "a.txt"),
        ("C:\\temp\\b.pdf", "b.pdf"),
        ("a\tb<c>.md", "a_b_c_.md"),
        (".hidden.txt", "hidden.txt"),
    ],
)
def test_a_name_is_made_safe(name, safe):
    assert safe_name(name) == safe


def test_a_long_name_is_cut_between_characters_to_what_a_disk_takes(tmp_path):
    name = "\u6e2f" * 119 + ".txt"
    assert len(name) < library.NAME_LIMIT < len(name.encode())
    stored = put(tmp_path, name, io.BytesIO(b"one"), replace=False)
    assert stored == "\u6e2f" * 78 + ".txt"
    assert (tmp_path / stored).read_bytes() == b"one"


def test_every_name_of_a_format_that_is_read_can_be_uploaded_and_no_other():
    sample = {"pdf": b"%PDF-", "png": b"\x89PNG\r\n\x1a\n", "txt": b"words", "md": b"# words"}
    assert set(FORMAT_OF_SUFFIX.values()) == set(Format)
    for suffix, named in FORMAT_OF_SUFFIX.items():
        assert safe_name(f"a.{suffix}") == f"a.{suffix}"
        if suffix in sample:
            assert format_of(sample[suffix], f"a.{suffix}") is named
    for suffix in ("gdoc", "exe", "svg", "xps"):
        with pytest.raises(UploadRefused, match="no kind that is read"):
            safe_name(f"a.{suffix}")


@pytest.mark.parametrize("name", ["a.exe", "a", ".txt", "con.txt", "...", "a.html.exe"])
def test_a_name_of_no_known_kind_or_without_meaning_is_refused(name):
    with pytest.raises(UploadRefused):
        safe_name(name)


def test_a_file_is_put_in_whole_and_replaced_only_when_meant(tmp_path):
    assert put(tmp_path, "a.txt", io.BytesIO(b"one"), replace=False) == "a.txt"
    with pytest.raises(NameTaken, match=r"a\.txt"):
        put(tmp_path, "A.TXT", io.BytesIO(b"two"), replace=False)
    assert (tmp_path / "a.txt").read_bytes() == b"one"
    put(tmp_path, "a.txt", io.BytesIO(b"two"), replace=True)
    assert (tmp_path / "a.txt").read_bytes() == b"two"
    assert [at.name for at in tmp_path.iterdir()] == ["a.txt"]


def test_what_an_upload_left_that_was_killed_is_removed_by_a_later_one(tmp_path):
    old, new = tmp_path / ".upload-old", tmp_path / ".upload-new"
    for draft in (old, new):
        draft.write_bytes(b"half")
    os.utime(old, (0, 0))
    put(tmp_path, "a.txt", io.BytesIO(b"one"), replace=False)
    assert sorted(at.name for at in tmp_path.iterdir()) == [".upload-new", "a.txt"]


def test_a_link_is_not_written_through(tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("mine")
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "a.txt").symlink_to(outside)
    with pytest.raises(UploadRefused):
        put(seeds, "a.txt", io.BytesIO(b"two"), replace=True)
    assert outside.read_text() == "mine"


def test_what_the_disk_refuses_is_told_and_leaves_nothing(tmp_path):
    with pytest.raises(SeedsMissing, match="cannot be reached"):
        put(tmp_path / "gone", "a.txt", io.BytesIO(b"one"), replace=False)
    (tmp_path / "a.txt").mkdir()
    for replace in (True, False):
        with pytest.raises(UploadRefused):
            put(tmp_path, "a.txt", io.BytesIO(b"one"), replace=replace)
    assert [at.name for at in tmp_path.iterdir()] == ["a.txt"]


def test_only_a_file_of_the_library_is_removed(tmp_path):
    write(tmp_path, "a.txt", "one")
    write(tmp_path, "b.txt", "two")
    files = [File("a.txt", Status.INDEXED, source="a.txt")]
    with pytest.raises(UploadRefused):
        remove(tmp_path, key("b.txt"), files, NONE)
    assert remove(tmp_path, key("a.txt"), files, NONE) == "a.txt"
    assert remove(tmp_path, key("b.txt"), files, Waiting(("b.txt",), (), ())) == "b.txt"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small(tmp_path, new_index):
    seeds, index = tmp_path / "seeds", new_index()
    write(seeds, "a.txt", "The mill grinds rye.\n")
    build(seeds, index)
    return seeds, index


def test_a_rebuild_runs_beside_the_open_index_and_tells_how_it_ended(small):
    seeds, index = small
    with QA.open(index) as qa:
        rebuilder = Rebuilder(seeds, index, qa.manifest.settings)
        write(seeds, "b.txt", "The ferry leaves at six.\n")
        assert rebuilder.start()
        assert not rebuilder.start()
        assert rebuilder.state.running
        wait_for(lambda: not rebuilder.state.running)
        assert rebuilder.state.error == ""
        assert tuple(rebuilder.state.report["added"]) == ("b.txt",)
        wait_for(lambda: "b.txt" in [file.path for file in qa.files()])


def test_a_rebuild_that_fails_says_why_and_leaves_the_index(small):
    seeds, index = small
    (seeds / "a.txt").unlink()
    with QA.open(index) as qa:
        rebuilder = Rebuilder(seeds, index, qa.manifest.settings)
        rebuilder.start()
        wait_for(lambda: not rebuilder.state.running)
        assert rebuilder.state.error.startswith("No file was found")
        assert qa.ask("What grinds rye?").snapshot == qa.manifest.snapshot


def test_a_rebuild_empties_no_index_until_that_is_allowed(small):
    seeds, index = small
    (seeds / "a.txt").unlink()
    write(seeds, "b.txt", "The ferry leaves at six.\n")
    with QA.open(index) as qa:
        rebuilder = Rebuilder(seeds, index, qa.manifest.settings)
        rebuilder.start()
        wait_for(lambda: not rebuilder.state.running)
        assert rebuilder.state.needs_yes
        assert "would remove 1 of the 1 documents" in rebuilder.state.error
        assert [file.path for file in qa.files()] == ["a.txt"]
        rebuilder.start(allow_removal=True)
        wait_for(lambda: not rebuilder.state.running)
        assert (rebuilder.state.error, rebuilder.state.needs_yes) == ("", False)
        wait_for(lambda: [file.path for file in qa.files()] == ["b.txt"])


def test_a_watched_folder_is_rebuilt_when_it_changes(small):
    seeds, index = small
    with QA.open(index) as qa:
        watcher = Watcher(qa, Rebuilder(seeds, index, qa.manifest.settings))
        watcher.start()
        write(seeds, "b.txt", "The ferry leaves at six.\n")
        wait_for(lambda: "b.txt" in [file.path for file in qa.files()])
        watcher.close()


def test_a_rebuild_that_another_build_held_back_is_tried_again(small, monkeypatch):
    monkeypatch.setattr(rebuilding, "AGAIN", 0.5)
    seeds, index = small
    with QA.open(index) as qa:
        rebuilder = Rebuilder(seeds, index, qa.manifest.settings)
        watcher = Watcher(qa, rebuilder)
        with lock(index):
            write(seeds, "b.txt", "The ferry leaves at six.\n")
            watcher.start()
            wait_for(lambda: "is being built by" in rebuilder.state.error)
        wait_for(lambda: "b.txt" in [file.path for file in qa.files()])
        watcher.close()


def test_progress_tells_rate_and_time_left():
    state = Rebuild(running=True, done=2, total=6, passages=50, seconds=10.0)
    assert (state.rate, state.seconds_left) == (5.0, 20.0)
    assert Rebuild(running=True).seconds_left is None


def test_judgements_are_one_file_that_is_evaluated_by_what_was_judged_helpful_last(small):
    _, index = small
    with QA.open(index) as qa:
        answer = qa.ask("What grinds rye?")
        cited = (*answer.excerpts, *answer.nearest)[0]
        span = (cited.start, cited.end)
        for question, helpful in (
            *(("What grinds rye?", True), ("What grinds rye?", True)),
            *(("Who?", False), ("Where?", True), ("Where?", False)),
        ):
            feedback.add(qa, question, cited.document, span, helpful=helpful)
        with pytest.raises(ReadFailed):
            feedback.add(qa, "Who?", "0" * 64, span, helpful=True)
        report = evaluate(qa, [index / feedback.NAME])
    assert [(row.question, row.rank) for row in report.rows] == [("What grinds rye?", 1)]
    assert len((index / feedback.NAME).read_text().splitlines()) == 5


def judge(qa, question):
    """A judgement of the first excerpt there is."""
    cited = qa.ask("What grinds rye?", limit=1)
    (cited,) = (*cited.excerpts, *cited.nearest)
    feedback.add(qa, question, cited.document, (cited.start, cited.end), helpful=True)


def test_a_judgement_that_was_broken_off_is_taken_away_by_the_next_one(small):
    _, index = small
    file = index / feedback.NAME
    with QA.open(index) as qa:
        judge(qa, "Whole?")
        full = file.read_bytes()
        file.write_bytes(full + full.replace(b"Whole", "T\u00f6rn".encode())[:-40])
        judge(qa, "Next?")
        file.write_bytes(file.read_bytes().rstrip(b"\n"))  # as some editors leave a last line
        judge(qa, "Last?")
    rows = [json.loads(line)["question"] for line in file.read_bytes().splitlines()]
    assert rows == ["Whole?", "Next?", "Last?"]


def test_a_judgement_that_finds_no_room_leaves_the_file_as_it_was(small):
    import resource

    _, index = small
    file = index / feedback.NAME
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    with QA.open(index) as qa:
        judge(qa, "Whole?")
        before = file.read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 40, most[1]))
        try:
            with pytest.raises(feedback.FeedbackRefused, match="cannot be written"):
                judge(qa, "Torn?")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, most)
        assert file.read_bytes() == before
        judge(qa, "Next?")
    assert len(file.read_bytes().splitlines()) == 2
