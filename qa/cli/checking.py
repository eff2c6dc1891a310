"""The commands that check: `status`, `verify` and `eval`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qa.cli.options import Index, Json, Seeds
from qa.cli.output import complain, print_json, read_json
from qa.errors import IndexDamaged, SeedsMissing
from qa.settings import INDEX
from qa.translation import tr

if TYPE_CHECKING:
    from qa.checking.freshness import Waiting
    from qa.index.store import Snapshot
    from qa.records.lists import ListedFile

NOT_ALL_VALID = 3


def status(
    *,
    as_json: Json = False,
    check: Annotated[
        bool, typer.Option("--check", help="Read every file of the index and compare its hash.")
    ] = False,
    sort: Annotated[
        str, typer.Option(metavar="COLUMN", help="By that column; with - before it, reversed.")
    ] = "path",
    find: Annotated[
        str, typer.Option(metavar="WORDS", help="Only files with these words in path or status.")
    ] = "",
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Show what is in the index: every file, what became of it, and what is waiting."""
    from qa.checking import listing
    from qa.index.opening import open_snapshot

    folder, sort = index or INDEX, listing.checked_sort(sort)
    snapshot = open_snapshot(folder)
    try:
        waiting = _waiting(snapshot, folder, seeds)
        rows = snapshot.listed(listing.part(sort, find)).files
        if snapshot.warning and not check:
            complain(snapshot.warning)
        if as_json:
            print_json(_status(snapshot, rows, waiting))
        else:
            from qa import terminal

            terminal.show_status(str(folder), snapshot.manifest, rows, waiting)
        if check:
            _check(snapshot, folder)
    finally:
        snapshot.close()


def verify(
    answer: Annotated[Path, typer.Argument(metavar="ANSWER.json", help="From qa ask --json.")],
    *,
    as_json: Json = False,
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Check a saved answer against the files as they are now; exit code 3 if not all is valid."""
    from qa.checking.verifying import VALID
    from qa.checking.verifying import verify as judge

    verdicts = judge(read_json(answer), index=index or INDEX, seeds=seeds)
    if as_json:
        print_json([verdict._asdict() for verdict in verdicts])
    else:
        from qa import terminal

        terminal.show_verdicts(verdicts)
    if any(verdict.outcome != VALID for verdict in verdicts):
        raise typer.Exit(NOT_ALL_VALID)


def evaluate(
    questions: Annotated[list[Path], typer.Argument(metavar="QUESTIONS.jsonl...")],
    *,
    without_gold: Annotated[
        bool,
        typer.Option("--without-gold", help="Ask again with each question's document left out."),
    ] = False,
    compare: Annotated[
        Path | None,
        typer.Option(metavar="OLD.json", help="Show what got better and worse since."),
    ] = None,
    as_json: Json = False,
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Measure how well the index answers the questions of JSONL files."""
    from qa import terminal
    from qa.asking.service import QA
    from qa.evaluation import report as reports

    old = reports.Report.from_dict(read_json(compare)) if compare else None
    with (
        QA.open(index or INDEX, seeds=seeds) as qa,
        terminal.counting_bar("questions") as report_progress,
    ):
        report = reports.evaluate(
            qa, questions, without_gold=without_gold, progress=report_progress, warn=complain
        )
    comparison = reports.compare(old, report) if old else None
    if as_json:
        payload = report.to_dict()
        print_json(payload | {"comparison": comparison._asdict()} if comparison else payload)
        return
    terminal.show_figures(report.by_file())
    if comparison:
        terminal.show_comparison(comparison)


def _waiting(snapshot: "Snapshot", index: Path, seeds: Path | None) -> "Waiting | None":
    """What is not in the index yet, None when the folder of documents is out of reach."""
    from qa.checking.freshness import waiting
    from qa.index.origin import seeds_of

    try:
        folder = seeds or seeds_of(index, snapshot.manifest)
        return waiting(folder, snapshot.files(), leave_out=index)
    except SeedsMissing:
        return None


def _check(snapshot: "Snapshot", index: Path) -> None:
    """Raises IndexDamaged when a byte of the index is not what was written."""
    if snapshot.warning:
        raise IndexDamaged(snapshot.warning)
    if damaged := snapshot.damaged():
        raise IndexDamaged(
            f"Damaged in {index}: {', '.join(damaged)}. Run `qa build --full` to repair it."
        )
    typer.echo(tr("Checked: every file of the index is as it was written."), err=True)


def _status(
    snapshot: "Snapshot", rows: "Sequence[ListedFile]", waiting: "Waiting | None"
) -> dict[str, Any]:
    manifest = asdict(snapshot.manifest)
    del manifest["files"]  # the index's own, not the user's
    return {
        "manifest": manifest,
        "warning": snapshot.warning,
        "waiting": None if waiting is None else waiting._asdict(),
        "files": [{**asdict(row.file), "date": row.day} for row in rows],
    }
