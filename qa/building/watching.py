"""watch(): builds again whenever files of the folder change."""

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from watchfiles import Change
from watchfiles import watch as changes

from qa.building.pipeline import Progress, build
from qa.errors import IndexBusy, RemovalRefused, SeedsEmpty
from qa.index.origin import chosen
from qa.reading.ignoring import IGNORE_FILE
from qa.reading.walking import walk
from qa.records import BuildReport
from qa.settings import INDEX, Settings

_log = logging.getLogger(__name__)

GATHER = 1_000  # ms: changes that come within it are one build
AGAIN = 500  # ms, after which a build that could not be is tried again


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
    While another process builds, or the folder is empty, nothing is lost: it is tried again until it
    can be done. What would remove more than half of the documents is logged, and tried again with
    the next change. Raises what `build` raises otherwise.
    """
    index = Path(index).resolve()
    seeds = chosen(index, seeds, settings).seeds.resolve()
    walk(seeds, leave_out=index)  # raises where there is nothing to watch

    def is_seen(_: Change, path: str) -> bool:
        """Whether a build would see the file: nothing hidden, nothing of the index."""
        at = Path(path)
        names = at.relative_to(seeds).parts if at.is_relative_to(seeds) else at.parts[-1:]
        hidden = any(name.startswith(".") for name in names if name != IGNORE_FILE)
        return not hidden and not at.is_relative_to(index)

    held_back = ""  # why the last build could not be
    overdue = True  # the first build comes when changes are looked for: none is missed
    for found in changes(
        seeds,
        watch_filter=is_seen,
        debounce=GATHER,
        stop_event=stop,
        rust_timeout=AGAIN,
        yield_on_timeout=True,
    ):
        overdue = overdue or bool(found)
        if not overdue:
            continue
        try:
            report = build(seeds, index, settings=settings, progress=progress, allow_removal=False)
        except (IndexBusy, SeedsEmpty) as error:
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
