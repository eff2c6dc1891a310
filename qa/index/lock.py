"""The lock: an index has one writer at a time.

It is the kernel's (`filelock`: flock, or its like on Windows), so it dies with its process and a
stale one cannot stay; processes that are started do not inherit it.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from qa import storage
from qa.errors import IndexBusy


@contextmanager
def lock(index: Path) -> Iterator[None]:
    """Locks the index for this process; IndexBusy names the one that has it. Raises StorageFailed."""
    file = index / "lock"
    lock_file = FileLock(file, blocking=False, mode=0o600, thread_local=False)
    with storage.writing(index):
        storage.new_folder(index, exist_ok=True)
        try:
            lock_file.acquire()
        except Timeout as error:
            raise IndexBusy(f"{index} is being built by {_holder(file)}: wait for it.") from error
    try:
        holder = {"process": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        with storage.writing(index):
            file.write_text(json.dumps(holder))
        yield
    finally:
        lock_file.release()


def _holder(file: Path) -> str:
    """The process that wrote itself down in the file."""
    try:
        holder = json.loads(file.read_bytes())
        return f"process {holder['process']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
