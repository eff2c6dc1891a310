"""The client's address and the server's name for requests that come through a proxy.

A proxy sends them in X-Forwarded-For and X-Forwarded-Host, which any client can write as well. So they
are trusted only from the proxies that QA_PROXIES names, and removed from every request: nothing
downstream reads them again.
"""

import ipaddress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from qa.errors import SettingsInvalid

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_LOCALHOST = ("127.0.0.0/8", "::1")
_HOPS = 32  # addresses of X-Forwarded-For that are looked at
_FORWARDED = (b"x-forwarded-", b"forwarded", b"x-real-ip", b"x-gradio-server")


@dataclass(frozen=True, slots=True)
class Proxies:
    """The addresses of the trusted proxies."""

    networks: tuple[_Network, ...] = ()

    @classmethod
    def of(cls, text: str) -> "Proxies":
        """Those of a list such as `"127.0.0.1, 10.1.0.0/16"`. Raises SettingsInvalid."""
        names = [name for name in text.replace(",", " ").split() if name]
        given = [at for name in names for at in (_LOCALHOST if name == "localhost" else (name,))]
        try:
            return cls(tuple(ipaddress.ip_network(name, strict=False) for name in given))
        except ValueError as error:
            raise SettingsInvalid(
                f"QA_PROXIES is {text!r}: give addresses or networks, such as 127.0.0.1, 10.1.0.0/16."
            ) from error

    def believe(self, address: str) -> bool:
        """Whether one of these proxies has that address."""
        found = _parsed(address)
        return found is not None and any(found in network for network in self.networks)

    def client(self, peer: str, forwarded: str) -> str:
        """The address behind the proxies: the last one that no proxy of ours has.

        `Proxies.of("10.0.0.1").client("10.0.0.1", "1.1.1.1, 2.2.2.2")` is `"2.2.2.2"`: the first is
        what the client wrote, and may be a lie.
        """
        address = peer
        for hop in reversed(forwarded.rsplit(",", _HOPS)[-_HOPS:]):
            found = _parsed(hop)
            if found is None or not self.believe(address):
                break
            address = str(found)
        return address


class Unproxied:
    """An application that sees each request as if it came directly from the client."""

    def __init__(self, app: ASGIApp, proxies: Proxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on with its client's address and Host."""
        if scope["type"] in ("http", "websocket"):
            scope = self._direct(scope)
        await self._app(scope, receive, send)

    def _direct(self, scope: Scope) -> Scope:
        kept = [pair for pair in scope["headers"] if not pair[0].lower().startswith(_FORWARDED)]
        direct = {**scope, "headers": kept}
        peer = (scope.get("client") or ("",))[0]
        if not self._proxies.believe(peer):
            return direct
        headers = Headers(scope=scope)
        client = self._proxies.client(peer, ",".join(headers.getlist("x-forwarded-for")))
        if client != peer:
            direct["client"] = (client, 0)
        # A proxy may add its own value to one that the client wrote.
        host = ",".join(headers.getlist("x-forwarded-host")).rpartition(",")[2].strip()
        if host:
            others = [pair for pair in kept if pair[0].lower() != b"host"]
            direct["headers"] = [*others, (b"host", host.encode("latin-1"))]
        return direct


def network(client: str) -> str:
    """The network that an address counts for: of IPv6 the /64 that one customer has at least.

    `network("2001:db8::1:2")` is `"2001:db8::/64"`, `network("::ffff:10.0.0.7")` is `"10.0.0.7"`.
    """
    address = _parsed(client)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, 64), strict=False))
    return str(address or client)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, with or without a port; None for what is none."""
    text = address.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
