"""The page in a real browser."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from served import OUTPUT, address, browser, held, new_library, new_tab, serving, tab  # noqa: F401

pytestmark = pytest.mark.usefixtures("browser")

QUESTION = "#question input"
MARKED = "[...document.querySelectorAll('#viewer mark.current')].map(m => m.innerText)"


def ask(page, question):
    """Types a question and presses Enter; waits for its answer."""
    page.fill(QUESTION, question)
    page.press(QUESTION, "Enter")
    page.wait_for_function(
        "q => new URLSearchParams(location.search).get('q') === q"
        " && document.querySelector('#answer .head')",
        arg=question,
    )


def words(text):
    """The words of a text, blanks and line ends aside."""
    return " ".join(text.split())


def query(page):
    """What the address says."""
    return {name: value[0] for name, value in parse_qs(urlsplit(page.url).query).items()}


def test_a_question_is_asked_and_its_source_opened_by_keyboard_alone(tab, address):
    tab.goto(address)
    tab.wait_for_selector(".welcome")
    tab.keyboard.type("How old is Ri?")
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".card")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("j")
    tab.keyboard.press("k")
    assert tab.evaluate("document.activeElement.id") == "excerpt-1"
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#viewer mark.current")
    assert query(tab)["doc"]
    tab.keyboard.press("Escape")
    tab.wait_for_selector("#viewer", state="hidden")
    assert "doc" not in query(tab)
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement === document.querySelector('#question input')")


@pytest.mark.parametrize("kind", ["txt", "md", "html", "pdf", "docx"])
def test_each_citation_opens_its_source_with_exactly_the_excerpt_marked_and_in_view(
    tab, address, kind
):
    tab.goto(f"{address}/?q=What+is+said+about+soldiers+and+prisoners&kind={kind}")
    tab.wait_for_selector(".card")
    assert tab.locator(".path").all_inner_texts() == [
        path for path in tab.locator(".path").all_inner_texts() if path.endswith(f".{kind}")
    ]
    for card in tab.locator(".card").all():
        excerpt = card.locator("blockquote").inner_text()
        card.locator(".open").click()
        at = query(tab)["at"]
        tab.wait_for_function(
            "at => document.querySelector('#viewer .chip.now')?.getAttribute('href').endsWith(at)",
            arg=at,
        )
        tab.wait_for_selector("#viewer mark.current")
        assert words(" ".join(tab.evaluate(MARKED))) == words(excerpt)
        shown = "#viewer .box.current" if kind == "pdf" else "#viewer mark.current"
        tab.wait_for_function(
            """selector => { const a = document.querySelector('#viewer').getBoundingClientRect();
            const b = document.querySelector(selector)?.getBoundingClientRect();
            return b && b.height > 2 && b.top >= a.top && b.top < a.bottom }""",
            arg=shown,
        )


def test_a_pdf_page_is_shown_as_it_looks_with_the_passage_marked_on_its_lines(tab, address):
    tab.goto(f"{address}/?q=How+many+killed+or+wounded&kind=pdf")
    tab.locator(".open").first.click()
    tab.wait_for_function(
        "() => [...document.querySelectorAll('.face img')].some(i => i.complete && i.naturalWidth > 900)"
    )
    assert tab.locator(".face .box.current").count() >= 1
    OUTPUT.mkdir(exist_ok=True)
    tab.screenshot(path=OUTPUT / "viewer-pdf.png")


def test_no_answer_is_said_plainly_and_the_nearest_passages_stand_under_their_own_heading(
    tab, address
):
    tab.goto(address)
    ask(tab, "What is the melting point of tungsten carbide?")
    assert tab.locator(".verdict.none").inner_text() == "The documents do not answer this."
    headings = tab.locator("#answer h2").all_inner_texts()
    assert headings == ["The documents do not answer this.", "Nearest passages"]


def test_the_address_brings_back_question_filters_and_document_on_reload_and_back(tab, address):
    tab.goto(f"{address}/?q=Who+grinds+rye%3F&folder=reports")
    tab.wait_for_selector(".card")
    assert tab.input_value(QUESTION) == "Who grinds rye?"
    assert set(tab.locator(".path").all_inner_texts()) == {"reports/mill.txt"}
    tab.locator(".open").first.click()
    tab.wait_for_selector("#viewer mark.current")
    there = tab.url
    tab.reload()
    tab.wait_for_selector("#viewer mark.current")
    assert tab.url == there
    ask(tab, "How old is Ri?")
    assert query(tab)["folder"] == "reports"
    tab.go_back()
    tab.wait_for_selector("#viewer mark.current")
    assert tab.input_value(QUESTION) == "Who grinds rye?"
    tab.locator("#answer .chip").click()
    tab.wait_for_function("() => !location.search.includes('folder')")
    tab.wait_for_function("() => document.querySelectorAll('#answer .path').length > 1")


def test_a_filter_chosen_by_hand_asks_again_and_stands_in_the_address(tab, address):
    tab.goto(f"{address}/?q=Who+was+captured%3F")
    tab.wait_for_selector(".card")
    tab.click("#filters button")
    tab.get_by_label("Kind").click()
    tab.get_by_role("option", name="docx").click()
    tab.wait_for_function("() => location.search.includes('kind=docx')")
    assert set(tab.locator("#answer .path").all_inner_texts()) == {"timeline.docx"}
    tab.get_by_label("Until").fill("2025-02-01")
    tab.get_by_label("Until").press("Enter")
    tab.wait_for_function("() => location.search.includes('until=2025-02-01')")
    tab.wait_for_function("() => document.querySelectorAll('#answer .card').length === 0")


def test_hostile_text_is_shown_as_text_and_runs_nothing(tab, address):
    tab.goto(address)
    ask(tab, "What did the lighthouse keeper write on the wall?")
    card = tab.locator(".document:has-text('hostile.md') .card").first
    said = card.inner_text()
    for part in (
        "<img src=x onerror='window.ran=1'>",
        "${1+1}",
        "`code` *stars*",
        "</mark>",
        "$x^2$",
    ):
        assert part in said
    card.locator(".open").click()
    tab.wait_for_selector("#viewer mark.current")
    shown = tab.locator("#viewer .lines").inner_text()
    assert "<script>window.ran = 1</script> notes" in shown
    assert "␛[31mred" in shown
    assert "\u202e" not in shown
    card.locator("button[name=around]").click()
    tab.wait_for_function("() => document.querySelector('#answer').innerText.includes('harbour')")
    assert tab.locator("#answer svg").count() == 0
    assert tab.evaluate("window.ran") is None
    assert tab.locator("#answer b, #answer img, #viewer img").count() == 0


def test_a_question_of_markup_is_shown_as_text(tab, address):
    tab.goto(address)
    question = "<img src=x onerror=window.ran=1>${window.ran=1} lighthouse"
    ask(tab, question)
    tab.goto(f"{address}/?view=history")
    tab.wait_for_selector("#asked li")
    assert question in tab.locator("#asked").inner_text()
    assert tab.evaluate("window.ran") is None


def test_a_quote_is_copied_with_its_citation_and_a_link_that_opens_it(browser, address):
    with new_tab(browser, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto(f"{address}/?q=How+old+is+Ri%3F")
        page.locator("button[name=copy]").first.click()
        page.wait_for_selector("button:text('Copied')")
        said = page.evaluate("navigator.clipboard.readText()")
        quote = words(page.locator("blockquote").first.inner_text())
        assert quote in words(said)
        page.goto(re.search(r"http\S+$", said)[0])
        page.wait_for_selector("#viewer mark.current")
        assert words(" ".join(page.evaluate(MARKED))) == quote


def test_history_stays_in_this_browser_and_can_be_cleared(tab, address):
    tab.goto(address)
    ask(tab, "Who is Paek?")
    tab.click(".to-history")
    tab.wait_for_selector("#asked li")
    tab.click("#asked a")
    tab.wait_for_selector(".card")
    assert tab.input_value(QUESTION) == "Who is Paek?"
    tab.click(".to-history")
    tab.click("button[name=forget]")
    assert tab.locator("#asked li").count() == 0
    assert tab.evaluate("localStorage.length") == 0


def test_an_answer_is_saved_as_json_with_its_citations(tab, address):
    tab.goto(f"{address}/?q=How+old+is+Ri%3F")
    with tab.expect_download() as saved:
        tab.click(".downloads a:text('JSON')")
    answer = json.loads(saved.value.path().read_text())
    assert answer["question"] == "How old is Ri?"
    assert [*answer["excerpts"], *answer["nearest"]]


def test_going_back_and_forth_fast_ends_at_the_last_address(tab, address):
    tab.goto(address)
    tab.wait_for_selector(".welcome")
    for question in ("Who", "Which", "What", "How+old+is+Ri%3F"):
        tab.evaluate(
            "q => { history.pushState(null, '', q); dispatchEvent(new PopStateEvent('popstate')) }",
            f"?q={question}",
        )
    tab.wait_for_function(
        "() => document.querySelector('#question input').value === 'How old is Ri?'"
    )
    assert query(tab)["q"] == "How old is Ri?"


def test_two_tabs_ask_at_once_without_mixing(browser, address):
    with new_tab(browser) as one, new_tab(browser) as two:
        for page in (one, two):
            page.goto(address)
            page.wait_for_selector(".welcome")
        for page, said in ((one, "How old is Ri?"), (two, "Who grinds rye?")):
            page.fill(QUESTION, said)
        for page in (one, two):
            page.press(QUESTION, "Enter")
        for page, said in ((one, "ri.md"), (two, "reports/mill.txt")):
            page.wait_for_selector(".card")
            assert page.locator(".path").first.inner_text() == said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "search",
    ["", "?q=How+old+is+Ri%3F", "?q=How+old+is+Ri%3F&kind=pdf", "?view=library", "?view=history"],
)
def test_axe_finds_nothing_serious(browser, address, scheme, search):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    with new_tab(browser, color_scheme=scheme) as page:
        page.goto(f"{address}/{search}")
        page.wait_for_selector(".welcome, .card, table, #asked:visible", state="attached")
        if "q=" in search:
            page.locator(".open").first.click()
            page.wait_for_selector("#viewer .source-head")
            page.click("#filters button")
            page.wait_for_timeout(200)
        found = axe.Axe().run(page).response["violations"]
        serious = [
            (fault["id"], [node["html"][:150] for node in fault["nodes"][:3]])
            for fault in found
            if fault["impact"] in ("serious", "critical")
        ]
        assert serious == []


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("narrow", 360, "light"), ("dark", 1280, "dark"), ("wide", 1800, "light")],
)
def test_nothing_is_cut_off_at_any_width(browser, address, name, width, scheme):
    OUTPUT.mkdir(exist_ok=True)
    with new_tab(browser, color_scheme=scheme) as page:
        page.set_viewport_size({"width": width, "height": 800})
        for search in ("?q=How+old+is+Ri%3F", "?view=library"):
            page.goto(f"{address}/{search}")
            page.wait_for_selector(".card, table")
            page.screenshot(path=OUTPUT / f"{name}{'-library' if 'view' in search else ''}.png")
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_file_is_put_in_asked_about_and_taken_out_again(browser, tmp_path, encoders):
    seeds, index = new_library(tmp_path, encoders)
    file = tmp_path / "ferry.txt"
    file.write_text("The ferry to the island of Vell leaves at six in the morning.\n")
    with serving(seeds, index) as at, new_tab(browser) as page:
        page.goto(f"{at}/?view=library")
        page.wait_for_selector("table")
        page.on("dialog", lambda dialog: dialog.accept())
        with page.expect_file_chooser() as chooser:
            page.click("#drop")
        chooser.value.set_files(file)
        page.wait_for_selector(".status.fresh:text('new')")
        assert "Not in the index yet: 1 new" in page.locator("#table").inner_text()
        page.click("button[name=rebuild]")
        page.wait_for_function(
            "() => document.querySelector('#said').textContent.includes('1 added')"
        )
        page.wait_for_selector("tr:has-text('ferry.txt') .status.well")
        page.click(".to-ask")
        ask(page, "When does the ferry to Vell leave?")
        assert page.locator(".path").first.inner_text() == "ferry.txt"
        page.goto(f"{at}/?view=library")
        page.wait_for_selector("table")
        page.click("tr:has-text('ferry.txt') button[name=remove]")
        page.wait_for_selector("tr:has-text('ferry.txt') .status.fresh")
        assert not (seeds / "ferry.txt").exists()
        page.click("button[name=rebuild]")
        page.wait_for_function(
            "() => document.querySelector('#said').textContent.includes('1 removed')"
        )
        page.wait_for_selector("tr:has-text('ferry.txt')", state="detached")
        page.click(".to-ask")
        ask(page, "When does the ferry to Vell leave?")
        assert "ferry.txt" not in page.locator("#answer").inner_text()


def test_a_file_of_the_same_name_is_replaced_only_when_that_was_meant(browser, tmp_path, encoders):
    seeds, index = new_library(tmp_path, encoders)
    file = tmp_path / "ri.md"
    file.write_text("Another text.\n")
    before = (seeds / "ri.md").read_text()
    with serving(seeds, index) as at, new_tab(browser) as page:
        page.expected = ("409",)
        asked: list[str] = []
        page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.goto(f"{at}/?view=library")
        page.wait_for_selector("table")
        with page.expect_file_chooser() as chooser:
            page.click("#drop")
        chooser.value.set_files(file)
        page.wait_for_function("() => document.querySelector('#said').textContent.includes('kept')")
    assert asked == ["ri.md is there already. Replace it?"]
    assert (seeds / "ri.md").read_text() == before


def test_the_library_is_searched_and_sorted(tab, address):
    tab.goto(f"{address}/?view=library")
    tab.wait_for_selector("table")
    tab.locator("#find input").press_sequentially("html")
    tab.wait_for_function("() => new URLSearchParams(location.search).get('find') === 'html'")
    assert tab.locator("tbody tr").count() == 2
    tab.wait_for_load_state("networkidle")
    tab.click("thead a:text('Size')")
    tab.wait_for_function("() => location.search.includes('sort=size')")
    sizes = tab.locator("tbody td.number:nth-of-type(4)").all_inner_texts()
    assert len(sizes) == 2
    assert sizes == sorted(sizes, reverse=True)


def test_a_read_only_library_offers_no_change(browser, held):
    with serving(*held, read_only=True) as at, new_tab(browser) as page:
        page.goto(f"{at}/?view=library")
        page.wait_for_selector("table")
        assert page.locator("#drop, button[name=remove], button[name=rebuild]").count() == 0
        assert "for reading only" in page.locator("#tools").inner_text()


def test_a_judgement_is_kept_beside_the_index(browser, held, tmp_path, encoders):
    seeds, index = new_library(tmp_path, encoders)
    with serving(seeds, index) as at, new_tab(browser) as page:
        page.goto(f"{at}/?q=How+old+is+Ri%3F")
        page.locator("button[name=helpful]").first.click()
        page.wait_for_selector("button[name=helpful][disabled]")
    (row,) = map(json.loads, (index / "helpful.jsonl").read_text().splitlines())
    assert row["question"] == "How old is Ri?"
    assert row["document"] == "ri.md"
    start, end = row["spans"][0]
    assert "26" in (seeds / "ri.md").read_text()[start:end]
