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
Device = Annotated[
    str, typer.Option(envvar="QA_DEVICE", help="Encode on cpu or cuda; auto: a GPU if any.")
]
Scheduler = Annotated[
    str,
    typer.Option(
        "--cluster", envvar="QA_CLUSTER", help="Read and encode on a Dask cluster: tcp://HOST:8786."
    ),
]
ClusterFiles = Annotated[
    str,
    typer.Option(
        envvar="QA_CLUSTER_FILES",
        help="A folder or s3://BUCKET/PREFIX through which files get to workers.",
        show_default="workers see SEEDS",
    ),
]
