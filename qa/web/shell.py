"""Gradio's HTML page with our style and script in its head, and a policy that names its scripts.

No script runs but those that this server sends as files, and those inline ones that the page brings
by itself, each known by its hash: what a document might smuggle in is dead even if it got through.
"""

import base64
import hashlib
import json
import re
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.translation import spoken
from qa.web.markup import shown
from qa.web.texts import TEXTS, script_texts

HERE = Path(__file__).parent
_INLINE = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
_LANGUAGE = re.compile(rb'<html(?: lang="[\w-]*")?')
_HOST = b"page.invalid"
_LEFT_OUT = re.compile(
    rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>|<link rel="manifest"[^>]*>', re.DOTALL
)
_POLICY = (
    "default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)


class Shell:
    """Gradio's application with its page dressed; all else passes as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._files = (
            f'<link rel="icon" href="favicon.ico">'
            f'<link rel="stylesheet" href="page/style.css?{version("style.css")}">'
            f'<script type="module" src="page/page.js?{version("page.js")}"></script>'
        )

    def _head(self) -> bytes:
        """Title, style, script and what the script says, in the language that is spoken."""
        # Data, which no browser runs; no text in it can end it.
        texts = json.dumps(script_texts()).replace("<", "\\u003c")
        return (
            f"<title>{shown(TEXTS.title)}</title>{self._files}"
            f'<script type="application/json" id="texts">{texts}</script></head>'
        ).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the page dressed, and everything else as it comes."""
        if scope["type"] != "http" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        # Uncompressed, so that it can be read here. Gradio writes the address that it believes to
        # have into the page, by Host: a browser may know the page by another one, through a proxy.
        left_out = (b"accept-encoding", b"host")
        headers = [pair for pair in scope["headers"] if pair[0] not in left_out]
        headers.append((b"host", _HOST))
        start: Message = {}
        body = bytearray()

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            if message["type"] != "http.response.body":
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                await self._finish(scope, start, bytes(body), send)

        await self._app({**scope, "scheme": "http", "headers": headers}, receive, hold)

    async def _finish(self, scope: Scope, start: Message, body: bytes, send: Send) -> None:
        headers = MutableHeaders(scope=start)
        if headers.get("content-type", "").startswith("text/html"):
            body = _LEFT_OUT.sub(b"", body).replace(b"</head>", self._head(), 1)
            body = _LANGUAGE.sub(b'<html lang="%b"' % spoken().encode(), body, count=1)
            # wherever the page stands, and in whichever language
            body = re.sub(rb'"http://%b[/a-z]*"' % re.escape(_HOST), b'"./"', body)
            headers["content-security-policy"] = policy(body)
            headers["content-language"] = spoken()
            headers["cache-control"] = "no-store"
            headers["content-length"] = str(len(body))
        await send(start)
        sent = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": sent})


def policy(page: bytes) -> str:
    """The content security policy that lets the page's own inline scripts run, and no other."""
    hashes = (base64.b64encode(hashlib.sha256(script).digest()) for script in _INLINE.findall(page))
    return _POLICY.format(hashes=" ".join(f"'sha256-{digest.decode()}'" for digest in hashes))


def version(name: str) -> str:
    """A short hash of one of the page's files, by which a browser knows a newer one."""
    return hashlib.sha256((HERE / name).read_bytes()).hexdigest()[:12]
