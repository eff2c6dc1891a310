"""A hub on this machine: the part of its API that a download needs, over a folder of models."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"
LARGE = 10_000  # bytes from which a file is kept apart, by its SHA-256


class Hub:
    """What is served, and what was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.spoilt = ""  # a file of which another byte is sent than described
        self.address = ""

    def described(self, name: str) -> dict[str, object] | None:
        """A model as the API describes it."""
        at = self.folder / name
        files = [file for file in sorted(at.rglob("*")) if file.is_file()]
        if not files:
            return None
        siblings = [_described(at, file) for file in files]
        return {
            "id": name, "sha": REVISION, "siblings": siblings, "private": False, "tags": [],
            "cardData": {"license": "apache-2.0"}, "downloads": 1, "likes": 0,
        }  # fmt: skip

    def bytes_of(self, path: str) -> bytes | None:
        """A file of `owner/model/resolve/REVISION/file`."""
        name, found, file = path.partition(f"/resolve/{REVISION}/")
        at = self.folder / name / file
        if not found or not at.is_file():
            return None
        data = at.read_bytes()
        return data[:-1] + bytes([data[-1] ^ 1]) if file == self.spoilt else data


def _described(at: Path, file: Path) -> dict[str, object]:
    data = file.read_bytes()
    name = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    found = {"rfilename": file.relative_to(at).as_posix(), "size": len(data), "blobId": name}
    if len(data) >= LARGE:
        sha256 = hashlib.sha256(data).hexdigest()
        found["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 130}
    return found


class Handler(BaseHTTPRequestHandler):
    """Answers as the hub does."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        """The headers alone."""
        self.do_GET()

    def do_GET(self) -> None:
        """A model's description, or a file of it."""
        self.hub.asked.append((f"{self.command} {self.path}", dict(self.headers)))
        path = unquote(urlsplit(self.path).path).lstrip("/")
        if path.startswith("api/models/"):
            name = path.removeprefix("api/models/").partition("/revision/")[0]
            self._api(self.hub.described(name))
        else:
            self._file(self.hub.bytes_of(path))

    def _api(self, found: dict[str, object] | None) -> None:
        if found is None:
            self._send(404, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        else:
            self._send(200, json.dumps(found).encode(), {"Content-Type": "application/json"})

    def _file(self, data: bytes | None) -> None:
        if data is None:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        etag = hashlib.sha256(data).hexdigest()
        self._send(200, data, {"ETag": f'"{etag}"', "X-Repo-Commit": REVISION})

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing: `asked` has it."""


@contextmanager
def serving(folder: Path) -> Iterator[Hub]:
    """A hub over the folder, at `hub.address`."""
    hub = Hub(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
