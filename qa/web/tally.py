"""What became of the questions, counted since the server started, and how long they took."""

import threading
from bisect import bisect_left
from collections import Counter
from typing import NamedTuple

ANSWERED, UNANSWERED, REFUSED, FAILED, BUSY = OUTCOMES = (
    *("answered", "unanswered", "refused", "failed", "busy"),
)
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds


class Latency(NamedTuple):
    """How many questions took up to each of BOUNDS, or longer, and all of them together."""

    counts: tuple[int, ...]  # one more than BOUNDS; each without those before it
    seconds: float


class Tally:
    """Counts of one server; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outcomes = Counter(dict.fromkeys(OUTCOMES, 0))
        self._rejected: Counter[str] = Counter()
        self._counts = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def question(self, outcome: str, seconds: float) -> None:
        """Counts a question that was worked on for so long."""
        with self._lock:
            self._outcomes[outcome] += 1
            self._counts[bisect_left(BOUNDS, seconds)] += 1
            self._seconds += seconds

    def rejection(self, reason: str, *, is_question: bool) -> None:
        """Counts a request that was not let in."""
        with self._lock:
            self._rejected[reason] += 1
            self._outcomes[BUSY] += is_question and reason == BUSY

    @property
    def outcomes(self) -> dict[str, int]:
        """Questions by what became of them."""
        with self._lock:
            return dict(self._outcomes)

    @property
    def rejected(self) -> dict[str, int]:
        """Requests that were not let in, by the reason."""
        with self._lock:
            return dict(self._rejected)

    @property
    def latency(self) -> Latency:
        """How long questions took that were worked on."""
        with self._lock:
            return Latency(tuple(self._counts), self._seconds)
