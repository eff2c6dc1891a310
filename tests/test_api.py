"""The HTTP API, as its own OpenAPI describes it."""

import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from inspect import get_annotations
from itertools import islice

import httpx
import pytest
from indexes import write
from served import free_port, serving
from starlette.testclient import TestClient
from waiting import wait_for

from qa.building.pipeline import build
from qa.checking.verifying import Verdict
from qa.records import Answer, Excerpt, Highlight
from qa.web import make_app, verifying
from qa.web.admission import VERIFYING


@pytest.fixture(scope="module")
def client(library):
    seeds, index = library
    app = make_app(index, seeds)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


def ask(client, question="How old is Ri?", **more):
    return client.post("/api/ask", json={"question": question, **more})


def test_a_question_is_answered_with_what_ask_says(client, library):
    import qa

    result = ask(client).json()
    assert result == qa.ask("How old is Ri?", index=library[1]).to_dict()
    assert [*result["excerpts"], *result["nearest"]]


def test_what_is_described_of_records_is_their_own_fields(client):
    described = client.get("/api/openapi.json").json()["components"]["schemas"]
    for name, record in (
        ("Mark", Highlight), ("Cited", Excerpt), ("Answered", Answer), ("Judged", Verdict),
    ):  # fmt: skip
        names = list(get_annotations(record))
        assert list(described[name]["properties"]) == described[name]["required"] == names
    assert described["Cited"]["properties"]["highlights"]["items"]["$ref"].endswith("/Mark")
    assert {"sha256", "reader", "source", "seen"}.isdisjoint(described["Listed"]["properties"])


def test_globs_limit_what_is_asked(client):
    result = ask(client, only=["notes/*"], limit=3).json()
    assert {cited["path"] for cited in [*result["excerpts"], *result["nearest"]]} == {
        "notes/ferry.txt"
    }


@pytest.mark.parametrize(
    "body",
    [{}, {"question": ""}, {"question": "   "}, {"question": "x" * 2_001}, {"question": 1},
     {"question": "x", "limit": 0}, {"question": "x", "more": 1}],
)  # fmt: skip
def test_a_question_that_is_none_is_refused_in_a_line(client, body):
    refused = client.post("/api/ask", json=body)
    assert refused.status_code == 422
    assert "\n" not in refused.json()["error"]


def test_the_library_is_listed_with_ids_and_what_waits(client):
    result = client.get("/api/documents").json()
    assert [file["path"] for file in result["documents"]] == [
        *("copy.txt", "mill.md", "notes/ferry.txt", "ri.txt"),
    ]
    assert (result["added"], result["changed"], result["removed"]) == ([], [], [])


def test_the_filters_offer_folders_kinds_and_files(client):
    assert client.get("/api/filters").json() == {
        "folder": ["notes"],
        "kind": ["md", "txt"],
        "file": ["copy.txt", "mill.md", "notes/ferry.txt", "ri.txt"],
        "language": ["en"],
    }


def test_a_document_is_read_by_its_id_only_and_in_part(client, library):
    cited = ask(client).json()
    cited = [*cited["excerpts"], *cited["nearest"]][0]
    result = client.get(
        f"/api/documents/{cited['document']}",
        params={"start": cited["start"], "end": cited["end"]},
    ).json()
    assert result["text"] == cited["text"]
    assert result["line"] == cited["lines"][0]
    for path in ("ri.txt", "..%2f..%2fetc%2fpasswd", "0" * 64):
        assert client.get(f"/api/documents/{path}").status_code in (404, 422)


def test_a_page_without_a_face_is_not_found(client):
    cited = ask(client).json()
    document = [*cited["excerpts"], *cited["nearest"]][0]["document"]
    assert client.get(f"/api/documents/{document}/pages/1.png").status_code == 404


def test_an_answer_is_verified_and_a_forged_one_is_found_out(client):
    result = ask(client).json()
    verdicts = client.post("/api/verify", json=result).json()["verdicts"]
    assert {verdict["outcome"] for verdict in verdicts} == {"valid"}
    forged = [*result["excerpts"], *result["nearest"]][0]
    forged["text"] = "Ri is 62."
    found = client.post("/api/verify", json={**result, "excerpts": [forged], "nearest": []}).json()
    assert found["verdicts"][0]["outcome"] != "valid"


CITED = {"path": "ri.txt", "paths": ["ri.txt"], "start": 0, "end": 9, "text": "Ri came t"}


@pytest.mark.parametrize(
    "excerpts",
    [[CITED] * 51, [CITED | {"text": "x" * 100_001}], [CITED | {"text": ""}], [CITED | {"end": 2**41}],
     [CITED | {"path": "x/" * 9_000}], [CITED | {"paths": ["x"] * 10_001}], [CITED | {"start": 10}]],
)  # fmt: skip
def test_an_answer_beyond_all_bounds_is_not_verified(client, excerpts):
    refused = client.post("/api/verify", json={"excerpts": excerpts, "nearest": []})
    assert refused.status_code == 422
    assert client.post("/api/verify", json={"excerpts": [CITED], "nearest": []}).status_code == 200


def test_globs_that_name_no_document_are_an_error_that_says_so(client):
    refused = ask(client, only=["manuals"])
    assert refused.status_code == 422
    assert "“manuals” names no document" in refused.json()["error"]


def test_every_place_is_listed_by_pages(client):
    result = ask(client, "ferry", all=True, limit=1).json()
    assert result["places"] | {"passages": 0} == {
        "text": "ferry", "passages": 0, "documents": 1, "listed": "passages", "page": 1,
        "pages": result["places"]["passages"], "first": 1,
    }  # fmt: skip
    assert result["answered"] and len(result["excerpts"]) == 1
    assert ask(client, "ferry", all=True, limit=1, page=99).status_code == 422
    assert ask(client, "How old is Ri?", page=0).status_code == 422
    unread = ask(client, "How old is Ri? " + "He came by boat. " * 90).json()["unread"]
    assert unread.endswith("He came by boat.")


def test_globs_that_are_too_long_together_are_refused(client):
    assert ask(client, only=["*x*"] * 100).status_code == 200
    assert ask(client, only=["x" * 500] * 11, exclude=["x" * 500] * 10).status_code == 422


def test_answers_are_verified_one_after_the_other_and_hold_up_no_question(library, monkeypatch):
    """However many wait: they hold no thread, and beyond a few they are refused."""
    go_on, verify = threading.Event(), verifying.verify_within

    def slow(*given, **more):
        assert go_on.wait(60)
        return verify(*given, **more)

    monkeypatch.setattr(verifying, "verify_within", slow)
    seeds, index = library
    answer, many = {"excerpts": [CITED], "nearest": []}, 60
    with serving(seeds, index) as at, ThreadPoolExecutor(many) as pool:
        asked = [
            pool.submit(httpx.post, f"{at}/api/verify", json=answer, timeout=60)
            for _ in range(many)
        ]
        taken = VERIFYING.at_once // 2  # of one client: another one's answer could wait too
        assert taken <= verifying.WAITING
        refused = list(islice(as_completed(asked), many - taken))
        assert {each.result().status_code for each in refused} == {503}
        assert httpx.get(f"{at}/api/documents").status_code == 200
        question = {"question": "How old is Ri?"}
        assert httpx.post(f"{at}/api/ask", json=question, timeout=60).status_code == 200
        go_on.set()
        done = [each.result() for each in asked if each not in refused]
    assert {each.status_code for each in done} == {200}
    assert {each.json()["verdicts"][0]["outcome"] for each in done} == {"valid"}


def test_an_answer_is_exported_as_markdown_with_its_citations(client):
    result = client.get("/api/answer.md", params={"q": "How old is Ri?"})
    assert result.headers["content-type"].startswith("text/markdown")
    assert "SHA-256" in result.text


def contents(*folders):
    """Every file below the folders, with its bytes and the time of its last change."""
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    return {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


def test_a_read_only_server_has_no_way_to_change_anything(own):
    seeds, index = own
    before = contents(seeds, index)
    with TestClient(make_app(index, seeds, read_only=True), base_url="http://127.0.0.1") as client:
        result = ask(client, "What grinds rye?").json()
        cited = [*result["excerpts"], *result["nearest"]][0]
        place = {name: cited[name] for name in ("document", "start", "end")}
        judged = {"question": "What grinds rye?", "helpful": True, **place}
        assert client.post("/api/feedback", json=judged).status_code == 404
        assert client.post("/api/verify", json=result).status_code == 200
        assert client.post("/api/build").status_code == 405
        assert client.put("/api/files", params={"name": "a.txt"}, content=b"x").status_code == 404
        assert client.delete(f"/api/files/{'0' * 24}").status_code == 404
    assert contents(seeds, index) == before


def test_a_read_only_server_builds_no_index_that_is_missing(tmp_path):
    write(tmp_path / "seeds", "a.txt", "The mill grinds rye.\n")
    command = [sys.executable, "-m", "qa", "serve", "--read-only", "--port", str(free_port())]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 1
    assert "There is no index" in ended.stderr
    assert [at.name for at in tmp_path.iterdir()] == ["seeds"]


def test_a_folder_that_is_gone_is_told_to_who_wants_to_change_it(own):
    seeds, index = own
    with TestClient(make_app(index, seeds), base_url="http://127.0.0.1") as client:
        key = hashlib.sha256(b"a.txt").hexdigest()[:24]
        seeds.rename(seeds.with_name("away"))
        put = client.put("/api/files", params={"name": "b.txt"}, content=b"x")
        removed = client.delete(f"/api/files/{key}")
        assert (put.status_code, removed.status_code) == (503, 503)
        assert "folder" in put.json()["error"] and "folder" in removed.json()["error"]
    assert not seeds.exists()


def test_an_upload_that_finds_no_room_to_be_received_is_told(own, monkeypatch):
    seeds, index = own
    monkeypatch.setattr(tempfile, "tempdir", str(seeds / "nowhere"))
    with TestClient(make_app(index, seeds), base_url="http://127.0.0.1") as client:
        refused = client.put("/api/files", params={"name": "b.txt"}, content=b"x")
    assert refused.status_code == 422
    assert "cannot be received" in refused.json()["error"]


def is_well(client):
    with suppress(httpx.ConnectError):
        return client.get("/healthz").status_code == 200


def test_a_server_is_read_only_by_its_environment(library):
    seeds, index = library
    port = free_port()
    command = [sys.executable, "-m", "qa", "serve", "--port", str(port)]
    places = ["--index", str(index), "--seeds", str(seeds)]
    process = subprocess.Popen(
        [*command, *places], env={**os.environ, "QA_READ_ONLY": "1"}, stderr=subprocess.PIPE
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_for(lambda: is_well(client))
            assert ask(client).json()["excerpts"]
            assert client.post("/api/build").status_code == 405
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture
def own(tmp_path, new_index):
    """A library that may be changed: (seeds, index)."""
    seeds, index = tmp_path / "seeds", new_index()
    write(seeds, "a.txt", "The mill grinds rye.\n")
    build(seeds, index)
    return seeds, index


def test_a_file_is_put_in_by_http_and_its_name_made_safe(own):
    seeds, index = own
    with TestClient(make_app(index, seeds), base_url="http://127.0.0.1") as client:
        result = client.put("/api/files", params={"name": "../b.txt"}, content=b"Six.\n")
        assert (result.status_code, result.json()) == (201, {"path": "b.txt"})
        again = client.put("/api/files", params={"name": "b.txt"}, content=b"Seven.\n")
        assert again.status_code == 409
        assert client.get("/api/documents").json()["added"] == ["b.txt"]
    assert (seeds / "b.txt").read_bytes() == b"Six.\n"
    assert not (seeds.parent / "b.txt").exists()


def test_the_api_keeps_to_its_own_description(own):
    """Every operation is asked well and badly, and each answer checked against the description."""
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, given, settings
    from schemathesis.specs.openapi import checks

    seeds, index = own
    app = make_app(index, seeds)
    here = {"host": "127.0.0.1"}
    # No schema tells a file's name that means nothing from one that does.
    allowed = [checks.positive_data_acceptance]
    budget = settings(
        max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    with TestClient(app, base_url="http://127.0.0.1"):
        schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=here)
        operations = [found.ok() for found in schema.get_all_operations()]
        assert len(operations) == 11
        for operation in operations:

            @budget
            @given(case=operation.as_strategy())
            def asked(case):
                case.call_and_validate(headers=here, excluded_checks=allowed)

            asked()
    assert (seeds / "a.txt").exists()
