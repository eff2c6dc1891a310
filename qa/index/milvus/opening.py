"""Opening a store at an address: which of its snapshots answers."""

from functools import lru_cache

from qa.errors import IndexDamaged, IndexForeign, IndexMissing
from qa.index.milvus.address import Address
from qa.index.milvus.heads import Head, Heads
from qa.index.milvus.server import Server, server_of
from qa.index.milvus.snapshot import MilvusSnapshot
from qa.index.store import fallback

ATTEMPTS = 20  # a builder may clean up between the look at the heads and the opening


def open_live(address: Address) -> MilvusSnapshot:
    """The live snapshot, or with a warning the one before it when that one is damaged.

    Raises IndexMissing, IndexForeign, StoreUnreachable, and IndexDamaged when neither is complete.
    """
    problem = ""
    for _ in range(ATTEMPTS):
        head = live(address)
        if head is None:
            raise IndexMissing(f"There is no index at {address}: run `qa build` first.")
        try:
            return _opened(address, head)
        except IndexDamaged as error:
            problem = str(error)
        if live(address) == head:  # no builder cleaned up under this reader: it is damage
            break
    return fallback(newest_complete(address), problem)


def open_named(address: Address, name: str) -> MilvusSnapshot:
    """The snapshot of that name. Raises what `open_live` does."""
    head = Heads(server_of(address), address).head(int(name.partition("-")[0]))
    if head is None or head.name != name:
        raise IndexDamaged(f"{address} holds no snapshot {name} any more: ask again.")
    return _opened(address, head)


def newest_complete(address: Address, server: Server | None = None) -> MilvusSnapshot | None:
    """The newest snapshot that opens, read by a connection that may be more patient."""
    server = server or server_of(address)
    heads = Heads(server, address)
    for token in reversed(heads.tokens()):
        try:
            head = heads.head(token)
            if head is not None:
                return MilvusSnapshot(address, server, heads.objects(head), head)
        except (IndexDamaged, IndexForeign):
            continue
    return None


def live(address: Address) -> Head | None:
    """The live snapshot, if there is one: cheap enough to be asked for twice a second."""
    tokens = Heads(server_of(address), address).tokens()
    return _head(address, tokens[-1]) if tokens else None


@lru_cache(64)
def _head(address: Address, token: int) -> Head | None:
    return Heads(server_of(address), address).head(token)


def _opened(address: Address, head: Head) -> MilvusSnapshot:
    server = server_of(address)
    return MilvusSnapshot(address, server, Heads(server, address).objects(head), head)
