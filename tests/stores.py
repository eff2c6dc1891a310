"""The stores that pass the contract of an index (`test_store.py`), each as a test begins it.

To add one: a function here that gives its `Store` while its server runs, and its name in `STORES`. A
store that needs a server of its own is started by `make scale`; what is quick runs with every test.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import pytest
from alone import is_alone
from milvus_server import milvus_server

from qa.index import opening
from qa.index.milvus import opening as milvus_opening
from qa.index.milvus.address import Address
from qa.index.milvus.build import MilvusBuild
from qa.index.store import Build, Snapshot


class Store(NamedTuple):
    """A kind of store: how a build is begun, and how the live snapshot is opened."""

    begin: Callable[..., Build]
    open: Callable[[Path], Snapshot]
    live_name: Callable[[Path], str | None]


LOCAL = Store(opening.begin_build, opening.open_snapshot, opening.live_name)


def address_for(at: Path, port: int) -> Address:
    """An index of its own for each folder of a test."""
    return Address("127.0.0.1", port, f"t{blake2b(bytes(at), digest_size=8).hexdigest()}")


def store_at(port: int) -> Store:
    """The store of a Milvus server that listens there."""

    def begin(at: Path, *arguments: object, **options: object) -> Build:
        return MilvusBuild(address_for(at, port), at, *arguments, **options)

    def live_name(at: Path) -> str | None:
        head = milvus_opening.live(address_for(at, port))
        return head.name if head else None

    return Store(begin, lambda at: milvus_opening.open_live(address_for(at, port)), live_name)


@contextmanager
def lite(folder: Path) -> Iterator[Store]:
    """Milvus Lite, a double of Milvus in this process."""
    pytest.importorskip("milvus_lite")
    from milvus_lite.adapter.grpc.server import start_server_in_thread

    server, database, port = start_server_in_thread(str(folder / "lite"), "127.0.0.1", 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_STORE_DOUBLE", "1")
        patch.setenv("QA_OBJECTS", str(folder / "objects"))
        try:
            yield store_at(port)
        finally:
            server.stop(grace=None)
            database.close()


@contextmanager
def milvus(folder: Path) -> Iterator[Store]:
    """A real Milvus server, which `make scale` installs and lets hear loopback alone."""
    pytest.importorskip("milvus")
    if "QA_LONG" not in os.environ or not is_alone():
        pytest.skip("a Milvus server is started by `make scale`")
    with pytest.MonkeyPatch.context() as patch, milvus_server(folder) as server:
        patch.setenv("QA_OBJECTS", str(folder / "objects"))
        yield store_at(server.port)


STORES: dict[str, Callable[[Path], AbstractContextManager[Store]]] = {
    "local": lambda _: nullcontext(LOCAL),
    "lite": lite,
    "milvus": milvus,
}
