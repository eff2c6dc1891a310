"""A real Milvus server: killed under writers, asked by several services (`make scale`)."""

import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from itertools import count

import numpy as np
import pytest
from alone import is_alone
from indexes import write
from milvus_server import milvus_server
from servers import serving_process
from stores import store_at
from test_store import World
from waiting import PATIENCE, wait_for

from qa import QA, build
from qa.encoding.encoder import Encoder
from qa.encoding.quantisation import quantise
from qa.errors import QAError
from qa.index.coding import Coded
from qa.index.milvus.server import Server
from qa.records import Block, Document, Passage
from qa.splitting import RankingText

MANY = 3_000  # documents of each writer
BACK = 60  # seconds in which a server that was killed answers again
SEEDS = {
    "ri.txt": "Ri is 26 years old. He comes from the north.\n",
    "ferry.txt": "The ferry does not run in winter. In summer it runs twice a day.\n",
}

pytestmark = pytest.mark.skipif(
    "QA_LONG" not in os.environ or not is_alone(),
    reason="a Milvus server is started by `make scale`",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    pytest.importorskip("milvus")
    folder = tmp_path_factory.mktemp("milvus")
    with pytest.MonkeyPatch.context() as patch, milvus_server(folder) as server:
        patch.setenv("QA_OBJECTS", str(folder / "objects"))
        yield server


def synthetic(number, dim, code_bytes):
    """A document of one passage, and its row, made up: a server cares not for what they mean."""
    random = np.random.default_rng(number)
    text = f"Document {number} speaks of {number % 97} and rye."
    vector = random.normal(size=dim).astype(np.float32)
    codes = random.integers(0, 256, (40, code_bytes), np.uint8)
    coded = Coded(quantise(vector / np.linalg.norm(vector)), codes, (0, 40))
    document = Document(f"{number:064x}", "text 1", text, blocks=(Block(0, len(text)),))
    return document, (Passage(0, len(text), (len(text),)), RankingText(text, (len(text),)), coded)


def written(world, numbers):
    """Publishes synthetic documents."""
    with world.store.begin(world.at, world.seeds, world.shape()) as build:
        files = []
        for number in numbers:
            document, row = synthetic(number, world.encoder.dim, world.book.code_bytes)
            build.add(document, [row])
            files.append(world.file(f"{number:06}.txt", document, 1))
        build.publish(files)


@pytest.mark.parametrize(("step", "calls"), [("put", 4), ("put", 11), ("flush", 1), ("index", 1)])
def test_a_server_that_is_killed_under_two_writers_loses_nothing(
    server, encoders, tmp_path, monkeypatch, step, calls
):
    """Whatever the writers are at: sending rows, having them written down, indexing them."""
    encoder, store = Encoder(folder=encoders), store_at(server.port)
    worlds = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        worlds.append(World(store, tmp_path / name / "index", encoder))
    seen, failed = count(), []
    reached = threading.Event()
    asked = getattr(Server, step)

    def counted(self, *arguments, **options):
        if next(seen) + 1 >= calls:
            reached.set()
        asked(self, *arguments, **options)

    def write(world):
        try:
            written(world, range(MANY))
        except QAError as error:
            failed.append(error)

    monkeypatch.setattr(Server, step, counted)
    writers = [threading.Thread(target=write, args=(world,)) for world in worlds]
    for writer in writers:
        writer.start()
    assert reached.wait(PATIENCE)
    server.kill()
    started = time.monotonic()
    server.start()
    back = time.monotonic() - started
    for writer in writers:
        writer.join()
    assert failed == []
    assert back < BACK
    print(f"back after {back:.1f} s, all written after {time.monotonic() - started:.1f} s")
    for world in worlds:
        everything_is_there(world)


def everything_is_there(world):
    """Every row that was written, once, and some of them word for word."""
    with closing(world.opened()) as snapshot:
        record, rows = snapshot.record, snapshot.rows
        assert rows.server.count(record.rows, f"born == {record.token}") == MANY
        for number in range(0, MANY, 300):
            document, (_, _, coded) = synthetic(number, world.encoder.dim, world.book.code_bytes)
            (key,) = snapshot.nearest(coded.vector, 1).tolist()
            assert snapshot.passages([key])[0].text == document.text
            assert snapshot.token_codes(np.array([key])).codes.tolist() == coded.codes.tolist()


def test_services_on_one_store_answer_alike_and_follow_within_a_second(
    server, tmp_path, monkeypatch
):
    monkeypatch.setenv("QA_STORE", f"milvus://127.0.0.1:{server.port}/served")
    write_all(tmp_path / "seeds", SEEDS)
    build(tmp_path / "seeds", tmp_path / "index")
    with ExitStack() as stack:
        services = [
            stack.enter_context(
                serving_process(
                    tmp_path / "seeds", tmp_path / "index", tmp_path, "--no-watch", "--read-only"
                )
            )
            for _ in range(2)
        ]
        first, second = (service.ask("How old is Ri?").json() for service in services)
        assert first == second and first["answered"]
        write_all(tmp_path / "seeds", {"ri.txt": "Ri is 27 years old.\n"})
        report = build(tmp_path / "seeds", tmp_path / "index")
        published = time.monotonic()
        for service in services:
            wait_for(lambda service=service: service.health()["snapshot"] == report.snapshot)
        followed = time.monotonic() - published
        assert followed < 1.5, "the services look twice a second"
        answers = [service.ask("How old is Ri?").json() for service in services]
        assert answers[0] == answers[1] and "27" in answers[0]["excerpts"][0]["text"]
        server.kill()
        for service in services:
            wait_for(lambda service=service: service.health()["status"] == "failing")
            refused = service.ask("How old is Ri?")
            assert refused.status_code == 503 and "does not answer" in refused.json()["error"]
            assert "store" in service.health()["reason"]
        server.start()
        for service in services:
            wait_for(lambda service=service: service.health()["status"] == "ok")
            assert service.ask("How old is Ri?").json() == answers[0]
        print(f"followed after {followed:.2f} s")


def test_a_build_that_is_killed_before_it_publishes_is_never_seen(server, tmp_path, monkeypatch):
    monkeypatch.setenv("QA_STORE", f"milvus://127.0.0.1:{server.port}/killed")
    write_all(tmp_path / "seeds", SEEDS)
    before = build(tmp_path / "seeds", tmp_path / "index").snapshot
    with QA.open(tmp_path / "index") as pinned:
        answer = pinned.ask("How old is Ri?").to_dict()
        write_all(tmp_path / "seeds", {"new.txt": "The mill grinds rye.\n"})
        for step in ("while-writing", "while-sending", "before-sync", "before-manifest"):
            killed = crashed(tmp_path, step)
            assert killed == -9, step
            assert pinned.ask("How old is Ri?").to_dict() == answer
            assert pinned.ask("What does the mill grind?").snapshot == before
        report = build(tmp_path / "seeds", tmp_path / "index")
        assert report.passages == 3
        wait_for(lambda: pinned.ask("What does the mill grind?").answered)
        assert pinned.ask("What does the mill grind?").snapshot == report.snapshot


def write_all(folder, texts):
    """Writes these files."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        write(folder, name, text)


def crashed(folder, step):
    """The exit status of a build that is killed at a step."""
    return subprocess.run(
        [sys.executable, "-m", "qa", "build", "seeds"],
        cwd=folder, env={**os.environ, "QA_CRASH_AT": step}, capture_output=True, check=False,
    ).returncode  # fmt: skip
