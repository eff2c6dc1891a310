"""The password: requests that have it pass at once, guessing is slowed down.

Of one network ten wrong passwords in five minutes are refused like any other (401). After that its
requests are checked one at a time, with a pause after each wrong one: four guesses a second at
most, where there would be thousands, and more than `WAITING` are refused unchecked (429). A network
is never locked out completely: many people may share one address, and locking all of them out by
ten wrong passwords would be an easier attack than guessing. So the right password gets
in at once as long as nobody guesses from the same network, and after its turn while somebody does.
Four guesses a second find a short password in time: it is the length that protects.
"""

import asyncio
import base64
import hashlib
import hmac
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from qa.web.proxies import network

ATTEMPTS = 10  # wrong passwords of one network
ATTEMPTS_SECONDS = 300
PAUSE = 0.25  # seconds after each further one
WAITING = 20  # requests of one network that wait for their turn
NETWORKS = 10_000  # that are remembered

_CHALLENGE = (("www-authenticate", 'Basic realm="qa", charset="UTF-8"'),)


class Refusal(NamedTuple):
    """Why a request is not let in."""

    status: int
    message: str
    headers: tuple[tuple[str, str], ...] = ()


_NEEDED = Refusal(401, "A password is needed: any user name, or a bearer token.", _CHALLENGE)
_TOO_MANY = Refusal(
    429,
    "Too many wrong passwords came from this network: go on more slowly.",
    (("retry-after", "1"),),
)


@dataclass(slots=True)
class _Guesses:
    """The latest wrong passwords of one network, and how many requests wait to be checked."""

    wrong: deque[float] = field(default_factory=lambda: deque(maxlen=ATTEMPTS))  # when, in seconds
    waiting: int = 0


@dataclass(slots=True)
class Passwords:
    """The password, and which networks got it wrong lately."""

    password: str
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _guesses: OrderedDict[str, _Guesses] = field(default_factory=OrderedDict)

    async def turn(self, header: str, client: str) -> Refusal | None:
        """Waits until a password from that address may be checked; a refusal when too many wait."""
        guesses = self._guesses.get(network(client))
        if not header or guesses is None:
            return None
        if self._pause(guesses) > 0 and guesses.waiting >= WAITING:
            return _TOO_MANY
        guesses.waiting += 1
        try:
            # Another guess may have been wrong meanwhile.
            while (pause := self._pause(guesses)) > 0:
                await self.sleep(pause)
        finally:
            guesses.waiting -= 1
        return None

    def refusal(self, header: str, client: str, *, is_page: bool = False) -> Refusal | None:
        """Why these credentials are not enough; None when they are.

        A browser forgets a wrong password, and asks again, only when it is answered 401.
        """
        if _same(_given(header), self.password):
            return None
        if not header:
            return _NEEDED
        guesses = self._guesses.setdefault(network(client), _Guesses())
        is_guessing = self._is_guessing(guesses)
        guesses.wrong.append(self.clock())
        self._guesses.move_to_end(network(client))
        if len(self._guesses) > NETWORKS:
            self._guesses.popitem(last=False)
        return _TOO_MANY if is_guessing and not is_page else _NEEDED

    def _is_guessing(self, guesses: _Guesses) -> bool:
        wrong = guesses.wrong
        return len(wrong) == ATTEMPTS and wrong[0] > self.clock() - ATTEMPTS_SECONDS

    def _pause(self, guesses: _Guesses) -> float:
        """Seconds until the next password of that network may be checked."""
        return guesses.wrong[-1] + PAUSE - self.clock() if self._is_guessing(guesses) else 0.0


def _given(header: str) -> str:
    """The password of an Authorization header: a bearer token, or Basic with any user name."""
    scheme, _, credentials = header.partition(" ")
    try:
        if scheme.lower() == "bearer":
            return credentials.strip().encode("latin-1").decode()
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (ValueError, UnicodeDecodeError):
        return ""


def _same(given: str, password: str) -> bool:
    """Equality in a time that depends on neither text nor length."""
    digests = (hashlib.sha256(text.encode(errors="replace")).digest() for text in (given, password))
    return hmac.compare_digest(*digests)
