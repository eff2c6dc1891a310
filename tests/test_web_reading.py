"""Asking and reading on the page: the keyboard, the next question, what one may begin with."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from indexes import write
from served import OUTPUT, address, browser, corpus, new_tab, serving, tab  # noqa: F401
from test_web_page import QUESTION, ask, drop, query

from qa.building.pipeline import build

pytestmark = pytest.mark.usefixtures("browser")


def focused(page):
    """The id of what has the keyboard."""
    return page.evaluate("document.activeElement.id")


def in_box(page):
    """Whether the keyboard is the box's."""
    return page.evaluate("q => document.activeElement === document.querySelector(q)", QUESTION)


def test_after_enter_a_letter_moves_and_is_not_typed(tab, address):
    tab.goto(address)
    tab.wait_for_selector(".welcome")
    tab.keyboard.type("How old is Ri?")
    assert in_box(tab)
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#excerpt-1:focus")
    tab.keyboard.press("j")
    assert focused(tab) == "excerpt-2"
    assert tab.input_value(QUESTION) == "How old is Ri?"
    tab.keyboard.press("/")
    assert in_box(tab)
    tab.keyboard.type("Who is Paek?")  # in the place of the first, which was selected
    assert tab.input_value(QUESTION) == "Who is Paek?"


def test_the_answer_takes_no_keyboard_from_who_types_on(tab, address):
    tab.goto(address)
    tab.wait_for_selector(".welcome")
    tab.fill(QUESTION, "How old is Ri?")
    held = []

    def hold(route):
        held.append(route)

    tab.route("**/gradio_api/**", hold)  # the answer comes later
    tab.press(QUESTION, "Enter")
    tab.wait_for_function("q => document.activeElement !== document.querySelector(q)", arg=QUESTION)
    tab.focus(QUESTION)
    tab.press(QUESTION, "End")
    tab.keyboard.type(" And")
    for route in held:
        route.continue_()
    tab.wait_for_selector(".card")
    assert in_box(tab)
    assert tab.input_value(QUESTION) == "How old is Ri? And"


def test_the_next_question_is_asked_of_one_document(tab, address):
    tab.goto(f"{address}/?q=How+old+is+Ri%3F")
    tab.wait_for_selector(".card")
    path = tab.locator(".document .path").nth(1).inner_text()
    tab.locator(".document").nth(1).locator(".within").first.click()
    tab.wait_for_selector(".welcome .chip")
    assert query(tab) == {"file": path} and in_box(tab)
    assert tab.locator(".welcome .chip").inner_text().startswith("File: ")
    OUTPUT.mkdir(exist_ok=True)
    tab.screenshot(path=OUTPUT / "within.png")
    ask(tab, "When was Paek captured?")
    assert set(tab.locator("#answer .path").all_inner_texts()) == {path}
    tab.go_back()
    tab.go_back()
    tab.wait_for_selector(".card")
    assert tab.input_value(QUESTION) == "How old is Ri?"


SUGGESTED = "[...document.querySelector('#question input').list.options].map(one => one.value)"


def test_this_browsers_questions_are_suggested_each_once(browser, address):
    with new_tab(browser) as page:
        page.goto(address)
        page.wait_for_selector(".welcome")
        assert page.evaluate(SUGGESTED) == []
        for question in ("Who is Paek?", "How old is Ri?", "Who is Paek?"):
            ask(page, question)
        assert page.evaluate(SUGGESTED) == ["Who is Paek?", "How old is Ri?"]
        page.reload()
        page.wait_for_selector(".card")
        assert page.evaluate(SUGGESTED) == ["Who is Paek?", "How old is Ri?"]
        page.click(".to-history")
        page.click("button[name=forget]")
        assert page.evaluate(SUGGESTED) == []
    with new_tab(browser) as other:
        other.goto(address)
        other.wait_for_selector(".welcome")
        assert other.evaluate(SUGGESTED) == []


def test_one_begins_with_questions_that_are_answered_and_the_newest_documents(tab, address):
    tab.goto(address)
    tab.wait_for_selector(".welcome")
    OUTPUT.mkdir(exist_ok=True)
    tab.screenshot(path=OUTPUT / "welcome.png")
    questions = tab.locator(".examples:not(.newest) a").all_inner_texts()
    assert 2 <= len(questions) <= 4
    assert not any("Who or what" in question for question in questions)
    days = tab.locator(".newest time").all_inner_texts()
    assert days == sorted(days, reverse=True) and len(days) == 5
    for question in questions:
        tab.goto(address)
        tab.click(f".examples a:text-is('{question}')")
        tab.wait_for_selector(".verdict:not(.none)")
    tab.goto(address)
    tab.locator(".newest a").first.click()
    tab.wait_for_selector("#viewer .source-head")


def test_the_examples_are_the_same_in_every_process(corpus):
    """What a reader may begin with depends on the documents alone, and on no order of a set."""
    code = (
        "import sys, types; from qa import QA; from qa.web.examples import beginnings\n"
        "with QA.open(sys.argv[1]) as qa:\n"
        "    print(beginnings(types.SimpleNamespace(qa=qa, beginnings={})))"
    )
    shown = {
        subprocess.run(
            [sys.executable, "-c", code, str(corpus[1])], check=True, capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(shown) == 1 and b"?" in shown.pop()


def test_an_empty_library_says_what_to_do_and_takes_files(browser, tmp_path, new_index):
    seeds, index = tmp_path / "seeds", new_index()
    seeds.mkdir()
    build(seeds, index, allow_empty=True)
    file = write(tmp_path, "mill.txt", "The mill grinds rye for three villages.\n")
    OUTPUT.mkdir(exist_ok=True)
    with serving(seeds, index) as at, new_tab(browser) as page:
        page.goto(at)
        page.wait_for_selector(".empty .drop")
        assert "There are no documents yet." in page.locator("#answer").inner_text()
        page.screenshot(path=OUTPUT / "empty.png")
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe")
        faults = axe.Axe().run(page).response["violations"]
        assert [f["id"] for f in faults if f["impact"] in ("serious", "critical")] == []
        drop(page, ".empty .drop", [file])
        page.wait_for_selector(".welcome:not(.empty)", timeout=60_000)
        assert in_box(page)
        page.keyboard.type("Who grinds rye?")
        page.keyboard.press("Enter")
        page.wait_for_selector("#answer .path:text-is('mill.txt')")


def test_where_there_is_nothing_at_all_a_server_begins_an_empty_library(tmp_path):
    command = [sys.executable, "-m", "qa", "serve", "--port", "0"]
    known = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(command, cwd=tmp_path, env=known, stdout=subprocess.PIPE) as server:
        try:
            line = server.stdout.readline().decode()
            at = re.search(r"http://\S+", line)[0]
            assert httpx.get(f"{at}/api/documents").json()["documents"] == []
            assert (tmp_path / "seeds").is_dir()
        finally:
            server.terminate()


def test_a_document_in_another_language_is_begun_with_its_own_questions(
    browser, tmp_path, new_index
):
    seeds, index = tmp_path / "seeds", new_index()
    write(
        seeds, "fragen.md",
        "# Häufige Fragen\n\n## Wann öffnet die Mühle im Winter?\n\n"
        "Die Mühle öffnet im Winter um zehn Uhr morgens und schließt bei Einbruch der Dunkelheit.\n",
    )  # fmt: skip
    build(seeds, index)
    with serving(seeds, index) as at, new_tab(browser) as page:
        page.goto(at)
        page.wait_for_selector(".welcome")
        found = page.locator(".examples:not(.newest) a").all_inner_texts()
        assert found == ["Wann öffnet die Mühle im Winter?"]
