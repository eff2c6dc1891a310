"""PDF: pages, headings, running lines, titles, and the way back to the page's face."""

import io
import shutil
import tempfile

import files
import pytest

from qa.errors import ReadFailed
from qa.reading import ocr, pdf, pdf_pages, read, read_noted
from qa.records import Document, Kind

PAGES = [
    ["# The harbour", "The harbour froze in January.", "Nine ships waited outside it."],
    ["More on the ships: they were old.", "# The mill", "It ground eleven sacks a day."],
    ["Its wheel was made of oak and it turned", "all year, also in the coldest winters."],
]


def blocks(document: Document, kind: Kind) -> list[str]:
    """What the blocks of a kind say."""
    return [document.text[b.start : b.end] for b in document.blocks if b.kind is kind]


def block_with(document: Document, words: str):
    (found,) = [b for b in document.blocks if words in document.text[b.start : b.end]]
    return found


def test_larger_type_makes_headings_that_last_over_pages():
    """Without an outline, a line in larger type is the heading of what follows."""
    document = read(files.pdf(PAGES), "a.pdf")
    assert blocks(document, Kind.HEADING) == ["The harbour", "The mill"]
    assert block_with(document, "they were old").heading == ("The harbour",)
    assert block_with(document, "coldest winters").heading == ("The mill",)
    assert block_with(document, "coldest winters").page == 3
    assert document.title == "The harbour"


def test_the_outline_names_the_headings_where_there_is_one():
    """A bookmark's heading begins at its line; one that is not on the page begins at its top."""
    outline = {1: ["The harbour"], 3: ["Not on the page"]}
    document = read(files.pdf(PAGES, outline=outline), "a.pdf")
    assert blocks(document, Kind.HEADING) == ["The harbour"]
    assert block_with(document, "eleven sacks").heading == ("The harbour",)
    assert block_with(document, "coldest winters").heading == ("Not on the page",)


def test_a_page_number_above_a_heading_does_not_hide_it():
    """The outline's heading is its own line, whatever number stands on the line before."""
    pages = [[f"{n}", *[f"Words of page {'abcd'[n - 1]}."] * 5] for n in range(1, 5)]
    pages[0].insert(1, "1 The harbour")
    document = read(files.pdf(pages, outline={1: ["1 The harbour"]}), "a.pdf")
    assert blocks(document, Kind.HEADING) == ["1 The harbour"]
    assert blocks(document, Kind.BOILERPLATE) == ["1", "2", "3", "4"]


def test_a_table_of_contents_is_no_heading_however_large():
    """Lines with leaders lead to headings, but are none."""
    pages = [["# The mill . . . . . . . 3", *PAGES[0][1:]], PAGES[1], PAGES[2]]
    document = read(files.pdf(pages), "a.pdf")
    assert blocks(document, Kind.HEADING) == ["The mill"]


def test_running_lines_and_page_numbers_are_boilerplate():
    """A line that repeats at the edge of pages, or counts them, is kept apart."""
    pages = [[f"Words of page {'abcde'[number]} only."] * 6 for number in range(5)]
    document = read(files.pdf(pages, header="The annual report", footer="Page {} of 5"), "a.pdf")
    lines = blocks(document, Kind.BOILERPLATE)
    assert lines.count("The annual report") == 5
    assert [words for words in lines if words.startswith("Page")] == [
        f"Page {number} of 5" for number in range(1, 6)
    ]
    assert all("annual" not in words for words in blocks(document, Kind.PROSE))


def test_a_line_on_three_pages_that_is_all_they_hold_is_their_text():
    """Pages of one repeated line are not emptied."""
    document = read(files.pdf([["The same words."]] * 4), "a.pdf")
    assert len(blocks(document, Kind.PROSE)) == 4


def test_lines_that_differ_by_other_numbers_than_the_page_are_text():
    """An invoice's number is no page number."""
    pages = [[f"Invoice {number * number + 7}", "a", "b", "c", "d"] for number in range(6)]
    document = read(files.pdf(pages), "a.pdf")
    assert not any("Invoice" in words for words in blocks(document, Kind.BOILERPLATE))


def test_a_word_parted_at_a_line_end_keeps_hyphen_and_line_end():
    """The text is what stands on the page."""
    document = read(files.pdf([["It was an extraordi-", "nary winter."]]), "a.pdf")
    assert document.text == "It was an extraordi-\nnary winter."


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Annual report", "Annual report"),
        ("Microsoft Word - Report 2024.docx", "Report 2024"),
        ("untitled", None),
        ("  ", None),
        ("Document1", None),
        ("slides.pptx", "slides"),
        ("12345", None),
        ("(anonymous)", None),
        (None, None),
    ],
)
def test_titles_that_programs_make_up_are_cleaned_or_rejected(written, title):
    """Only a title that says something is a title."""
    assert pdf.clean_title(written) == title


def test_boxes_lead_from_the_text_back_to_the_page():
    """The boxes of words cover them on the page and nothing else: read by pdfium's own search."""
    import pypdfium2

    data = files.pdf(PAGES)
    document = read(data, "a.pdf")
    page = [block for block in document.blocks if block.page == 2]
    start = document.text.index("eleven sacks")
    span = (start - page[0].start, start - page[0].start + len("eleven sacks"))
    ((left, top, right, bottom),) = pdf_pages.boxes(data, 2, [span])
    assert 0 < left < right < 1 and 0 < top < bottom < 1
    face = pypdfium2.PdfDocument(data)[1]
    width, height = face.get_size()
    words = face.get_textpage().get_text_bounded(
        left * width, height - bottom * height, right * width, height - top * height
    )
    assert words.strip() == "eleven sacks"


def test_boxes_of_a_sentence_over_two_lines_are_two():
    """A span over a line's end, a parted word included, has a box on each line."""
    data = files.pdf([["It was an extraordi-", "nary winter."]])
    text = read(data, "a.pdf").text
    first, second = pdf_pages.boxes(data, 1, [(0, len(text))])
    assert first[3] <= second[1] + 0.01


def test_boxes_of_a_turned_page_are_as_it_is_seen():
    """On a page that is shown turned by a quarter, a line's box stands upright."""
    import pypdfium2

    file = pypdfium2.PdfDocument(files.pdf([["A line of words on a turned page."]]))
    file[0].set_rotation(90)
    out = io.BytesIO()
    file.save(out)
    ((left, top, right, bottom),) = pdf_pages.boxes(out.getvalue(), 1, [(0, 33)])
    assert bottom - top > right - left


def test_boxes_outside_the_text_are_none():
    """Spans that reach beyond the page's text name nothing there."""
    data = files.pdf([["Words."]])
    assert pdf_pages.boxes(data, 1, [(100, 200), (3, 3)]) == []


def test_a_page_is_rendered_as_png_of_the_width_asked_for():
    """The picture of a page is as wide as asked."""
    from PIL import Image

    picture = Image.open(io.BytesIO(pdf_pages.render(files.pdf(PAGES), 2, 300)))
    assert (picture.format, picture.width) == ("PNG", 300)


def test_reading_and_rendering_in_threads_do_not_meet_within_pdfium():
    """The library is not thread-safe; sixteen threads at once give sound results."""
    from concurrent.futures import ThreadPoolExecutor

    data = files.pdf(PAGES)
    with ThreadPoolExecutor(8) as threads:
        pictures = [threads.submit(pdf_pages.render, data, 1 + n % 3, 200) for n in range(16)]
        texts = [threads.submit(read, data, "a.pdf") for _ in range(16)]
        assert len({future.result().text for future in texts}) == 1
        assert len({future.result() for future in pictures}) == 3


def test_an_encrypted_pdf_says_that_it_wants_a_password():
    """The reason names the password, not the library's error."""
    with pytest.raises(ReadFailed, match="password"):
        read(files.pdf([["Secret."]], password="x"), "a.pdf")


def test_a_pdf_without_its_end_is_read_with_a_note_or_fails():
    """A truncated PDF never passes for a whole one."""
    data = files.pdf(PAGES * 5)
    for share in (0.2, 0.5, 0.8, 0.97):
        with pytest.raises(ReadFailed, match="damaged"):
            read(data[: int(len(data) * share)], "a.pdf")
    document, note = read_noted(data.rstrip()[:-5], "a.pdf")
    assert document.pages == 15 and note == "cut off: its end is missing"


def test_pages_without_text_are_named_and_blank_pages_are_not():
    """A picture without text may hold words; an empty page holds none."""
    document = read(files.scan(3, text_on=(2,)), "a.pdf")
    assert document.pages_without_text == (1, 3)
    assert block_with(document, "Written words").page == 2
    assert read(files.pdf([["Words."], []]), "a.pdf").pages_without_text == ()


def test_a_pdf_of_five_thousand_pages_has_a_page_for_every_block():
    """A very long PDF is read whole."""
    document = read(files.pdf([[f"Words {n * n}."] for n in range(5000)]), "a.pdf")
    assert document.pages == 5000
    assert block_with(document, f"Words {4999 * 4999}.").page == 5000


def test_scanned_pages_are_read_where_ocr_is_wanted(monkeypatch):
    """With the extra installed and QA_OCR=1, tesseract reads pictures of words."""
    pytest.importorskip("pytesseract")
    if shutil.which("tesseract") is None:
        pytest.skip("tesseract is not on this machine")
    monkeypatch.setenv("QA_OCR", "1")
    document = read(files.picture_of("Nine ships waited"), "a.png")
    assert document.text == "Nine ships waited"
    assert (document.pages, document.pages_without_text) == (1, ())


@pytest.fixture
def tesseract(monkeypatch):
    """OCR is wanted, and there is no temporary folder that it may leave pages in."""
    pytest.importorskip("pytesseract")
    if shutil.which("tesseract") is None:
        pytest.skip("tesseract is not on this machine")
    monkeypatch.setattr(tempfile, "tempdir", "/none")


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "LA", "P", "CMYK", "F"])
@pytest.mark.usefixtures("tesseract")
def test_pictures_of_every_kind_go_to_tesseract_by_no_file(mode):
    from PIL import Image

    with Image.open(io.BytesIO(files.picture_of("Nine ships waited"))) as picture:
        assert ocr.words_of(picture.convert("L").convert(mode)) == "Nine ships waited"


@pytest.mark.usefixtures("tesseract")
def test_words_on_a_picture_without_a_ground_are_read():
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(files.picture_of("Nine ships waited"))) as picture:
        black = Image.new("RGBA", picture.size, (0, 0, 0, 0))
        black.putalpha(ImageOps.invert(picture.convert("L")))
    assert ocr.words_of(black) == "Nine ships waited"


@pytest.mark.usefixtures("tesseract")
def test_a_page_that_tesseract_does_not_come_to_an_end_with_fails(monkeypatch):
    from PIL import Image

    monkeypatch.setattr(ocr, "PAGE_SECONDS", 0.001)
    with pytest.raises(ReadFailed, match="tesseract took longer than"):
        ocr.words_of(Image.new("L", (3000, 3000), 255))


def drawn(*pages, metadata="untitled"):
    """A PDF of strings at places: `(x, y, text)` or `(x, y, text, font, size)`, in drawing order."""
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842), invariant=1)
    canvas.setTitle(metadata)
    for page in pages:
        for x, y, text, *style in page:
            font, size = style or ("Helvetica", 11)
            canvas.setFont(font, size)
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


LEFT = [
    "The northern depot stores forty",
    "drums of linseed oil. It opens at",
    "six every morning.",
]
RIGHT = ["The southern depot stores nine", "crates of saffron. It opens at ten", "and is closed."]


def by_row(*columns, top=700, across=260, pitch=14):
    """Lines of columns, drawn row by row."""
    return [
        (60 + across * column, top - pitch * row, text)
        for row, texts in enumerate(zip(*columns, strict=True))
        for column, text in enumerate(texts)
    ]


def test_two_columns_that_are_drawn_row_by_row_are_read_column_by_column():
    """No sentence is made of two."""
    document = read(drawn(by_row(LEFT, RIGHT)), "a.pdf")
    assert document.text == "\n".join(LEFT) + "\n\n" + "\n".join(RIGHT)


def justified(words, x, y, *, width):
    """Words set apart so that they fill a column."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    lengths = [stringWidth(word, "Helvetica", 11) for word in words]
    gap = (width - sum(lengths)) / (len(words) - 1)
    return [(x + sum(lengths[:n]) + n * gap, y, word) for n, word in enumerate(words)]


def test_a_line_that_is_spread_over_its_column_is_a_line_and_names_of_columns_are_cells():
    """Gaps as wide as a table's, all alike between words, are those of justified text."""
    lines = [
        word
        for row in (0, 1)
        for word in justified(LEFT[row].split(), 60, 700 - 14 * row, width=250)
    ]
    assert read(drawn(lines), "a.pdf").text == "\n".join(LEFT[:2])
    names = justified(["Rank", "Share", "Rank", "Share"], 60, 700, width=250)
    figures = justified(["1st", "40%", "2nd", "38%"], 60, 686, width=250)
    text = read(drawn([*names, *figures]), "a.pdf").text
    assert text == "Rank\tShare\tRank\tShare\n1st\t40%\t2nd\t38%"


def test_a_watermark_across_the_page_is_no_title_and_no_heading():
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842), invariant=1)
    for row, text in enumerate(LEFT):
        canvas.drawString(60, 700 - 14 * row, text)
    canvas.translate(300, 400)
    canvas.rotate(45)
    canvas.setFont("Helvetica-Bold", 60)
    canvas.drawString(0, 0, "DRAFT")
    canvas.save()
    document = read(out.getvalue(), "a.pdf")
    assert "DRAFT" in document.text
    assert document.title is None
    assert {block.kind for block in document.blocks} == {Kind.PROSE}


def test_boxes_lead_to_the_right_column_when_columns_were_ordered():
    """A span of the second column has its boxes there."""
    data = drawn(by_row(LEFT, RIGHT))
    text = read(data, "a.pdf").text
    start = text.index("crates of saffron")
    ((left, _, _, _),) = pdf_pages.boxes(data, 1, [(start, start + 17)])
    assert left > 0.5


def test_a_wide_gap_ends_a_line_where_no_table_is_told():
    """Two texts that stand beside each other once are two lines."""
    document = read(drawn([(60, 700, "Hill Road Council"), (400, 700, "Minutes of May")]), "a.pdf")
    assert document.text == "Hill Road Council\nMinutes of May"


def test_a_heading_that_is_drawn_last_stands_above_what_it_heads():
    """Headings are ordered by place, page by page."""
    body = [(60, 700 - 14 * n, f"The bumper costs {n}00 euro and is blue.") for n in range(1, 7)]
    pages = [[*body, (60, 740, f"Estimate {name}", "Helvetica-Bold", 18)] for name in "AB"]
    document = read(drawn(*pages), "a.pdf")
    prose = [b for b in document.blocks if b.kind is Kind.PROSE]
    assert [b.heading for b in prose] == [("Estimate A",), ("Estimate B",)]


def test_bold_lines_of_the_usual_size_are_headings():
    """Weight makes a heading as size does, one level below."""
    lines = [
        (60, 760, "Ferries", "Helvetica", 18),
        (60, 730, "1 Introduction", "Helvetica-Bold", 11),
    ]
    lines += [
        (60, 710 - 14 * n, f"The ferry number {n} crosses the bay at noon.") for n in range(9)
    ]
    document = read(drawn(lines), "a.pdf")
    assert block_with(document, "number 3").heading == ("Ferries", "1 Introduction")


def test_an_address_in_larger_type_is_no_heading():
    """Mail addresses head nothing."""
    lines = [(60, 760, "ada@example.org", "Helvetica", 18)]
    lines += [
        (60, 710 - 14 * n, f"The ferry number {n} crosses the bay at noon.") for n in range(9)
    ]
    assert blocks(read(drawn(lines), "a.pdf"), Kind.HEADING) == []


HEADER = ("Station", "Opened", "Platforms", "Passengers")


def table(rows, *, header=HEADER, top=700):
    """Cells at four places of a row."""
    every = [header, *rows] if header else rows
    return [
        (60 + 120 * column, top - 14 * row, str(cell))
        for row, cells in enumerate(every)
        for column, cell in enumerate(cells)
    ]


def test_a_page_that_is_a_table_has_a_line_for_each_row_and_names_of_columns():
    """Cells of one character end no line; numbers below a header know their columns."""
    rows = [(f"Mill {'abcdefg'[n]}", 1900 + n, n % 4 + 1, 1000 + 37 * n) for n in range(7)]
    document = read(drawn(table(rows)), "a.pdf")
    assert "Mill c\t1902\t3\t1074\n" in document.text
    block = block_with(document, "Mill c")
    assert (block.kind, block.columns) == (Kind.TABLE, "Station, Opened, Platforms, Passengers")


def test_a_table_keeps_its_columns_on_the_next_page():
    """A page that goes on with a table has no header of its own."""
    rows = [(f"Mill {n}", 1900 + n, n % 4 + 1, 1000 + 37 * n) for n in range(20)]
    document = read(drawn(table(rows[:10]), table(rows[10:], header=None)), "a.pdf")
    assert block_with(document, "Mill 15").columns == "Station, Opened, Platforms, Passengers"


def test_cells_of_many_words_make_a_row_beside_short_ones():
    """Names, ages and offices are a table, not columns of prose, however long a row is."""
    names = ["Ada B. de Nord", "Chris C. da Cap", "Jean P. le Court", "Amy E. van Hood"]
    office = "Executive Vice President and President, Sales, Marketing and Operations"
    rows = [(name, 40 + n, office[: 20 + 12 * n]) for n, name in enumerate(names)]
    rows += [(name[::-1].title(), 60 + n, office) for n, name in enumerate(names)]
    document = read(drawn(table(rows, header=("Name", "Age", "Office"))), "a.pdf")
    assert f"Amy E. van Hood\t43\t{office[:56]}" in document.text.replace("\t ", "\t")
    assert all(line.count("\t") == 2 for line in document.text.splitlines())


def form() -> bytes:
    """A form with a field that was filled in and one that was not."""
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842), invariant=1)
    canvas.drawString(60, 705, "Notice period:")
    canvas.acroForm.textfield(name="Notice", value="eleven weeks", x=200, y=700)
    canvas.acroForm.textfield(name="Remarks", value="", x=200, y=600)
    canvas.acroForm.textfield(name="pin", value="4711", x=200, y=650, fieldFlags="password")
    canvas.acroForm.textfield(name="form[0].Page1[0].town[0]", value="Ulm", x=200, y=550)
    canvas.textAnnotation("Ask the owner first.", Rect=[100, 500, 120, 520])
    canvas.save()
    return out.getvalue()


def test_forms_and_comments_are_read_apart_from_the_body():
    """A field has its name and its value; a comment says that it is one."""
    document = read(form(), "a.pdf")
    shown = "Notice: eleven weeks\ntown: Ulm"  # and no password
    assert document.text == f"Notice period:\n\n{shown}\n\nAsk the owner first."
    assert [b.heading for b in document.blocks] == [(), ("Form",), ("Comments",)]


def stamped(stamp: str, picture: bytes) -> bytes:
    """A page that is a picture, with a line of text below it."""
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842), invariant=1)
    canvas.drawImage(ImageReader(io.BytesIO(picture)), 0, 40, 595, 800)
    canvas.drawString(60, 15, stamp)
    canvas.save()
    return out.getvalue()


def test_a_stamp_on_a_scan_is_no_text_layer():
    """The page counts as one without text, and the stamp is kept."""
    document = read(stamped("Downloaded on 3 May", files.png(60, 80)), "a.pdf")
    assert document.pages_without_text == (1,)
    assert document.text == "Downloaded on 3 May"
    address = f"https://archive.example/{'scans/' * 18} for private use only"  # of several words
    assert read(stamped(address, files.png(60, 80)), "a.pdf").pages_without_text == (1,)


def test_what_ocr_read_of_a_scan_is_its_text_however_short():
    """It stands behind the picture, and is not shown."""
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842), invariant=1)
    layer = canvas.beginText(60, 700)
    layer.setTextRenderMode(3)
    layer.textLine("Nine ships waited.")
    canvas.drawText(layer)
    canvas.drawImage(ImageReader(io.BytesIO(files.png(60, 80))), 0, 0, 595, 842)
    canvas.save()
    document = read(out.getvalue(), "a.pdf")
    assert (document.text, document.pages_without_text) == ("Nine ships waited.", ())


def test_a_scan_with_a_stamp_is_read_where_ocr_is_wanted(monkeypatch):
    """OCR reads the whole page, the stamp included."""
    pytest.importorskip("pytesseract")
    if shutil.which("tesseract") is None:
        pytest.skip("tesseract is not on this machine")
    monkeypatch.setenv("QA_OCR", "1")
    monkeypatch.setenv("QA_LANGUAGE", "xx")  # a language without data is passed over
    from PIL import Image

    picture, out = Image.new("L", (1200, 1600), 255), io.BytesIO()
    picture.paste(Image.open(io.BytesIO(files.picture_of("Nine ships waited"))), (0, 400))
    picture.save(out, format="PNG")
    document = read(stamped("Downloaded", out.getvalue()), "a.pdf")
    assert "Nine ships waited" in document.text and document.pages_without_text == ()


def test_a_garbled_text_layer_is_told():
    """Words that no language has are not passed over in silence."""
    words = ["Wkh", "vwdwlrq", "zdv", "rshqhg", "lq", "wkh", "vsulqj", "dqg", "forvhg", "djdlq"]
    garbled = [(60, 700 - 14 * n, " ".join(w[n % 3 :] for w in words)) for n in range(12)]
    plain = [(60, 700 - 14 * n, "The station was opened in the spring.") for n in range(12)]
    _, note = read_noted(drawn(plain, garbled), "a.pdf")
    assert note == "the text layer is garbled, words may be wrong: page 2"
    assert read_noted(drawn(plain), "a.pdf")[1] == ""


def layouts():
    """The pages of known layout by which `bench/pdf_layout.py` counts."""
    import runpy
    from pathlib import Path

    return runpy.run_path(str(Path(__file__).parents[1] / "bench" / "pdf_layout.py"))


@pytest.mark.parametrize("case", layouts()["cases"](), ids=lambda case: case.name)
def test_pages_of_known_layout_are_read_in_order(case):
    """Columns, sidebars, notes, tables, headings drawn last, running lines and turned pages."""
    made = layouts()
    assert made["is_right"](case, read(made["pdf"](case), "a.pdf"))


def test_a_gap_within_one_drawn_string_parts_cells():
    """Programs set whole rows as one string with wide word spaces: its cells are cells."""
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842), invariant=1)
    for number, row in enumerate(["Station Opened", "Mill 1,900", "Bridge 1,950", "Lock 1,820"]):
        text = canvas.beginText(60, 700 - 14 * number)
        text.setWordSpace(90)
        text.textOut(row)
        canvas.drawText(text)
    canvas.save()
    document = read(out.getvalue(), "a.pdf")
    assert document.text == "Station\tOpened\nMill\t1,900\nBridge\t1,950\nLock\t1,820"
    assert document.blocks[0].columns == "Station, Opened"


def test_the_line_above_a_table_is_in_its_context_with_a_header_of_many_rows():
    """Statements of earnings have five rows of names above their figures."""
    header = [("Second", "quarter"), ("2023", "2022"), ("Percent", "Percent"), ("to", "to")]
    header += [("sales", "sales")]
    rows = [(name, f"{40 + n}.1", f"{30 + n}.2") for n, name in enumerate(["Costs", "Profit"])]
    cells = [(60, 740, "Statement of Earnings")]
    for number, row in enumerate([("", *names) for names in header] + rows):
        cells += [(60 + 120 * n, 714 - 14 * number, cell) for n, cell in enumerate(row) if cell]
    block = block_with(read(drawn(cells), "a.pdf"), "Profit")
    assert block.columns.startswith("Statement of Earnings: Second, quarter, 2023")


def test_the_author_whom_only_the_properties_name_stands_below_on_no_page():
    """Programs are nobody, and a name that is shown is not said twice."""
    from reportlab.pdfgen.canvas import Canvas

    for author, shown in (("Anna Kern", "Author: Anna Kern"), ("anonymous", ""), ("Rye Mill", "")):
        out = io.BytesIO()
        canvas = Canvas(out, pagesize=(595, 842), invariant=1)
        canvas.setAuthor(author)
        canvas.drawString(60, 700, "The Rye Mill was built in 1900.")
        canvas.save()
        document = read(out.getvalue(), "a.pdf")
        assert document.text == "\n\n".join(filter(None, (document.text.split("\n")[0], shown)))
        assert document.blocks[-1].page == (None if shown else 1)


def test_a_table_is_named_by_the_line_above_its_units_and_periods():
    """Units and periods stand between a table and its name, labels of rows below its columns."""
    lines = ["Words of the report that end here.", "NET REVENUES", "(in thousands)", "Unaudited,"]
    cells = [(60, 760 - 14 * number, line) for number, line in enumerate(lines)]
    rows = [("", "2023", "2022"), ("Current assets:",), ("Cash", "$ 40.1", "$ 30.2")]
    rows += [("Rents", "41.1", "31.2")]
    cells += [
        (60 + 120 * n, 690 - 14 * number, cell)
        for number, row in enumerate(rows)
        for n, cell in enumerate(row)
        if cell
    ]
    block = block_with(read(drawn(cells), "a.pdf"), "Rents")
    assert block.kind is Kind.TABLE
    assert block.columns == "NET REVENUES (in thousands) Unaudited,: 2023, 2022"


GRID = [("GRID", (0, 0), (-1, -1), 0.5, "black")]
DENSE = [("TOPPADDING", (0, 0), (-1, -1), 0), ("BOTTOMPADDING", (0, 0), (-1, -1), 0)]


def laid_out(rows, widths, *style, wrapped=True):
    """What is read of a page with a table."""
    return read(typeset(rows, widths, *style, wrapped=wrapped), "a.pdf")


def typeset(rows, widths, *style, wrapped=True):
    """A page with a table as word processors set it: cells of several lines where they are long."""
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

    look = ParagraphStyle("cell", fontName="Helvetica", fontSize=10, leading=12)
    cells = [[Paragraph(cell, look) if wrapped else cell for cell in row] for row in rows]
    out = io.BytesIO()
    table = Table(cells, colWidths=widths, style=style)
    SimpleDocTemplate(out, invariant=1).build([table])
    return out.getvalue()


CARE = [
    ("Task", "Interval", "Notes"),
    ("Oil", "6 months", "Use only oil of the class ISO VG 46, and let the pump cool down first."),
    ("Filter", "3 months", "Rinse the filter with clear water; replace it when the mesh is torn."),
    ("Shaft seal of the pump", "2 years", "It is replaced by the service of the manufacturer."),
]
ASKED = [
    ("When does the ferry run in winter, and who decides?", "It does not. The harbour master."),
    ("What is to be done when the bridge is closed?", "Cars are led over the dam at once."),
    ("Who pays for the boats that the ice damaged?", "The owner, and then the fund of the town."),
]
SALES = [
    ("Item", "2023", "2022"),
    ("Revenue from the sale of cards", "1,200", "1,100"),
    ("Other revenue", "300", "280"),
]


@pytest.mark.parametrize("place", ["TOP", "MIDDLE", "BOTTOM"])
@pytest.mark.parametrize(("rows", "widths"), [(CARE, (70, 70, 170)), (ASKED, (140, 100))])
def test_a_cell_of_several_lines_is_one_cell(rows, widths, place):
    """Each row of the table is a line, wherever its lines stand in their cells."""
    document = laid_out(rows, widths, *GRID, ("VALIGN", (0, 0), (-1, -1), place))
    assert document.text == "\n".join("\t".join(row) for row in rows)
    assert {block.kind for block in document.blocks} == {Kind.TABLE}


@pytest.mark.parametrize("place", ["TOP", "BOTTOM"])
def test_a_label_of_several_lines_is_one_cell_without_any_space_between_rows(place):
    """A line that goes on in small letters beside no other cell is no row."""
    document = laid_out(SALES, (90, 60, 60), *DENSE, ("VALIGN", (0, 0), (-1, -1), place))
    assert document.text == "\n".join("\t".join(row) for row in SALES)
    assert document.blocks[0].columns == "Item, 2023, 2022"


def test_rows_of_figures_below_each_other_are_no_lines_of_one_cell():
    """Space between the sections of a table parts no cells, nor does space below its header."""
    rows = [
        ("Item", "2023"),
        ("Cash", "12"),
        ("Rents", "14"),
        ("", ""),
        ("Loans", "7"),
        ("Bills", "1"),
    ]
    document = laid_out(rows, (90, 60), *DENSE, wrapped=False)
    assert document.text == "\n".join("\t".join(row) for row in rows if row[0])
    names = [
        ("Name", "Role"),
        ("", ""),
        ("Ada B. de Nord", "Keeper"),
        ("Chris C. da Cap", ""),
        ("Jean P. le Court", "Cook"),
    ]
    document = laid_out(names, (120, 80), *DENSE, wrapped=False)
    assert document.text == "\n".join("\t".join(row).strip() for row in names if row[0])


@pytest.mark.parametrize(
    "rows",
    [
        [("Name:", "Anna Kern"), ("Street:", "Hill Road 12"), ("Rooms:", "4")],
        [("Length", "120 mm"), ("Width", "80 mm"), ("Ports", "4"), ("Price", "$ 1,200")],
        [("Maker", "Nordwerk"), ("Colour", "red"), ("Ports", "4"), ("Price", "$ 1,200")],
        [("Invoice", "2024-118", "Customer", "Anna Kern"), ("Order", "4711", "Total", "1,200")],
        [
            ("Maker", "Nordwerk"),
            ("Ports", "4"),
            ("Colour", "red"),
            ("Hull", "oak"),
            ("Sail", "flax"),
        ],
    ],
)
def test_a_list_of_keys_and_values_has_no_names_of_columns(rows):
    """Its first rows say something themselves, and nothing of the rows below."""
    document = laid_out(rows, [80] * len(rows[0]), wrapped=False)
    assert [(block.kind, block.columns) for block in document.blocks] == [(Kind.TABLE, "")]


def test_an_empty_cell_keeps_those_behind_it_in_their_columns():
    """A tab stands for it; the sign of a currency is no cell, but stands before its figure."""
    rows = [("Town", "North", "South", "East"), ("Mill", "4", "", "2"), ("Lock", "", "7", "")]
    data = typeset(rows, [60] * 4, wrapped=False)
    text = read(data, "a.pdf").text
    assert text == "Town\tNorth\tSouth\tEast\nMill\t4\t\t2\nLock\t\t7"
    places = [text.index(words) for words in ("East", "2")]
    east, two = pdf_pages.boxes(data, 1, [(at, at + 1) for at in places])
    assert abs(east[0] - two[0]) < 0.01  # the same place across the page
    rows = [("Item", "", "2023"), ("Cash", "$", "40.1"), ("Rents", "", "31.2")]
    document = laid_out(rows, [60] * 3, wrapped=False)
    assert document.text == "Item\t2023\nCash\t$ 40.1\nRents\t31.2"
    assert document.blocks[0].columns == "Item, 2023"


def test_a_bold_row_above_names_the_columns_of_a_table_of_words():
    """Without figures nothing but the type tells names from what they name."""
    rows = [
        ("Name", "Role", "Office"),
        ("Anna Kern", "Keeper", "Hill Road"),
        ("Ben Roth", "Cook", "Mill"),
    ]
    bold = ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold")
    assert (
        laid_out(rows, (90, 90, 90), bold, wrapped=False).blocks[0].columns == "Name, Role, Office"
    )
    assert laid_out(rows, (90, 90, 90), wrapped=False).blocks[0].columns == ""
