"""A Milvus server as a store needs it. The only importer of pymilvus.

What Milvus has and what it has not shapes this: a collection is made atomically and its properties
are seen by everybody at once, so that leases and heads are empty collections with properties; a row
is seen some time after it was acknowledged, so that who writes waits for it; nothing is written
under a condition, so that no row is ever changed.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from qa import settings
from qa.encoding.quantisation import Vectors
from qa.errors import SettingsInvalid, StoreUnreachable
from qa.index.address import Address

PATIENCE = 6.0  # seconds in which a question's request is tried again while nobody answers
WRITING_PATIENCE = 120.0  # the same of what a build writes: a server that is started again is back
LINKS, BUILDING, SEARCHED = 30, 360, 400  # HNSW: M, efConstruction and ef
KEY, VECTOR = "place", "vector"
LONGEST = 65_535  # bytes of a text in a row
NUMBERS = ("born", "document", "input", "tokens", "digest")
TEXTS = ("codes", "text", "facts")
DOUBLE = "milvus_lite"  # in its version: a server for tests alone, it loses what it acknowledged

Row = dict[str, Any]
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Near(NamedTuple):
    """Rows by a vector, best first."""

    keys: npt.NDArray[np.int64]
    products: npt.NDArray[np.float32]
    tokens: npt.NDArray[np.int64]


@cache
def connected(host: str, port: int) -> "Server":
    """The server there, by one connection for the whole process. Raises StoreUnreachable."""
    return Server(host, port)


def server_of(address: Address) -> "Server":
    """The server of an address. Raises StoreUnreachable and SettingsInvalid."""
    return connected(address.host, address.port)


class Server:
    """A connection, for any number of threads; every method raises StoreUnreachable."""

    def __init__(self, host: str, port: int) -> None:
        pymilvus = _library()
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs every refusal itself
        self._place = f"{host}:{port}"
        access = settings.store_access()
        options: dict[str, Any] = {"user": access.user, "password": access.password}
        if access.is_encrypted:
            options |= {"secure": True, "server_pem_path": access.certificate}
        scheme = "https" if access.is_encrypted else "http"
        with self._asking():
            self._client = pymilvus.MilvusClient(
                f"{scheme}://{self._place}", timeout=PATIENCE, dedicated=True, **options
            )
            self.version = str(self._client.get_server_version(timeout=PATIENCE))
        self._types = pymilvus.DataType
        if DOUBLE in self.version and not settings.allows_double():
            raise SettingsInvalid(
                f"{self._place} is {self.version}, which loses acknowledged rows when it is killed: "
                "use a Milvus server."
            )

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turns the client's errors into StoreUnreachable."""
        from grpc import RpcError
        from pymilvus.exceptions import MilvusException

        try:
            yield
        except (MilvusException, RpcError) as error:
            reason = " ".join(str(getattr(error, "message", error)).split())[:300]
            raise StoreUnreachable(
                f"The Milvus server at {self._place} does not answer as it should ({reason}): "
                "is it running, and are QA_STORE and its password right?"
            ) from error

    def collections(self, prefix: str) -> list[str]:
        """The names of all collections that begin so, sorted."""
        with self._asking():
            names = self._client.list_collections(timeout=PATIENCE)
        return sorted(name for name in names if name.startswith(prefix))

    def properties(self, name: str) -> Mapping[str, str]:
        """The properties of a collection; none where it is not there."""
        with self._asking():
            if not self._client.has_collection(name, timeout=PATIENCE):
                return {}
            found = self._client.describe_collection(name, timeout=PATIENCE)
        return dict(found.get("properties") or {})

    def note(self, name: str, properties: Mapping[str, str]) -> None:
        """Makes an empty collection that holds properties alone.

        Where it is there already it stays as it is: who asks for it afterwards sees whose it is.
        """
        schema = self._schema(dim=2, fields={})
        try:
            with self._asking():
                if self._client.has_collection(name, timeout=WRITING_PATIENCE):
                    return
                self._client.create_collection(
                    name, schema=schema, properties=dict(properties), timeout=WRITING_PATIENCE
                )
        except StoreUnreachable:  # or it was made meanwhile
            if not self.properties(name):
                raise

    def change(self, name: str, properties: Mapping[str, str]) -> None:
        """Changes properties of a collection."""
        with self._asking():
            self._client.alter_collection_properties(name, dict(properties), timeout=PATIENCE)

    def drop(self, name: str) -> None:
        """Removes a collection, if it is there."""
        with self._asking():
            self._client.drop_collection(name, timeout=WRITING_PATIENCE)

    def make(self, name: str, dim: int) -> None:
        """Makes a collection of passages, which is not searched before it is indexed."""
        kinds = self._types
        fields = {name: {"datatype": kinds.INT64} for name in NUMBERS}
        fields |= {name: {"datatype": kinds.VARCHAR, "max_length": LONGEST} for name in TEXTS}
        schema = self._schema(dim=dim, fields=fields)
        with self._asking():
            self._client.create_collection(
                name, schema=schema, properties={"mmap.enabled": "true"}, timeout=WRITING_PATIENCE
            )

    def _schema(self, *, dim: int, fields: Mapping[str, Mapping[str, Any]]) -> Any:
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(KEY, self._types.INT64, is_primary=True)
        schema.add_field(VECTOR, self._types.FLOAT_VECTOR, dim=dim)
        for name, options in fields.items():
            schema.add_field(name, **options)
        return schema

    def index(self, name: str, *, exact: bool) -> None:
        """Indexes and loads a collection, so that it is searched; `exact` compares every vector."""
        index = self._client.prepare_index_params()
        if exact:
            index.add_index(VECTOR, index_type="FLAT", metric_type="IP")
        else:
            sizes = {"M": LINKS, "efConstruction": BUILDING}
            index.add_index(VECTOR, index_type="HNSW", metric_type="IP", params=sizes)
        with self._asking():
            self._client.create_index(name, index, timeout=None)
            self._client.load_collection(name, timeout=None)

    def flush(self, name: str) -> None:
        """Has the server write down what it holds of a collection in memory alone."""
        with self._asking():
            self._client.flush(name, timeout=WRITING_PATIENCE)

    def put(self, name: str, rows: list[Row]) -> None:
        """Adds rows; what was added before under the same keys is replaced by them."""
        with self._asking():
            self._client.upsert(name, rows, timeout=WRITING_PATIENCE)

    def remove(self, name: str, condition: str) -> None:
        """Removes the rows of a condition."""
        with self._asking():
            self._client.delete(name, filter=condition, timeout=WRITING_PATIENCE)

    def count(self, name: str, condition: str) -> int:
        """How many rows of a condition there are, of all that were acknowledged."""
        with self._asking():
            (found,) = self._client.query(
                name, filter=condition, output_fields=["count(*)"], consistency_level="Strong",
                timeout=WRITING_PATIENCE,
            )  # fmt: skip
        return int(found["count(*)"])

    def rows(self, name: str, condition: str, fields: Sequence[str], limit: int) -> list[Row]:
        """Up to `limit` rows of a condition, in no order, with these fields."""
        with self._asking():
            found: list[Row] = self._client.query(
                name, filter=condition, output_fields=[KEY, *fields], limit=limit,
                consistency_level="Bounded", timeout=PATIENCE,
            )  # fmt: skip
        return found

    def nearest(self, name: str, vector: Vectors, limit: int, condition: str) -> Near:
        """Up to `limit` rows of a condition by the product of their vectors with this one."""
        ef = {"ef": max(limit, SEARCHED)}
        with self._asking():
            (hits,) = self._client.search(
                name, data=[vector], anns_field=VECTOR, filter=condition, limit=limit,
                output_fields=["tokens"], search_params={"metric_type": "IP", "params": ef},
                consistency_level="Bounded", timeout=PATIENCE,
            )  # fmt: skip
        return Near(
            np.array([hit.get(KEY, hit.get("id")) for hit in hits], np.int64),
            np.array([hit["distance"] for hit in hits], np.float32),
            np.array([hit["entity"]["tokens"] for hit in hits], np.int64),
        )

    def replicas(self, name: str) -> int:
        """By how many replicas a collection is served; 1 where the server does not know of any."""
        if DOUBLE in self.version:
            return 1
        with self._asking():
            return max(len(self._client.describe_replica(name, timeout=PATIENCE)), 1)


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items, so many at a time."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def _library() -> Any:
    try:
        import pymilvus
    except ImportError as error:
        raise SettingsInvalid(
            "A Milvus store needs the extra: pip install 'seedqa[milvus]'."
        ) from error
    return pymilvus
