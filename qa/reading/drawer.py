"""A process that measures and draws pages of PDF files, so that a page that never ends stays here.

Started by `drawing` as `python -m qa.reading.drawer SECONDS`. It keeps the file that it read last.
"""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qa.errors import ReadFailed
from qa.reading import containers, pdf_pages, wire
from qa.reading.confined import OUT_OF_MEMORY, limit_memory, serve, time_limit
from qa.reading.content import NOTE_LIMIT, one_line
from qa.reading.loading import load

IDLE = 60.0  # seconds without a request, after which the process ends

_held: dict[str, bytes] = {}  # the last file, by its SHA-256


def main() -> None:
    """Serve requests until the process that asks is gone, or asks no more."""
    seconds = float(sys.argv[1])

    def answer(request: dict[str, Any], answers: int) -> None:
        picture = b""
        try:
            with time_limit(seconds):
                header, picture = _answer(request)
        except MemoryError:
            header = {"failed": OUT_OF_MEMORY}
        except ReadFailed as error:
            header = {"failed": str(error)}
        except Exception as error:  # noqa: BLE001 - pdfium's errors are too many to name
            header = {"failed": one_line(f"damaged: {error}", NOTE_LIMIT)}
        wire.send(answers, header)
        wire.send_bytes(answers, picture)

    serve(answer, idle=IDLE)


def _answer(request: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    data = _data(request["sha256"], request["places"])
    if "page" in request:
        return {}, pdf_pages.render(data, request["page"], request["width"])
    boxes = {
        page: [
            pdf_pages.boxes(data, int(page), [span], reads_scans=request["reads_scans"])
            for span in spans
        ]
        for page, spans in request["spans"].items()
    }
    return {"sizes": pdf_pages.sizes(data), "boxes": boxes}, b""


def _data(sha256: str, places: Sequence[tuple[str, str, str]]) -> bytes:
    """The bytes with that hash, from the first place that still holds them."""
    if sha256 not in _held:
        _held.clear()
        for file, source, path in places:
            limit_memory(Path(file).stat().st_size if Path(file).is_file() else 0)
            data = _loaded(Path(file), source, path)
            if hashlib.sha256(data).hexdigest() == sha256:
                _held[sha256] = data
                break
        else:
            raise ReadFailed("the file is not what was indexed any more")
    return _held[sha256]


def _loaded(file: Path, source: str, path: str) -> bytes:
    """The bytes of a file, or of the member of an archive that `path` names; b"" when it is gone."""
    try:
        data = load(file).data
        if path == source:
            return data
        return next(
            (found.load() for found in containers.members(data, source) if found.path == path), b""
        )
    except ReadFailed:
        return b""


if __name__ == "__main__":
    main()
