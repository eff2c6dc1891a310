"""A process that counts the pages of PDF files, so that one that crashes pdfium crashes this alone.

Started by `counting` as `python -m qa.reading.counter`.
"""

from pathlib import Path
from typing import Any

import pypdfium2 as pdfium

from qa.reading import wire
from qa.reading.confined import limit_memory, serve, time_limit
from qa.reading.loading import about

SECONDS = 2.0  # of one file


def main() -> None:
    """Serve one request."""

    def answer(request: dict[str, Any], answers: int) -> None:
        for file in request["files"]:
            limit_memory(about(Path(file)).size)
            with time_limit(SECONDS):
                pages = _pages(file)
            wire.send(answers, {"pages": pages})

    serve(answer)


def _pages(file: str) -> int:
    """The pages of a file, which is read only where its index of objects points; 0 of a damaged one."""
    try:
        with pdfium.PdfDocument(file) as document:
            return len(document)
    except (pdfium.PdfiumError, OSError):
        return 0


if __name__ == "__main__":
    main()
