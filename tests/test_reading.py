"""What every reader promises, and what each family of formats adds to it."""

import email
import email.policy
import io
import json
import sys
import zipfile
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from subprocess import run

import files
import office
import pytest
from compounds import compound
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa.errors import ReadFailed, Unsupported
from qa.reading import containers, fingerprint, read, read_noted
from qa.reading.content import BLOCK_LIMIT, Content, iso_date, tidy
from qa.records import Block, Document, Kind

# What is planted: words that survive every format as they are, whose place can then be looked up.
WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=9)
SENTENCES = st.lists(WORDS, min_size=3, max_size=9).map(lambda said: f"Q{' '.join(said)} end.")
TITLES = st.lists(WORDS, min_size=1, max_size=4).map(lambda said: f"H{' '.join(said)}")
SECTIONS = st.lists(
    st.tuples(TITLES, st.lists(SENTENCES, min_size=1, max_size=3, unique=True)),
    min_size=1,
    max_size=4,
    unique_by=lambda section: section[0],
)
MAKERS = {
    "a.md": files.markdown,
    "a.rst": files.rst,
    "a.org": files.org,
    "a.tex": files.tex,
    "a.html": files.html,
    "a.mhtml": lambda sections: files.web_archive(files.html(sections)),
    "a.ipynb": files.notebook,
    "a.docx": files.docx,
    "a.odt": files.odt,
    "a.epub": files.epub,
    "a.pptx": files.pptx,
}
QUICK = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def check(document: Document) -> Document:
    """The document, once its blocks are as `Document` promises them."""
    document.text.encode()
    at = 0
    for block in document.blocks:
        assert not document.text[at : block.start].strip(), "a gap is not blank"
        assert at <= block.start < block.end <= len(document.text)
        assert (
            document.text[block.start : block.end].strip() == document.text[block.start : block.end]
        )
        assert block.end - block.start <= BLOCK_LIMIT
        at = block.end
    assert not document.text[at:].strip()
    return document


def result(document: Document, block: Block) -> str:
    return document.text[block.start : block.end]


def holding(document: Document, words: str) -> Block:
    """The one block that holds the words."""
    (found,) = [block for block in document.blocks if words in result(document, block)]
    return found


# Every format


@pytest.mark.parametrize("name", MAKERS)
@QUICK
@given(sections=SECTIONS)
def test_a_sentence_is_found_under_the_heading_it_was_planted_at(name, sections):
    """Whatever the format, a planted sentence stands in the text, in a block under its heading."""
    document = check(read(MAKERS[name](sections), name))
    for number, (title, lines) in enumerate(sections, start=1):
        for line in lines:
            places = [block for block in document.blocks if line in result(document, block)]
            assert any(block.heading[-1:] == (title,) for block in places)
            if document.pages:
                assert any(block.page == number for block in places)
    assert document.title is None or name.endswith(".epub") or document.title == sections[0][0]


@QUICK
@given(
    pages=st.lists(st.lists(SENTENCES, min_size=1, max_size=4, unique=True), min_size=1, max_size=4)
)
def test_a_sentence_is_found_on_the_page_of_the_pdf_it_was_planted_on(pages):
    """A sentence drawn on a PDF's page stands in a block of that page."""
    document = check(read(files.pdf(pages), "a.pdf"))
    assert document.pages == len(pages)
    for number, lines in enumerate(pages, start=1):
        on_page = " ".join(result(document, b) for b in document.blocks if b.page == number)
        assert all(line in on_page for line in lines)


@QUICK
@given(st.lists(st.tuples(SENTENCES, SENTENCES), min_size=1, max_size=5))
def test_a_row_is_a_block_of_its_own_in_every_table_format(rows):
    """CSV, JSONL and Excel give each record a block, with its columns' names beside it."""
    table = [("first name", "second name"), *rows]
    for data, name in (
        (files.csv(table), "a.csv"),
        (files.jsonl([dict(zip(table[0], row, strict=True)) for row in rows]), "a.jsonl"),
        (files.xlsx({"People": table}), "a.xlsx"),
    ):
        document = check(read(data, name))
        found = [block for block in document.blocks if block.kind is Kind.ROW]
        assert len(found) == len(rows)
        for block, row in zip(found, rows, strict=True):
            assert all(cell in result(document, block) for cell in row)
            assert block.columns == "first name, second name"


@QUICK
@given(
    data=st.binary(max_size=400), name=st.sampled_from(["a.txt", "b.md", "c.csv", "d.html", "e"])
)
def test_any_bytes_become_a_document_or_a_reason(data, name):
    """Bytes of any kind either read as a document with sound blocks or raise ReadFailed."""
    with suppress(ReadFailed):
        check(read(data, name))


@pytest.mark.parametrize(
    ("name", "data"),
    [(name, maker(files.FACTS)) for name, maker in MAKERS.items()]
    + [("a.pdf", files.pdf([["Words."]])), ("a.eml", files.mail("A", "b"))],
)
@QUICK
@given(place=st.floats(0, 1), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_of_any_format_is_read_or_fails_with_a_reason(name, data, place, byte, cut):
    """A byte changed or an end cut off never raises anything but ReadFailed."""
    at = int(place * (len(data) - 1))
    damaged = data[:at] if cut else data[:at] + bytes([byte]) + data[at + 1 :]
    with suppress(ReadFailed):
        check(read(damaged, name))


@pytest.mark.parametrize("name", MAKERS)
def test_the_same_bytes_give_the_same_document(name):
    """Reading is deterministic: dates of today and names of libraries do not slip in."""
    data = MAKERS[name](files.FACTS)
    assert read(data, name) == read(data, name)


def test_content_tells_the_format_before_the_name_does():
    """A PDF named .txt is read as PDF, a web page without a suffix as HTML."""
    assert read(files.pdf([["Words."]]), "a.txt").reader.startswith("pdf")
    assert read(files.docx(files.FACTS), "a.zip").reader.startswith("docx")
    assert read(files.html(files.FACTS), "page").reader.startswith("html")
    assert read(files.mail("Subject", "Body"), "saved").reader.startswith("eml")
    assert read(b"Words.", "a.pdf").reader.startswith("text")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (files.old_word(), "save it as .docx"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (bytes(range(256)), "not text"),
        (files.archive({"a.txt": "x"}), "an archive"),
    ],
)
def test_what_is_not_read_says_what_it_is(data, words):
    """Unsupported tells the format in words."""
    with pytest.raises(Unsupported, match=words):
        read(data, "file")


def test_the_package_imports_no_parser_until_one_is_needed():
    """Importing qa.reading and its workers leaves the heavy libraries alone."""
    heavy = ("lxml", "docx", "pptx", "openpyxl", "pypdfium2", "markdown_it", "yaml", "PIL")
    code = f"import qa.reading.workers, sys; print([m for m in {heavy} if m in sys.modules])"
    result = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_fingerprint_is_short_and_the_same_in_another_process():
    """The readers' fingerprint does not depend on the process."""
    code = "from qa.reading import fingerprint; print(fingerprint(None))"
    result = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == fingerprint(None) and len(fingerprint(None)) == 16
    assert fingerprint("de") not in (fingerprint(None), fingerprint("en"))


@given(
    st.text(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=5)
)
def test_tidy_makes_sound_blocks_of_any_blocks(text, spans):
    """Overlaps, gaps and blank blocks of a reader do not reach a document."""
    blocks = tuple(
        sorted(Block(min(s), min(max(s), len(text))) for s in spans if min(s) <= len(text))
    )
    content = tidy(Content(text, blocks))
    check(Document(sha256="", reader="", text=content.text, blocks=content.blocks))


def test_a_huge_block_is_cut_at_a_line_end():
    """A paragraph of a megabyte becomes blocks of at most the limit, each of whole lines."""
    document = check(read(b"A line of words that goes on.\n" * 30_000, "a.log"))
    assert len(document.blocks) > 10
    assert all(result(document, block).endswith("on.") for block in document.blocks)


# Decoding


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Grüße aus Köln – “très bien”.", "utf-8"),
        ("Grüße aus Köln.", "utf-8-sig"),
        ("Grüße\r\naus Köln.", "utf-16"),
        ("Grüße\naus Köln.", "utf-16-le"),
        ("Grüße\naus Köln.", "utf-16-be"),
        ("港口在一月结冰。\n九艘船在外面等候。", "utf-16-le"),
        ("It’s a café – “nice”, said Zoë; 5 € each.", "cp1252"),
        ("Der Bürgermeister ißt Äpfel.", "latin-1"),
        ("Привет, как дела сегодня у вас в городе?", "cp1251"),
        ("港は一月に凍った。九隻の船が外で待っていた。", "shift_jis"),
        ("تجمد الميناء في يناير.", "utf-8"),
        ("Nájemné za sklad činí tisíc korun měsíčně, příště žádné zboží.", "cp1250"),
        ("Nájemné za sklad činí tisíc korun měsíčně, příště žádné zboží.", "iso8859-2"),
        ("Az éves szerződés megszűnik, ha a bérlő három hónapig nem fizet.", "cp1250"),
        ("Umowa najmu łodzi wygasa, jeśli czynsz nie zostanie zapłacony.", "iso8859-2"),
        ("Kiracı aylık ücreti önceden öder; iğne ağaçları çok güzeldir.", "cp1254"),
        ("Līgums beidzas jūnija beigās, un kuģis stāv ostā visu gadu.", "cp1257"),
        ("Договор аренды склада заканчивается тридцатого июня.", "koi8-r"),
        ("Η σύμβαση λήγει στις τριάντα Ιουνίου.", "cp1253"),
        ("Die Gebühr beträgt zwölf Euro für Möbel.", "cp850"),
        ("Die Gebühr beträgt zwölf Euro für Möbel.", "mac_roman"),
        ("契約は六月三十日に終了します。", "iso2022_jp"),
        ("계약은 유월 삼십일에 끝난다.", "iso2022_kr"),
        ("naïve résumé, 20 °C, così", "cp1252"),
    ],
)
def test_text_is_decoded_as_it_was_encoded(text, encoding):
    """UTF-8 and 16 with and without a mark, Windows-1252 and others come out as they went in."""
    assert read(text.encode(encoding), "a.txt").text == text


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=80))
def test_utf8_is_kept_to_the_character(text):
    """The text of a UTF-8 file is that file, decoded, with its line ends and blanks."""
    assert read(f"a\r\n{text}\n".encode(), "a.txt").text == f"a\r\n{text}\n"


def test_a_character_cut_in_two_spoils_only_itself():
    """UTF-8 that ends within a character is still UTF-8."""
    data = ("Grüße aus Köln, Ärger in Übersee. " * 20 + "é").encode()[:-1]
    assert read(data, "a.txt").text == "Grüße aus Köln, Ärger in Übersee. " * 20 + "\ufffd"


def test_lone_surrogates_become_replacement_characters():
    """What JSON or HTML escapes into half a character can still be written as UTF-8."""
    for data, name in (
        (b'{"a": "x\\ud800y"}\n', "a.jsonl"),
        (files.notebook([("A", ["x\ud800y"])]), "a.ipynb"),
    ):
        assert "x\ufffdy" in check(read(data, name)).text
    check(read(b"<html><p>x&#xD800;y</p></html>", "a.html"))


# Text and Markdown


def test_plain_text_has_paragraphs_and_no_headings():
    """A short line in a .txt may be anything, so that it is prose."""
    document = check(read(files.text(files.FACTS), "a.txt"))
    assert {block.kind for block in document.blocks} == {Kind.PROSE}
    assert len(document.blocks) == 6
    assert document.title == "The harbour"


MARKDOWN = """---
title: The *log*
date: 2024-03-05
---

# One `code` [link](http://x)

These ships:

- the Ada
- the Ben

```python
# not a heading

x = 1
```

| a | b |
|---|---|
| 1 | 2 |

Two
---

Words.
"""


def test_markdown_keeps_its_text_and_has_a_block_for_each_part():
    """Front matter is boilerplate, a list has its lead-in, code and tables are whole."""
    document = check(read(MARKDOWN.encode(), "a.md"))
    assert document.text == MARKDOWN
    assert (document.title, document.date) == ("The *log*", "2024-03-05")
    assert [block.kind for block in document.blocks] == [
        Kind.BOILERPLATE,
        Kind.HEADING,
        Kind.LIST,
        Kind.CODE,
        Kind.TABLE,
        Kind.HEADING,
        Kind.PROSE,
    ]
    assert result(document, document.blocks[2]) == "These ships:\n\n- the Ada\n- the Ben"
    assert document.blocks[1].heading == ("One code link",)
    assert document.blocks[6].heading == ("One code link", "Two")


def test_markdown_with_other_line_ends_has_the_same_blocks():
    """Carriage returns count as the parser counts them."""
    kinds = [block.kind for block in read(MARKDOWN.encode(), "a.md").blocks]
    document = check(read(MARKDOWN.replace("\n", "\r\n").encode(), "a.md"))
    assert [block.kind for block in document.blocks] == kinds


@pytest.mark.parametrize("front", ["a: [", "&a [*a]", "- x", "title: {a: b}", "[" * 5000])
def test_front_matter_that_is_none_is_still_boilerplate(front):
    """YAML that cannot be read names nothing and breaks nothing."""
    document = check(read(f"---\n{front}\n---\nWords.\n".encode(), "a.md"))
    assert document.title is None
    assert result(document, document.blocks[-1]) == "Words."


def test_front_matter_with_fields_of_its_own_is_found():
    """A title and a date alone are not: they are told beside each excerpt."""
    owned = check(read(b"---\ntitle: A\nowner: Ada Lund\n---\nWords.\n", "a.md"))
    assert holding(owned, "Ada Lund").kind is Kind.ROW
    plain = check(read(b"---\ntitle: A\ndate: 2024\ntags: [b]\n---\nWords.\n", "a.md"))
    assert plain.blocks[0].kind is Kind.BOILERPLATE


def test_headings_of_different_levels_stand_one_below_the_other():
    """The heading path names what stands above, outermost first."""
    document = read(b"# A\n\n## B\n\n### C\n\nx.\n\n## D\n\ny.\n", "a.md")
    assert holding(document, "x.").heading == ("A", "B", "C")
    assert holding(document, "y.").heading == ("A", "D")


# Web pages


def test_a_page_is_its_main_text_with_title_and_date():
    """Navigation, scripts, styles, banners, asides and footers are not in the text."""
    data = files.html(files.FACTS, title="Facts of the coast", date="2023-11-02T10:00:00Z")
    document = check(read(data, "a.html"))
    assert (document.title, document.date) == ("Facts of the coast", "2023-11-02")
    for words in ("navigation", "script", "cookie", "aside", "footer", "color"):
        assert f"{words} words" not in document.text
    assert "color" not in document.text


def test_what_a_page_shows_at_a_click_is_content_and_menus_are_not():
    """Collapsed answers, asides, headers with the title, and the buttons of an accordion."""
    page = b"""<html><body><header><h1>Harbour guide</h1><ul><li><a href=a>Home</a></ul></header>
    <aside><a href=a>Other page</a> <a href=b>One more page</a></aside>
    <div class=menu style="display:none"><a href=x>One entry of a menu</a></div>
    <h2><button>Who pays the toll?</button></h2>
    <div hidden>The skipper pays the toll in cash.</div><i aria-hidden=true>icon</i>
    <aside><p>Never sail without a lamp.</p></aside><div aria-hidden=true>Close</div>
    <div aria-hidden=true><p>By day.</p></div><div hidden>Loading...</div>
    <details><summary>When?</summary><p>At nine.</p></details><button>Send</button></body></html>"""
    document = check(read(page, "a.html"))
    assert document.text.split("\n\n") == [
        "Harbour guide",
        "Who pays the toll?",
        "The skipper pays the toll in cash.",
        "Never sail without a lamp.",
        "By day.",
        "When?",
        "At nine.",
    ]
    assert holding(document, "in cash").heading == ("Harbour guide", "Who pays the toll?")


def test_a_table_whose_first_column_names_its_rows_has_no_names_of_columns():
    row = "<tr><th>{}</th><td>{}</td></tr>"
    page = f"<table>{row.format('Power', '40 kW')}{row.format('Speed', '12 rpm')}</table>"
    assert [block.columns for block in read(page.encode(), "a.html").blocks] == [""]
    head = "<tr><th>Part</th><th>Value</th></tr>"
    page = page.replace("<table>", f"<table>{head}")
    assert [block.columns for block in read(page.encode(), "a.html").blocks] == ["Part, Value"]


def test_bold_lines_of_a_page_are_headings_where_it_has_no_others():
    """What follows stands below them, a list or a table too; a bold line above another is none."""
    body = (
        "<p><b>Hours</b></p><p>The mill opens at nine.</p><p><b>Bold</b></p>"
        "<div style='color: red; font-weight: 700'>Fees</div>\n<ul><li><b>Adults</b></li></ul>"
        "<p><b>Prices</b></p><table><tr><th>Item</th><th>Price</th></tr><tr><td>Flour</td>"
        "<td>3</td></tr></table><p><b>It is closed.</b></p><p><b>Note:</b> by bus</p><b>End</b>"
    )
    document = check(read(f"<body>{body}</body>".encode(), "a.html"))
    headings = [document.text[b.start : b.end] for b in document.blocks if b.kind is Kind.HEADING]
    assert headings == ["Hours", "Fees", "Prices"]
    assert [holding(document, words).heading for words in ("nine", "Adults", "Flour")] == [
        ("Hours",), ("Fees",), ("Prices",)
    ]  # fmt: skip
    assert document.text.endswith("Note: by bus\n\nEnd")
    document = read(f"<body><h2>Real</h2>{body}</body>".encode(), "a.html")
    headings = [document.text[b.start : b.end] for b in document.blocks if b.kind is Kind.HEADING]
    assert headings == ["Real"]


def test_marks_of_notes_and_spoken_forms_are_no_part_of_a_sentence():
    """Notes say that they are; controls part the words beside them."""
    body = (
        "<p>Rye<sup><a href='#n1'>[1]</a></sup> is<a epub:type='noteref' href='#n2'>2</a> sown in "
        "<ruby>秋<rt>aki</rt></ruby>, 10<sup>2</sup> acres.</p><label>Name</label><input>Town"
        "<aside epub:type='footnote'><p>In September. <a role='doc-backlink' href='#'>back</a></p>"
        "</aside>"
    )
    document = check(read(f"<body>{body}</body>".encode(), "a.html"))
    assert document.text == "Rye is sown in 秋, 102 acres.\n\nName Town\n\nFootnote: In September."


def test_a_page_that_scripts_make_says_so():
    """Its file holds no text, or little; a page with text says nothing of the kind."""
    script = b"<div id=root></div><script>make()</script>"
    made = b"<html><title>Shop</title><body>" + script + b"</body></html>"
    assert "made by scripts" in read_noted(made, "a.html")[1]
    noted = b"<html><body><p>Words.</p><noscript>Enable JavaScript.</noscript></body></html>"
    assert "made by scripts" in read_noted(noted, "a.html")[1]
    assert read_noted(b"<html><body><p>Words.</p></body></html>", "a.html")[1] == ""


def test_a_cell_that_spans_rows_or_columns_moves_no_value():
    """What spans rows stands in each of them; the columns that a cell spans stay empty."""
    table = (
        b"<table><tr><th>Year<th>Crop<th>Tons<tr><td rowspan=2>2019<td>Oats<td>40"
        b"<tr><td>Rye<td>12<tr><td colspan=2>All<td>52"
        b"<tr><td colspan=999999999 rowspan=0>x</table>"
    )
    lines = read(b"<html>" + table + b"</html>", "a.html").text.splitlines()
    assert lines[:4] == ["Year\tCrop\tTons", "2019\tOats\t40", "2019\tRye\t12", "All\t\t52"]


def test_a_page_keeps_tables_lists_and_code_as_blocks():
    """A table has a line a row, a list its lead-in, preformatted text its line breaks."""
    document = check(
        read(
            b"<html><p>The ships:</p><ul><li>Ada<ul><li>her boat</li></ul></li><li>Ben</li></ul>"
            b"<table><tr><th>name<th>year<tr><td>Ada<td>1815</table>"
            b"<pre>if x:\n    y</pre><p>a<b>b</b>c<br>d</p></html>",
            "a.html",
        )
    )
    assert [(block.kind, result(document, block)) for block in document.blocks] == [
        (Kind.LIST, "The ships:\n\nAda\nher boat\nBen"),
        (Kind.TABLE, "name\tyear\nAda\t1815"),
        (Kind.CODE, "if x:\n    y"),
        (Kind.PROSE, "abc\nd"),
    ]


def test_a_page_in_a_declared_encoding_is_read_in_it():
    """What the page says of its own encoding is believed when it is not UTF-8."""
    page = "<html><meta charset='windows-1251'><p>Гавань замёрзла</p></html>"
    assert read(page.encode("cp1251"), "a.html").text == "Гавань замёрзла"


def test_a_page_nested_too_deep_fails_and_one_less_deep_is_whole():
    """The parser's limit is told, not silently obeyed."""
    assert read(files.deep_html(500), "a.html").text == "Deep words."
    with pytest.raises(ReadFailed, match="too deep"):
        read(files.deep_html(5000), "a.html")


def test_a_long_text_in_one_element_is_not_dropped():
    """A paragraph of twelve million characters is there to its last word."""
    document = check(read(b"<html><p>" + b"word " * 2_400_000 + b"last</p>", "a.html"))
    assert len(document.text) > 11_000_000 and document.text.endswith("last")


# Rows


def test_a_csv_row_is_quoted_as_it_stands_in_the_file():
    """Quotation marks, commas and line ends within a cell stay; semicolons are found out."""
    data = b'name;said\r\nAda;"one;\ntwo"\r\n\r\nBen;"a ""b"""\r\n'
    document = check(read(data, "a.csv"))
    rows = [result(document, block) for block in document.blocks if block.kind is Kind.ROW]
    assert rows == ['Ada;"one;\ntwo"', 'Ben;"a ""b"""']
    assert document.text == data.decode()
    assert {block.columns for block in document.blocks[1:]} == {"name, said"}


def test_lines_that_are_not_json_are_kept_and_named():
    """A broken line of a JSONL file costs nothing but a note."""
    document, note = read_noted(b'{"a": 1}\n{broken\n{"b": {"c": [2, "x"]}}\n', "a.jsonl")
    assert [result(document, block) for block in check(document).blocks] == ["1", "{broken", "2\tx"]
    assert note == "not JSON, kept as text: line 2"


def test_sheets_are_headings_and_numbers_read_as_people_write_them():
    """1.0 is 1, midnight is a day, and each sheet's rows stand under its name."""
    from datetime import datetime

    born = datetime(1815, 12, 10)  # noqa: DTZ001  # Excel knows no time zones
    rows = [["name", "born", "share"], ["Ada", born, 1.0], ["Ben", None, 0.5]]
    document = check(read(files.xlsx({"People": rows, "Blank": [], "Rest": [["x"]]}), "a.xlsx"))
    assert (
        document.text
        == "People\n\nname\tborn\tshare\n\nAda\t1815-12-10\t1\nBen\t\t0.5\n\nRest\n\nx"
    )
    assert holding(document, "Ben").heading == ("People",)
    assert holding(document, "x").heading == ("Rest",)


# Office and books


def test_word_keeps_lists_tables_and_what_was_inserted_in_tracked_changes():
    """Inserted words are read, deleted ones are not; a list has its lead-in."""
    import docx

    file = docx.Document()
    file.add_heading("Ships", 1)
    file.add_paragraph("These:")
    file.add_paragraph("Ada", style="List Bullet")
    file.add_paragraph("Ben", style="List Bullet")
    table = file.add_table(2, 2)
    for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = f"c{number}"
    file.add_paragraph("Kept. INSERTED DELETED")
    out = io.BytesIO()
    file.save(out)
    data = files._changed(
        out.getvalue(),
        "word/document.xml",
        lambda xml: xml.replace(
            b"<w:r><w:t>Kept. INSERTED DELETED</w:t></w:r>",
            b'<w:r><w:t xml:space="preserve">Kept. </w:t></w:r><w:ins w:id="1"><w:r><w:t>New.</w:t>'
            b'</w:r></w:ins><w:del w:id="2"><w:r><w:delText>Old.</w:delText></w:r></w:del>',
        ),
    )
    document = check(read(data, "a.docx"))
    assert [(block.kind, result(document, block)) for block in document.blocks] == [
        (Kind.HEADING, "Ships"),
        (Kind.LIST, "These:\n\nAda\nBen"),
        (Kind.TABLE, "c0\tc1\nc2\tc3"),
        (Kind.PROSE, "Kept. New."),
    ]


def test_slides_are_pages_and_their_notes_are_read():
    """A slide's number is its page, and the speaker's notes belong to it."""
    document = check(read(files.pptx(files.FACTS, notes="Speak slowly."), "a.pptx"))
    assert document.pages == 2
    assert [block.page for block in document.blocks if "Speak" in result(document, block)] == [1, 2]


def test_a_chapter_without_headings_stands_under_its_name_in_the_contents():
    """The table of contents names chapters that do not name themselves."""
    document = check(read(files.epub(files.FACTS, headings=False), "a.epub"))
    assert holding(document, "eleven sacks").heading == ("The mill",)
    assert (document.title, document.date) == ("A book", "1901-05-02")


def test_the_next_file_of_a_chapter_stands_below_its_headings():
    """Programs cut long chapters into files, of which the contents name the first alone."""
    book = office.parts(files.epub([("Rye", ["Sown in autumn."]), ("Oats", ["Sown in spring."])]))
    contents = next(name for name, data in book.items() if b"<navPoint>" in data)
    book[contents] = book[contents].replace(b"chapter2.xhtml", b"other.xhtml")
    chapter = "OEBPS/chapter2.xhtml"
    book[chapter] = book[chapter].replace(b"<h1>Oats</h1>", b"")
    document = check(read(files.archive(book), "a.epub"))
    assert holding(document, "in spring").heading == ("Rye",)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (files.docx_bomb(), "a.docx"),
        (files.xlsx_bomb(), "a.xlsx"),
        (files.odt_bomb(), "a.odt"),
        (files.epub_bomb(), "a.epub"),
    ],
)
def test_entities_that_multiply_are_harmless(data, name):
    """An entity bomb fails, or is read as the few characters that it is."""
    with suppress(ReadFailed):
        assert len(check(read(data, name)).text) < 1000


def test_a_document_in_zip_form_that_is_a_bomb_is_not_unpacked():
    """The limits of archives hold for Word files, too."""
    with zipfile.ZipFile(io.BytesIO(files.docx(files.FACTS))) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members["word/document.xml"] = b" " * (300 << 20)
    with pytest.raises(ReadFailed, match="unpacks to more than"):
        read(files.archive(members), "a.docx")


def test_a_notebook_has_its_code_whole_and_under_the_heading_above():
    """Code is a block with its blank lines, its output another, both under the last heading."""
    document = check(read(files.notebook(files.FACTS, code="a = 1\n\nb = 2"), "a.ipynb"))
    code = holding(document, "a = 1\n\nb = 2")
    assert (code.kind, code.heading) == (Kind.CODE, ("The mill",))
    assert holding(document, "printed words").kind is Kind.CODE


def test_a_notebook_of_an_unknown_shape_fails_or_is_empty():
    """JSON that is no notebook raises nothing unforeseen."""
    for data in ([], {"cells": 3}, {"cells": [1, {"cell_type": "code", "outputs": [None]}]}):
        with suppress(ReadFailed):
            assert not check(read(json.dumps(data).encode(), "a.ipynb")).text


def test_a_mail_tells_who_wrote_and_names_its_attachments():
    """Subject, sender and date are there; an attachment is named."""
    data = files.mail("The harbour", "It froze.\n\nYours, Ada", attachment=b"%PDF-")
    document, note = read_noted(data, "a.eml")
    assert (document.title, document.date) == ("The harbour", "2024-03-05")
    assert "From: Ada <ada@example.org>" in check(document).text
    assert holding(document, "It froze.").heading == ("The harbour",)
    assert note == "attachments, read as files of their own: a.pdf"


def test_the_fuller_part_of_a_mail_is_read():
    """The page where the plain part is a stub, else the plain part, though the page is longer."""
    page = "<p>Your parcel arrives on Friday at noon.</p>"
    stub = read(files.mail("Order", "View this message in HTML.", html_body=page), "a.eml")
    assert "Friday at noon" in stub.text and "View this" not in stub.text
    both = files.mail("Order", "Your parcel arrives on Friday.", html_body=page + "<p>Shop</p>")
    assert "Shop" not in read(both, "a.eml").text


def test_what_a_mail_quotes_stands_apart_below_whose_words_it_is():
    """No sentence is made of two people's words, and answers between quotations are the writer's."""
    body = (
        "No, the green one.\n\nOn Monday, Ben\nwrote:\n> Shall I order\n> the blue paint?\n>\n"
        ">> It needs paint.\n\nNot now.\n\n-----Original Message-----\nFrom: Ada\n\nThe roof leaks.\n"
    )
    document = check(read(files.mail("Paint", body), "a.eml"))
    assert [(result(document, block), block.heading) for block in document.blocks[2:]] == [
        ("No, the green one.", ("Paint",)),
        ("On Monday, Ben wrote:", ("Paint", "On Monday, Ben wrote:")),
        ("Shall I order\nthe blue paint?", ("Paint", "On Monday, Ben wrote:")),
        ("It needs paint.", ("Paint", "On Monday, Ben wrote:", "Quoted")),
        ("Not now.", ("Paint",)),
        ("Original Message", ("Paint", "Original Message")),
        ("From: Ada", ("Paint", "Original Message")),
        ("The roof leaks.", ("Paint", "Original Message")),
    ]


def test_attachments_and_forwarded_mails_are_files_named_below_the_mail():
    """So are the mails of a mailbox, and all of these within an archive."""
    inner = email.message_from_bytes(
        files.mail("Boat", "It leaks.", attachment=b"%PDF-"), policy=email.policy.default
    )
    outer = email.message_from_bytes(files.mail("Fwd", "See below."), policy=email.policy.default)
    outer.add_attachment(inner)
    outer.add_attachment("The penalty is 4,200.", filename="../con/tract.txt")
    outer.add_attachment(b"MZ", maintype="application", subtype="pgp-signature", filename="s.asc")
    paths = ["", "/Boat.eml", "/Boat.eml/a.pdf", "/.._con_tract.txt"]
    data = outer.as_bytes()
    found = list(containers.members(data, "x.eml"))
    assert [member.path for member in found] == [f"x.eml{path}" for path in paths]
    assert found[-1].load().strip() == b"The penalty is 4,200."
    assert "It leaks." in read(found[1].load(), "Boat.eml").text
    box = b"From a@b Tue Mar  5 10:00:00 2024\n" + data + b"\n>From here on.\n\n"
    box += b"From a@b Tue Mar  5 11:00:00 2024\nSubject: Tea\n\nHot.\n>From now on.\n"
    boxed = [f"1 Fwd.eml{path}" for path in paths] + ["2 Tea.eml"]
    found = list(containers.members(box, "x.mbox"))
    assert [member.path for member in found] == [f"x.mbox/{path}" for path in boxed]
    assert found[-1].load() == b"Subject: Tea\n\nHot.\nFrom now on.\n"
    zipped = files.archive({"in.mbox": box, "in.eml": data})
    assert [member.path for member in containers.members(zipped, "x.zip")] == [
        *(f"x.zip/in.mbox/{path}" for path in boxed),
        *(f"x.zip/in.eml{path}" for path in paths),
    ]


def test_a_mail_of_outlook_is_a_mail_with_attachments():
    """Its subject, text and date; what is attached, and messages within, are files of their own."""
    wide = "utf-16-le"
    data = compound(
        {
            "__properties_version1.0": bytes(32),
            "__substg1.0_0037001F": "Boat".encode(wide),
            "__substg1.0_0C1A001F": "Ada".encode(wide),
            "__substg1.0_1000001F": "The boat leaves at nine.".encode(wide),
            "__substg1.0_007D001E": b"Date: Tue, 05 Mar 2024 10:00:00 +0100\r\n",
            "__attach_version1.0_#00000000/__substg1.0_3707001F": "plan.txt".encode(wide),
            "__attach_version1.0_#00000000/__substg1.0_37010102": b"Row first.",
            "__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_0037001F": (
                "Inner".encode(wide)
            ),
            "__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_1000001E": b"Tea.",
        }
    )
    document = check(read(data, "a.msg"))
    assert (document.title, document.date) == ("Boat", "2024-03-05")
    assert holding(document, "leaves at nine").heading == ("Boat",)
    found = {member.path: member for member in containers.members(data, "a.msg")}
    assert list(found) == ["a.msg", "a.msg/plan.txt", "a.msg/Inner.eml"]
    assert found["a.msg/plan.txt"].load().rstrip(b"\0") == b"Row first."
    assert "Tea." in read(found["a.msg/Inner.eml"].load(), "Inner.eml").text
    for size in range(0, len(data), 97):
        with suppress(ReadFailed):
            read(data[:size], "a.msg")


def test_mails_within_mails_are_read_to_a_depth():
    """The one that is too deep says so."""
    mail = email.message_from_bytes(files.mail("Deep", "x"), policy=email.policy.default)
    for _ in range(8):
        outer = email.message_from_bytes(files.mail("Deep", "x"), policy=email.policy.default)
        outer.add_attachment(mail)
        mail = outer
    *_, last = containers.members(mail.as_bytes(), "x.eml")
    with pytest.raises(ReadFailed, match="nested too deep"):
        last.load()


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("2024-03-05T10:00:00+01:00", "2024-03-05"),
        ("2024/3/5", "2024-03-05"),
        ("2024-03", "2024-03"),
        ("1901", "1901"),
        ("2024-13-40", "2024"),
        ("05.03.2024", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_are_told_as_far_as_the_source_tells(value, date):
    """A year stays a year; what is no date is none."""
    assert iso_date(value) == date


# Records


def rows(data, name):
    """The blocks of a file: kind, headings, columns and text."""
    document = check(read(data, name))
    return [
        (block.kind.value, block.heading, block.columns, result(document, block))
        for block in document.blocks
    ]


def test_each_object_of_a_json_file_is_a_row_with_its_names():
    """Lists within objects stand below their names; a value of its own is a row, too."""
    value = {
        "shop": "Quay",
        "stock": {"tools": [{"sku": "P-2", "note": "Holds \u2615"}]},
        "n": None,
    }
    assert rows(json.dumps(value).encode(), "a.json") == [
        ("row", (), "shop", "shop: Quay"),
        ("heading", ("stock",), "", "stock"),
        ("heading", ("stock", "tools"), "", "tools"),
        ("row", ("stock", "tools"), "sku, note", "sku: P-2\tnote: Holds \u2615"),
    ]
    assert rows(b'[{"a": [1, 2]}, "x", 3]', "a.json") == [
        ("row", (), "a", "a: 1\ta: 2"),
        ("row", (), "", "x"),
        ("row", (), "", "3"),
    ]
    nested = {"paths": {"/sacks": {"get": {"summary": "Lists them"}}, "/mills": {"name": "All"}}}
    assert [(heading, text) for kind, heading, _, text in rows(json.dumps(nested).encode(), "a.json") if kind == "row"] == [
        (("paths", "/sacks", "get"), "summary: Lists them"),
        (("paths", "/mills"), "name: All"),
    ]  # fmt: skip
    assert rows(b'[["Mill", "Year"], ["Oak", 1804], ["Elm", null]]', "a.json") == [
        ("table", (), "Mill, Year", "Mill\tYear\nOak\t1804\nElm"),
    ]
    for broken in (b'{"a": [1,\n\n2', b"[" * 100_000):
        assert read(broken, "a.json").text == broken.decode()
    deep = b'[{"a":' * 300 + b"1" + b"}]" * 300
    assert read(deep, "a.json").blocks


def test_a_feed_is_its_entries_and_another_xml_file_its_paragraphs():
    """Values stand after their names, HTML in them is read; titles are headings."""
    feed = (
        b"<rss><channel><title>News</title><item><title>Bridge</title><pubDate>2024-03-05</pubDate>"
        b"<description>&lt;p&gt;It opens on &lt;b&gt;Monday&lt;/b&gt;.&lt;/p&gt;</description></item>"
        b"<item><title>Mill</title><link>x</link></item></channel></rss>"
    )
    assert rows(feed, "a.rss")[1:] == [
        (
            *("row", ("News",), "title, pubDate, description"),
            "title: Bridge\tpubDate: 2024-03-05\tdescription: It opens on Monday.",
        ),
        ("row", ("News",), "title, link", "title: Mill\tlink: x"),
    ]
    book = b"<book><title>Pump</title><chapter><title>Start</title><para>Fill <b>it</b>.</para>"
    book += b"<!-- no --><para>Run.</para></chapter><parts><part id='7'><name>Bolt</name></part>"
    book += b"<part id='8'><name>Nut</name></part></parts></book>"
    assert rows(book, "a.xml") == [
        ("heading", ("Pump",), "", "Pump"),
        ("heading", ("Pump", "Start"), "", "Start"),
        ("prose", ("Pump", "Start"), "", "Fill it."),
        ("prose", ("Pump", "Start"), "", "Run."),
        ("row", ("Pump",), "id, name", "id: 7\tname: Bolt"),
        ("row", ("Pump",), "id, name", "id: 8\tname: Nut"),
    ]
    assert read(b"<a>not <b>closed", "a.xml").text == "<a>not <b>closed"
    laughs = b"<!DOCTYPE a [<!ENTITY b 'ha'>]><a><c>&b;</c><d>x</d></a>"
    assert "ha" not in read(laughs, "a.xml").text
    with pytest.raises(ReadFailed, match="nested too deep"):
        read(b"<a>" * 150 + b"x" + b"</a>" * 150, "a.xml")


def test_cues_are_joined_to_sentences_below_their_time():
    """Numbers, styles and notes are no words of a film; who speaks is."""
    srt = "".join(
        f"{n}\r\n00:00:{n:02d},000 --> 00:00:{n + 1:02d},000\r\n<i>{words}</i>\r\n\r\n"
        for n, words in enumerate(
            ["Well, the ferry", "leaves at", "ten. " + "x" * 300 + ".", "Bye."]
        )
    )
    assert rows(srt.encode(), "a.srt") == [
        ("prose", ("00:00:00",), "", "Well, the ferry leaves at ten. " + "x" * 300 + "."),
        ("prose", ("00:00:03",), "", "Bye."),
    ]
    assert read(b"1\nNo time here.\n", "a.srt").text == "1\nNo time here.\n"
    vtt = b"WEBVTT\n\nNOTE no\n\n00:01.000 --> 00:02.000 align:left\n<v Ada>Tea?\n"
    assert rows(vtt, "a.vtt") == [("prose", ("00:01",), "", "Ada: Tea?")]


def test_the_messages_of_a_chat_stand_below_their_day():
    """The text is the export's; other texts with times in them are no chats."""
    chat = "[05.03.24, 10:00:12] Ada: Where?\n[05.03.24, 10:01:40] Ben: Here\nby the mill\n"
    chat += "[06.03.24, 09:00:00] Ada: Fine\n"
    document = check(read(chat.encode(), "a.txt"))
    assert document.text == chat
    assert [block.heading for block in document.blocks] == [("05.03.24",), ("06.03.24",)]
    android = (
        "3/5/24, 10:00 AM - Ada: One\n3/5/24, 10:01 AM - Ben: Two\n3/5/24, 10:02 AM - Ada: Go\n"
    )
    assert check(read(android.encode(), "a.txt")).blocks[0].heading == ("3/5/24",)
    log = "[05.03.24, 10:00:12] Ada: Where?\n" + "words\n" * 9
    assert not check(read(log.encode(), "a.txt")).blocks[0].heading


def test_a_line_that_names_the_separator_is_no_row():
    """Excel writes one."""
    assert rows(b"sep=;\r\nPort;Barrels\r\nAmble;31\r\n", "a.csv")[2:] == [
        ("row", (), "Port, Barrels", "Amble;31"),
    ]


def test_rich_text_is_its_paragraphs():
    """What is not read besides is told."""
    source = (
        rb"{\rtf1\ansi\ansicpg1250{\info{\title Wells}}{\fonttbl{\f0 Times;}}The well is \b ninety\b0 "
        rb" feet deep.\par Caf\'e9 \u8364?{\footnote Deep.}\par{\pict 0a0b}}"
    )
    document, note = read_noted(source, "a.rtf")
    assert [result(document, block) for block in check(document).blocks] == [
        *("The well is ninety feet deep.", "Café €", "Footnote: Deep."),
    ]
    assert (document.title, note) == ("Wells", "1 picture not read")


def test_rich_text_has_headings_lists_and_the_characters_of_its_fonts():
    """Headings by style or weight; numbers of lists; no deleted text; fonts without a code page."""
    fonts = rb"{\fonttbl{\f0 Arial;}{\f1\fcharset204 Arial Cyr;}}"
    styles = rb"{\stylesheet{\s1\ql heading 2;}{\s2 Normal;}}"
    told = rb"\pard From ten{\deleted  to five} to {\f0 six}.\par"
    item = rb"\pard{\pntext\f0 1.\tab}Open \f1\'ea\'f0\'e0\'ed\f0  \u-10179?\u-8704?.\par"
    for heads in (
        styles + rb"\pard\s1 Hours\par",
        rb"\pard\b Hours\b0\par",
        rb"\pard{\b Hours}\par",
    ):
        document = check(read(rb"{\rtf1\ansi" + fonts + heads + told + item + b"}", "a.rtf"))
        assert [(b.kind, b.heading, result(document, b)) for b in document.blocks] == [
            (Kind.HEADING, ("Hours",), "Hours"),
            (Kind.PROSE, ("Hours",), "From ten to six."),
            (Kind.LIST, ("Hours",), "1.\tOpen кран \U0001f600."),
        ]


def test_a_number_that_is_of_no_character_fails_no_rich_text():
    source = rb"{\rtf1 a\u-99999999?b\u8211?c\u99999999999999999999?d\u-10179?\u-8704?}"
    assert read(source, "a.rtf").text.startswith("a\ufffdb\u2013c\ufffdd")


def test_an_old_workbook_is_read_as_it_shows_itself():
    """Its columns, percent and days; a hidden sheet is told. Cut anywhere, it fails with a reason."""
    data = (Path(__file__).parent / "data" / "harvest.xls").read_bytes()
    assert [row for row in rows(data, "a.xls") if row[0] == "row"][:2] == [
        ("row", ("Harvest",), "Crop, Tons, Share, Sold on", "Oats\t40\t12.5%\t2024-03-05"),
        ("row", ("Harvest",), "Crop, Tons, Sold on", "Rye\t12.5\t\tTRUE"),
    ]
    assert read_noted(data, "a.xls")[1] == "hidden sheet: Secret"
    for size in range(600, len(data), 500):
        with suppress(ReadFailed):
            read(data[:size], "a.xls")


# What is no document


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("~$report.docx", b"\x05Ada Lund" + b"\0" * 100, "lock file"),
        (".~lock.report.odt#", b",ada,host", "lock file"),
        ("Thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "thumbnail cache"),
        ("Desktop.ini", b"[.ShellClassInfo]\n", "folder settings"),
        ("half.pdf.crdownload", b"%PDF-1.4\n", "not complete"),
        ("half.zip.part", b"PK\3\4", "not complete"),
        ("page.url", b"[InternetShortcut]\nURL=https://example.org/\n", "link to a web page"),
        ("page.webloc", b"<?xml version='1.0'?><plist/>", "link to a web page"),
        ("notes.gdoc", b'{"url": "https://example.org"}', "Google document"),
        ("plan.pages", files.archive({"Index/Document.iwa": "x"}), "Apple Pages"),
        ("plan.numbers", files.archive({"Index/Document.iwa": "x"}), "Apple Numbers"),
        ("plan.key", files.archive({"Index/Presentation.iwa": "x"}), "Apple Keynote"),
        ("plan.zip", files.archive({"Index/Document.iwa": "x"}), "Apple iWork"),
        (
            "plan.vsdx",
            files.archive({"[Content_Types].xml": "<a/>", "visio/document.xml": "<a/>"}),
            "Visio",
        ),
    ],
)
def test_what_is_no_document_is_left_out_as_what_it_is(name, data, what):
    """Its content does not matter, and a zip that another program reads is not unpacked."""
    with pytest.raises(Unsupported, match=what):
        read(data, name)


def test_rich_text_has_its_tables_and_its_notes_apart():
    """A footnote splits no sentence; cells are those of their columns, whatever they hold."""
    source = rb"""{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Times;}}{\header \pard Contract K-7731\par}
\pard The mill was sold{\footnote \pard For 900 crowns, in caf\'e9.} in 1931.\par
\trowd\cellx100\cellx200 Station\cell Opened\cell\row
\trowd\cellx100\cellx200 Mill a|b\cell 1900\cell\row
\pard After {\*\annotation{\*\atnref 1}\pard Check this.}the table.\par {\pict\pngblip 8950} }"""
    document, note = read_noted(source, "a.rtf")
    found = [(document.text[b.start : b.end], b.heading, b.columns) for b in document.blocks]
    assert found == [
        ("The mill was sold in 1931.", (), ""),
        ("Station\tOpened\nMill a|b\t1900", (), "Station, Opened"),
        ("After the table.", (), ""),
        ("Header: Contract K-7731", ("Headers",), ""),
        ("Footnote: For 900 crowns, in café.", ("Footnotes",), ""),
        ("Comment: Check this.", ("Comments",), ""),
    ]
    assert note == "1 picture not read"


MATHML = "<mi>y</mi><mo>=</mo><mfrac><mrow><mi>x</mi><mo>+</mo><mn>7</mn></mrow><mn>2</mn></mfrac>"
TEX = '<annotation encoding="application/x-tex">y=3x</annotation>'


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        (f"<math>{MATHML}</math>", "y=(x+7)/2"),
        (f"<math><semantics><mrow>{MATHML}</mrow>{TEX}</semantics></math>", "y=3x"),
        (r"<math alttext='{\displaystyle y=3x}'><mi>y</mi></math>", "y=3x"),
        ("<math><msup><mi>r</mi><mn>2</mn></msup></math>", "r^2"),
        ("<img class='mwe-math-fallback-image' alt='y=3x' src=x>", "y=3x"),
        (
            (
                "<span><span style='display:none'><math><mi>y</mi></math></span>"
                "<img class='tex' alt='y=3x' src=x></span>"
            ),
            "y=3x",
        ),
        ("<span><math><mi>y</mi></math><img class='tex' alt='y=3x' src=x></span>", "y"),
        (
            f"<span class=katex><span><math>{TEX}</math></span><span class=katex-html>y3</span></span>",
            "y=3x",
        ),
        ("<script type='math/tex'>y=3x</script>", "y=3x"),
    ],
)
def test_formulas_of_web_pages_stand_in_their_sentence_once(markup, shown):
    """In a sentence and in a table's cell."""
    page = f"<h1>Yield</h1><p>It is {markup} a field.</p><table><tr><th>A</th><th>B</th></tr>"
    page = f"<html><body>{page}<tr><td>1</td><td>{markup}</td></tr></table></body></html>"
    text = read(page.encode(), "a.html").text
    assert f"It is {shown} a field." in text
    assert text.endswith(f"1\t{shown}")


def test_rows_of_a_long_markdown_table_know_their_columns():
    """A small table stays whole."""
    rows = "".join(f"| Mill *{n}* | {1900 + n} | |\n" for n in range(40))
    table = "| Station | Opened | Closed |\n|---|---|---|\n"
    document = read(f"# Mills\n\n{table}{rows}\nThe end.".encode(), "a.md")
    (row,) = [b for b in document.blocks if "1917" in document.text[b.start : b.end]]
    assert (row.kind, row.columns, row.heading) == (Kind.ROW, "Station, Opened", ("Mills",))
    small = read(f"{table}{rows[:60]}".encode(), "a.mdx")
    assert [b.kind for b in small.blocks] == [Kind.TABLE]


ATTRIBUTION = "On Mon, 4 Mar 2024, Ben wrote:"


@pytest.mark.parametrize(
    "quoted",
    [
        f"<div class=gmail_quote><div>{ATTRIBUTION}</div><blockquote><p>Blue?</p></blockquote></div>",
        "<blockquote type=cite><p>Blue?</p></blockquote>",
        "<div id=divRplyFwdMsg><p>From: Ben</p></div><p>Blue?</p>",
        "<div style='border-top:solid #E1E1E1 1pt'><p><b>Von:</b> Ben</p></div><p>Blue?</p>",
    ],
)
def test_what_a_mail_in_html_quotes_stands_apart(quoted):
    """Whoever wrote the mail did not write that."""
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "ada@example.org", "Paint"
    mail.set_content(f"<html><body><p>No, green.</p>{quoted}</body></html>", subtype="html")
    document = read(mail.as_bytes(), "a.eml")
    headings = {document.text[b.start : b.end]: b.heading for b in document.blocks}
    assert headings["No, green."] == ("Paint",)
    assert headings["Blue?"] == ("Paint", "Quoted")


def test_words_after_a_quotation_are_the_writers_own():
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "ada@example.org", "Paint"
    page = "<blockquote type=cite><p>Blue?</p></blockquote><p>No, green.</p>"
    mail.set_content(f"<html><body>{page}</body></html>", subtype="html")
    document = read(mail.as_bytes(), "a.eml")
    (block,) = [b for b in document.blocks if "green" in document.text[b.start : b.end]]
    assert block.heading == ("Paint",)


def test_rich_text_of_libreoffice_has_notes_apart_hidden_text_left_out_and_bullets():
    source = (
        rb"{\rtf1\ansi The mill was sold{\super \loch{\*\footnote \pard In cash.}} in 1931.\par"
        rb"{\f0\v\loch The price is a lie.}\u-3913?\tab Geese\par}"
    )
    document, note = read_noted(source, "a.rtf")
    assert document.text == "The mill was sold in 1931.\n\n•\tGeese\n\nFootnote: In cash."
    assert note == "1 passage of hidden text not read"


def test_a_caption_is_a_tables_title_and_the_rows_of_its_head_are_one():
    """Each column is called by its own name and those that span it."""
    rows = "".join(f"<tr><td>Oats {n}</td><td>{n}</td><td>{n + 1}</td></tr>" for n in range(60))
    page = (
        "<html><body><table><caption>Harvest</caption><thead><tr><th rowspan=2>Crop</th>"
        "<th colspan=2>2019</th></tr><tr><th>Plan</th><th>Actual</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></body></html>"
    )
    document = read(page.encode(), "a.html")
    (row,) = [b for b in document.blocks if "Oats 40\t" in document.text[b.start : b.end]]
    assert (row.heading, row.columns) == (("Harvest",), "Crop, 2019 Plan, 2019 Actual")
    assert document.text.startswith("Harvest\n\nCrop\t2019 Plan\t2019 Actual\n")


def test_names_of_columns_in_two_rows_of_separated_values_are_one_name_each():
    data = b"Accounts\n,2031,,2030,\nTown,Sales,Costs,Sales,Costs\nHull,10,5,9,4\n"
    names = "Town, 2031 Sales, 2031 Costs, 2030 Sales, 2030 Costs"
    assert [(kind, columns) for kind, _, columns, _ in rows(data, "a.csv")] == [
        ("prose", ""),
        ("furniture", ""),
        ("furniture", ""),
        ("row", names),
    ]


def test_xml_is_read_as_such_under_any_name():
    """Formats of translation, maps and settings; not what is called a text."""
    data = b'<?xml version="1.0"?>\n<xliff><unit><source>Nine ships waited.</source></unit></xliff>'
    assert read(data, "a.xlf").text == "Nine ships waited."
    assert read(data, "a.txt").text == data.decode()


def test_attributes_of_a_markdown_heading_are_no_part_of_its_title():
    document = read(
        b"## Opening {#sec-open .unnumbered}\n\nAt nine.\n\n## {x}\n\nAt ten.\n", "a.qmd"
    )
    assert [holding(document, words).heading for words in ("nine", "ten")] == [
        ("Opening",),
        ("{x}",),
    ]


def test_titles_above_the_header_of_separated_values_hide_no_columns():
    data = b"# exported 2024\nReport of the harbour\n\nPort,Barrels\nAmble,31\nBlyth,57\n"
    document = read(data, "a.csv")
    found = [(document.text[b.start : b.end], b.kind, b.columns) for b in document.blocks]
    assert found == [
        ("# exported 2024", Kind.PROSE, ""),
        ("Report of the harbour", Kind.PROSE, ""),
        ("Port,Barrels", Kind.BOILERPLATE, ""),
        ("Amble,31", Kind.ROW, "Port, Barrels"),
        ("Blyth,57", Kind.ROW, "Port, Barrels"),
    ]


def test_names_that_lead_to_an_object_stand_above_its_row():
    document = read(b'{"pump": {"price": 12}, "bucket": {"price": 7}}', "a.json")
    (row,) = [b for b in document.blocks if "7" in document.text[b.start : b.end]]
    assert row.heading == ("bucket",)


def test_a_speaker_is_named_where_another_one_spoke_before():
    source = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ada>The ferry\n\n"
    source += "00:02.000 --> 00:03.000\n<v Ada>leaves.\n\n00:03.000 --> 00:04.000\n<v Ben>Yes.\n"
    assert read(source.encode(), "a.vtt").text.endswith("Ada: The ferry leaves. Ben: Yes.")
