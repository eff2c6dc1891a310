"""Filters: which passages may be found, by globs on paths."""

from collections.abc import Sequence

from qa.asking.globs import Globs
from qa.index.dense import Mask
from qa.index.snapshot import Snapshot


def allowed(snapshot: Snapshot, only: Sequence[str], exclude: Sequence[str]) -> Mask | None:
    """Which passages may be found, `(n,)`; None when all may.

    A document is kept when one of its paths is named by `only` and not all are by `exclude`.
    """
    if not only and not exclude:
        return None
    kept = []
    named, left_out = Globs(only), Globs(exclude)
    for number, live in enumerate(snapshot.documents):
        wanted = not only or any(map(named.match, live.paths))
        if wanted and not all(map(left_out.match, live.paths)):
            kept.append(number)
    return snapshot.mask(kept)
