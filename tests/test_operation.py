"""Whoever runs the service sees what happens: its log, its health and its figures."""

import io
import os
import shutil
import signal
import socket
import sys
import threading
import zipfile
from contextlib import suppress
from urllib.parse import quote

import httpx
import pytest
from indexes import write
from openpyxl import Workbook
from served import browser, new_tab
from servers import serving_process
from starlette.testclient import TestClient
from waiting import wait_for

from qa.asking.service import QA
from qa.building.pipeline import build
from qa.encoding import models
from qa.errors import IndexClosed, SettingsInvalid
from qa.index import manifest
from qa.web import health, make_app, rebuilding
from qa.web.rebuilding import Rebuilder
from qa.web.site import Site

__all__ = ["browser"]

SECRET = "Zanzibar keeps seven purple umbrellas"
BROKEN = """
import os, sys
from qa.web import rebuilding
def fsync(_): raise RuntimeError("a broken installation")
os.fsync = fsync
sys.exit(rebuilding.main(sys.argv[1]))
"""
FORGED = '2026-01-01T00:00:00.000Z ERROR   qa forged\n{"level": "error", "message": "forged"}\n'


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("operation")


@pytest.fixture(scope="module")
def library(place, encoders):
    """A library of two snapshots that tests of this file may change: (seeds, index)."""
    return new_library(place, encoders)


def new_library(place, encoders):
    seeds, index = place / "seeds", place / "index"
    index.mkdir()
    (index / "encoders").symlink_to(encoders)
    write(seeds, "mill.md", "# The mill\n\nThe mill has four sails. It grinds rye.\n")
    build(seeds, index)
    write(seeds, "secret.txt", f"{SECRET}.\n")
    build(seeds, index)
    return seeds, index


@pytest.fixture(scope="module")
def server(library, place):
    """A server over the library, with figures, that logs JSON."""
    with serving_process(*library, place, "--metrics") as client:
        yield client


def figures(server):
    """Name and labels -> value, as Prometheus' own parser reads them."""
    from prometheus_client.parser import text_string_to_metric_families

    answer = server.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *sample.labels.values()) if sample.labels else sample.name: sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_the_start_each_build_each_failed_file_and_each_snapshot_are_lines_of_json(server, library):
    assert server.event("start")["level"] == "info"
    assert server.event("listening")["address"] == str(server.base_url)
    (library[0] / "torn.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    file = server.event("file", path="torn.pdf")
    assert (file["status"], file["level"]) == ("failed", "warning")
    built = server.event("build", failed=1)
    assert (built["added"], built["unchanged"]) == (1, 2)
    assert built["seconds"] > 0
    server.event("snapshot", snapshot=built["snapshot"])
    assert all({"time", "level", "logger", "message"} <= set(record) for record in server.records)


def spoil_sheet(file, text):
    """Writes a workbook in which a text stands where a number should."""
    full = io.BytesIO()
    book = Workbook()
    book.active["A1"] = 4711
    book.save(full)
    with zipfile.ZipFile(full) as source, zipfile.ZipFile(file, "w") as spoiled:
        for name in source.namelist():
            spoiled.writestr(name, source.read(name).replace(b"4711", text.encode()))


def test_no_text_of_a_question_or_document_is_logged(server, library):
    question = "Which colour have the umbrellas of the harbour master?"
    assert SECRET in server.ask(SECRET).text
    server.ask(question)
    server.post("/api/ask", json={"question": question, "limit": 0})
    server.get("/", params={"q": question})
    body = {"data": [question], "fn_index": 4, "session_hash": "abcdefghijk"}
    server.post("/gradio_api/run/predict", params={"q": question}, json=body)
    spoil_sheet(library[0] / "spoiled.xlsx", SECRET)  # its reason quotes what it stumbled over
    server.event("file", path="spoiled.xlsx")
    wait_for(lambda: SECRET in server.get("/api/documents").text)
    log = server.log.read_text()
    assert "umbrella" not in log
    assert "harbour" not in log


def test_a_file_name_or_a_header_with_a_line_break_forges_no_line(server, library):
    name = FORGED.replace("/", "-")[:60] + ".pdf"
    (library[0] / name).write_bytes(b"%PDF-1.7\nnothing more")
    server.event("file", path=name.replace("\n", "\\x0a"))
    server.get(f"/{quote(FORGED)}", headers={"host": "evil.example"})
    refused = server.event("unknown host", host="evil.example")
    assert "forged\n" in refused["path"] and "forged\\n" in refused["message"]
    assert all(record["message"] != "forged" for record in server.records)
    (library[0] / name).unlink()


def test_a_folder_out_of_reach_is_degraded_until_it_is_back(server, library):
    seeds = library[0]
    away = seeds.with_name("away")
    wait_for(lambda: server.health()["status"] == "ok")
    seeds.rename(away)
    degraded = wait_for(lambda: (found := server.health())["status"] != "ok" and found)
    assert degraded["status"] == "degraded"
    assert "out of reach" in degraded["reason"]
    assert str(seeds.parent) not in degraded["reason"]
    assert server.ask("What does the mill grind?").status_code == 200
    shutil.copytree(away, seeds)  # another folder at the same path, as after a new mount
    wait_for(lambda: server.health()["status"] == "ok")
    write(seeds, "back.txt", "The ferry is back.\n")  # and is watched as before
    wait_for(lambda: "back.txt" in server.ask("Is the ferry back?").text)
    server.event("health", status="degraded")
    server.event("health", status="ok")


def test_the_page_shows_in_a_line_that_the_service_is_degraded(server, library, browser):
    seeds = library[0]
    away = seeds.with_name("elsewhere")
    seeds.rename(away)
    try:
        wait_for(lambda: server.health()["status"] == "degraded")
        with new_tab(browser) as tab:
            tab.goto(f"{server.base_url}/?q=What+does+the+mill+grind%3F")
            tab.wait_for_selector(".card")
            (notice,) = tab.locator(".notice:visible").all_inner_texts()
            assert notice == server.health()["reason"]
    finally:
        away.rename(seeds)
    wait_for(lambda: server.health()["status"] == "ok")
    with new_tab(browser) as tab:
        tab.goto(f"{server.base_url}/?q=What+does+the+mill+grind%3F")
        tab.wait_for_selector(".card")
        assert tab.locator(".notice").count() == 0


def test_what_libraries_log_has_the_same_form(server):
    with socket.create_connection((server.base_url.host, server.base_url.port)) as client:
        client.sendall(b"\x00\x01 nonsense\r\n\r\n")
        client.recv(1000)
    wait_for(lambda: any(record["logger"].startswith("uvicorn") for record in server.records))


def test_the_figures_move_and_prometheus_reads_them(server, library):
    before = figures(server)
    assert before["qa_health", "ok"] == 1
    assert before["qa_files", "indexed"] >= 2
    assert before["process_resident_memory_bytes"] > 50e6
    server.ask("What does the mill grind?")
    server.ask("Who won the chess match on Mars?")
    server.get("/healthz", headers={"host": "evil.example"})
    write(library[0], "count.txt", "The count is nine.\n")
    done, indexed = ("qa_builds_total", "done"), ("qa_files", "indexed")
    wait_for(lambda: figures(server)[done] > before[done])
    wait_for(lambda: figures(server)[indexed] > before[indexed])  # the new snapshot is taken up
    after = figures(server)
    moved = {name for name in after if after[name] > before.get(name, 0)}
    assert {("qa_questions_total", "answered"), ("qa_questions_total", "unanswered")} <= moved
    assert {done, indexed} <= moved
    assert after["qa_question_seconds_count"] == before["qa_question_seconds_count"] + 2
    assert after["qa_question_seconds_bucket", "+Inf"] == after["qa_question_seconds_count"]
    assert after["qa_rejected_requests_total", "unknown host"] >= 1
    assert 0 <= after["qa_snapshot_age_seconds"] < 600


@pytest.fixture(scope="module")
def unwatched(tmp_path_factory, encoders):
    """A server that rebuilds only when it is told to, and its folder of documents."""
    folder = tmp_path_factory.mktemp("unwatched")
    seeds, index = new_library(folder, encoders)
    with serving_process(seeds, index, folder, "--no-watch") as client:
        yield client, seeds


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_rebuild_that_a_signal_ends_is_logged_and_told_on_the_page(unwatched, number):
    server, seeds = unwatched
    name = signal.Signals(number).name
    for count in range(60):
        write(seeds, f"{name}/{count}.txt", f"Lamp {count} burns in house {number}. " * 40)
    server.post("/api/build")
    wait_for(lambda: server.get("/api/build").json()["stage"] == "encoding")
    os.kill(server.rebuild_process(), number)
    state = wait_for(lambda: (found := server.get("/api/build").json())["error"] and found)
    assert name in state["error"]
    message = f"The rebuild crashed: its process was ended by {name}."
    crash = server.event("crash", level="error", message=message)
    if number == signal.SIGSEGV:
        assert "/building/" in crash["exception"]
    wait_for(lambda: "rebuild failed" in server.health()["reason"])
    server.post("/api/build")
    wait_for(lambda: server.health()["status"] == "ok")
    assert server.ask("What does the mill grind?").json()["answered"]


def test_an_exception_in_a_rebuild_leaves_its_traceback_in_the_log_and_its_last_line_on_the_page(
    encoders, tmp_path, caplog
):
    seeds, index = new_library(tmp_path, encoders)
    write(seeds, "new.txt", "The ferry leaves at six.\n")
    with QA.open(index) as qa:
        site = Site(qa, Rebuilder(seeds, index, qa.manifest.settings))
        given = site.rebuilder._command(allow_removal=False)[-1]
        site.rebuilder._command = lambda **_: [sys.executable, "-c", BROKEN, given]
        site.rebuilder.start()
        wait_for(lambda: not site.rebuilder.state.running)
        (crash,) = (one for one in caplog.records if getattr(one, "event", "") == "crash")
        first, *_, last = crash.exc_text.splitlines()
        assert first.startswith("Traceback") and "/building/" in crash.exc_text
        assert last == "RuntimeError: a broken installation"
        assert last in site.rebuilder.state.error
        assert site.monitor.health.status == "degraded"
        assert qa.ask("What does the mill grind?").answered


def cut_off(index, name):
    """Cuts off files of a snapshot that no other names."""
    full = manifest.read_manifest(index / "snapshots" / name)
    for path, (size, _) in full.files.items():
        if path.startswith(f"snapshots/{name}/") and size:
            (index / path).write_bytes(b"")


def test_a_damaged_snapshot_is_degraded_while_an_older_one_answers_and_failing_when_none_does(
    encoders, tmp_path
):
    seeds, index = new_library(tmp_path, encoders)
    live = manifest.current(index)
    older = min(folder.name for folder in (index / "snapshots").iterdir())
    cut_off(index, live)
    options = ("--read-only",)
    with serving_process(seeds, index, tmp_path, *options, QA_PASSWORD="sesame") as server:
        health = server.health()
        assert health["status"] == "degraded"
        assert "older snapshot" in health["reason"] and str(tmp_path) not in health["reason"]
        assert server.event("fallback")["level"] == "warning"
        assert server.ask("What does the mill grind?").status_code == 401
        server.get("/", headers={"authorization": "Bearer guess"})
        assert server.event("wrong password")["client"] == "127.0.0.1"
        assert server.get("/metrics").status_code == 401
        server.headers["authorization"] = "Bearer sesame"
        assert server.get("/metrics").status_code == 404, "no one asked for figures"
        assert server.ask("What does the mill grind?").json()["answered"]
        cut_off(index, older)
        wait_for(lambda: server.get("/healthz").status_code == 503)
        assert server.health()["status"] == "failing"
        refused = server.ask("What does the mill grind?")
        assert refused.status_code == 503 and "build" in refused.json()["error"]
        error = server.event("error")
        assert error["exception"].splitlines()[-1].startswith("IndexDamaged")
        build(seeds, index, full=True)
        wait_for(lambda: server.health()["status"] == "ok")
        assert server.ask("What does the mill grind?").json()["answered"]


def test_figures_without_their_package_are_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(SettingsInvalid, match=r"pip install 'seedqa\[metrics\]'"):
        make_app(tmp_path, metrics=True)


def test_a_watcher_that_fails_is_logged_shown_and_begun_again(
    encoders, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(rebuilding, "AGAIN", 0.5)
    seeds, index = new_library(tmp_path, encoders)
    with QA.open(index) as qa:
        site = Site(qa, Rebuilder(seeds, index, qa.manifest.settings))
        executable = site.rebuilder._command
        site.rebuilder._command = lambda **_: [str(tmp_path / "no-such-program")]
        write(seeds, "new.txt", "The ferry leaves at six.\n")
        site.watcher.start()
        wait_for(lambda: "not watched" in site.monitor.health.reason)
        assert "no-such-program" in site.watcher.problem
        assert any(record.exc_info for record in caplog.records if "watcher" in record.message)
        site.rebuilder._command = executable
        wait_for(lambda: site.monitor.health.status == "ok")
        wait_for(lambda: "new.txt" in [file.path for file in qa.files()])
        site.watcher.close()


def test_a_service_whose_index_is_closed_finds_no_fault(place, encoders, caplog, monkeypatch):
    """A look and a question that are under way when the server ends see a closed index."""
    monkeypatch.setattr(health, "EVERY", 0.01)
    (folder := place / "closing").mkdir()
    seeds, index = new_library(folder, encoders)
    site = Site(QA.open(index), Rebuilder(seeds, index, QA.open(index).manifest.settings))
    caplog.set_level("INFO", "qa")
    others = set(threading.enumerate())  # servers of other tests go on
    site.monitor.start()
    site.qa.close()
    wait_for(lambda: "qa-health" not in {each.name for each in {*threading.enumerate()} - others})
    with pytest.raises(IndexClosed):
        site.answer("How many sails has the mill?")
    site.failed_in = "any"
    with pytest.raises(IndexClosed):
        site.monitor.start()
    assert [row for row in caplog.records if row.levelname in ("WARNING", "ERROR")] == []


def test_a_server_that_is_ended_while_it_is_asked_logs_no_error(place, encoders):
    (folder := place / "ending").mkdir()
    seeds, index = new_library(folder, encoders)
    with serving_process(seeds, index, folder) as client:
        ended = threading.Event()

        def ask():
            with suppress(httpx.TransportError), httpx.Client(base_url=client.base_url) as own:
                while not ended.is_set():
                    own.post("/api/ask", json={"question": "How many sails has the mill?"})

        asking = [threading.Thread(target=ask) for _ in range(4)]
        for thread in asking:
            thread.start()
        client.process.terminate()
        client.process.wait(60)
        ended.set()
        for thread in asking:
            thread.join(60)
        log = client.log.read_text(encoding="utf-8")
    assert '"event": "stop"' in log
    assert "Traceback" not in log and '"level": "error"' not in log


def test_the_first_question_waits_for_no_model(tmp_path, new_index, monkeypatch):
    """Also where the documents give no example that would have been asked before."""
    write(tmp_path / "seeds", "rain.txt", "it rains.\n")
    build(tmp_path / "seeds", index := new_index())
    loaded = []
    original = models.exported
    monkeypatch.setattr(models, "exported", lambda *given: loaded.append(given) or original(*given))
    with TestClient(make_app(index), base_url="http://127.0.0.1:7860") as client:
        assert len(loaded) == 1
        assert client.post("/api/ask", json={"question": "What does it do?"}).status_code == 200
    assert len(loaded) == 1
