"""Clients that wait, stall or do not read hold up nobody, and the process ends when it cannot serve."""

import re
import signal
import socket
import subprocess
import sys
import textwrap
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from connecting import BODY, HALF, LARGE, answers, connected, end_of, limited
from servers import serving_process
from waiting import wait_for

from qa import processes
from qa.web.connections import Phase

CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("sent", [HALF, BODY, CHUNKED + b"5\r\nab"], ids=["head", "body", "chunk"])
def test_what_is_not_sent_in_time_is_answered_with_408(sent):
    with limited(head=0.2, body=0.2) as (_, port), connected(port, sent) as (client,):
        assert end_of(client).startswith(b"HTTP/1.1 408 ")
        assert answers(port)


def test_trickling_bytes_win_no_time():
    with limited(head=0.5) as (_, port), connected(port, HALF) as (client,):
        wait_for(lambda: is_closed(client, b"a: b\r\n"))


def is_closed(client, sent):
    """Whether the server has closed a connection, as sending tells."""
    try:
        client.sendall(sent)
    except OSError:
        return True
    return False


def test_a_connection_on_which_nothing_comes_is_closed_without_a_word():
    with limited(idle=0.2) as (_, port), connected(port, b"") as (client,):
        assert end_of(client) == b""


def test_the_second_request_of_a_connection_has_as_little_time_as_the_first():
    full = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    with limited(head=0.2, idle=600) as (_, port), connected(port, full + HALF) as (client,):
        assert re.findall(rb"HTTP/1.1 (\d+)", end_of(client)) == [b"200", b"408"]


def test_a_client_that_does_not_read_is_dropped():
    ask = b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n"
    with limited(sending=0.2, rate=1e12) as (server, port), connected(port, ask) as (client,):
        wait_for(lambda: len(server.connections) == 1)
        wait_for(lambda: not len(server.connections))
        assert len(end_of(client)) < LARGE


def test_what_clients_do_not_read_is_bounded_in_all():
    ask = b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n"
    with limited(unread=2 * LARGE) as (server, port), connected(port, *[ask] * 8):
        wait_for(lambda: 0 < len(server.connections) <= 2)
        assert answers(port)


def test_a_body_in_very_many_parts_is_refused():
    before = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    sent = CHUNKED + b"1\r\nx\r\n" * 200_000
    for first in (b"", before):  # what follows a request is parsed when that is answered
        with limited() as (_, port), connected(port, first + sent) as (client,):
            assert b"HTTP/1.1 400 " in end_of(client)


def test_what_is_no_http_is_refused():
    for sent in (b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01" * 100, b"\0" * 100_000):
        with limited() as (_, port), connected(port, sent) as (client,):
            assert end_of(client)[:13] in (b"HTTP/1.1 400 ", b"")


def test_a_body_in_chunks_of_usual_size_is_taken():
    with limited() as (_, port):
        pieces = (b"x" * size for size in (1, 2, 30, 4_000, 100_000) * 20)
        result = httpx.post(f"http://127.0.0.1:{port}/", content=pieces, timeout=20)
        assert result.text == str(20 * 104_033)


def test_many_requests_sent_at_once_are_answered_in_order():
    full = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
    last = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    with limited() as (_, port), connected(port, full * 2_000 + last) as (client,):
        assert re.findall(rb"HTTP/1.1 (\d+)", end_of(client)) == [b"200"] * 2_001


@pytest.mark.parametrize("sent", [b"", HALF, BODY], ids=["silent", "head", "body"])
def test_connections_that_wait_give_way_to_new_ones(sent):
    with limited(connections=32) as (server, port), connected(port, *[sent] * 200):
        assert answers(port)
        assert len(server.connections) <= 32


def test_the_client_that_holds_most_gives_way_first():
    with limited(connections=32) as (server, port), connected(port, BODY) as (first,):
        wait_for(lambda: [each.phase for each in server.connections] == [Phase.BODY])
        with connected(port, *[HALF] * 200, source="127.0.0.2"):
            first.sendall(b"x" * 99)
            assert b"HTTP/1.1 200" in first.recv(1_000)


def test_another_protocol_is_not_spoken(caplog):
    upgrade = b"connection: upgrade, close\r\nupgrade: websocket\r\nsec-websocket-key: x\r\n\r\n"
    with limited() as (_, port), connected(port, HALF + upgrade) as (client,):
        assert end_of(client).startswith(b"HTTP/1.1 200 ")
    assert "upgrade" not in caplog.text


def test_small_answers_are_sent_at_once():
    with limited() as (server, port), connected(port, b""):
        wait_for(lambda: len(server.connections) == 1)
        (connection,) = server.connections
        served = connection.transport.get_extra_info("socket")
        assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


EVENT = "/gradio_api/run/predict"
SLOW = [
    f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    "content-length: 30000\r\n\r\n{".encode()
    for method, path in (
        ("POST", "/api/ask"),
        ("POST", "/api/verify"),
        ("POST", "/mcp"),
        ("POST", EVENT),
        ("PUT", "/api/files?name=slow.txt"),
        ("GET", "/api/documents"),
        ("GET", "/"),
    )
]


def resident(process):
    """Bytes of memory that a process holds."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) << 10


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is read in /proc")
def test_a_server_short_of_descriptors_answers_under_attack_and_ends_when_told(library, tmp_path):
    record = {"path": "/dev/zero", "meta": {"_type": "gradio.FileData"}}
    event = {"fn_index": 4, "session_hash": "abc"}
    with serving_process(*library, tmp_path, descriptors=256) as client, ExitStack() as attack:
        client.headers["connection"] = "close"  # one that waits would give way, too
        for sent in ([b""] * 50, [HALF] * 300, SLOW * 15, [HALF] * 50):
            attack.enter_context(connected(client.base_url.port, *sent))
            assert client.post(EVENT, json={**event, "data": [record]}).status_code == 422
            assert client.post(EVENT, json={**event, "data": ["x" * 200_000]}).status_code == 413
            assert client.ask("What is in the notes?").status_code == 200
        assert resident(client.process) < 1 << 30
        assert "Too many open files" not in client.log.read_text(encoding="utf-8")
        client.process.send_signal(signal.SIGTERM)
        assert client.process.wait(30) == -signal.SIGTERM


STUCK = """
import threading, time
from qa import logs
from qa.web import serving

serving.STANDSTILL = 2

async def app(scope, receive, send):
    if scope["type"] == "http":
        threading.Event().wait()

with logs.to_stderr(), serving.listening("127.0.0.1", 0) as listener:
    print(listener.getsockname()[1], flush=True)
    serving.run(app, listener)
"""


def test_a_process_whose_loop_stands_still_ends_with_an_error():
    stuck = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(STUCK)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=processes.environment(),
    )  # fmt: skip
    try:
        port = int(stuck.stdout.readline())
        with connected(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"):
            assert stuck.wait(60) == 1
    finally:
        stuck.kill()
        _, result = stuck.communicate()
    assert "has been blocked" in result.decode()
    assert "in app" in result.decode()


HANGING = """
import sys, threading
from qa import cli
from qa.errors import QAError
from qa.web import server

def serve(*given, **more):
    threading.Thread(target=threading.Event().wait).start()
    raise QAError("The server cannot go on.")

server.serve = serve
cli.END_SECONDS = 0.5
sys.argv = ["qa", "serve", "--index", "any"]
cli.main()
"""


def test_a_server_that_cannot_go_on_ends_though_a_thread_hangs():
    command = [sys.executable, "-c", HANGING]
    ended = subprocess.run(
        command, check=False, capture_output=True, timeout=120, env=processes.environment()
    )
    assert ended.returncode == 1
    assert "The server cannot go on." in ended.stderr.decode()
