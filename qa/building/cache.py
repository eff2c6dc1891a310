"""What a build has encoded and not yet published, so that a build broken off is not work lost.

One SQLite file under `index/cache`, committed every second, emptied when a snapshot is published.
It holds at most `LIMIT` bytes; what does not fit is encoded again. A damaged cache is deleted.
"""

import hashlib
import sqlite3
import time
from pathlib import Path

import numpy as np

from qa import storage
from qa.index.coding import Coded

LIMIT = 2 << 30
PATIENCE = 1.0  # seconds between commits


class EncodingCache:
    """Codes by the hash of their ranking text, for one encoder."""

    def __init__(self, index: Path, encoder: str, *, code_bytes: int) -> None:
        folder = index / "cache"
        storage.new_folder(folder, exist_ok=True)
        self._file = folder / f"{encoder}.sqlite"
        for other in folder.iterdir():
            if not other.name.startswith(encoder):
                other.unlink()
        self._code_bytes = code_bytes
        self._connect()
        self._committed = time.monotonic()

    def _connect(self) -> None:
        try:
            self._database = self._open()
        except sqlite3.DatabaseError:
            self._restart()

    def _restart(self) -> None:
        """Deletes the file: it is damaged."""
        for file in self._file.parent.iterdir():
            file.unlink()
        self._database = self._open()

    def _open(self) -> sqlite3.Connection:
        if not self._file.exists():
            storage.new_file(self._file).close()  # SQLite itself would let others read it
        database = sqlite3.connect(self._file)
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(
            "CREATE TABLE IF NOT EXISTS coded "
            "(input BLOB PRIMARY KEY, vector BLOB, codes BLOB, bounds BLOB, hash BLOB) WITHOUT ROWID"
        )
        return database

    def get(self, key: bytes) -> Coded | None:
        """What was encoded for that hash, if it was and is undamaged."""
        query = "SELECT vector, codes, bounds, hash FROM coded WHERE input = ?"
        try:
            found = self._database.execute(query, (key,)).fetchone()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            self._database.close()
            self._restart()
            return None
        if found is None or _hash(*found[:3]) != found[3]:
            return None
        vector, codes, bounds, _ = found
        return Coded(
            np.frombuffer(vector, "<f4"),
            np.frombuffer(codes, np.uint8).reshape(-1, self._code_bytes),
            tuple(np.frombuffer(bounds, "<u4").tolist()),
        )

    def put(self, key: bytes, coded: Coded) -> None:
        """Keeps what was encoded, while there is room."""
        if self._size() > LIMIT:
            return
        bounds = np.array(coded.bounds, "<u4").tobytes()
        row = (coded.vector.astype("<f4").tobytes(), coded.codes.tobytes(), bounds)
        insert = "INSERT OR REPLACE INTO coded VALUES (?, ?, ?, ?, ?)"
        self._database.execute(insert, (key, *row, _hash(*row)))
        if time.monotonic() - self._committed > PATIENCE:
            self.commit()

    def commit(self) -> None:
        """Makes what was put survive the process."""
        self._database.commit()
        self._committed = time.monotonic()

    def _size(self) -> int:
        (pages,) = self._database.execute("PRAGMA page_count").fetchone()
        return int(pages) * 4096

    def clear(self) -> None:
        """Removes everything: it stands in a published segment now."""
        self.close()
        for file in self._file.parent.iterdir():
            file.unlink()

    def close(self) -> None:
        """Commits what is there and closes the file."""
        self._database.commit()
        self._database.close()


def _hash(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"".join(parts), digest_size=8).digest()
