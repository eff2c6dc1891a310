"""Places, phrases and filters on the page and over HTTP."""

from urllib.parse import quote

import pytest
from served import address, browser, corpus, tab  # noqa: F401

pytestmark = pytest.mark.usefixtures("browser")


def verdict(tab):
    """What the page says of the answer it shows."""
    return tab.locator(".verdict").inner_text()


def test_the_page_lists_documents_then_every_place_page_by_page(tab, address):
    tab.goto(f"{address}/?q={quote('Which documents mention soldiers?')}")
    tab.wait_for_selector(".card")
    result = verdict(tab)
    places = int(result.split(" stands in ")[1].split(" passage")[0])
    documents = int(result.split(" of ")[1].split(" document")[0])
    assert result.startswith("“soldiers” stands in ") and places > documents > 1
    assert tab.locator(".card").count() == documents
    assert tab.locator(".card mark").count() >= documents
    tab.click(f"text=All {places} places")
    tab.wait_for_function(
        "n => document.querySelectorAll('.card').length === n", arg=min(places, 50)
    )
    assert "all=1" in tab.url and verdict(tab).startswith("“soldiers” stands in ")
    tab.go_back()
    tab.wait_for_function("n => document.querySelectorAll('.card').length === n", arg=documents)


def test_the_page_says_where_a_phrase_stands_nowhere_and_what_was_not_read(tab, address):
    tab.goto(f"{address}/?q={quote('“the moon is a cheese”')}")
    tab.wait_for_selector(".note")
    assert tab.locator(".note").inner_text() == (
        "No passage holds “the moon is a cheese” word for word."
    )
    assert tab.locator(".card").count() == 0
    tab.goto(f"{address}/?q={quote('Who is Ri? ' + 'He went north by boat. ' * 80)}")
    tab.wait_for_selector(".note")
    assert "longer than the model reads" in tab.locator(".note").inner_text()


def test_filters_that_name_nothing_say_so_and_can_be_taken_away(tab, address):
    tab.goto(f"{address}/?q=What+grinds+rye&folder=letters")
    tab.wait_for_selector(".refusal")
    assert "“letters/*” names no document" in tab.locator(".refusal").inner_text()
    tab.click(".chip")
    tab.wait_for_selector(".card")
    assert "folder" not in tab.url
