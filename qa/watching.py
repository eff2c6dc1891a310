"""watch(): builds again whenever files of the folder change."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from watchfiles import Change, DefaultFilter
from watchfiles import watch as changes

from qa.building import Progress, build
from qa.errors import IndexBusy, SeedsEmpty
from qa.records import BuildReport
from qa.settings import INDEX, SEEDS, Settings

GATHER = 1_000  # ms: changes that come within it are one build


class _Seeds(DefaultFilter):
    """Lets through what a build would see: nothing hidden, nothing of the index."""

    def __init__(self, index: Path) -> None:
        super().__init__(ignore_paths=(index,))

    def __call__(self, change: Change, path: str) -> bool:
        return not Path(path).name.startswith(".") and super().__call__(change, path)


def watch(
    seeds: str | Path = SEEDS,
    index: str | Path = INDEX,
    *,
    settings: Settings | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Iterator[BuildReport]:
    """Builds now and after each change, and yields the reports, until `stop` is set.

    While another process builds, or the folder is empty, nothing is lost: the next change, or at the
    latest the next minute, tries again. Raises what `build` raises otherwise.
    """
    seeds, index = Path(seeds).resolve(), Path(index).resolve()
    yield build(seeds, index, settings=settings, progress=progress)
    overdue = False
    for found in changes(
        seeds,
        watch_filter=_Seeds(index),
        debounce=GATHER,
        stop_event=stop,
        rust_timeout=60_000 if stop is None else 500,
        yield_on_timeout=True,
    ):
        if not found and not overdue:
            continue
        try:
            yield build(seeds, index, settings=settings, progress=progress)
            overdue = False
        except (IndexBusy, SeedsEmpty):
            overdue = True
