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
    may_be_empty: bool = False,
) -> None:
    """Builds the default index, unless there is one already; without `seeds` from the default folder.

    Where it `may_be_empty`, a folder that is missing is made, and one without files is enough: what
    serves a page takes files there. `reporting` is entered only when there is something to build, and gives what is called with the
    build's progress. Raises what `build` raises.
    """
    try:
        require(INDEX)
    except IndexMissing:
        from qa.building.pipeline import build

        folder = Path(seeds or SEEDS)
        if may_be_empty:
            folder.mkdir(exist_ok=True)
        with reporting() as report_progress:
            build(folder, INDEX, allow_empty=may_be_empty, progress=report_progress)
