"""Clients that send what they like to a small server: half requests, slow bodies, and none that read."""

import contextlib
import socket
import threading
from contextlib import ExitStack, contextmanager

import httpx
from waiting import wait_for

from qa.web.connections import Limits
from qa.web.serving import Server, listening

HALF = b"GET / HTTP/1.1\r\nhost: x\r\n"
BODY = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nx"
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
def limited(app=echo, **limits):
    """A server of an application within these limits, and its port."""
    with listening("127.0.0.1", 0) as listener:
        server = Server(app, Limits(**limits))
        server.config.lifespan = "off"
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            wait_for(lambda: server.started)
            yield server, listener.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            thread.join(10)


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
