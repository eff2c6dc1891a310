"""The commands that build: `build`, `watch`, and the first build of the default index."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qa.cli.options import (
    ClusterFiles,
    Device,
    Index,
    Json,
    Ocr,
    Scheduler,
    Seeds,
    Store,
)
from qa.cli.output import complain, print_json, print_text
from qa.errors import RemovalRefused
from qa.settings import INDEX, SEEDS, use_store
from qa.translation import tr

if TYPE_CHECKING:
    from qa.building.cluster import Cluster
    from qa.building.first import ReportProgress
    from qa.records import BuildReport
    from qa.settings import Settings


def init(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[SEEDS]", help="The folder of documents.")
    ] = None,
    *,
    index: Index = None,
) -> None:
    """Write a file of settings, seedqa.toml, beside the index; each is explained in it."""
    from qa import settings_file

    place = (index or INDEX).parent
    given = {"seeds": os.path.relpath(folder, place)} if folder else {}
    file = settings_file.write(place, {**given, "index": (index or INDEX).name})
    print_text(f"{file} is written. Change it with an editor, then `qa build`.\n")


def build(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[SEEDS]", help="The folder of documents.")
    ] = None,
    *,
    seeds: Annotated[
        Path | None, typer.Option(envvar="QA_SEEDS", help="The same, as an option.")
    ] = None,
    index: Index = None,
    store: Store = None,
    full: Annotated[bool, typer.Option("--full", help="Build from nothing.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would be done.")] = False,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Build even if no file is found.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove even more than half of the documents.")
    ] = False,
    device: Device = "auto",
    cluster: Scheduler = "",
    cluster_files: ClusterFiles = "",
    ocr: Ocr = None,
    as_json: Json = False,
) -> None:
    """Bring the index up to date with the folder of documents, as the last time if none is named."""
    from qa.building import pipeline

    use_store(store or "")
    seeds, index = folder or seeds, index or INDEX
    options: dict[str, Any] = {
        "full": full, "allow_empty": allow_empty, "settings": _settings(index, ocr),
    }  # fmt: skip
    if plan:
        report = pipeline.plan(seeds, index, **options)
    else:
        options["cluster"] = _cluster(cluster, cluster_files)
        report = _build(seeds, index, allow_removal=yes, device=device, **options)
    _show(report, planned=plan, as_json=as_json)


def _show(report: "BuildReport", *, planned: bool, as_json: bool) -> None:
    from qa import terminal

    if as_json:
        print_json(asdict(report))
    else:
        terminal.show_report(report, planned=planned)


def _cluster(address: str, files: str) -> "Cluster | None":
    """The cluster to build on; none without an address."""
    from qa.building.cluster import Cluster

    return Cluster(address, files, warn=complain) if address else None


def _settings(index: Path, ocr: bool | None) -> "Settings":  # noqa: FBT001 - as it was given
    """The settings to build with; says so where they are not those of the last time."""
    from qa.index import origin

    settings = origin.chosen(index, None, None).settings
    if ocr is not None:
        settings = replace(settings, ocr=ocr)
    if text := origin.changed(index, settings):
        complain(text)
    return settings


def _build(
    seeds: Path | None, index: Path | str, *, allow_removal: bool, **options: Any
) -> "BuildReport":
    """Builds and shows how far it is; what would be refused is asked for on a terminal."""
    from qa import terminal
    from qa.building import pipeline

    try:
        with terminal.building_bar() as report_progress:
            return pipeline.build(
                seeds, index, allow_removal=allow_removal, progress=report_progress, **options
            )
    except RemovalRefused as error:
        _ask_for(error)
        return _build(seeds, index, allow_removal=True, **options)


def watch(
    *,
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Rebuild the index whenever documents change, until Ctrl-C."""
    from qa import terminal
    from qa.building import watching

    for report in watching.watch(seeds, index or INDEX):
        terminal.show_report(report, planned=False)


def build_first(index: Path | None, seeds: Path | None, *, may_be_empty: bool = False) -> None:
    """Builds the default index when it is asked for and not there; a named one is not made up."""
    from qa.building import first

    if index is None:
        reporting = partial(_first_reported, seeds or SEEDS)
        first.build_first(seeds, reporting=reporting, may_be_empty=may_be_empty)


@contextmanager
def _first_reported(seeds: Path | str) -> Iterator["ReportProgress"]:
    """Says that the first build begins, and shows how far it is."""
    from qa import terminal

    complain(f"There is no index yet: building one from {seeds}.")
    with terminal.building_bar() as report_progress:
        yield report_progress


def _ask_for(refused: RemovalRefused) -> None:
    """Asks on a terminal whether to do what was refused; raises it again where nobody can say."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise refused
    complain(str(refused))
    if not typer.confirm(tr("Remove them?"), err=True):
        raise typer.Exit(1)
