"""What reaches Gradio: the events that the page sends, and nothing besides."""

import gc
import json
import tempfile
from asyncio import Task
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from qa.settings import QUESTION_LIMIT
from qa.web import make_app
from qa.web.events import EVENT_LIMIT, SESSION, Event, EventRefused, event_of

ASKED, SHOWN = 4, 3  # as the page numbers them: `test_the_page_asks_by_these_functions`
EVENT = "/gradio_api/run/predict"
INPUTS = {SHOWN: 0, ASKED: 1}


def event(data, function=ASKED, session="hk5qwgt8w9f", **further):
    return {"data": data, "fn_index": function, "session_hash": session, **further}


def record(path, **further):
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}, **further}


@pytest.fixture(scope="module")
def client(library):
    seeds, index = library
    with TestClient(make_app(index, seeds), base_url="http://127.0.0.1:7860") as client:
        yield client


def test_an_event_is_a_function_and_a_question():
    sent = event(["How old is Ri?"], trigger_id=3, event_data={"any": "thing"}, event_id="x")
    assert event_of(json.dumps(sent).encode(), INPUTS) == Event(ASKED, ("How old is Ri?",))
    assert event_of(json.dumps(event([], SHOWN)).encode(), INPUTS) == Event(SHOWN, ())
    assert event_of(json.dumps(event([None])).encode(), INPUTS) == Event(ASKED, ("",))


def test_a_question_of_the_greatest_length_fits_however_it_is_escaped():
    body = json.dumps(event(["\U0001f600" * QUESTION_LIMIT])).encode()
    assert len(body) < EVENT_LIMIT
    assert event_of(body, INPUTS).data == ("\U0001f600" * QUESTION_LIMIT,)


@pytest.mark.parametrize(
    "sent",
    [
        event([record("/etc/passwd")]), event([record("/dev/zero")]),
        event([record("http://127.0.0.1:9/x", url="http://127.0.0.1:9/x")]),
        event([[record("/etc/passwd")]]), event([{"question": record("/etc/passwd")}]),
        event([["How old is Ri?"]]), event([1]), event([True]), event([{}]),
        event(["a", "b"]), event([]), event("How old is Ri?"), event(None), event({"0": "a"}),
        event(["x" * (QUESTION_LIMIT + 1)]), event(["\ud800"]),
        event(["a"], SHOWN), event([], 99), event([], -1), event([], True), event([], 3.0),
        event([], "3"), event([], None), event([], [3]),
        event([], SHOWN, None), event([], SHOWN, "x" * 33), event([], SHOWN, "../x"),
        event([], SHOWN, record("/etc/passwd")), event([], SHOWN, "A-B"), event([], SHOWN, 1),
        [], None, "text", 3, {}, {"data": []},
    ],
)  # fmt: skip
def test_what_the_page_does_not_send_is_refused(client, sent):
    refused = client.post(EVENT, content=json.dumps(sent))
    assert refused.status_code == 422
    assert set(refused.json()) == {"error"}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[" * 20_000, b'{"fn_index":' + b"9" * 5_000 + b"}", b"NaN"],
    ids=["nothing", "half", "no UTF-8", "deep", "a long number", "NaN"],
)
def test_a_body_that_is_no_json_is_refused(client, body):
    assert client.post(EVENT, content=body).status_code == 422


def test_a_large_or_encoded_body_is_refused(client):
    assert client.post(EVENT, content=b" " * (EVENT_LIMIT + 1)).status_code == 413
    encoded = client.post(EVENT, content=b"{}", headers={"content-encoding": "gzip"})
    assert encoded.status_code == 422
    with pytest.raises(EventRefused):
        event_of(b"{}", INPUTS)


def test_other_methods_are_refused(client):
    for method in ("OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"):
        assert client.request(method, "/").status_code == 405


def test_no_file_is_copied_for_a_record(client, tmp_path):
    named = tmp_path / "secret-of-this-machine.txt"
    named.write_text("secret\n")
    client.post(EVENT, json=event([record(named)]))
    assert not list(Path(tempfile.gettempdir()).glob(f"gradio/**/{named.name}"))


def test_the_page_asks_by_these_functions(client):
    answer = client.post(EVENT, json=event(["How old is Ri?"]))
    assert len(answer.json()["data"]) == 2
    assert "q=How+old+is+Ri%3F" in answer.json()["data"][0]
    assert len(client.post(EVENT, json=event([], SHOWN)).json()["data"]) == 3


def test_the_address_is_known_to_an_event(client):
    shown = client.post(f"{EVENT}?q=How+old+is+Ri%3F", json=event([], SHOWN))
    assert "q=How+old+is+Ri%3F" in shown.json()["data"][0]


def test_of_all_sessions_one_is_remembered_and_shown_to_nobody(client):
    from gradio.state_holder import StateHolder

    for number in range(20):
        session = event([f"Question {number}?"], session=f"s{number}")
        assert client.post(EVENT, json=session).status_code == 200
    holders = [current for current in gc.get_objects() if type(current) is StateHolder]
    assert {name for current in holders for name in current.session_data} == {SESSION}
    assert {name for current in holders for name in current.time_last_used} == {SESSION}
    assert not any(one.state_data for current in holders for one in current.session_data.values())
    shown = client.post(EVENT, json=event([], SHOWN, session=SESSION)).text
    assert "Question 19?" not in shown + client.get("/").text


def test_no_queue_is_looked_at(client):
    """Gradio's own would be, a thousand times a second, and hinder every question."""
    running = {task.get_coro().__qualname__ for task in gc.get_objects() if type(task) is Task}
    assert not any(name.startswith("Queue.") for name in running), running


def test_a_query_chooses_neither_page_nor_file_of_gradio(client):
    plain = client.get("/")
    for query in ("?page=2&view=library", "?deep_link=../x", "?page=%00"):
        again = client.get(f"/{query}")
        assert (again.status_code, again.text) == (200, plain.text)


@pytest.mark.parametrize(
    "path",
    [
        "/assets/" + "a" * 300, "/assets/%00", "/assets/%2e%2e/index.html", "/assets//etc/passwd",
        "/assets/", "/static/..%2f..%2fpackage.json", "/static/.hidden", "/static/a%0ab",
        "/assets/no-such-file.js", "/config", "/config?page=x", "/gradio_api/startup-events",
        "/gradio_api/heartbeat/abc", "/gradio_api/run/shown", "/gradio_api/run/predict/",
    ],
)  # fmt: skip
def test_gradio_serves_the_files_of_its_page_and_nothing_else(client, path):
    assert client.get(path).status_code in (403, 404)
    assert client.post(path, json=event(["a"])).status_code in (404, 405)


def test_the_files_of_the_page_are_served(client):
    for path in ("/theme.css?v=1", "/favicon.ico", "/static/js/iframeResizer.contentWindow.min.js"):
        assert client.get(path).status_code == 200
