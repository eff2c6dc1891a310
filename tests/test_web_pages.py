"""Pages that cannot be drawn, as a reader of the page and a client of the API see them."""

import os
import shutil

import files
import pytest
from served import browser, serving, tab  # noqa: F401

from qa import build
from qa.reading import drawing


@pytest.fixture(scope="module")
def address(tmp_path_factory, encoders):
    """A server with a page that hangs and one that does not, and little patience."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "seeds").mkdir()
    (folder / "seeds" / "endless.pdf").write_bytes(files.endless_pdf())
    (folder / "seeds" / "sound.pdf").write_bytes(files.pdf([["The ferry crosses at six."]]))
    (folder / "index").mkdir()
    shutil.copytree(encoders, folder / "index" / "encoders", copy_function=os.link)
    build(folder / "seeds", folder / "index")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "SECONDS", 2.0)
        with serving(folder / "seeds", folder / "index", watch=False) as at:
            yield at


def document(address, name):
    """The id of a document."""
    import httpx

    result = httpx.get(f"{address}/api/documents").json()
    return next(file["id"] for file in result["documents"] if file["path"] == name)


@pytest.mark.usefixtures("browser")
def test_a_page_that_cannot_be_drawn_is_shown_as_text_and_says_so(tab, address):
    """The picture gives way to the page's words, and the reason is told."""
    tab.expected = ["404"]
    tab.goto(f"{address}/?q=How+many+boats+were+counted%3F&doc={document(address, 'endless.pdf')}")
    note = tab.wait_for_selector(".page .undrawn")
    assert note.inner_text() == (
        "This page cannot be shown (took longer than 2 seconds). This is its text."
    )
    assert files.SAID in tab.locator(".page .words").inner_text()
    assert tab.locator(".sheet").count() == 0


@pytest.mark.usefixtures("browser")
def test_a_document_whose_file_changed_is_shown_as_text_and_says_so(tmp_path, encoders, tab):
    """What was indexed is shown, and why its pages are not."""
    seeds, index = tmp_path / "seeds", tmp_path / "index"
    seeds.mkdir()
    (seeds / "a.pdf").write_bytes(files.pdf([["The ferry crosses at six."]]))
    index.mkdir()
    shutil.copytree(encoders, index / "encoders", copy_function=os.link)
    build(seeds, index)
    (seeds / "a.pdf").write_bytes(files.pdf([["Another page."]]))
    with serving(seeds, index, watch=False) as at:
        tab.goto(f"{at}/?q=When+does+the+ferry+cross%3F&doc={document(at, 'a.pdf')}")
        result = tab.wait_for_selector("#viewer .undrawn").inner_text()
        assert "the file is not what was indexed any more" in result
        assert "The ferry crosses at six." in tab.locator("#viewer .lines").inner_text()


def test_the_api_tells_why_a_page_is_not_drawn_and_gives_its_text(address):
    """A reason in one line; the text of any page; other documents go on."""
    import httpx

    endless, sound = document(address, "endless.pdf"), document(address, "sound.pdf")
    with httpx.Client(base_url=f"{address}/api/documents", timeout=60) as client:
        drawn = client.get(f"/{endless}/pages/1.png")
        assert drawn.status_code == 404
        assert drawn.json()["error"].endswith("took longer than 2 seconds")
        assert client.get(f"/{endless}/pages/1.txt").text.strip() == files.SAID
        assert client.get(f"/{endless}/pages/2.txt").status_code == 404
        assert client.get(f"/{sound}/pages/1.png").headers["content-type"] == "image/png"
        assert client.get(f"/{sound}/pages/2.png").status_code == 404
