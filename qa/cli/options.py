"""Options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from qa.settings import INDEX

Index = Annotated[
    Path | None,
    typer.Option(envvar="QA_INDEX", help="The index's folder.", show_default=str(INDEX)),
]
Seeds = Annotated[
    Path | None,
    typer.Option(
        envvar="QA_SEEDS", help="The folder of documents, if not the one last built from."
    ),
]
Store = Annotated[
    str | None,
    typer.Option(
        envvar="QA_STORE",
        metavar="milvus://HOST:PORT/NAME",
        help="The store that keeps the index, if not the folder.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Ocr = Annotated[
    bool | None,
    typer.Option(
        "--ocr/--no-ocr",
        help="Read scanned pages by tesseract, or not.",
        show_default="as the last time",
    ),
]
