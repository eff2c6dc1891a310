"""The commands that serve: `serve` and `mcp`."""

import os
from typing import Annotated

import typer

from qa.cli.building import build_first
from qa.cli.options import Index, Seeds
from qa.settings import INDEX
from qa.translation import tr


def mcp(*, seeds: Seeds = None, index: Index = None) -> None:
    """Serve the tools ask, read and verify to an MCP client over stdio."""
    from qa.web import mcp_tools

    mcp_tools.run_stdio(index or INDEX, seeds)


def serve(
    *,
    host: Annotated[str, typer.Option(envvar="QA_HOST", help="The address.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="QA_PORT", min=0, max=65535, help="0: a free one.")
    ] = 7860,
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Rebuild when files change.")
    ] = True,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Write nothing: no uploads, rebuilds, judgements.")
    ] = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Show figures for Prometheus at /metrics.")
    ] = False,
    root_path: Annotated[
        str | None,
        typer.Option(envvar="QA_ROOT_PATH", help="The path below which a proxy shows it."),
    ] = None,
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Serve the web page and the HTTP API, on this machine alone unless --host names another address."""
    from qa.web import server

    server.check_reach(host, os.environ.get("QA_PASSWORD"))
    if not server.switch("QA_READ_ONLY", read_only or None):
        build_first(index, seeds, may_be_empty=True)
    server.serve(
        index or INDEX, seeds, host=host, port=port, watch=watch, read_only=read_only or None,
        metrics=metrics or None, root_path=root_path,
        ready=lambda address: typer.echo(tr(f"The page is at {address} (Ctrl-C ends it).")),
    )  # fmt: skip
