"""Clients that wait, stall or do not read hold up nobody, and the process ends when it cannot serve."""

import contextlib
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from qa import processes
from qa.web.connections import Limits, Phase
from qa.web.serving import Server, listening

HALF = b"GET / HTTP/1.1\r\nhost: x\r\n"
BODY = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nx"
CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
LARGE = 32 << 20  # bytes, more than the system takes from a server for a client that does not read


async def echo(scope, receive, send):
    """Says how many bytes came; `/large` is answered with many."""
    if scope["type"] != "http":
        return
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    body = b"x" * LARGE if scope["path"] == "/large" else str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def limited(**limits):
    """A server of `echo` within these limits, and its port."""
    with listening("127.0.0.1", 0) as listener:
        server = Server(echo, Limits(**limits))
        server.config.lifespan = "off"
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield server, listener.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            thread.join(10)


def wait_until(is_so, seconds=20):
    """Waits for a condition."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@contextmanager
def connected(port, *sent, source="127.0.0.1"):
    """One connection for each text that is sent at its beginning."""
    with ExitStack() as stack:
        sockets = []
        for text in sent:
            client = socket.create_connection(("127.0.0.1", port), 20, (source, 0))
            sockets.append(stack.enter_context(client))
            client.sendall(text)
        yield sockets


def answers(port):
    """Whether a new client is answered."""
    return httpx.post(f"http://127.0.0.1:{port}/", content=b"four", timeout=20).text == "4"


def end_of(client):
    """What a client reads until the server closes."""
    text = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65_536):
            text += part
    return text


@pytest.mark.parametrize("sent", [HALF, BODY, CHUNKED + b"5\r\nab"], ids=["head", "body", "chunk"])
def test_what_is_not_sent_in_time_is_answered_with_408(sent):
    with limited(head=0.2, body=0.2) as (_, port), connected(port, sent) as (client,):
        assert end_of(client).startswith(b"HTTP/1.1 408 ")
        assert answers(port)


def test_trickling_bytes_win_no_time():
    with limited(head=0.5) as (_, port), connected(port, HALF) as (client,):
        wait_until(lambda: is_closed(client, b"a: b\r\n"))


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
    whole = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    with limited(head=0.2, idle=600) as (_, port), connected(port, whole + HALF) as (client,):
        assert re.findall(rb"HTTP/1.1 (\d+)", end_of(client)) == [b"200", b"408"]


def test_a_client_that_does_not_read_is_dropped():
    ask = b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n"
    with limited(sending=0.2, rate=1e12) as (server, port), connected(port, ask) as (client,):
        wait_until(lambda: len(server.connections) == 1)
        wait_until(lambda: not len(server.connections))
        assert len(end_of(client)) < LARGE


def test_what_clients_do_not_read_is_bounded_in_all():
    ask = b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n"
    with limited(unread=2 * LARGE) as (server, port), connected(port, *[ask] * 8):
        wait_until(lambda: 0 < len(server.connections) <= 2)
        assert answers(port)


def test_a_body_that_is_mostly_framing_is_refused():
    with limited() as (_, port), connected(port, CHUNKED + b"1\r\nx\r\n" * 200_000) as (client,):
        assert end_of(client).startswith(b"HTTP/1.1 400 ")


def test_a_body_in_chunks_of_usual_size_is_taken():
    with limited() as (_, port):
        pieces = (b"x" * size for size in (1, 2, 30, 4_000, 100_000) * 20)
        said = httpx.post(f"http://127.0.0.1:{port}/", content=pieces, timeout=20)
        assert said.text == str(20 * 104_033)


def test_many_requests_sent_at_once_are_answered_in_order():
    whole = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
    last = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    with limited() as (_, port), connected(port, whole * 2_000 + last) as (client,):
        assert re.findall(rb"HTTP/1.1 (\d+)", end_of(client)) == [b"200"] * 2_001


@pytest.mark.parametrize("sent", [b"", HALF, BODY], ids=["silent", "head", "body"])
def test_connections_that_wait_give_way_to_new_ones(sent):
    with limited(connections=32) as (server, port), connected(port, *[sent] * 200):
        assert answers(port)
        assert len(server.connections) <= 32


def test_the_client_that_holds_most_gives_way_first():
    with limited(connections=32) as (server, port), connected(port, BODY) as (first,):
        wait_until(lambda: [each.phase for each in server.connections] == [Phase.BODY])
        with connected(port, *[HALF] * 200, source="127.0.0.2"):
            first.sendall(b"x" * 99)
            assert b"HTTP/1.1 200" in first.recv(1_000)


def test_small_answers_are_sent_at_once():
    with limited() as (server, port), connected(port, b""):
        wait_until(lambda: len(server.connections) == 1)
        (connection,) = server.connections
        served = connection.transport.get_extra_info("socket")
        assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@contextmanager
def serving_process(library, descriptors):
    """`qa serve` in a process of its own that may open so many files: the process and its port."""
    seeds, index = library
    with listening("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    command = processes.command("qa", "serve", "--port", str(port), "--no-watch")
    command += ["--index", str(index), "--seeds", str(seeds)]
    server = subprocess.Popen(
        ["/bin/sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *command],
        env=processes.environment(), stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        wait_until(lambda: is_up(server, port), 120)
        yield server, port
    finally:
        server.kill()
        server.communicate()


def is_up(server, port):
    """Whether the server answers yet."""
    assert server.poll() is None, server.stderr.read().decode()
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).is_success
    return False


def test_a_server_short_of_descriptors_outlives_half_sent_requests(library):
    with serving_process(library, 256) as (server, port), connected(port, *[HALF] * 300):
        asked = {"question": "What is in the notes?"}
        for _ in range(3):
            said = httpx.post(f"http://127.0.0.1:{port}/api/ask", json=asked, timeout=20)
            assert said.status_code == 200
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == -signal.SIGTERM


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
        _, said = stuck.communicate()
    assert "stood still" in said.decode()
    assert "in app" in said.decode()
