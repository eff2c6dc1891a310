"""The attacks of `test_attack.py`: each tries what it can for a while and tells what got through."""

import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

SECRET = "the-secret-of-another-folder"  # stands in a file that no request may show
PATHS = (
    *("/", "/config", "/healthz", "/metrics", "/api/ask", "/api/verify", "/api/documents"),
    *("/api/build", "/api/files", "/api/feedback", "/api/filters", "/api/openapi.json", "/mcp"),
    *("/gradio_api/run/predict", "/gradio_api/queue/join", "/gradio_api/upload", "/upload"),
    *("/gradio_api/file=/etc/passwd", "/gradio_api/proxy=http://127.0.0.1/", "/file=secret"),
    *("/assets/../../../../etc/passwd", "/assets/%2e%2e/%2e%2e/secret", "/static/..%2f..%2fsecret"),
    *("/page/..%2f..%2fserver.py", "/page/style.css", "/theme.css", "/gradio_api/heartbeat/x"),
    *("/api/documents/" + "0" * 64, "/api/documents/..%2f..%2fsecret", "/api/answer.json?q=x"),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "g\x00t")
LEAKS = (SECRET.encode(), b"Traceback", b"root:x:0:0", b"site-packages")


@dataclass
class Tally:
    """What an attack tried, and what got through."""

    tried: int = 0
    through: list[str] = field(default_factory=list)

    def judge(self, what: str, answer: bytes, status: int) -> None:
        """Notes an answer that shows what it must not, or an unexpected failure of the server."""
        self.tried += 1
        if any(leak in answer for leak in LEAKS) or status in (500, 502, 504):
            self.through.append(f"{what}: {status} {answer[:120]!r}")


class Canary:
    """A server of this machine that no request of the attacked one may reach."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        reached = self.reached

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                reached.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(SECRET.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/canary.txt"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


def raw_requests(port: int, chance: random.Random, count: int) -> Tally:
    """Requests as no client sends them, over sockets of their own."""
    tally = Tally()
    for _ in range(count):
        request = _raw(port, chance)
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 20) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(20)
            answer = b""
            while part := client.recv(65_536):
                answer += part
                if len(answer) > 1 << 22:
                    break
            code = answer[9:12]
            tally.judge(repr(request[:80]), answer, int(code) if code.isdigit() else 0)
    return tally


def _raw(port: int, chance: random.Random) -> bytes:
    method, path = chance.choice(METHODS), chance.choice(PATHS)
    host = chance.choice((f"127.0.0.1:{port}", "localhost", "evil.example", "", "127.0.0.1:x"))
    body = chance.choice(
        (b"", b"{}", b"[" * 20_000, b'{"question": "' + b"a" * 3_000 + b'"}', bytes(range(256)))
    )
    headers = {
        "Host": host,
        "Content-Length": chance.choice((str(len(body)), "-1", "9" * 30, "0")),
        "Content-Type": chance.choice(("application/json", "text/plain", "multipart/form-data")),
        chance.choice(("X-Forwarded-For", "Origin", "Transfer-Encoding", "Expect", "Range")): (
            chance.choice(
                ("127.0.0.1", "chunked", "http://evil.example", "100-continue", "bytes=0-")
            )
        ),
    }
    lines = [f"{method} {path} HTTP/1.{chance.choice('0192')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    data = bytearray("\r\n".join([*lines, "", ""]).encode() + body)
    for _ in range(chance.choice((0, 0, 1, 4))):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def page_events(client: httpx.Client, secret: Path, canary: str, count: int) -> Tally:
    """Events with records of files, devices and addresses in place of a question."""
    tally = Tally()
    records = [
        {"path": place, "meta": {"_type": "gradio.FileData"}}
        for place in (str(secret), "/etc/passwd", "/dev/zero", "/dev/stdin", canary)
    ]
    records += [{"path": "x", "url": canary, "meta": {"_type": "gradio.FileData"}}]
    datas = [[record] for record in records]
    datas += [records, {"q": records[0]}, "x", None, [["a"] * 5_000], ["q" * 100_000], [[[[]]]]]
    routes = (
        "run/predict",
        "queue/join",
        "call/asked",
        "api/predict",
        "upload",
        "component_server",
    )
    for number in range(count):
        event = {"data": datas[number % len(datas)], "fn_index": number % 9 - 2}
        event["session_hash"] = ("a" * 11, "../../x", {"a": 1}, "", "x" * 5_000)[number % 5]
        route = f"/gradio_api/{routes[number % len(routes)] if number % 2 else routes[0]}"
        with suppress(httpx.TransportError):
            answer = client.post(route, json=event)
            tally.judge(f"{route} {event['data']!r:.60}", answer.content, answer.status_code)
    return tally


def verify_bombs(client: httpx.Client, count: int) -> Tally:
    """Saved answers made to be long to verify, and globs made to be long to match."""
    tally = Tally()
    text = "the mill grinds rye for three villages " * 30
    excerpt = {
        "path": "a.txt", "paths": ["a.txt"], "document": "d" * 64, "title": "", "date": None,
        "start": 0, "end": len(text), "lines": [1, 1], "page": None, "heading": [], "text": text,
        "highlights": [], "confidence": 0.5, "freshness": "fresh",
    }  # fmt: skip
    answer = {
        "question": "q", "answered": True, "confidence": 0.5, "excerpts": [excerpt] * 40,
        "nearest": [], "snapshot": "s",
    }  # fmt: skip
    globs = ["*a" * 200 + "b", "[" * 400, "*" * 400, "?" * 400]
    for number in range(count):
        with suppress(httpx.TransportError):
            if number % 2:
                found = client.post("/api/verify", json=answer)
            else:
                asked = {"question": "What grinds rye?", "only": globs * 25}
                found = client.post("/api/ask", json=asked)
            tally.judge("a bomb", found.content, found.status_code)
    return tally


def hostile_pages(client: httpx.Client, documents: list[str], count: int) -> Tally:
    """Pictures of PDF pages that take for ever to draw."""
    tally = Tally()
    for number in range(count):
        path = f"/api/documents/{documents[number % len(documents)]}/pages/{1 + number % 2}.png"
        with suppress(httpx.TransportError):
            found = client.get(path)
            tally.judge(path, found.content[:200], found.status_code)
    return tally


def large_bodies(port: int, clients: int, count: int) -> Tally:
    """Bodies of nearly the most bytes that any may have, from many clients at once."""
    size = 3_900_000
    bodies = [
        json.dumps({"question": "q", "excerpts": [{"text": "x " * (size // 2 - 100)}]}).encode(),
        b"{" + b",".join(b'"k%d":0' % number for number in range(size // 12)) + b"}",
        b"[" * size,
        b'{"jsonrpc": "2.0", "method": "' + b"\\u0041" * (size // 6 - 100) + b'"}',
    ]
    tallies = [Tally() for _ in range(clients)]

    def send(number: int) -> None:
        headers = {"content-type": "application/json", "accept": "application/json"}
        for turn in range(count):
            path = ("/api/verify", "/mcp")[(number + turn // 4) % 2]
            with suppress(httpx.TransportError):
                url = f"http://127.0.0.1:{port}{path}"
                body = bodies[(number + turn) % len(bodies)]
                answer = httpx.post(url, content=body, headers=headers, timeout=120)
                tallies[number].judge(path, answer.content, answer.status_code)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    through = [what for tally in tallies for what in tally.through]
    return Tally(sum(tally.tried for tally in tallies), through)


def slow_clients(port: int, count: int, seconds: float) -> Tally:
    """Half requests, bodies that never end and clients that never read, held for a while."""
    tally = Tally()
    starts = (
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 1000\r\n\r\n{" % port,
        b"GET /api/documents HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port,
        b"",
    )
    with ExitStack() as stack:
        for number in range(count):
            with suppress(OSError):
                client = socket.create_connection(("127.0.0.1", port), 5)
                stack.callback(client.close)
                client.sendall(starts[number % len(starts)])
                tally.tried += 1
        time.sleep(seconds)
    return tally


class Prober:
    """A reader who goes on asking: how long each question took, and how much memory the server has."""

    def __init__(self, client: httpx.Client, process: int) -> None:
        self.seconds: list[float] = []
        self.failed: list[str] = []
        self.memory = 0  # bytes, the most that was seen
        self._client, self._process = client, process
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Asks no more."""
        self._ended.set()
        self._thread.join(60)

    def _ask(self) -> None:
        while not self._ended.wait(0.1):
            started = time.perf_counter()
            try:
                answer = self._client.post("/api/ask", json={"question": "How old is Ri?"})
            except httpx.TransportError as error:
                self.failed.append(repr(error))
                continue
            self.seconds.append(time.perf_counter() - started)
            if answer.status_code != 200 or "26" not in json.dumps(answer.json()):
                self.failed.append(f"{answer.status_code}: {answer.text[:200]}")
            with suppress(OSError):
                status = Path(f"/proc/{self._process}/status").read_text()
                kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS"))
                self.memory = max(self.memory, int(kilobytes.split()[1]) << 10)


def side_by_side(attacks: dict[str, Callable[[], Tally]]) -> dict[str, Tally]:
    """Runs all attacks at once; what each tried and what got through."""
    tallies: dict[str, Tally] = {}

    def run(name: str, attack: Callable[[], Tally]) -> None:
        tallies[name] = attack()

    threads = [threading.Thread(target=run, args=pair) for pair in attacks.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tallies


def rows(tallies: dict[str, Tally]) -> Iterator[str]:
    """A line for each attack."""
    for name, tally in tallies.items():
        yield f"{name}: {tally.tried} tried, {len(tally.through)} got through"
