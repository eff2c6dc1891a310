"""A Milvus server as a store needs it. The only importer of pymilvus.

What Milvus has and what it has not shapes this: a collection is made atomically and its properties
are seen by everybody at once, so that leases and heads are empty collections with properties; a row
is seen some time after it was acknowledged, so that who writes waits for it; nothing is written
under a condition, so that no row is ever changed.
"""

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

from qa import settings
from qa.encoding.quantisation import Vectors
from qa.errors import SettingsInvalid, StoreUnreachable
from qa.index.milvus.address import Address

PATIENCE = 6.0  # seconds in which a question's request is tried again while nobody answers
WRITING_PATIENCE = 120.0  # the same of a build's: a server that is started again is back by then
ATTEMPT = 10.0  # seconds for one attempt
PAUSE = 0.5  # seconds between two
REFUSALS = (4, 100, 1100)  # Milvus' codes of no such collection, and of what is not valid
LINKS, BUILDING, SEARCHED = 30, 360, 400  # HNSW: M, efConstruction and ef
KEY, VECTOR, WORDS = "place", "vector", "words"
LONGEST = 65_535  # bytes of a text in a row
NUMBERS = ("born", "document", "input", "tokens", "digest")
TEXTS = ("codes", "text", "facts")
SPARSE = (2, 4)  # version from which there are sparse vectors
DOUBLE = "milvus_lite"  # in its version: a server for tests alone, it loses what it acknowledged

Row = dict[str, Any]
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Near(NamedTuple):
    """Rows by a vector, best first."""

    keys: npt.NDArray[np.int64]
    products: npt.NDArray[np.float32]
    tokens: npt.NDArray[np.int64]


class Holding(NamedTuple):
    """Rows by their words, best first."""

    keys: npt.NDArray[np.int64]
    products: npt.NDArray[np.float32]
    facts: list[str]


@cache
def connected(host: str, port: int, patience: float) -> "Server":
    """The server there, by one connection for the whole process. Raises StoreUnreachable."""
    return Server(host, port, patience)


def server_of(address: Address, patience: float | None = None) -> "Server":
    """The server of an address, for questions unless it is more patient.

    Raises StoreUnreachable and SettingsInvalid.
    """
    return connected(address.host, address.port, patience or PATIENCE)


class Server:
    """A connection, for any number of threads.

    What fails is tried again until `patience` seconds are over, since all of it may be done twice;
    then every method raises StoreUnreachable.
    """

    def __init__(self, host: str, port: int, patience: float) -> None:
        pymilvus = _library()
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs every refusal itself
        self._place, self._patience = f"{host}:{port}", patience
        self._types = pymilvus.DataType
        self._client: Any = self._asked(lambda seconds: self._opened(pymilvus, seconds))
        self.version = str(
            self._asked(lambda seconds: self._client.get_server_version(timeout=seconds))
        )
        if DOUBLE in self.version and not settings.allows_double():
            raise SettingsInvalid(
                f"{self._place} is {self.version}, which loses acknowledged rows when it is killed: "
                "use a Milvus server."
            )

    @property
    def has_sparse(self) -> bool:
        """Whether rows may have sparse vectors besides their others."""
        found = re.search(r"(\d+)\.(\d+)", self.version)
        return found is not None and tuple(map(int, found.groups())) >= SPARSE

    def _opened(self, pymilvus: Any, seconds: float) -> Any:
        access = settings.store_access()
        options: dict[str, Any] = {"user": access.user, "password": access.password}
        if access.is_encrypted:
            options |= {"secure": True, "server_pem_path": access.certificate}
        scheme = "https" if access.is_encrypted else "http"
        return pymilvus.MilvusClient(
            f"{scheme}://{self._place}", timeout=seconds, dedicated=True, **options
        )

    def _asked(self, ask: Callable[[float], T]) -> T:
        """What the server answers, asked in so many seconds. Raises StoreUnreachable."""
        from grpc import RpcError
        from pymilvus.exceptions import MilvusException

        end = time.monotonic() + self._patience
        while True:
            try:
                return ask(min(max(end - time.monotonic(), 1.0), ATTEMPT))
            except (MilvusException, RpcError) as error:
                is_over = time.monotonic() + PAUSE > end
                if is_over or getattr(error, "code", None) in REFUSALS:
                    raise self._unreachable(error) from error
            time.sleep(PAUSE)

    def _unreachable(self, error: Exception) -> StoreUnreachable:
        reason = " ".join(str(getattr(error, "message", error)).split())[:200]
        return StoreUnreachable(
            f"The Milvus server at {self._place} does not answer as it should ({reason}): "
            "is it running, and are QA_STORE and its password right?"
        )

    def collections(self, prefix: str) -> list[str]:
        """The names of all collections that begin so, sorted."""
        names = self._asked(lambda seconds: self._client.list_collections(timeout=seconds))
        return sorted(name for name in names if name.startswith(prefix))

    def properties(self, name: str) -> Mapping[str, str]:
        """The properties of a collection; none where it is not there."""

        def found(seconds: float) -> Mapping[str, str]:
            if not self._client.has_collection(name, timeout=seconds):
                return {}
            described = self._client.describe_collection(name, timeout=seconds)
            return dict(described.get("properties") or {})

        return self._asked(found)

    def note(self, name: str, properties: Mapping[str, str]) -> None:
        """Makes an empty collection that holds properties alone.

        Where it is there already it stays as it is: who asks for it afterwards sees whose it is.
        """
        self._make(name, self._schema(dim=2, fields={}), properties)

    def make(self, name: str, dim: int, *, sparse: bool = False) -> None:
        """Makes a collection of passages, which is not searched before it is indexed."""
        kinds = self._types
        fields = {name: {"datatype": kinds.INT64} for name in NUMBERS}
        fields |= {name: {"datatype": kinds.VARCHAR, "max_length": LONGEST} for name in TEXTS}
        if sparse:
            fields[WORDS] = {"datatype": kinds.SPARSE_FLOAT_VECTOR}
        self._make(name, self._schema(dim=dim, fields=fields), {"mmap.enabled": "true"})

    def _make(self, name: str, schema: Any, properties: Mapping[str, str]) -> None:
        def made(seconds: float) -> None:
            if not self._client.has_collection(name, timeout=seconds):
                self._client.create_collection(
                    name, schema=schema, properties=dict(properties), timeout=seconds
                )

        self._asked(made)

    def change(self, name: str, properties: Mapping[str, str]) -> None:
        """Changes properties of a collection."""
        self._asked(
            lambda seconds: self._client.alter_collection_properties(
                name, dict(properties), timeout=seconds
            )
        )

    def drop(self, name: str) -> None:
        """Removes a collection, if it is there."""
        self._asked(lambda seconds: self._client.drop_collection(name, timeout=seconds))

    def _schema(self, *, dim: int, fields: Mapping[str, Mapping[str, Any]]) -> Any:
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(KEY, self._types.INT64, is_primary=True)
        schema.add_field(VECTOR, self._types.FLOAT_VECTOR, dim=dim)
        for name, options in fields.items():
            schema.add_field(name, **options)
        return schema

    def index(self, name: str, *, exact: bool, sparse: bool = False) -> None:
        """Indexes and loads a collection, so that it is searched; `exact` compares every vector."""
        index = self._client.prepare_index_params()
        if exact:
            index.add_index(VECTOR, index_type="FLAT", metric_type="IP")
        else:
            sizes = {"M": LINKS, "efConstruction": BUILDING}
            index.add_index(VECTOR, index_type="HNSW", metric_type="IP", params=sizes)
        if sparse:
            index.add_index(WORDS, index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
        self._asked(lambda _: self._client.create_index(name, index, timeout=None))
        self._asked(lambda _: self._client.load_collection(name, timeout=None))

    def flush(self, name: str) -> None:
        """Has the server write down what it holds of a collection in memory alone."""
        self._asked(lambda _: self._client.flush(name, timeout=self._patience))

    def put(self, name: str, rows: list[Row]) -> None:
        """Adds rows; what was added before under the same keys is replaced by them."""
        self._asked(lambda seconds: self._client.upsert(name, rows, timeout=seconds))

    def remove(self, name: str, condition: str) -> None:
        """Removes the rows of a condition."""
        self._asked(lambda seconds: self._client.delete(name, filter=condition, timeout=seconds))

    def count(self, name: str, condition: str) -> int:
        """How many rows of a condition there are, of all that were acknowledged."""
        (found,) = self._queried(name, condition, ["count(*)"], consistency_level="Strong")
        return int(found["count(*)"])

    def rows(self, name: str, condition: str, fields: Sequence[str], limit: int) -> list[Row]:
        """Up to `limit` rows of a condition, in no order, with these fields."""
        options = {"limit": limit, "consistency_level": "Bounded"}
        return self._queried(name, condition, [KEY, *fields], **options)

    def _queried(self, name: str, condition: str, fields: Sequence[str], **how: Any) -> list[Row]:
        return self._asked(
            lambda seconds: self._client.query(
                name, filter=condition, output_fields=list(fields), timeout=seconds, **how
            )
        )

    def nearest(self, name: str, vector: Vectors, limit: int, condition: str) -> Near:
        """Up to `limit` rows of a condition by the product of their vectors with this one."""
        how = {"metric_type": "IP", "params": {"ef": max(limit, SEARCHED)}}
        hits = self._searched(
            name, vector, anns_field=VECTOR, limit=limit, filter=condition,
            output_fields=["tokens"], search_params=how,
        )  # fmt: skip
        tokens = np.array([hit["entity"]["tokens"] for hit in hits], np.int64)
        return Near(*_products(hits), tokens)

    def holding(self, name: str, words: Mapping[int, float], limit: int, condition: str) -> Holding:
        """Up to `limit` rows of a condition by the product of their sparse vectors with this one."""
        hits = self._searched(
            name, dict(words), anns_field=WORDS, limit=limit, filter=condition,
            output_fields=["facts"], search_params={"metric_type": "IP"},
        )  # fmt: skip
        return Holding(*_products(hits), [str(hit["entity"]["facts"]) for hit in hits])

    def _searched(self, name: str, vector: Any, **how: Any) -> Sequence[Any]:
        """What the server finds for one vector, best first."""
        (hits,) = self._asked(
            lambda seconds: self._client.search(
                name, data=[vector], consistency_level="Bounded", timeout=seconds, **how
            )
        )
        return cast("Sequence[Any]", hits)

    def replicas(self, name: str) -> int:
        """By how many replicas a collection is served; 1 where the server does not know of any."""
        if DOUBLE in self.version:
            return 1
        found = self._asked(lambda seconds: self._client.describe_replica(name, timeout=seconds))
        return max(len(found), 1)


def _products(hits: Sequence[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The keys and products of what a search gave."""
    return (
        np.array([hit.get(KEY, hit.get("id")) for hit in hits], np.int64),
        np.array([hit["distance"] for hit in hits], np.float32),
    )


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items, so many at a time."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def _library() -> Any:
    try:
        import pymilvus
        from pymilvus.client import entity_helper
    except ImportError as error:
        raise SettingsInvalid(
            "A Milvus store needs the extra: pip install 'seedqa[milvus]'."
        ) from error
    entity_helper.CHECK_STR_ARRAY = False  # it would look at every character of every row
    return pymilvus
