"""What the command line shows: answers, tables and progress bars. The only importer of rich.

Every text from a document or a path goes through `printable` and is never read as markup. On
a terminal the highlights are set off by colour; in a pipe, where colour is lost, by » and «.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from qa.records import Answer, BuildReport, Excerpt, Status, languages, rendering
from qa.records.excerpts import citation
from qa.records.printable import one_line, printable
from qa.settings import shown
from qa.translation import plural, tr, tr_notes

if TYPE_CHECKING:  # a question waits for none of these
    from qa.building.timing import Progress as BuildProgress
    from qa.checking.freshness import Waiting
    from qa.checking.verifying import Verdict
    from qa.evaluation.report import Comparison, Figures
    from qa.index.store import Manifest
    from qa.records.lists import ListedFile

PATIENCE = 1.0  # seconds of work before a progress bar appears
SLOW = 10.0  # seconds of a build, from which on it says where they went
PIPE_WIDTH = 10_000  # characters; what a program reads is not folded to a screen
STYLES = {
    "valid": "green",
    "moved": "yellow",
    "changed": "red",
    "gone": "red",
    "unknown": "yellow",
    Status.INDEXED: "green",
    Status.DUPLICATE: "green",
    Status.EMPTY: "yellow",
    Status.NEEDS_OCR: "yellow",
    Status.UNSUPPORTED: "yellow",
    Status.FAILED: "red",
}
_READ_COMPLETELY = (Status.INDEXED, Status.DUPLICATE)


def show_answer(answer: Answer) -> None:
    """The excerpts with their citations, then the nearest passages."""
    out = _console()
    if not out.is_terminal:
        out.file.write(rendering.to_text(answer))
        return
    _print(out, rendering.verdict(answer), "bold green" if answer.answered else "bold yellow")
    for note in rendering.remarks(answer):
        _print(out, one_line(note), "yellow")
    for number, excerpt in enumerate(answer.excerpts, 1):
        _show_excerpt(out, number, excerpt)
    if answer.nearest:
        _print(out, f"\n{tr(rendering.NEAREST)}", "bold")
    for number, excerpt in enumerate(answer.nearest, len(answer.excerpts) + 1):
        if answer.answered:
            _print(out, f"[{number}] {citation(excerpt)}", "dim")
        else:
            _show_excerpt(out, number, excerpt)


def show_keys() -> None:
    """Which keys go through an answer's citations."""
    keys = tr("j, k or arrows choose · Enter opens it · / asks again · Ctrl-D ends")
    _print(_console(), keys, "dim")


def show_chosen(number: int, answer: Answer) -> None:
    """The citation that is chosen, in the place of the one before."""
    excerpt = (*answer.excerpts, *answer.nearest)[number - 1]
    out = _console()
    line = Text(printable(f"→ [{number}] {citation(excerpt)}"), "bold")
    line.truncate(max(out.width - 1, 8), overflow="ellipsis")
    out.file.write("\r\x1b[K")
    out.print(line, end="")


def end_chosen() -> None:
    """Ends the line of the citation that was chosen."""
    _console().file.write("\r\x1b[K")


def show_report(report: BuildReport, *, planned: bool = False) -> None:
    """What a build did, or would do, and every file that gave no passage with its reason."""
    out = _console()
    done = {
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
    }
    counts = ", ".join(f"{len(paths)} {tr(word)}" for word, paths in done.items())
    if planned:
        _print(out, tr(f"A build would find: {counts}. Nothing was written."))
        for word in ("added", "changed", "removed"):
            for path in done[word]:
                _print(out, f"  {tr(word)}: {path}")
        return
    took, passages = f"{report.seconds:.1f} s", report.passages
    _print(out, tr(f"Files: {counts}. The index holds {passages} passages ({took})."), "bold")
    for line in languages.warnings(report.languages):
        _print(out, line, "yellow")
    if report.seconds >= SLOW:
        shares = rendering.shares(report.processor)
        _print(out, tr(f"The processor's time: {shares}."))
    faulty = [file for file in report.files if file.status not in _READ_COMPLETELY]
    some, all_ = len(faulty), len(report.files)
    if faulty:
        _print(out, tr(f"{some} of {all_} files gave nothing, or not all:"), "yellow")
    for file in faulty:
        _print(out, f"  {tr(file.status)}: {file.path}{_because(file.reason)}")


def show_status(
    index: str, manifest: "Manifest", rows: "Sequence[ListedFile]", waiting: "Waiting | None"
) -> None:
    """The index in a few lines, every file in a table, and what is not in the index yet."""
    out = _console()
    settings = (f"{name} {shown(value)}" for name, value in sorted(manifest.settings.items()))
    documents = plural(manifest.documents, ("{:,} document", "{:,} documents"))
    passages = plural(manifest.passages, ("{:,} passage", "{:,} passages"))
    snapshot, created, spoken = manifest.snapshot, manifest.created, manifest.languages
    for name, value in {
        "index": tr(f"{index}, snapshot {snapshot}, built {created}"),
        "seeds": manifest.seeds,
        "holds": f"{documents}, {passages}",
        "languages": languages.in_words(spoken) or "none",
        "settings": ", ".join(settings),
        "waiting": _waiting(waiting),
    }.items():
        _print(out, f"{tr(name):11}{value}")
    table = _table("file", "status", "passages", "pages", "characters", "date", "reason")
    for file, day in rows:
        table.add_row(
            _text(file.path),
            Text(tr(file.status), STYLES[file.status]),
            *(Text(f"{n:,}") for n in (file.passages, file.pages, file.characters)),
            Text(day),
            _text(tr_notes(file.reason)),
        )
    out.print()
    out.print(table)


def show_verdicts(verdicts: "Sequence[Verdict]") -> None:
    """What became of each excerpt of a saved answer."""
    out = _console()
    for number, verdict in enumerate(verdicts, 1):
        path, span = verdict.path, f"{verdict.start}-{verdict.end}"
        cited = tr(f"{path}, characters {span}")
        _print(out, f"[{number}] {tr(verdict.outcome)}: {cited}", STYLES[verdict.outcome])
        if verdict.outcome == "moved":
            place, start = verdict.found_path, verdict.found_start
            _print(out, f"    {tr(f'now at {place}, character {start}')}")
        if verdict.outcome == "changed":
            text = one_line(verdict.found_text or "")
            _print(out, f"    {tr(f'nearest text now: {text}')}")
        if verdict.reason:
            _print(out, f"    {tr(verdict.reason)}")


def show_figures(by_file: "Mapping[str, Figures]") -> None:
    """One line a figure, one column a question file."""
    table = _table("", *by_file)
    names = dict.fromkeys(name for figures in by_file.values() for name in figures)
    for name in names:
        values = [figures.get(name) for figures in by_file.values()]
        if any(value is not None for value in values):
            table.add_row(name, *(_figure(name, value) for value in values))
    _console().print(table)


def show_comparison(comparison: "Comparison") -> None:
    """The figures then and now, and the questions that got better or worse."""
    out = _console()
    shared = comparison.shared
    out.print()
    _print(out, tr(f"Against the older evaluation, over {shared} questions of both:"))
    table = _table("", "old", "new", "change")
    for name, new in comparison.new.items():
        old = comparison.old.get(name)
        if old is not None and new is not None and name != "questions":
            by = f"{new - old:+.1f}" if name.endswith("ms") else f"{new - old:+.3f}"
            table.add_row(name, _figure(name, old), _figure(name, new), by)
    out.print(table)
    for word, found in (("better", comparison.better), ("worse", comparison.worse)):
        _print(out, f"\n{len(found)} {tr(word)} {tr('(rank of the excerpt / of the sentence)')}")
        for one in found:
            _print(out, f"  {_ranks(one.old)} -> {_ranks(one.new)}  {one.question}")


@contextmanager
def building_bar() -> Iterator[Callable[["BuildProgress"], None]]:
    """A bar for a build: file, files, passages, passages a second, time left."""
    bar = _bar(MofNCompleteColumn(), TextColumn("{task.fields[status]}", markup=False))
    task = bar.add_task("", total=None, status="")
    with _shown_after(PATIENCE, bar) as tick:

        def report_progress(progress: "BuildProgress") -> None:
            rate = progress.passages / progress.seconds if progress.seconds else 0.0
            passages = plural(progress.passages, ("{:,} passage", "{:,} passages"))
            left = "" if progress.left is None else f", {duration(progress.left)}"
            status = f"{passages}, {rate:.0f}/s{left} {progress.path}"
            bar.update(
                task,
                description=tr(progress.stage),
                completed=progress.done,
                total=progress.total,
                status=printable(one_line(status)),
            )
            tick()

        yield report_progress


def duration(seconds: float) -> str:
    """`"about 40 s left"`, `"about 9 min left"`, `"about 2 h 5 min left"`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        time_ = f"{max(round(seconds), 1)} s"
    else:
        time_ = f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
    return tr(f"about {time_} left")


@contextmanager
def counting_bar(noun: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that is counted."""
    bar = _bar(MofNCompleteColumn(), TimeRemainingColumn())
    task = bar.add_task(noun, total=None)
    with _shown_after(PATIENCE, bar) as tick:

        def report_progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            tick()

        yield report_progress


@contextmanager
def _shown_after(seconds: float, bar: Progress) -> Iterator[Callable[[], None]]:
    """Starts the bar at the first tick after that time: short work is done without one."""
    started = time.monotonic()
    running = False

    def tick() -> None:
        nonlocal running
        if not running and time.monotonic() - started >= seconds:
            running = True
            bar.start()

    try:
        yield tick
    finally:
        if running:
            bar.stop()


def _bar(*more: ProgressColumn) -> Progress:
    """A bar on stderr, gone when it is done; nothing where nobody looks."""
    err = Console(stderr=True, highlight=False, markup=False, emoji=False)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        *more,
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def _show_excerpt(out: Console, number: int, excerpt: Excerpt) -> None:
    quotation = Text()
    for text, highlighted in rendering.body(excerpt):
        quotation.append(printable(text), "bold green" if highlighted else "")
    quotation.remove_suffix("\n")
    out.print()
    _print(out, f"[{number}] {citation(excerpt)}", "bold")
    for line in rendering.columns_line(excerpt):
        _print(out, f"    {line}", "dim")
    out.print(Padding(quotation, (0, 0, 0, 4)))
    _print(out, f"    {'; '.join(rendering.notes(excerpt))}", "dim")


def _console() -> Console:
    out = Console(highlight=False, markup=False, emoji=False)
    if not out.is_terminal:
        out = Console(highlight=False, markup=False, emoji=False, width=PIPE_WIDTH, file=sys.stdout)
    return out


def _print(out: Console, line: str, style: str = "") -> None:
    out.print(Text(printable(line), style), soft_wrap=True)


def _text(text: str) -> Text:
    return Text(printable(one_line(text)), overflow="fold")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        is_number = number > 0 and column not in {"status", "date", "reason"}
        table.add_column(
            _text(tr(column)), justify="right" if is_number else "left", overflow="fold"
        )
    return table


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    if name == "questions":
        return f"{value:.0f}"
    return f"{value:.1f}" if name.endswith("ms") else f"{value:.3f}"


def _ranks(ranks: tuple[int | None, int | None]) -> str:
    return " / ".join("-" if rank is None else str(rank) for rank in ranks)


def _because(reason: str) -> str:
    return f" ({tr_notes(reason)})" if reason else ""


def _waiting(waiting: "Waiting | None") -> str:
    if waiting is None:
        return tr("not known: the folder of documents is out of reach")
    if not waiting:
        return tr("nothing; the index is up to date")
    named = zip(("added", "changed", "removed"), waiting, strict=True)
    counts = ", ".join(f"{len(paths)} {tr(word)}" for word, paths in named if paths)
    return tr(f"{counts}; `qa build` takes them in")
