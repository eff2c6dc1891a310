"""build_first(): the default index, built when a question comes before any build."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from qa.errors import IndexMissing
from qa.index.opening import require
from qa.settings import INDEX, SEEDS

if TYPE_CHECKING:
    from qa.building.timing import Progress

ReportProgress = Callable[["Progress"], None]


def build_first(
    seeds: str | Path | None = None,
    *,
    reporting: Callable[[], AbstractContextManager[ReportProgress | None]] = nullcontext,
) -> None:
    """Builds the default index, unless there is one already; without `seeds` from the default folder.

    `reporting` is entered only when there is something to build, and gives what is called with the
    build's progress. Raises what `build` raises.
    """
    try:
        require(INDEX)
    except IndexMissing:
        from qa.building.pipeline import build

        with reporting() as report_progress:
            build(seeds or SEEDS, INDEX, progress=report_progress)
