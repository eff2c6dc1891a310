"""What a build does with a folder, and what it leaves alone."""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from indexes import write

from qa.asking.service import QA
from qa.building import cache, machines
from qa.building.cache import EncodingCache
from qa.building.pipeline import build, plan
from qa.errors import SeedsEmpty, SeedsMissing, StorageFailed
from qa.index import compaction, dense, publishing
from qa.index.coding import Coded
from qa.reading.workers import Reading
from qa.records import Status

QUESTIONS = ("How tall is the tower?", "Who mended the bridge?", "What do the gulls eat?", "Why?")
SENTENCES = (
    "The tower is ninety metres tall.",
    "A mason called Ilse mended the bridge in 1911.",
    "The gulls eat crabs and small fish.",
    "Nobody has counted the steps of the northern stair.",
    "In winter the ferry does not run because of the ice.",
    "The bakery opens at six and closes when the bread is sold.",
)


def answers(index: Path) -> str:
    """All that an index says to a fixed list of questions, byte for byte."""
    with QA.open(index) as qa:
        return "".join(qa.ask(question).to_json() for question in QUESTIONS)


@pytest.fixture
def folder(tmp_path: Path, encoders: Path) -> Path:
    seeds = tmp_path / "seeds"
    write(seeds, "tower.txt", f"{SENTENCES[0]} {SENTENCES[3]}")
    write(seeds, "notes/bridge.md", f"# Bridge\n\n{SENTENCES[1]}\n")
    (tmp_path / "index").mkdir()
    shutil.copytree(encoders, tmp_path / "index" / "encoders", copy_function=os.link)
    return seeds


def test_a_build_reports_what_it_added_and_a_second_one_that_nothing_changed(folder: Path) -> None:
    index = folder.parent / "index"
    first = build(folder, index)
    assert first.added == ("notes/bridge.md", "tower.txt")
    name = (index / "CURRENT").read_text()
    second = build(folder, index)
    assert second.unchanged == ("notes/bridge.md", "tower.txt")
    assert (second.added, second.changed, second.removed) == ((), (), ())
    assert (index / "CURRENT").read_text() == name


def test_the_part_of_a_long_file_that_is_behind_is_told(folder: Path) -> None:
    write(folder, "long.txt", "\n\n".join(f"{SENTENCES[2]} Number {n}. " * 20 for n in range(5)))
    result = []
    build(folder, folder.parent / "index", progress=result.append)
    behind = [one.done for one in result if one.stage == "encoding" and one.path == "long.txt"]
    assert behind == sorted(behind)
    assert 0 < behind[0] % 1 < 0.5
    assert 0.99 < behind[-1] <= 1, "it is the first of three files"
    assert result[-1].done == result[-1].total == 3


def test_a_large_index_answers_like_a_small_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With so few passages the sketch hands all of them over, so the answers are the exact ones."""
    index = folder.parent / "index"
    for number, sentence in enumerate(SENTENCES):
        write(folder, f"more/{number}.txt", sentence)
    build(folder, index)
    exact = answers(index)
    monkeypatch.setattr(dense, "EXACT", 2)
    monkeypatch.setattr(dense, "SHARD", 3)
    build(folder, index, full=True)
    assert list(index.glob("snapshots/*/sketch/0001.faiss"))
    assert answers(index) == exact
    (folder / "more/1.txt").rename(folder / "more/7.txt")
    write(folder, "more/2.txt", "The gulls sleep.")
    build(folder, index)
    with QA.open(index) as qa:
        only = [qa.ask(question, only=["more/*"]) for question in QUESTIONS]
    incremental = answers(index)
    build(folder, index, full=True)
    assert answers(index) == incremental
    with QA.open(index) as qa:
        assert only == [qa.ask(question, only=["more/*"]) for question in QUESTIONS]


def test_boilerplate_says_nothing_of_what_passages_have_in_common(folder: Path) -> None:
    """A paper's running headers are as many as its pages: they must not thin out its words."""
    index, other = folder.parent / "index", folder.parent / "other"
    shutil.copytree(index / "encoders", other / "encoders", copy_function=os.link)
    for number, sentence in enumerate(SENTENCES):
        write(folder, f"more/{number}.md", sentence)
    build(folder, index)
    for number, sentence in enumerate(SENTENCES):
        write(folder, f"more/{number}.md", f"---\ndate: 2024-10-01\n---\n{sentence}")
    build(folder, other)
    with QA.open(index) as plain, QA.open(other) as furnished:
        assert furnished.manifest.passages > furnished.manifest.ranked == plain.manifest.ranked
        assert furnished.snapshot.mean == pytest.approx(plain.snapshot.mean, abs=1e-6)
        assert furnished.snapshot.words.idf("tower") == plain.snapshot.words.idf("tower")


def test_where_files_cannot_be_read_in_place_they_are_mapped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, which has no pread."""
    index = folder.parent / "index"
    build(folder, index)
    read = answers(index)
    monkeypatch.delattr(os, "pread")
    assert answers(index) == read


def test_what_a_broken_build_kept_is_used_when_it_is_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows have a hash, and a file that is no database any more is thrown away."""
    index = folder.parent / "index"
    kept = EncodingCache(index, "0" * 16, code_bytes=48)
    coded = Coded(np.ones(384, np.float32), np.ones((3, 48), np.uint8), (1, 3))
    for number in range(300):
        kept.put(b"%016d" % number, coded)
    assert same(kept.get(b"%016d" % 7), coded)
    kept.close()
    file = index / "cache" / ("0" * 16 + ".sqlite")
    data = file.read_bytes()
    place = data.index(b"\x01" * 144) + 50
    file.write_bytes(data[:place] + b"\x05" + data[place + 1 :])  # a bit of one row
    kept = EncodingCache(index, "0" * 16, code_bytes=48)
    found = [kept.get(b"%016d" % number) for number in range(300)]
    assert found.count(None) == 1
    kept.close()
    file.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))  # pages of it
    kept = EncodingCache(index, "0" * 16, code_bytes=48)
    assert kept.get(b"%016d" % 7) is None
    kept.put(b"%016d" % 7, coded)
    assert same(kept.get(b"%016d" % 7), coded)
    monkeypatch.setattr(cache, "LIMIT", 0)
    kept.put(b"%016d" % 8, coded)
    assert kept.get(b"%016d" % 8) is None, "no more than its bound"
    kept.close()


def same(found: Coded | None, coded: Coded) -> bool:
    return found is not None and all(map(np.array_equal, found, coded))


def test_a_disk_that_is_too_full_is_told_before_anything_is_read(
    folder: Path, encoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A threshold no disk can hold stands in for a full one."""
    monkeypatch.setattr(publishing, "SPACE_FACTOR", 1 << 60)
    with pytest.raises(StorageFailed, match="MB free and may need"):
        build(folder, folder.parent / "index")
    assert encoded == []
    assert not list((folder.parent / "index").glob("snapshots/*"))


def test_an_unchanged_file_is_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = folder.parent / "index"
    build(folder, index)
    read: list[str] = []
    original = machines.read_files

    def noting(seeds: Path, paths: Sequence[str], **how: str) -> Iterator[Reading]:
        read.extend(paths)
        return original(seeds, paths, **how)

    monkeypatch.setattr(machines, "read_files", noting)
    write(folder, "new.txt", "The gulls sleep.")
    build(folder, index)
    assert read == ["new.txt"]


def test_a_renamed_file_is_encoded_no_second_time(folder: Path, encoded: list[str]) -> None:
    index = folder.parent / "index"
    build(folder, index)
    encoded.clear()
    (folder / "tower.txt").rename(folder / "spire.txt")
    report = build(folder, index)
    assert (report.added, report.removed, encoded) == (("spire.txt",), ("tower.txt",), [])
    with QA.open(index) as qa:
        assert (*qa.ask(QUESTIONS[0]).excerpts, *qa.ask(QUESTIONS[0]).nearest)[
            0
        ].path == "spire.txt"


def test_only_the_passages_that_are_new_are_encoded(folder: Path, encoded: list[str]) -> None:
    index = folder.parent / "index"
    write(folder, "list.csv", "place,height\ntower,ninety\nmill,twelve\n")
    build(folder, index)
    encoded.clear()
    write(folder, "list.csv", "place,height\ntower,ninety\nmill,twelve\nbarn,seven\n")
    assert build(folder, index).changed == ("list.csv",)
    assert len(encoded) == 1
    assert "barn" in encoded[0]


def test_a_deleted_file_answers_no_more(folder: Path) -> None:
    index = folder.parent / "index"
    build(folder, index)
    (folder / "tower.txt").unlink()
    assert build(folder, index).removed == ("tower.txt",)
    with QA.open(index) as qa:
        answer = qa.ask(QUESTIONS[0])
    assert {excerpt.path for excerpt in (*answer.excerpts, *answer.nearest)} == {"notes/bridge.md"}


def test_equal_files_are_one_document_with_all_their_paths(folder: Path) -> None:
    index = folder.parent / "index"
    shutil.copy(folder / "tower.txt", folder / "copy.txt")
    report = build(folder, index)
    statuses = {file.path: (file.status, file.reason) for file in report.files}
    assert statuses["copy.txt"][0] is Status.INDEXED
    assert statuses["tower.txt"] == (Status.DUPLICATE, "same as copy.txt")
    with QA.open(index) as qa:
        answer = qa.ask(QUESTIONS[0])
    assert (*answer.excerpts, *answer.nearest)[0].paths == ("copy.txt", "tower.txt")


def test_a_plan_says_what_a_build_would_do_and_writes_nothing(folder: Path) -> None:
    index = folder.parent / "index"
    build(folder, index)
    write(folder, "gulls.txt", SENTENCES[2])
    before = sorted(file.as_posix() for file in index.rglob("*"))
    report = plan(folder, index)
    assert (report.added, report.unchanged) == (
        ("gulls.txt",),
        ("notes/bridge.md", "tower.txt"),
    )
    assert sorted(file.as_posix() for file in index.rglob("*")) == before


def test_a_change_that_keeps_size_and_almost_the_time_is_seen(folder: Path) -> None:
    index = folder.parent / "index"
    now = time.time() + 600  # the reading is close to it, however slow this machine is
    (folder / "tower.txt").write_text("The tower is 90 metres tall.")
    os.utime(folder / "tower.txt", (now, now))
    build(folder, index)
    (folder / "tower.txt").write_text("The tower is 91 metres tall.")
    os.utime(folder / "tower.txt", (now, now))
    assert build(folder, index).changed == ("tower.txt",)


def test_an_empty_or_missing_folder_is_refused_and_the_old_index_answers(folder: Path) -> None:
    index = folder.parent / "index"
    build(folder, index)
    result = answers(index)
    empty = folder.parent / "empty"
    empty.mkdir()
    with pytest.raises(SeedsEmpty, match="--allow-empty"):
        build(empty, index)
    with pytest.raises(SeedsMissing):
        build(folder.parent / "nowhere", index)
    assert answers(index) == result
    build(empty, index, allow_empty=True)
    with QA.open(index) as qa:
        assert qa.ask(QUESTIONS[0]).nearest == ()


def test_many_small_builds_are_merged_into_few_segments(folder: Path) -> None:
    index = folder.parent / "index"
    for number in range(compaction.MOST_SEGMENTS + 4):
        write(folder, f"note-{number}.txt", f"Note number {number} speaks of the harbour.")
        build(folder, index)
    with QA.open(index) as qa:
        assert len(qa.manifest.segments) <= compaction.MOST_SEGMENTS
        assert qa.manifest.passages == compaction.MOST_SEGMENTS + 6


NAMES = ("a.txt", "b.md", "c/d.txt", "e.txt")
STEP = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(NAMES), st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=3)),
    st.tuples(st.just("delete"), st.sampled_from(NAMES)),
    st.tuples(st.just("rename"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.just("build")),
)  # fmt: skip


@settings(
    max_examples=int(os.environ.get("QA_LONG", "12")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEP, min_size=2, max_size=10))
def test_an_incremental_index_answers_exactly_as_one_built_from_nothing(
    steps: list[tuple[object, ...]], tmp_path_factory: pytest.TempPathFactory, encoders: Path
) -> None:
    at = tmp_path_factory.mktemp("equal")
    seeds, index, rebuilt = at / "seeds", at / "index", at / "anew"
    write(seeds, "always.txt", SENTENCES[5])
    for folder in (index, rebuilt):
        folder.mkdir()
        shutil.copytree(encoders, folder / "encoders", copy_function=os.link)
    for step in (*steps, ("build",)):
        match step:
            case ("write", str(name), list(sentences)):
                write(seeds, name, " ".join(map(str, sentences)))
            case ("delete", str(name)):
                (seeds / name).unlink(missing_ok=True)
            case ("rename", str(name), str(other)) if (seeds / name).exists():
                (seeds / other).parent.mkdir(exist_ok=True)
                (seeds / name).replace(seeds / other)
            case ("build",):
                build(seeds, index)
    build(seeds, rebuilt)
    assert answers(index) == answers(rebuilt)
