"""The checks between the network and the service: every request passes them first.

    Host header     only names that this server goes by: a foreign page cannot reach it by DNS
    origin          only this server's own pages are answered, and links that lead to the page
    password        required where one is set; guesses are slowed down
    route           of Gradio, only what the page uses: no upload, file, proxy or monitoring
    body            none whose header says that it is too large
Each answer leaves with headers that let a page of this server load nothing from elsewhere.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.translation import tr
from qa.web.admission import body_limit
from qa.web.passwords import Passwords, Refusal

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_OURS = re.compile(r"/(?:api/.*|page/[\w.-]+|healthz|metrics|mcp)\Z")
_GRADIO = re.compile(
    r"/(?:|theme\.css|favicon\.ico|gradio_api/run/predict"
    r"|(?=.{,200}\Z)(?:assets|static)/(?:[\w-][\w.-]*/)*[\w-][\w.-]*)\Z",
    re.ASCII,
)
_FILES = re.compile(r"/(?:page/.*|assets/.*|static/.*|theme\.css|favicon\.ico)\Z")  # no secrets
_FOREIGN = (
    "This request was made by a page at another address. If that is this server's own, as a proxy "
    "shows it, name it in QA_HOSTS."
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names by which the server may be addressed."""

    names: frozenset[str]
    any_number: bool = False  # a number cannot be pointed elsewhere by DNS
    public: frozenset[str] = frozenset()  # the additional ones, with their ports

    @classmethod
    def of(cls, host: str, more: Iterable[str] = ()) -> "Hosts":
        """The names of the address that the server listens on, and the additional ones."""
        public = frozenset(_place(name) for name in more) - {""}
        names = frozenset(map(_without_port, public))
        own = as_browsers_write(host)
        if is_loopback(host):
            return cls(_LOOPBACK | {own} | names, public=public)
        if own in ("", "0.0.0.0", "[::]"):  # noqa: S104 - asked about, not bound
            here = socket.gethostname().lower()
            names |= _LOOPBACK | {here, f"{here}.local"}
            return cls(names, any_number=True, public=public)
        return cls(frozenset({own}) | names, public=public)

    def know(self, header: str) -> bool:
        """Whether a Host header names this server; the port does not matter."""
        name = as_browsers_write(_without_port(header.strip()))
        return name in self.names or (self.any_number and _is_number(name))

    def own(self, origin: str, header: str) -> bool:
        """Whether an Origin header names this server: as Host does, or by one of the public names.

        A proxy may have put its own name for this server into Host.
        """
        scheme, _, place = origin.lower().partition("://")
        usual = {"http": ":80", "https": ":443"}.get(scheme, "")
        place = place.removesuffix(usual)
        return place in {header.lower().removesuffix(usual), *self.public}


class Guards:
    """The server with the checks in front of it."""

    def __init__(self, app: ASGIApp, hosts: Hosts, passwords: Passwords | None) -> None:
        self._app = app
        self._hosts = hosts
        self._passwords = passwords

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers with the reason for its refusal."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # WebSocket is not used here
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = await self._turn(scope) or self.refusal(scope)
        if refusal is not None:
            await _refused(refusal)(scope, receive, _with_headers(send))
            return
        await self._app(scope, receive, _with_headers(send))

    async def _turn(self, scope: Scope) -> Refusal | None:
        """Waits where passwords are being guessed; a refusal when too many wait."""
        if self._passwords is None or scope["path"] == "/healthz":
            return None
        return await self._passwords.turn(*_credentials(scope))

    def refusal(self, scope: Scope) -> Refusal | None:
        """The first reason to refuse a request."""
        headers = Headers(scope=scope)
        path = scope["path"]
        if not self._hosts.know(headers.get("host", "")):
            return Refusal(421, "This server does not go by that name: see QA_HOSTS.")
        if not (_opens_page(scope, headers) or self._is_own(path, headers)):
            return Refusal(403, _FOREIGN)
        if self._passwords is not None and path != "/healthz":
            is_page = "text/html" in headers.get("accept", "")
            refusal = self._passwords.refusal(*_credentials(scope), is_page=is_page)
            if refusal is not None:
                return refusal
        if not (_OURS.match(path) or _GRADIO.match(path)):
            return Refusal(404, "There is nothing here.")
        if _length(headers) > body_limit(path):
            return Refusal(413, "The request is too large.")
        return None

    def _is_own(self, path: str, headers: Headers) -> bool:
        """Whether a page of this server sent the request, or no page did.

        A browser compares the two addresses itself and sends the result, unless the page came by
        plain HTTP from another machine; then there is only Origin, which requests for resources lack.
        """
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = headers.get("origin")
        is_own = origin is None or self._hosts.own(origin, headers.get("host", ""))
        return is_own or _FILES.match(path) is not None  # module scripts send an origin


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    name = as_browsers_write(host)
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _refused(refusal: Refusal) -> JSONResponse:
    return JSONResponse({"error": tr(refusal.message)}, refusal.status, dict(refusal.headers))


def _with_headers(send: Send) -> Send:
    """`send` that adds the security headers to every response that does not set its own."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            for name in ("access-control-allow-origin", "access-control-allow-credentials"):
                if name in headers:
                    del headers[name]
        await send(message)

    return sent


def _opens_page(scope: Scope, headers: Headers) -> bool:
    """Whether the page is opened, by a link from anywhere or by its address."""
    return (
        scope["path"] == "/"
        and scope["method"] in ("GET", "HEAD")
        and headers.get("sec-fetch-mode", "navigate") == "navigate"
        and headers.get("sec-fetch-dest", "document") == "document"
    )


def _credentials(scope: Scope) -> tuple[str, str]:
    """The Authorization header, and the address that sent it."""
    client = (scope.get("client") or ("",))[0]
    return Headers(scope=scope).get("authorization", ""), client


def _length(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() and len(length) < 16 else 0


def _place(name: str) -> str:
    """A name as given for this server, as Host and Origin have it: `"docs.example:8443"`."""
    place = re.sub(r"\A\w+://|/.*\Z", "", name.strip().lower(), flags=re.DOTALL)
    return bracketed(place) if _is_number(place) else place


def _without_port(place: str) -> str:
    return re.sub(r":\d*\Z", "", place)


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def as_browsers_write(host: str) -> str:
    """The host as browsers write it in Host: `"0:0::1"` is `"[::1]"`, and `"127.1"` `"127.0.0.1"`."""
    name = host.strip("[]").lower().removesuffix(".")
    with suppress(ValueError):
        return bracketed(ipaddress.ip_address(name).compressed)
    with suppress(OSError):
        if re.fullmatch(r"[0-9a-fx.]+", name):  # a name of letters may be hexadecimal
            return socket.inet_ntoa(socket.inet_aton(name))
    return name


def bracketed(host: str) -> str:
    """The host as an address names it: `"::1"` is `"[::1]"`."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
