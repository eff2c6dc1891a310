"""The command `ask`."""

import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from qa.cli.building import build_first
from qa.cli.last import Last, remember
from qa.cli.options import Index, Json, Seeds
from qa.cli.output import complain, print_text
from qa.records import Answer
from qa.settings import INDEX

if TYPE_CHECKING:
    from qa.asking.service import QA
    from qa.cli.viewing import Viewer

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
    question: Annotated[
        str | None, typer.Argument(help="The question, in quotation marks.", show_default=False)
    ] = None,
    *,
    as_json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Ask on: question after question, by the page's keys.")
    ] = False,
    limit: Limit = None,
    everywhere: Everywhere = False,
    page: Page = 1,
    only: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Only these paths. Repeatable.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Not these paths. Repeatable.")
    ] = None,
    since: Annotated[
        str, typer.Option(metavar="DAY", help="Only documents from then on: a day, month or year.")
    ] = "",
    until: Annotated[str, typer.Option(metavar="DAY", help="Only documents until then.")] = "",
    language: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Only documents in this language. Repeatable."),
    ] = None,
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Ask the documents: excerpts that answer, word for word, each with its citation."""
    from qa.asking.questions import validated_question
    from qa.asking.service import QA

    if question is not None or not follow:
        validated_question(question or "")
    build_first(index, seeds)
    wish: dict[str, Any] = {
        "limit": limit, "all": everywhere, "page": page, "only": only or (),
        "exclude": exclude or (), "since": since, "until": until,
        "language": language or (),
    }  # fmt: skip
    with QA.open(index or INDEX, seeds=seeds) as qa:
        asker = _Asker(qa, wish, _shown_by(as_json=as_json, markdown=markdown))
        if follow:
            from qa.cli import following

            with asker:
                following.follow(question, asker.ask, asker.open)
        else:
            asker.ask(question or "")


def _shown_by(*, as_json: bool, markdown: bool) -> Callable[[Answer], None]:
    if as_json:
        return lambda answer: print_text(answer.to_json())
    if markdown:
        return lambda answer: print_text(answer.to_markdown())
    from qa import terminal

    return terminal.show_answer


class _Asker:
    """Asks with the same filters, shows each answer, and opens the citations of the last one."""

    def __init__(self, qa: "QA", wish: dict[str, Any], show: Callable[[Answer], None]) -> None:
        self._qa = qa
        self._wish = wish
        self._show = show
        self._viewer: Viewer | None = None
        self._last: Last | None = None

    def ask(self, question: str) -> Answer:
        """The answer, shown; what the reader should know besides stands on stderr."""
        answer = self._qa.ask(question, **self._wish)
        if self._qa.warning:
            complain(self._qa.warning)
        _report_waiting(self._qa)
        filters = ("only", "exclude", "since", "until", "language", "all")
        self._last = Last.of(
            answer, self._qa.index, self._qa.given_seeds,
            of_all=not any(self._wish[name] for name in filters),
        )  # fmt: skip
        remember(self._last)
        self._show(answer)
        return answer

    def open(self, number: int) -> None:
        """Opens a citation of the last answer in the viewer."""
        from qa.cli.viewing import Viewer

        if self._last:
            self._viewer = self._viewer or Viewer(self._last)
            self._viewer.last = self._last
            self._viewer.show(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._viewer:
            self._viewer.close()


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
