"""Damage in the last version of an index: what was to be copied of it is read again from the files."""

from collections.abc import Callable

from qa.building.events import log_damage
from qa.index.integrity import SegmentsDamaged
from qa.records import BuildReport


def without_damage(attempt: Callable[[frozenset[str]], BuildReport]) -> BuildReport:
    """The report of the first attempt that finds no damage besides the segments that it is given.

    Raises what `attempt` raises.
    """
    damaged = frozenset[str]()
    while True:
        try:
            return attempt(damaged)
        except SegmentsDamaged as error:
            if error.names <= damaged:
                raise
            log_damage(str(error))
            damaged |= error.names
