"""Cleaning a store at an address: what no kept snapshot shows is removed.

Kept are the live snapshot, the one before it, and every one that was live in the last minutes: a reader
may still be at a question in it.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from qa.errors import IndexDamaged, IndexForeign
from qa.index.milvus.contents import Contents, Dead, Record
from qa.index.milvus.heads import HEAD, ROWS, Head, Heads
from qa.index.milvus.labels import key_of
from qa.index.milvus.server import KEY, Server, batches
from qa.index.milvus.snapshot import MilvusSnapshot
from qa.index.milvus.tables import Table
from qa.index.objects import Objects

KEPT = 2  # snapshots: the live one and the one before it
RETAINED = 600.0  # seconds for which a snapshot is kept that is live no more
AT_ONCE = 5_000  # rows that are removed in one request


def clean(heads: Heads, server: Server, token: int) -> None:
    """Removes snapshots that are kept no longer, and what they alone show."""
    found = {each: _record(heads, each) for each in heads.tokens()}
    kept = _kept(found)
    for each, (head, record) in found.items():
        if each in kept:
            continue
        server.drop(heads.collection(HEAD, each))
        if head is not None and record is not None:
            objects = heads.objects(head)
            alone = _alone(objects, record, [found[one][1] for one in kept])
            objects.remove(alone | {head.manifest})
    records = [found[one][1] for one in kept]
    used = {record.rows for record in records if record is not None}
    if None in records:  # what it names is not known
        return
    for each in heads.tokens(ROWS):
        name = heads.collection(ROWS, each)
        if name not in used and each <= token:
            server.drop(name)


def remove_dead(
    heads: Heads, server: Server, last: MilvusSnapshot | None, dead: Sequence[Dead]
) -> list[Dead]:
    """The dead documents, the rows of those removed that no kept snapshot shows.

    With them go the rows of builds that were never published.
    """
    if last is None:
        return list(dead)
    kept = _kept({each: _record(heads, each) for each in heads.tokens()})
    oldest = min(kept, default=0)
    gone = [each for each in dead if not each.is_removed and each.token <= oldest]
    keys = (key_of(each.label, number) for each in gone for number in range(each.passages))
    rows = last.record.rows
    for some in batches(keys, AT_ONCE):
        server.remove(rows, f"{KEY} in {some}")
    if last.record.unpublished:
        condition = f"born in {list(last.record.unpublished)}"
        while found := server.rows(rows, condition, [], AT_ONCE):
            server.remove(rows, f"{KEY} in {[row[KEY] for row in found]}")
    return [each._replace(is_removed=each.is_removed or each in gone) for each in dead]


def _record(heads: Heads, token: int) -> tuple[Head | None, Record | None]:
    """The head of a number and its record, None where they cannot be read."""
    try:
        head = heads.head(token)
        if head is None:
            return None, None
        return head, Record.unpacked(heads.objects(head).get(head.manifest))
    except (IndexDamaged, IndexForeign):
        return None, None


def _kept(found: dict[int, tuple[Head | None, Record | None]]) -> set[int]:
    """The numbers of the snapshots that are kept."""
    tokens = sorted(found)
    kept = set(tokens[-KEPT:])
    for token, following in pairwise(tokens):
        record = found[following][1]
        if record is not None and _age(record) < RETAINED:
            kept.add(token)
    return kept


def _age(record: Record) -> float:
    """For how many seconds a snapshot is there."""
    return time.time() - datetime.fromisoformat(record.manifest.created).timestamp()


def _alone(objects: Objects, gone: Record, kept: Sequence[Record | None]) -> set[str]:
    """The objects that a snapshot alone names."""
    others = [Contents(objects, record) for record in kept if record is not None]
    if len(others) < len(kept):
        return set()
    mine = Contents(objects, gone)
    pages = mine.pages() | _postings(objects, gone)
    used = set[str]().union(*(each.pages() for each in others))
    used |= {digest for record in kept if record for digest in _postings(objects, record)}
    texts = {
        document.object
        for document in mine.documents()
        if not any(other.holds(document) for other in others)
    }
    return (pages | texts) - used


def _postings(objects: Objects, record: Record) -> set[str]:
    roots = {*record.postings, *record.frequencies}
    return {page.digest for root in roots for page in Table(objects, root).pages} | roots
