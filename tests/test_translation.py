"""Every text in English and German: on the page, on the terminal, and in errors."""

import gettext
import os
import re
import subprocess
import sys
from pathlib import Path

import catalogue
import httpx
import pytest
from served import OUTPUT, address, browser, corpus, new_tab, serving  # noqa: F401

from qa import QA, cli
from qa.translation import (
    FOLDER,
    Number,
    of_environment,
    of_header,
    plural,
    speaking,
    spoken,
    tr,
    tr_notes,
)

ROOT = Path(__file__).parents[1]


def places(text):
    """The values that a text has places for."""
    return set(re.findall(r"\{(\w*)[^{}]*\}", text))


def germans():
    """Each text with its German; pairs apart."""
    found = gettext.translation("qa", FOLDER, ["de"])
    for text in catalogue.texts():
        if isinstance(text, tuple):
            yield from (
                (form, found.ngettext(*text, n)) for form, n in zip(text, (1, 2), strict=True)
            )
        else:
            yield text, found.gettext(text)


ALIKE = {"Status", "status", "{:.0f} ms"}  # in both languages


def test_every_text_has_its_german():
    missing = {text for text, german in germans() if text == german} - ALIKE
    assert not missing, "python tests/catalogue.py names them; write their German into its file"


def test_the_german_of_a_text_has_places_for_nothing_else():
    for text, german in germans():
        assert places(german) <= places(text), (text, german)
        if "" in places(text):
            assert text.count("{") == german.count("{"), (text, german)


def test_the_catalogue_that_is_read_is_the_one_that_is_written_down():
    pofile = pytest.importorskip("babel.messages.pofile", reason="Babel is not installed")
    with catalogue.PO.open("rb") as stream:
        written = pofile.read_po(stream, locale="de")
    read = gettext.translation("qa", FOLDER, ["de"])
    for message in written:
        if isinstance(message.id, str) and message.id:
            assert read.gettext(message.id) == message.string


def test_a_text_that_was_put_together_is_found_by_what_stands_around_its_values():
    with speaking("de"):
        assert tr("There is no index in /a b: run `qa build` first.") == (
            "In /a b gibt es keinen Index: führen Sie zuerst `qa build` aus."
        )
        assert tr("2,000 of 3,500 files gave nothing, or not all:").startswith("2.000 von 3.500")
        assert tr("no text on pages 2, 3") == "kein Text auf Seite 2, 3"
        assert tr(
            "The folder of documents is out of reach. The question is blank: ask something."
        ) == (
            "Der Ordner der Dokumente ist nicht erreichbar. Die Frage ist leer: fragen Sie etwas."
        )
        assert tr("What nobody ever said") == "What nobody ever said"
    assert tr("The documents do not answer this.") == "The documents do not answer this."


def test_a_text_of_anything_is_looked_up_in_no_time():
    hostile = "a is a: a is a " * 250
    with speaking("de"):
        assert tr(hostile) == hostile


@pytest.mark.parametrize(
    ("notes", "german"),
    [
        (
            "hidden sheet: Old, 1 formula without a value",
            "ausgeblendetes Blatt: Old, 1 Formel ohne Wert",
        ),
        (
            "2 hidden rows and 1 hidden column in Mai, hidden sheet: Old prices",
            "2 ausgeblendete Zeilen und 1 ausgeblendete Spalte in Mai, ausgeblendetes Blatt: Old prices",
        ),
        ("hidden slides: 2, 3", "ausgeblendete Folien: 2, 3"),
        (
            "no text on page 2; the text layer is garbled, words may be wrong: page 4",
            "kein Text auf Seite 2; die Textebene ist unlesbar, Wörter können falsch sein: Seite 4",
        ),
        ("a name, another", "a name, another"),
    ],
)
def test_each_note_on_a_file_is_in_the_language_that_is_spoken(notes, german):
    """Notes stand beside each other, and what they name may have commas itself."""
    assert tr_notes(notes) == notes
    with speaking("de"):
        assert tr_notes(notes) == german


def test_numbers_are_written_as_the_language_does():
    assert f"{Number(2000):,} {Number(0.93):.2f}" == "2,000 0.93"
    with speaking("de"):
        assert f"{Number(2000):,} {Number(0.93):.2f}" == "2.000 0,93"
        assert plural(1, ("{:,} document", "{:,} documents")) == "1 Dokument"
        assert plural(2000, ("{:,} document", "{:,} documents")) == "2.000 Dokumente"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "fr:de"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_terminal_speaks_what_the_environment_names(variables, expected):
    assert of_environment(variables) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("de", "de"), ("de-CH,de;q=0.9,en;q=0.8", "de"), ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr, de;q=0.5, en;q=0.3", "de"), ("de;q=0, en", "en"), ("", "en"), ("*", "en"),
        (";;;q=,", "en"),
    ],
)  # fmt: skip
def test_a_browser_is_spoken_to_in_the_language_that_it_prefers(header, expected):
    assert of_header(header) == expected


def german(*arguments):
    """What `qa` prints for a German reader: (exit code, stdout, stderr)."""
    known = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "de_DE.UTF-8"}
    command = [sys.executable, "-m", "qa", *map(str, arguments)]
    done = subprocess.run(command, env=known, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_the_command_line_speaks_german_and_its_json_stays_as_it_is(library):
    index = library[1]
    _, out, _ = german("ask", "How old is Ri?", "--index", index)
    assert out.startswith("Beantwortet; die erste Stelle antwortet")
    assert "wahrscheinlich" in out and "derselbe Text in" in out
    code, _, err = german("ask", "How old is Ri?", "--index", "/nowhere")
    assert (code, err.startswith("qa: In /nowhere gibt es keinen Index")) == (1, True)
    _, out, _ = german("status", "--index", index)
    assert "Kopie" in out and "Zeichen" in out
    assert "Einen Beleg der letzten Antwort" in german("open", "--help")[1]
    with QA.open(index, seeds=library[0]) as asker:
        expected = asker.ask("How old is Ri?").to_json()
    options = ("--index", index, "--seeds", library[0], "--json")
    assert german("ask", "How old is Ri?", *options)[1] == expected
    assert spoken() == "en"
    assert cli.run(["--version"]) == 0


def test_the_service_answers_each_client_in_its_language(library):
    with serving(*library) as at:

        def asked(language):
            headers = {"accept-language": language}
            sent = {"question": "How old is Ri?", "since": "2999"}
            return httpx.post(f"{at}/api/ask", json=sent, headers=headers).json()["error"]

        assert asked("de").startswith("Kein Dokument, das die Filter lassen")
        assert asked("en").startswith("No document that the filters leave")
        page = httpx.get(at, headers={"accept-language": "de"})
        assert page.headers["content-language"] == "de" and '<html lang="de"' in page.text
        exported = f"{at}/api/answer.md?q=How+old+is+Ri%3F"
        assert "Beantwortet;" in httpx.get(exported, headers={"accept-language": "de"}).text


def test_the_page_is_german_for_a_german_browser(browser, address):
    OUTPUT.mkdir(exist_ok=True)
    with new_tab(browser, locale="de-DE") as page:
        page.goto(address)
        page.wait_for_selector(".welcome")
        assert page.locator("h1").inner_text() == "Fragen Sie Ihre Dokumente"
        assert page.get_attribute("#question input", "placeholder") == "Frage eingeben, dann Enter"
        page.screenshot(path=OUTPUT / "german-welcome.png")
        page.fill("#question input", "How old is Ri?")
        page.press("#question input", "Enter")
        page.wait_for_selector(".card")
        assert "Stelle" in page.locator(".verdict").inner_text()
        assert "Mit Beleg kopieren" in page.locator("#answer").inner_text()
        page.screenshot(path=OUTPUT / "german-answer.png")
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe")
        faults = axe.Axe().run(page).response["violations"]
        assert [f["id"] for f in faults if f["impact"] in ("serious", "critical")] == []
        page.goto(f"{address}/?view=library")
        page.wait_for_selector("table")
        assert "im Index" in page.locator("#table").inner_text()
        page.screenshot(path=OUTPUT / "german-library.png")
