"""The page as Gradio blocks: what the address says is shown; what is asked becomes the address."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gradio as gr

from qa.checking.listing import rows_now
from qa.errors import QAError
from qa.records import Excerpt
from qa.records.lists import ListPart
from qa.settings import QUESTION_LIMIT
from qa.web import cards, listing, viewer
from qa.web.address import Address
from qa.web.cards import Numbered
from qa.web.examples import beginnings
from qa.web.observing import FAULT, log_fault
from qa.web.site import Site
from qa.web.templating import render
from qa.web.texts import TEXTS

THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.teal,
    neutral_hue=gr.themes.colors.stone,
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
)


class _Parts(NamedTuple):
    """The components that events read and write."""

    question: gr.Textbox
    answer: gr.Markdown
    source: gr.Markdown
    table: gr.Markdown


class _Unqueued(gr.Blocks):
    """Blocks without Gradio's queue, which would look 1,100 times a second for events.

    None of the page's waits in one (see `_wire`), and each look takes the interpreter from a question.
    """

    def run_startup_events(self) -> None:
        """What Gradio does at its start, but for the queue."""
        self.is_running = True
        self.create_limiter()  # type: ignore[no-untyped-call]


def make_page(site: Site) -> gr.Blocks:
    """The page over a site."""
    page = _Unqueued(title=TEXTS.title, analytics_enabled=False)
    with page:
        gr.Markdown(render("top"), elem_id="top")
        with gr.Column(elem_id="ask"):
            question = _question()
            # What is our own is not cleaned: that would take its boxes and labels.
            gr.Markdown(render("filters"), sanitize_html=False)
            with gr.Row(elem_id="reading"):
                answer, source = _html("answer"), _html("viewer")
        with gr.Column(elem_id="library"):
            tools = render("tools", read_only=site.read_only)
            gr.Markdown(tools, elem_id="tools", sanitize_html=False)
            table = _html("table")
        with gr.Column(elem_id="history"):
            gr.Markdown(render("history"))
        _wire(page, _Views(site), _Parts(question, answer, source, table))
    return page


def _question() -> gr.Textbox:
    """A line to type in; what it is for stands in it, and is its name to a screen reader."""
    return gr.Textbox(
        label=TEXTS.prompt,
        show_label=False,
        placeholder=TEXTS.prompt,
        autofocus=True,
        max_lines=1,
        max_length=QUESTION_LIMIT,
        submit_btn=TEXTS.ask,
        elem_id="question",
    )


def _html(name: str) -> gr.Markdown:
    """A place for HTML made here; Gradio cleans it once more before it shows it."""
    return gr.Markdown(elem_id=name, latex_delimiters=[])


def _wire(page: gr.Blocks, views: "_Views", parts: _Parts) -> None:
    """Binds what happens to what is shown.

    Events go around Gradio's queue, which would cost three requests for one; `guards` bounds them.
    """
    quick: dict[str, Any] = {
        "queue": False,
        "show_progress": "hidden",
        "api_visibility": "private",
        "trigger_mode": "always_last",
    }
    question, *shown = parts
    answer, source, table = shown
    for name, work, outputs in (
        ("show", views.shown, shown),
        ("open", views.opened, [source]),
        ("list", views.listed, [table]),
    ):
        button = gr.Button(name, visible="hidden", elem_id=f"do-{name}")
        button.click(work, None, outputs, **quick)
    page.load(views.shown, None, shown, **quick)
    question.submit(views.asked, [question], [answer, source], **quick)


def _refusing(work: Callable[["_Views", Address], str]) -> Callable[["_Views", Address], str]:
    """`work`, with an error shown as a message; unexpected errors go to the log besides."""

    def shown(views: "_Views", address: Address) -> str:
        try:
            return work(views, address)
        except QAError as error:
            return cards.refusal_html(str(error), address)
        except Exception as error:  # noqa: BLE001 - Gradio would print it
            log_fault(error, "The page")
            return cards.refusal_html(FAULT, address)

    return shown


class _Views:
    """What each event shows."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def shown(self, request: gr.Request) -> tuple[str, str, str]:
        """Everything that the address says: on loading, on going back, on following a link."""
        address = Address.of(_query(request))
        answer, table = self._answer(address), self._table(address)
        return self._notice() + answer, self._source(address), table and self._notice() + table

    def asked(self, question: str, request: gr.Request) -> tuple[str, str]:
        """The answer to what is in the box; any open document is closed."""
        filters = Address.of(_query(request)).filters
        answer = self._answer(Address(q=question.strip(), filters=filters))
        return self._notice() + cards.leading(answer), ""

    def opened(self, request: gr.Request) -> str:
        """The document that the address opens."""
        return self._source(Address.of(_query(request)))

    def listed(self, request: gr.Request) -> str:
        """The library as the address sorts and searches it."""
        return self._notice() + self._table(Address.of(_query(request)))

    def _notice(self) -> str:
        """What is wrong with the service, in a line; nothing when all is well."""
        return cards.notice_html(self._site.monitor.health.reason)

    @_refusing
    def _answer(self, address: Address) -> str:
        if not address.q.strip():
            manifest, read_only = self._site.qa.manifest, self._site.read_only
            if not manifest.documents:
                return cards.empty_html(address, read_only=read_only)
            found = beginnings(self._site)
            return cards.welcome_html(found, manifest.documents, manifest.passages, address)
        started = time.perf_counter()
        answer = self._site.ask(address)
        days = self._site.days(answer)
        seconds, read_only = time.perf_counter() - started, self._site.read_only
        return cards.answer_html(answer, address, seconds, days, read_only=read_only)

    @_refusing
    def _source(self, address: Address) -> str:
        document = self._site.qa.document(address.doc) if address.doc else None
        if document is None:
            return viewer.missing_html(address) if address.doc else ""
        excerpts = self._excerpts(address)
        paths = self._site.paths(document)
        plain: Sequence[Excerpt] = [excerpt for _, excerpt in excerpts]
        try:
            layout = self._site.page_images.layout(document, plain, address.at or (0, 0))
        except QAError as error:
            return viewer.document_html(document, excerpts, address, paths, str(error))
        if layout is None:
            return viewer.document_html(document, excerpts, address, paths)
        return viewer.pages_html(document, excerpts, address, paths, layout.shapes, layout.boxes)

    def _excerpts(self, address: Address) -> list[Numbered]:
        """The excerpts that the answer has of the open document, with their numbers."""
        if not address.q.strip():
            return []
        try:
            answer = self._site.ask_again(address)
        except QAError:
            return []
        ranking = enumerate((*answer.excerpts, *answer.nearest), 1)
        return [(number, found) for number, found in ranking if found.document == address.doc]

    @_refusing
    def _table(self, address: Address) -> str:
        if address.view != "library":
            return ""
        qa = self._site.qa
        rows = rows_now(qa.seeds, qa.listed(ListPart()).files, qa.waiting())
        return listing.library_html(rows, address, read_only=self._site.read_only)


def _query(request: gr.Request) -> dict[str, str]:
    return {name: str(value) for name, value in dict(request.query_params).items()}
