"""The page in a real browser."""

import json
import re
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from indexes import write
from served import OUTPUT, address, browser, corpus, new_library, new_tab, serving, tab  # noqa: F401

from qa.building.pipeline import build

pytestmark = pytest.mark.usefixtures("browser")

QUESTION = "#question input"
MARKED = "[...document.querySelectorAll('#viewer mark.current')].map(m => m.innerText)"

SHIFTS = """window.shifts = []; new PerformanceObserver(seen => {
    for (const { value, sources } of seen.getEntries())
        if (value > 0.0005) window.shifts.push(sources.map(({ node }) => node?.outerHTML.slice(0, 80)))
}).observe({ type: 'layout-shift', buffered: true })"""


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
    tab.wait_for_selector(".card:focus")  # the excerpts have the keyboard now
    for key, number in (("ArrowDown", 2), ("j", 3), ("k", 2), ("ArrowUp", 1)):
        tab.keyboard.press(key)
        assert tab.evaluate("document.activeElement.id") == f"excerpt-{number}"
    assert tab.input_value(QUESTION) == "How old is Ri?"
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
    assert tab.locator(".document time").count() == tab.locator(".document").count()
    for card in tab.locator(".card").all():
        card.locator(".lead").evaluate("lead => { lead.hidden = false }")  # part of the excerpt
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
        "() => [...document.querySelectorAll('.sheet img')].some(i => i.complete && i.naturalWidth > 900)"
    )
    assert tab.locator(".sheet .box.current").count() >= 1
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


def test_an_example_of_the_corpus_is_a_question_that_finds_something(tab, address):
    tab.goto(address)
    example = tab.locator(".examples a").first
    example.wait_for()  # to be seen, as its text is of what is seen
    question = example.inner_text()
    example.click()
    tab.wait_for_selector(".card")
    assert tab.input_value(QUESTION) == question


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
    tab.click("#filters summary")
    tab.get_by_label("Kind").select_option("md")
    tab.wait_for_function(
        "() => [...document.querySelectorAll('#answer .path')].every(p => p.innerText.endsWith('md'))"
    )
    tab.get_by_label("File").press_sequentially("ri.md")
    tab.wait_for_selector("#answer .path:text-is('paek.md')", state="detached")
    assert set(tab.locator("#answer .path").all_inner_texts()) == {"ri.md"}
    tab.get_by_label("Until").fill("2025-02-01")
    tab.wait_for_selector("#answer .card", state="detached")
    assert query(tab) == {
        "q": "Who was captured?", "kind": "md", "file": "ri.md", "until": "2025-02-01",
    }  # fmt: skip
    tab.get_by_label("File").fill("none.md")
    tab.keyboard.press("Tab")
    assert not tab.evaluate("document.querySelector('[name=file]').validity.valid")
    tab.go_back()
    tab.wait_for_selector("#answer .card")
    assert tab.get_by_label("Until").input_value() == ""


def test_hostile_text_is_shown_as_text_and_runs_nothing(tab, address):
    tab.goto(address)
    ask(tab, "What did the lighthouse keeper write on the wall?")
    card = tab.locator(".document:has-text('hostile.md') .card").first
    result = card.inner_text()
    for part in (
        "<img src=x onerror='window.ran=1'>",
        "${1+1}",
        "`code` *stars*",
        "</mark>",
        "$x^2$",
    ):
        assert part in result
    card.locator(".open").click()
    tab.wait_for_selector("#viewer mark.current")
    shown = tab.locator("#viewer .lines").inner_text()
    assert "<script>window.ran = 1</script> notes" in shown
    assert "␛[31mred␛[0m stand" in shown
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
        result = page.evaluate("navigator.clipboard.readText()")
        quote = words(page.locator("blockquote").first.inner_text())
        cited = words(re.search("“(.*)”", result, re.DOTALL)[1])  # with the heading above the quote
        assert quote in cited
        page.goto(re.search(r"http\S+$", result)[0])
        page.wait_for_selector("#viewer mark.current")
        assert words(" ".join(page.evaluate(MARKED))) == cited


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
        for page, result in ((one, "How old is Ri?"), (two, "Who grinds rye?")):
            page.fill(QUESTION, result)
        for page in (one, two):
            page.press(QUESTION, "Enter")
        for page, result in ((one, "ri.md"), (two, "reports/mill.txt")):
            page.wait_for_selector(".card")
            assert page.locator(".path").first.inner_text() == result


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, address, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    asked = "?q=How+old+is+Ri%3F"
    serious = []
    with new_tab(browser, color_scheme=scheme) as page:
        for search in ("", asked, f"{asked}&kind=pdf", "?view=library", "?view=history"):
            page.goto(f"{address}/{search}")
            page.wait_for_selector(".welcome:visible, .card, table, #asked:visible")
            if search.startswith(asked):
                page.locator(".open").first.click()
                page.wait_for_selector("#viewer .source-head")
                page.click("#filters summary")
                page.wait_for_selector("#files option", state="attached")
            serious += [
                (search, fault["id"], [node["html"][:150] for node in fault["nodes"][:3]])
                for fault in axe.Axe().run(page).response["violations"]
                if fault["impact"] in ("serious", "critical")
            ]
    assert serious == []


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("narrow", 360, "light"), ("dark", 1280, "dark"), ("wide", 1800, "light")],
)
def test_nothing_is_cut_off_at_any_width_or_moves_while_it_loads(
    browser, address, name, width, scheme
):
    OUTPUT.mkdir(exist_ok=True)
    with new_tab(browser, color_scheme=scheme) as page:
        page.add_init_script(SHIFTS)
        page.set_viewport_size({"width": width, "height": 800})
        for search in ("?q=How+old+is+Ri%3F", "?view=library"):
            page.goto(f"{address}/{search}")
            page.wait_for_selector(".card, table")
            page.screenshot(path=OUTPUT / f"{name}{'-library' if 'view' in search else ''}.png")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate("window.shifts") == []


@pytest.fixture(scope="module")
def own(tmp_path_factory, encoders):
    """A library that may be changed, and its server: (seeds, index, address)."""
    seeds, index = new_library(tmp_path_factory.mktemp("own"), encoders)
    with serving(seeds, index) as at:
        yield seeds, index, at


@contextmanager
def library(browser, own):
    """A tab with the library that may be changed."""
    with new_tab(browser) as page:
        page.goto(f"{own[2]}/?view=library")
        page.wait_for_selector("table")
        yield page


def status(page, name, result):
    """Waits until the library says that of the file; nothing: until it has no such file."""
    row = f"tr:has-text('{name}')"
    if result:
        page.wait_for_selector(f"{row} .status:text-is('{result}')")
    else:
        page.wait_for_selector(row, state="detached")


def tab_to(page, selector, key="Tab"):
    """Presses the key until what the selector names has the focus."""
    for _ in range(80):
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
        page.keyboard.press(key)
    pytest.fail(f"{selector} is not reached by {key}")


def test_a_file_is_put_in_asked_about_and_taken_out_again(browser, own, tmp_path):
    seeds, _, at = own
    file = tmp_path / "ferry.txt"
    file.write_text("The ferry to the island of Vell leaves at six in the morning.\n")
    with library(browser, own) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        with page.expect_file_chooser() as chooser:
            page.click("#drop")
        chooser.value.set_files(file)
        status(page, "ferry.txt", "new")
        assert "Not in the index yet: 1 new" in page.locator("#table").inner_text()
        page.click("button[name=rebuild]")
        status(page, "ferry.txt", "indexed")
        page.click(".to-ask")
        ask(page, "When does the ferry to Vell leave?")
        assert page.locator(".path").first.inner_text() == "ferry.txt"
        page.click(".to-library")
        page.click("tr:has-text('ferry.txt') button[name=remove]")
        status(page, "ferry.txt", "gone")
        assert not (seeds / "ferry.txt").exists()
        page.request.post(f"{at}/api/build")  # a rebuild that was begun elsewhere is told of too
        page.wait_for_selector("#message:has-text('1 removed')")
        status(page, "ferry.txt", None)
        page.click(".to-ask")
        ask(page, "Does the ferry to Vell leave?")
        assert "ferry.txt" not in page.locator("#answer").inner_text()


def drop(page, selector, files):
    """Drags files over an element and drops them there, as the browser itself would."""
    box = page.locator(selector).bounding_box()
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    pointer = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        pointer.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})


def test_dropped_files_are_taken_and_a_rebuild_tells_how_far_it_is(browser, own, tmp_path):
    short, long = tmp_path / "anchor.txt", tmp_path / "lamps.txt"
    short.write_text("The anchor weighs two tons.\n")
    long.write_text(
        "\n\n".join(f"Lamp {n} burns the oil of barrel {13 * n}." for n in range(1_200))
    )
    with library(browser, own) as page:
        drop(page, "#drop", [short, long])
        for file in (short, long):
            status(page, file.name, "new")
            assert (own[0] / file.name).read_bytes() == file.read_bytes()
        page.evaluate(
            """() => { window.said = []; const bar = document.querySelector('#progress progress');
            new MutationObserver(() => window.said.push([bar.value, bar.max, bar.nextSibling.textContent]))
            .observe(document.querySelector('#progress'), {childList: true, subtree: true}) }"""
        )
        page.click("button[name=rebuild]")
        page.wait_for_selector("#message:has-text('Rebuilt')")
        status(page, "lamps.txt", "indexed")
        assert page.locator("#progress").is_hidden()
        messages = [tuple(result) for result in page.evaluate("window.said")]
    far = r"encoding · 1 of 2 files · \d+ passages · [\d.]+ a second · about \d+ s left · lamps.txt"
    within = [
        result
        for bar, most, result in messages
        if 1 <= bar <= most == 2 and re.fullmatch(far, result)
    ]
    assert len(set(within)) > 1


def test_a_rebuild_that_would_remove_most_documents_asks_first(browser, tmp_path, new_index):
    seeds, index = tmp_path / "seeds", new_index()
    for name in ("mill", "barn"):
        write(seeds, f"{name}.txt", f"This is the {name}.")
    build(seeds, index)
    for name in ("mill", "barn"):
        (seeds / f"{name}.txt").rename(tmp_path / name)
    write(seeds, "road.txt", "The road is closed.")
    refused = "#message:has-text('would remove 2 of the 2 documents')"
    with serving(seeds, index) as at, library(browser, (seeds, index, at)) as page:
        page.click("button[name=rebuild]")
        page.wait_for_selector(refused)
        for answer in ("dismiss", "accept"):
            page.once("dialog", lambda dialog, answer=answer: getattr(dialog, answer)())
            with page.expect_event("dialog") as asked:
                page.click("button[name=rebuild]")
            assert "Remove them?" in asked.value.message
            page.wait_for_selector(refused, state="detached")  # it has begun
            page.wait_for_selector(
                refused if answer == "dismiss" else "#message:has-text('Rebuilt')"
            )
        status(page, "road.txt", "indexed")
        status(page, "mill.txt", None)


def test_the_library_is_used_by_keyboard_alone(browser, own, tmp_path):
    seeds = own[0]
    file = tmp_path / "keys.txt"
    file.write_text("The keys of the tower hang by the door.\n")
    asked: list[str] = []
    answers = iter(["dismiss", "accept"])
    with library(browser, own) as page:
        keys = page.keyboard
        page.on("filechooser", lambda chooser: chooser.set_files(file))
        page.on("dialog", lambda d: (asked.append(d.message), getattr(d, next(answers))()))
        tab_to(page, "#find")
        keys.type("html")
        page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 2")
        keys.press("Control+A")
        keys.press("Delete")
        page.wait_for_function("() => document.querySelectorAll('tbody tr').length > 2")
        tab_to(page, "thead th:nth-child(5) a")
        for order in ("descending", "ascending"):
            keys.press("Enter")
            page.wait_for_selector(f"th[aria-sort={order}]:has-text('Size')")
            assert page.evaluate("document.activeElement.textContent") == "Size"
        tab_to(page, "#drop", "Shift+Tab")
        keys.press("Space")
        status(page, "keys.txt", "new")
        tab_to(page, "button[name=rebuild]")
        keys.press("Enter")
        status(page, "keys.txt", "indexed")
        for result in ("indexed", "gone"):
            tab_to(page, "button[title='Remove keys.txt']")
            keys.press("Enter")
            status(page, "keys.txt", result)
            assert (seeds / "keys.txt").exists() == (result == "indexed")
        assert asked == ["Remove keys.txt from the folder? This cannot be undone."] * 2
        page.wait_for_function("() => document.activeElement.name === 'remove'")
        tab_to(page, "button[name=rebuild]", "Shift+Tab")
        keys.press("Space")
        status(page, "keys.txt", None)


def test_a_file_of_the_same_name_is_replaced_only_when_that_was_meant(browser, own, tmp_path):
    file = tmp_path / "ri.md"
    file.write_text("Another text.\n")
    before = (own[0] / "ri.md").read_text()
    with library(browser, own) as page:
        page.expected = ("409",)
        asked: list[str] = []
        page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        drop(page, "#drop", [file])
        page.wait_for_selector("#message:has-text('kept as it was')")
    assert asked == ["ri.md is there already. Replace it?"]
    assert (own[0] / "ri.md").read_text() == before


def test_the_library_is_searched_and_sorted(tab, address):
    tab.goto(f"{address}/?view=library")
    tab.wait_for_selector("table")
    tab.locator("#find").press_sequentially("html")
    tab.wait_for_function("() => document.querySelectorAll('tbody tr').length === 2")
    assert query(tab)["find"] == "html"
    tab.click("thead a:text('Size')")
    tab.wait_for_function("() => location.search.includes('sort=size')")
    sizes = tab.locator("tbody td.number:nth-of-type(4)").all_inner_texts()
    assert len(sizes) == 2
    assert sizes == sorted(sizes, reverse=True)


def test_a_read_only_library_offers_no_change(browser, corpus):
    with serving(*corpus, read_only=True) as at, new_tab(browser) as page:
        page.goto(f"{at}/?view=library")
        page.wait_for_selector("table")
        assert page.locator("#drop, button[name=remove], button[name=rebuild]").count() == 0
        assert "for reading only" in page.locator("#tools").inner_text()
        page.goto(f"{at}/?q=How+old+is+Ri%3F")
        page.wait_for_selector(".card button[name=copy]")
        assert page.locator(".card button[name=helpful]").count() == 0


def test_a_judgement_is_kept_beside_the_index(browser, own):
    seeds, index, at = own
    with new_tab(browser) as page:
        page.goto(f"{at}/?q=How+old+is+Ri%3F")
        for name in ("helpful", "unhelpful"):
            page.locator(f"button[name={name}]").first.click()
            page.wait_for_selector(f"button[name={name}][aria-pressed=true]")
            assert page.locator("[aria-pressed=true]").count() == 1
    rows = list(map(json.loads, (index / "feedback.jsonl").read_text().splitlines()))
    assert [row["helpful"] for row in rows] == [True, False]
    assert rows[0]["question"] == "How old is Ri?"
    assert rows[0]["document"] == "ri.md"
    start, end = rows[0]["spans"][0]
    assert "26" in (seeds / "ri.md").read_text()[start:end]
