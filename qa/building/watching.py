"""watch(): builds again whenever files of the folder change."""

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from qa.building.changes import changes
from qa.building.pipeline import build
from qa.building.timing import Progress
from qa.errors import IndexBusy, RemovalRefused, SeedsEmpty, SeedsMissing
from qa.index.origin import chosen
from qa.reading.walking import walk
from qa.records import BuildReport
from qa.settings import INDEX, Settings

_log = logging.getLogger(__name__)


def watch(
    seeds: str | Path | None = None,
    index: str | Path = INDEX,
    *,
    settings: Settings | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Iterator[BuildReport]:
    """Builds now and after each change, and yields the reports, until `stop` is set.

    Without `seeds` it is the folder that the index was last built from, `./seeds` the first time.
    While another process builds, or the folder is empty or gone, nothing is lost: it is tried again
    until it can be done. What would remove more than half of the documents is logged, and tried
    again with the next change. Raises what `build` raises otherwise.
    """
    index = Path(index).resolve()
    seeds = chosen(index, seeds, settings).seeds.resolve()
    walk(seeds, leave_out=index)  # raises where there is nothing to watch

    held_back = ""  # why the last build could not be
    overdue = False
    for has_changed in changes(lambda: seeds, index, stop or threading.Event()):
        overdue = overdue or has_changed
        if not overdue:
            continue
        try:
            report = build(seeds, index, settings=settings, progress=progress, allow_removal=False)
        except (IndexBusy, SeedsEmpty, SeedsMissing) as error:
            if str(error) != held_back:
                _log.warning("No build yet: %s", error)
            held_back = str(error)
            continue
        except RemovalRefused as error:
            _log.warning("%s", error)
            overdue = False
            continue
        overdue, held_back = False, ""
        yield report
