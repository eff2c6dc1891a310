"""Verifying for clients: within bounds, and in turns that hold up no question."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio
import anyio.to_thread

from qa.asking.service import QA
from qa.checking.verifying import Bounds, verify_within
from qa.errors import QAError

BOUNDS = Bounds(seconds=20.0, search_bytes=64 << 20, paths=20)  # of one answer
WAITING = 4  # answers that wait while one is verified


class VerifierBusy(QAError):
    """As many answers wait as may wait."""


class Verifier:
    """Verifies one answer at a time, in a thread of its own, and lets few wait."""

    def __init__(self, qa: QA) -> None:
        self._qa = qa
        self._turn = anyio.CapacityLimiter(1)  # who waits for it holds no thread
        self._taken = 0

    async def verdicts(
        self, answer: Mapping[str, Any], *, as_shown: bool = False
    ) -> list[dict[str, Any]]:
        """The outcome for each excerpt, as far as `BOUNDS` allow.

        Raises VerifierBusy, and what `verify_within` raises.
        """
        if self._taken > WAITING:
            raise VerifierBusy("Too many answers wait to be verified: try again in some seconds.")
        self._taken += 1
        try:
            work = partial(self._verdicts, answer, as_shown=as_shown)
            return await anyio.to_thread.run_sync(work, limiter=self._turn)
        finally:
            self._taken -= 1

    def _verdicts(self, answer: Mapping[str, Any], *, as_shown: bool) -> list[dict[str, Any]]:
        qa = self._qa
        verdicts = verify_within(
            BOUNDS, answer, qa.snapshot, qa.seeds, index=qa.index, as_shown=as_shown
        )
        return [verdict._asdict() for verdict in verdicts]
