"""What stands between the network and the service: every request passes here first.

    Host header     only names that this server goes by: a foreign page cannot reach it by DNS
    origin          a change is taken from this server's own pages only
    password        needed wherever others can reach the server; compared in constant time
    route           of Gradio, only what the page uses: no upload, file, proxy or monitoring
    body            none whose header says that it is too large
Each answer leaves with headers that let a page of this server load nothing from elsewhere.
"""

import base64
import hashlib
import hmac
import ipaddress
import re
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.web.admission import body_limit

ATTEMPTS = 10  # wrong passwords from one address
ATTEMPTS_SECONDS = 300
ADDRESSES = 10_000  # that are remembered

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_OURS = re.compile(r"/(?:api/.*|page/[\w.-]+|healthz|metrics|mcp)\Z")
_GRADIO = re.compile(
    r"/(?:|theme\.css|favicon\.ico|gradio_api/run/predict"
    r"|(?=.{,200}\Z)(?:assets|static)/(?:[\w-][\w.-]*/)*[\w-][\w.-]*)\Z",
    re.ASCII,
)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


class Refusal(NamedTuple):
    """Why a request is not let in."""

    status: int
    message: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names by which the server may be addressed."""

    names: frozenset[str]
    any_number: bool = False  # a number cannot be pointed elsewhere by DNS

    @classmethod
    def of(cls, host: str, more: Iterable[str] = ()) -> "Hosts":
        """The names that fit the address that is listened on, and those given besides."""
        names = {name.strip().lower() for name in more} - {""}
        if is_loopback(host):
            return cls(_LOOPBACK | names)
        if host in ("", "0.0.0.0", "::"):  # noqa: S104 - asked about, not bound
            here = socket.gethostname().lower()
            return cls(_LOOPBACK | names | {here, f"{here}.local"}, any_number=True)
        return cls(frozenset({bracketed(host.lower())}) | names)

    def know(self, header: str) -> bool:
        """Whether a Host header names this server; the port does not matter."""
        name = re.sub(r":\d*\Z", "", header.strip().lower())
        return name in self.names or (self.any_number and _is_number(name))


@dataclass(slots=True)
class Passwords:
    """The password, and who got it wrong how often lately."""

    password: str
    clock: Callable[[], float] = time.monotonic
    _wrong: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    def refusal(self, header: str, client: str) -> Refusal | None:
        """Why these credentials are not enough; None when they are."""
        wrong = self._recent(client)
        if len(wrong) >= ATTEMPTS:
            return Refusal(429, "Too many wrong passwords: wait five minutes.")
        if _same(_given(header), self.password):
            return None
        if header:
            self._note(client, wrong)
        challenge = (("www-authenticate", 'Basic realm="qa", charset="UTF-8"'),)
        return Refusal(401, "A password is needed: any user name, or a bearer token.", challenge)

    def _recent(self, client: str) -> deque[float]:
        wrong = self._wrong.get(client, deque())
        while wrong and wrong[0] < self.clock() - ATTEMPTS_SECONDS:
            wrong.popleft()
        return wrong

    def _note(self, client: str, wrong: deque[float]) -> None:
        wrong.append(self.clock())
        self._wrong[client] = wrong
        self._wrong.move_to_end(client)
        if len(self._wrong) > ADDRESSES:
            self._wrong.popitem(last=False)


class Guards:
    """The server behind its guards."""

    def __init__(self, app: ASGIApp, hosts: Hosts, passwords: Passwords | None) -> None:
        self._app = app
        self._hosts = hosts
        self._passwords = passwords

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets the request through, or says why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = self.refusal(scope)
        if refusal is not None:
            await _refused(refusal)(scope, receive, _sealed(send))
            return
        await self._app(scope, receive, _sealed(send))

    def refusal(self, scope: Scope) -> Refusal | None:
        """The first reason to keep a request out."""
        headers = Headers(scope=scope)
        path, method = scope["path"], scope["method"]
        if not self._hosts.know(headers.get("host", "")):
            return Refusal(421, "This server does not go by that name: see QA_HOSTS.")
        if self._passwords is not None and path != "/healthz":
            client = (scope.get("client") or ("",))[0]
            refusal = self._passwords.refusal(headers.get("authorization", ""), client)
            if refusal is not None:
                return refusal
        if not (_OURS.match(path) or _GRADIO.match(path)):
            return Refusal(404, "There is nothing here.")
        if method not in _SAFE and not _is_own(headers):
            return Refusal(403, "A change is taken from this server's own pages only.")
        if _length(headers) > body_limit(path):
            return Refusal(413, "The request is too large.")
        return None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _refused(refusal: Refusal) -> JSONResponse:
    return JSONResponse({"error": refusal.message}, refusal.status, dict(refusal.headers))


def _sealed(send: Send) -> Send:
    """`send`, with the headers that every answer bears unless it has its own."""

    async def sealed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            for name in ("access-control-allow-origin", "access-control-allow-credentials"):
                if name in headers:
                    del headers[name]
        await send(message)

    return sealed


def _is_own(headers: Headers) -> bool:
    """Whether a browser sent the request from a page of this server, or no browser did."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host")


def _length(headers: Headers) -> int:
    said = headers.get("content-length", "0")
    return int(said) if said.isdecimal() and len(said) < 16 else 0


def _given(header: str) -> str:
    """The password of an Authorization header: a bearer token, or Basic with any user name."""
    scheme, _, said = header.partition(" ")
    if scheme.lower() == "bearer":
        return said.strip()
    try:
        return base64.b64decode(said, validate=True).decode().partition(":")[2]
    except (ValueError, UnicodeDecodeError):
        return ""


def _same(given: str, password: str) -> bool:
    """Equality in a time that tells nothing, the length included."""
    digests = (hashlib.sha256(said.encode(errors="replace")).digest() for said in (given, password))
    return hmac.compare_digest(*digests)


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def bracketed(host: str) -> str:
    """The host as an address names it: `"::1"` is `"[::1]"`."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
