"""How much there is to read in files, before they are read: the pages of PDF files.

A byte of a PDF says little: a page of it may be a picture of a megabyte or three kilobytes of words.
"""

import select
import time
from collections.abc import Sequence
from pathlib import Path

from qa.reading import wire
from qa.reading.children import Child
from qa.reading.loading import about

PAGE = 3_000  # bytes of plain text that take as long as a page
MOST = 200  # files that are opened, evenly spread
PATIENCE = 2.0  # seconds, after which the others are known by their size alone


def work_of(files: Sequence[Path]) -> list[float]:
    """How much work each file is, in pages: of a PDF counted, or judged by its size, of others by size.

    PDF files that are not counted have as many pages for each byte as those that are.
    """
    sizes = [about(file).size for file in files]
    documents = [at for at, file in enumerate(files) if file.suffix.lower() == ".pdf"]
    some = documents[:: -(-len(documents) // MOST) or 1]
    pages = dict(zip(some, _pages([files[at] for at in some]), strict=False))
    counted = sum(sizes[at] for at in pages)
    rate = sum(pages.values()) / counted if counted else 1 / PAGE
    rates = [1 / PAGE] * len(files)
    for at in documents:
        rates[at] = rate
    return [float(pages.get(at, size * rates[at])) for at, size in enumerate(sizes)]


def _pages(files: Sequence[Path]) -> list[int]:
    """The pages of PDF files, as far as they are counted in time by a process of its own."""
    if not files:
        return []
    counter, found = Child("qa.reading.counter"), list[int]()
    until = time.monotonic() + PATIENCE
    try:
        wire.send(counter.requests, {"files": [str(file.absolute()) for file in files]})
        while len(found) < len(files) and _answers(counter, until):
            found.append(int(wire.receive(counter.answers)["pages"]))
    except (wire.Broken, KeyError, TypeError, ValueError):
        pass  # a file broke it: what is known by then is enough
    finally:
        counter.kill()
    return found


def _answers(counter: Child, until: float) -> bool:
    left = max(until - time.monotonic(), 0.0)
    return bool(select.select([counter.answers], [], [], left)[0])
