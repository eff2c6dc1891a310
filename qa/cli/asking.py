"""The command `ask`."""

import threading
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from qa.cli.building import build_first
from qa.cli.options import Index, Json, Seeds
from qa.cli.output import complain, print_text
from qa.settings import INDEX

if TYPE_CHECKING:
    from qa.asking.service import QA

Limit = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=100,
        envvar="QA_LIMIT",
        help="Excerpts, at most; of a list, on each page.",
        show_default="5, of a list 50",
    ),
]
Everywhere = Annotated[
    bool, typer.Option("--all", help="List every passage that holds what the question says.")
]
Page = Annotated[int, typer.Option(min=1, help="Which page of a list.")]

LOOK_SECONDS = 0.05  # seconds in which `qa ask` looks for files that are not in the index yet


def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotation marks.")],
    *,
    as_json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    limit: Limit = None,
    everywhere: Everywhere = False,
    page: Page = 1,
    only: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Only these paths. Repeatable.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Not these paths. Repeatable.")
    ] = None,
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Ask the documents: excerpts that answer, word for word, each with its citation."""
    from qa.asking.questions import validated_question
    from qa.asking.service import QA

    validated_question(question)
    build_first(index, seeds)
    with QA.open(index or INDEX, seeds=seeds) as qa:
        filters = {"only": only or (), "exclude": exclude or ()}
        answer = qa.ask(question, limit=limit, all=everywhere, page=page, **filters)
        if qa.warning:
            complain(qa.warning)
        _report_waiting(qa)
    if as_json:
        print_text(answer.to_json())
    elif markdown:
        print_text(answer.to_markdown())
    else:
        from qa import terminal

        terminal.show_answer(answer)


def _report_waiting(qa: "QA") -> None:
    """Tells of files that are not in the index yet, where looking takes no noticeable time."""
    found: list[tuple[tuple[str, ...], ...]] = []

    def look() -> None:
        with suppress(Exception):  # no folder, or the index was closed while this still looked
            found.append(qa.waiting())

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(LOOK_SECONDS)
    if count := sum(map(len, chain(*found))):
        complain(f"{count} new, changed or removed files are not in the index yet: run `qa build`.")
