"""A build on a Dask cluster: real workers on loopback, byte for byte what one process makes."""

import json
import os
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from buckets import bucket_objects, s3_server
from clusters import children, cluster, kill
from conftest import SHARED
from files import archive, html, make_folder
from hypothesis import given
from hypothesis import settings as few
from hypothesis import strategies as some
from indexes import write
from waiting import wait_for

from qa.building import cluster_worker, messages, scheduling, traits
from qa.building.cluster import Cluster
from qa.building.messages import Encoded, Read, Splits, Task
from qa.building.pipeline import build
from qa.cli import run
from qa.encoding.encoder import Encoder, codebook_of
from qa.errors import ClusterUnfit, DocumentFailed, SettingsInvalid, StoreUnreachable
from qa.index import opening
from qa.index.coding import Coded
from qa.reading.outcomes import Reading, ReadResult
from qa.records import Block, Document, Passage, Status
from qa.settings import Settings
from qa.splitting import RankingText

distributed = pytest.importorskip("distributed")

LINES = "The {0} of the harbour keeps {1} boats. In {1} they were {0} and counted by hand.\n\n"
LONG = pytest.mark.skipif("QA_LONG" not in os.environ, reason="long: see `make scale`")


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """A cluster of two workers with one thread each."""
    with cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """Sound and faulty files and texts of several passages; where time is, of every format."""
    folder = tmp_path_factory.mktemp("cluster-seeds")
    if "QA_LONG" in os.environ:
        make_folder(folder)
    members = {"one.txt": "The mill grinds rye.\n", "two.docx": b"no document"}
    (folder / "members.zip").write_bytes(archive(members))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 cut off")
    (folder / "page.html").write_bytes(html([("The ferry", ["It does not run in winter."])]))
    for name in ("copy.html", "zz/copy.html", "zz/last.html"):  # read in different requests
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes((folder / "page.html").read_bytes())
    for number in range(4):
        text = "".join(LINES.format(f"keeper{at}", 1900 + number + at) for at in range(30))
        write(folder, f"texts/{number}.txt", text)
    return folder


@pytest.fixture(scope="module")
def alone(seeds, encoders, tmp_path_factory):
    """The index of these files that one process has built."""
    index = tmp_path_factory.mktemp("alone") / "index"
    index.mkdir()
    shutil.copytree(encoders, index / "encoders", copy_function=os.link)
    return index, build(seeds, index)


def contents(index):
    """Every byte that an index keeps of documents, and what it says of each file.

    Names of segments are drawn at random, and a file's entry says when it was seen.
    """
    with_name = opening.open_snapshot(index)
    folders = [index / "segments" / name for name in with_name.manifest.segments]
    folders.append(index / "snapshots" / with_name.name)
    kept = {"documents.sqlite", "mean.f32"}
    files = {
        (number, file.name): sha256(file.read_bytes()).hexdigest()
        for number, folder in enumerate(folders)
        for file in folder.iterdir()
        if file.suffix in (".utf8", ".bin", ".f32", ".u8") or file.name in kept
    }
    listed = [(*file_state(file),) for file in with_name.files()]
    snapshot = with_name.manifest.snapshot
    with_name.close()
    return files, listed, snapshot


def file_state(file):
    """What an index says of a file, but for when it was seen."""
    return tuple(getattr(file, name) for name in file.__slots__ if name != "seen")


def test_a_cluster_makes_every_byte_that_one_process_makes(workers, seeds, alone, new_index):
    index, seen = new_index(), []
    report = build(seeds, index, cluster=Cluster(workers.address), progress=seen.append)
    assert len(contents(index)[0]) >= 9
    assert contents(index) == contents(alone[0])
    assert report.snapshot == alone[1].snapshot
    assert report.failed == alone[1].failed != ()
    assert {each.stage for each in seen} == {"reading", "encoding", "publishing"}
    assert 16 <= seen[-1].passages <= report.passages  # equal texts are encoded once
    spent = dict(report.processor)
    assert min(spent["reading"], spent["splitting"], spent["encoding"]) > 0


@LONG
def test_files_go_to_workers_through_a_folder_and_leave_nothing_there(
    workers, seeds, alone, new_index, tmp_path
):
    index = new_index()
    build(seeds, index, cluster=Cluster(workers.address, str(tmp_path / "files")))
    assert contents(index) == contents(alone[0])
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


@LONG
def test_files_go_to_workers_through_a_bucket_and_leave_nothing_there(
    seeds, alone, new_index, tmp_path, monkeypatch
):
    index = new_index()
    with s3_server(tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        left = bucket_objects("s3://bucket")
        with cluster(tmp_path) as workers:
            build(seeds, index, cluster=Cluster(workers.address, "s3://bucket/files"))
        assert list(left.digests()) == []
    assert contents(index) == contents(alone[0])


@LONG
def test_only_what_is_new_is_encoded_by_a_cluster_too(workers, tmp_path, new_index):
    seeds, index, one = tmp_path / "seeds", new_index(), new_index()
    paragraphs = [LINES.format(f"keeper{at}", 1900 + at) * 3 for at in range(30)]
    write(seeds, "a.txt", "".join(paragraphs))
    write(seeds, "b.txt", "The ferry does not run in winter.\n")
    on = Cluster(workers.address)
    build(seeds, index, cluster=on)
    paragraphs[-1] = "The keeper left.\n\n"
    write(seeds, "a.txt", "".join(paragraphs))
    write(seeds, "copy.txt", "The ferry does not run in winter.\n")
    seen = []
    report = build(seeds, index, cluster=on, progress=seen.append)
    assert 0 < seen[-1].passages < report.passages / 2
    build(seeds, one)
    assert report.snapshot == opening.open_snapshot(one).manifest.snapshot


@LONG
def test_readers_on_workers_end_with_the_build(workers, seeds, new_index):
    running = set()

    def look(_):
        for worker in workers.workers:
            running.update(map(command, children(worker)))

    build(seeds, new_index(), cluster=Cluster(workers.address), progress=look)
    wait_for(lambda: not any(children(worker) for worker in workers.workers))
    readers = {words for words in running if "qa.reading.worker" in words}
    assert readers
    assert all(words[1:4] == ("-P", "-S", "-m") for words in readers)


def command(process):
    """The words of a process's command."""
    try:
        return tuple(Path(f"/proc/{process}/cmdline").read_text().split("\0"))
    except OSError:
        return ()


@LONG
def test_a_worker_that_is_lost_costs_only_its_work(seeds, alone, new_index, tmp_path):
    said, index = [], new_index()
    with cluster(tmp_path) as workers:

        def lose_one(at):
            if at.passages >= 12 and workers.workers[0].poll() is None:
                kill(workers.workers[0])

        on = Cluster(workers.address, warn=said.append)
        build(seeds, index, cluster=on, progress=lose_one)
    assert workers.workers[0].returncode == -9
    assert contents(index) == contents(alone[0])


def test_a_worker_that_differs_is_refused_by_name_and_gets_no_work(seeds, new_index, tmp_path):
    said, index = [], new_index()
    office = tmp_path / "soffice"
    office.write_text("#!/bin/sh\n")
    office.chmod(0o700)
    with cluster(tmp_path, workers=1) as workers:
        workers.add("odd", QA_LIBREOFFICE=str(office))
        only = tmp_path / "few"
        write(only, "a.txt", LINES.format("keeper", 1900) * 4)
        wait_for(lambda: registered(workers) == 2)
        build(only, index, cluster=Cluster(workers.address, warn=said.append))
        assert [line for line in said if "(odd) is not used: its readers differ" in line] == said
        assert len(said) == 1
        kill(workers.workers[0])
        wait_for(lambda: registered(workers) == 1)
        with pytest.raises(ClusterUnfit, match=r"No worker of .*\(odd\): its readers differ"):
            build(only, index, full=True, cluster=Cluster(workers.address))


def registered(workers):
    """How many workers the scheduler knows."""
    with distributed.Client(workers.address, set_as_default=False) as client:
        return len(client.scheduler_info()["workers"])


def test_a_folder_that_workers_do_not_share_is_named(workers, tmp_path, encoders):
    """A worker that sees other files there would report them as gone."""
    write(tmp_path, "a.txt", "Ri is 26 years old.\n")
    encoder = Encoder(folder=encoders, threads=1)
    task = Task(Settings().to_dict(), "cpu", (), str(tmp_path), "")
    mine = traits.traits(Settings(), encoder, codebook_of(encoder))
    here = mine | cluster_worker.seen(task, "a.txt")
    (tmp_path / "a.txt").unlink()
    there = mine | cluster_worker.seen(task, "a.txt")
    assert "which it must share, differs (0 bytes instead of 20 bytes)" in traits.difference(
        here, there
    )
    assert traits.difference(here, dict(here)) == ""


def test_the_command_line_builds_on_a_cluster(workers, tmp_path, new_index, capfd, monkeypatch):
    index = new_index()
    write(tmp_path / "seeds", "a.txt", LINES.format("keeper", 1900))
    monkeypatch.setattr(scheduling, "CONNECTING", 0.5)
    given = ["build", str(tmp_path / "seeds"), "--index", str(index), "--json"]
    assert run([*given, "--cluster", workers.address]) == 0
    assert json.loads(capfd.readouterr().out)["passages"] == 1
    write(tmp_path / "seeds", "b.txt", LINES.format("keeper", 1901))
    assert run([*given, "--cluster", "tcp://127.0.0.1:1"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("qa: No scheduler answers at tcp://127.0.0.1:1")
    assert err.count("\n") == 1


def test_a_cluster_that_is_none_is_refused_and_the_last_index_stays(
    library, new_index, tmp_path, monkeypatch
):
    monkeypatch.setattr(scheduling, "CONNECTING", 0.5)
    seeds, index = library
    before = opening.live_name(index)
    write(tmp_path, "new.txt", "Ri is 26 years old.\n")
    with pytest.raises(StoreUnreachable, match="No scheduler answers at"):
        build(tmp_path, new_index(), cluster=Cluster("tcp://127.0.0.1:1"))
    with pytest.raises(SettingsInvalid, match="nonsense://x"):
        build(tmp_path, new_index(), cluster=Cluster("nonsense://x"))
    assert build(seeds, index, cluster=Cluster("tcp://127.0.0.1:1")).added == ()  # nothing to read
    assert opening.live_name(index) == before


@LONG
def test_a_cluster_that_is_lost_leaves_what_was_encoded(workers, tmp_path, new_index):
    seeds, index = tmp_path / "seeds", new_index()
    for number in range(40):
        write(seeds, f"{number}.txt", LINES.format(f"keeper{number}", 1900) * 24)
    kept = []
    with cluster(tmp_path) as lost:

        def lose_all(at):
            if at.passages >= 8 and not kept:
                kept.append(at.passages)
                kill(lost.scheduler)

        with pytest.raises(StoreUnreachable, match=r"is lost: .* what was encoded is kept"):
            build(seeds, index, cluster=Cluster(lost.address), progress=lose_all)
    assert opening.live_name(index) is None
    seen = []
    report = build(seeds, index, cluster=Cluster(workers.address), progress=seen.append)
    assert seen[-1].passages <= report.passages - kept[0]


# --- what machines send, and how they are compared --------------------------------------------------


NUMBERS = some.integers(0, 1 << 40)
WORDS = some.text(max_size=6)
ENDS = some.lists(NUMBERS, max_size=3).map(tuple)
DOCUMENTS = some.builds(
    Document, WORDS, WORDS, WORDS, title=some.none() | WORDS,
    blocks=some.lists(some.builds(Block, NUMBERS, NUMBERS), max_size=2).map(tuple),
)  # fmt: skip
PASSAGES = some.tuples(
    some.builds(Passage, NUMBERS, NUMBERS, ENDS, some.none() | NUMBERS, some.just(("Köln", "1.2"))),
    some.builds(RankingText, WORDS, ENDS),
)
SPLITS = some.builds(Splits, some.lists(PASSAGES, max_size=2).map(tuple), WORDS)
OUTCOMES = some.builds(ReadResult, WORDS, some.sampled_from(Status), WORDS, some.none() | DOCUMENTS)
READ = some.lists(some.tuples(OUTCOMES, some.none() | SPLITS), max_size=2).map(
    lambda pairs: Read(
        Reading("a/b.txt", 3, 1 << 60, "0" * 64, tuple(outcome for outcome, _ in pairs), 0.5),
        tuple(splits for _, splits in pairs),
        0.25,
    )
)


@few(max_examples=40)
@given(some.lists(READ, max_size=3))
def test_readings_are_the_same_after_they_were_bytes(found):
    assert messages.unpack_reads(messages.pack_reads(found)) == found


@few(max_examples=40)
@given(some.lists(some.integers(0, 5) | WORDS, max_size=4))
def test_codes_are_the_same_after_they_were_bytes(tokens):
    made = np.random.default_rng(0)
    codes = tuple(
        DocumentFailed(count) if isinstance(count, str) else Coded(
            made.standard_normal(8).astype("<f4"),
            made.integers(0, 255, (count, 48), np.uint8), (0, count),
        )
        for count in tokens
    )  # fmt: skip
    found = messages.unpack_encoded(messages.pack_encoded(Encoded(codes, 0.5)))
    assert found.seconds == 0.5
    for one, other in zip(codes, found.codes, strict=True):
        if isinstance(one, DocumentFailed):
            assert str(one) == str(other)
            continue
        assert one.vector.tobytes() == other.vector.tobytes()
        assert one.codes.tobytes() == other.codes.tobytes()
        assert one.codes.shape == other.codes.shape
        assert one.bounds == other.bounds


@pytest.mark.parametrize("unpack", [messages.unpack_reads, messages.unpack_encoded])
def test_bytes_that_no_worker_sends_are_refused(unpack):
    sound = messages.pack_encoded(Encoded((), 0.5))
    for wrong in (b"", b"\0" * 8, sound[:-1], sound + b"\0"):
        with pytest.raises(ValueError):  # noqa: PT011 - whichever part is wrong
            unpack(wrong)


def test_a_processor_that_rounds_one_number_otherwise_is_another(encoders):
    class Otherwise(Encoder):
        def encode(self, text):
            encoded = super().encode(text)
            if len(encoded.tokens) > 200:
                encoded.pooled[3] = np.nextafter(encoded.pooled[3], np.float32(1))
            return encoded

    one, other = (kind(folder=encoders, threads=1) for kind in (Encoder, Otherwise))
    book = codebook_of(one)
    assert traits.rounding(one, book) == traits.rounding(Encoder(folder=encoders), book)
    assert traits.rounding(one, book) != traits.rounding(other, book)
    mine, its = (traits.traits(Settings(), each, book) for each in (one, other))
    assert traits.difference(mine, its).startswith("its rounding of vectors differs (")


# --- long -------------------------------------------------------------------------------------------


@LONG
def test_covid_qa_with_a_worker_lost_half_way_is_byte_for_byte_that_of_one_process(
    new_index, tmp_path
):
    seeds = SHARED / "eval" / "covidqa" / "documents"
    if not seeds.is_dir():
        pytest.skip("the question sets do not lie beside the project")
    one, many, lost = new_index(), new_index(), []
    report = build(seeds, one)
    half = report.passages // 2
    with cluster(tmp_path) as workers:

        def lose_one(at):
            if at.passages >= half and not lost:
                lost.append(at.passages)
                kill(workers.workers[1])

        again = build(seeds, many, cluster=Cluster(workers.address), progress=lose_one)
    assert lost
    assert again.snapshot == report.snapshot
    assert contents(many) == contents(one)
