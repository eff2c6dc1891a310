"""Waiting for something to come about: no test sleeps for a time that it hopes is enough."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE = 120  # seconds for what takes one when the machine is idle
STEP = 0.02


def wait_for(holds: Callable[[], Found], patience: float = PATIENCE) -> Found:
    """What `holds` gives as soon as it is true; a failure when that never comes about."""
    end = time.monotonic() + patience
    while not (found := holds()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(STEP)
    return found
