"""What Word, OpenDocument, PowerPoint and Excel files hold beside plain paragraphs."""

import io

import files
import office
import pytest
from office import numbered, paragraph

from qa.errors import ReadFailed
from qa.reading import read, read_noted
from qa.records import Kind

DOCUMENT = "wordprocessingml.document.main+xml"
PRESENTATION = "presentationml.presentation.main+xml"
ABOVE = "application/vnd.openxmlformats-officedocument."


def texts(data, name):
    """The blocks' texts."""
    document = read(data, name)
    return [document.text[block.start : block.end] for block in document.blocks]


def rows(data, name):
    """Each row's text with its columns and headings."""
    document = read(data, name)
    return [
        (document.text[block.start : block.end], block.columns, block.heading)
        for block in document.blocks
        if block.kind is Kind.ROW
    ]


# Packages


@pytest.mark.parametrize("target", ["media/none.png", "NULL", "#_Toc12", "..\\none.xml"])
@pytest.mark.parametrize("kind", ["image", "header", "comments", "customXml"])
def test_a_relationship_that_leads_nowhere_costs_its_part_alone(kind, target):
    """Word files whose picture or part is missing are read whole."""
    data = files.docx(files.FACTS)
    broken = office.related(data, "word/_rels/document.xml.rels", f"{kind} {target}")
    assert read(broken, "a.docx").text == read(data, "a.docx").text


def test_a_missing_thumbnail_and_a_part_without_a_type_cost_nothing():
    """The package itself may name parts that are missing, and leave parts without a type."""
    data = office.related(files.pptx(files.FACTS), "_rels/.rels", "thumbnail docProps/none.jpeg")
    data = files.archive(office.parts(data) | {"ppt/media/a.odd": b"x"})
    assert read(data, "a.pptx").text == read(files.pptx(files.FACTS), "a.pptx").text


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: files.docx(files.FACTS), "a.docx"),
        (lambda: files.pptx(files.FACTS), "a.pptx"),
        (lambda: files.xlsx({"Crops": [["Crop", "Tons"], ["Oats", 40]]}), "a.xlsx"),
    ],
)
def test_a_file_in_the_strict_form_reads_like_any_other(make, name):
    """The namespaces of Strict Open XML change nothing."""
    data = make()
    assert read(office.strict(data), name).text == read(data, name).text


@pytest.mark.parametrize(
    ("make", "old", "new"),
    [
        (files.docx, f"{ABOVE}{DOCUMENT}", "application/vnd.ms-word.document.macroEnabled.main+xml"),
        (files.docx, DOCUMENT, "wordprocessingml.template.main+xml"),
        (files.docx, f"{ABOVE}{DOCUMENT}", "application/vnd.ms-word.template.macroEnabledTemplate.main+xml"),
        (files.pptx, PRESENTATION, "presentationml.slideshow.main+xml"),
        (files.pptx, PRESENTATION, "presentationml.template.main+xml"),
        (files.pptx, f"{ABOVE}{PRESENTATION}", "application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml"),
    ],
)  # fmt: skip
def test_templates_shows_and_files_with_macros_are_read(make, old, new):
    """.dotx, .docm, .dotm, .ppsx, .potx and .ppsm hold what .docx and .pptx hold."""
    data = make(files.FACTS)
    assert read(office.typed(data, old, new), "a").text == read(data, "a").text


def test_a_reason_names_no_object_of_the_program():
    """What a library says of the stream that it was given is not shown."""
    data = office.typed(files.docx(files.FACTS), DOCUMENT, "odd+xml")
    with pytest.raises(ReadFailed) as raised:
        read(data, "a.docx")
    assert "object at" not in str(raised.value)


# Word


def test_numbers_that_word_computes_stand_before_clauses_and_headings():
    """Each level counts below the one above; letters and Roman numbers are shown as such."""
    made = office.numbering(
        ("upperRoman", "Article %1."), ("decimal", "%1.%2"), ("lowerLetter", "(%3)")
    ).replace('<w:numFmt w:val="decimal"/>', '<w:numFmt w:val="decimal"/><w:isLgl/>')
    data = office.word(
        numbered("Rent", 0, style="Heading1")
        + numbered("Due monthly.", 1)
        + numbered("By letter.", 2)
        + numbered("By hand.", 2)
        + numbered("Deposit", 0, style="Heading1")
        + numbered("Two months.", 1),
        {"numbering": made},
    )
    document = read(data, "a.docx")
    assert texts(data, "a.docx") == [
        "Article I. Rent",
        "1.1 Due monthly.\n(a) By letter.\n(b) By hand.",
        "Article II. Deposit",
        "2.1 Two months.",
    ]
    assert document.blocks[-1].heading == ("Article II. Deposit",)
    assert document.title == "Rent"


def test_what_stands_apart_from_the_body_is_read_apart_and_named():
    """Headers, footers, footnotes and comments are blocks of their own after the body."""
    note = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    body = paragraph("The mill was sold").replace("</w:p>", f"{note}<w:r><w:t> in May.</w:t></w:r></w:p>")  # fmt: skip
    data = office.word(
        body,
        {
            "header1": f"<w:hdr>{paragraph('Contract K-7731')}</w:hdr>",
            "header2": f"<w:hdr>{paragraph('Contract K-7731')}</w:hdr>",
            "footer1": f"<w:ftr>{paragraph('Confidential')}</w:ftr>",
            "footnotes": f'<w:footnotes><w:footnote w:id="2">{paragraph("For 900 crowns.")}</w:footnote></w:footnotes>',
            "comments": f'<w:comments><w:comment w:author="Ida">{paragraph("Check it.")}</w:comment></w:comments>',
        },
    )  # fmt: skip
    assert texts(data, "a.docx") == [
        "The mill was sold in May.",
        "Header: Contract K-7731",
        "Footer: Confidential",
        "Footnote: For 900 crowns.",
        "Comment (Ida): Check it.",
    ]
    headings = [block.heading for block in read(data, "a.docx").blocks]
    assert headings == [(), ("Headers",), ("Footers",), ("Footnotes",), ("Comments",)]


def test_equations_are_text_and_hidden_words_are_none():
    """Fractions and powers keep their meaning; a run marked as hidden is only counted."""
    power = (
        "<m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"
    )
    half = f"<m:f><m:num>{power}<m:r><m:t>+1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>"
    hidden = "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>Secret.</w:t></w:r><w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>Seen.</w:t></w:r></w:p>"
    data = office.word(
        f"<w:p><w:r><w:t>It is </w:t></w:r><m:oMath>{half}</m:oMath><w:r><w:t> wide.</w:t></w:r></w:p>"
        f"<w:p><m:oMathPara><m:oMath>{power}</m:oMath></m:oMathPara></w:p>{hidden}"
    )
    assert texts(data, "a.docx") == ["It is (x^2+1)/2 wide.", "Equation: x^2", "Seen."]
    assert read_noted(data, "a.docx")[1] == "1 passage of hidden text not read"


def test_symbols_are_the_signs_that_their_fonts_show():
    """A tick of Wingdings and a Greek letter of Symbol; what is not known is marked."""
    signs = "".join(f'<w:sym w:font="{font}" w:char="{code}"/>' for font, code in (("Wingdings", "F0FC"), ("Symbol", "F061"), ("Odd", "F001")))  # fmt: skip
    assert texts(office.word(f"<w:p><w:r>{signs}</w:r></w:p>"), "a.docx") == ["✓α\ufffd"]


def table(*lines, first=""):
    """A table of Word."""
    cells = lambda line: "".join(f"<w:tc>{cell if cell.startswith('<') else paragraph(cell)}</w:tc>" for cell in line)  # noqa: E731  # fmt: skip
    return f"<w:tbl>{''.join(f'<w:tr>{cells(line)}</w:tr>' for line in lines)}</w:tbl>"


def test_every_row_of_a_long_table_knows_its_columns_and_its_title():
    """Rows are records of their own, and the line above the table belongs to their context."""
    lines = [(f"Station {n}", f"{1900 + n}") for n in range(80)]
    data = office.word(paragraph("Table 1: The stations") + table(("Station", "Opened"), *lines))
    found = rows(data, "a.docx")
    assert [line for line, _, _ in found] == ["\t".join(line) for line in lines]
    assert {(columns, heading) for _, columns, heading in found} == {
        ("Station, Opened", ("Table 1: The stations",))
    }


def test_names_of_columns_in_two_rows_of_a_table_are_one_name_each():
    lines = [("Town", "2030", "", "2031", ""), ("", "Sales", "Costs", "Sales", "Costs")]
    names = "Town, 2030 Sales, 2030 Costs, 2031 Sales, 2031 Costs"
    for count in (1, 80):
        values = [(f"Hull {n}", "1", "2", "3", "4") for n in range(count)]
        document = read(office.word(table(*lines, *values)), "a.docx")
        (columns,) = {b.columns for b in document.blocks if b.kind is not Kind.BOILERPLATE}
        assert columns == names


def test_empty_cells_and_spans_move_no_value_under_another_column():
    """A row names the columns in which it has values; a merged cell is in each of its rows."""
    down = "<w:tcPr><w:vMerge{}/></w:tcPr>" + paragraph("{}")
    wide = '<w:tcPr><w:gridSpan w:val="2"/></w:tcPr>' + paragraph("All")
    data = office.word(
        table(
            ("", "Oats", "Rye"),
            ("2019", "40 t", "12 t"),
            ("", "37 t", ""),
            (wide, "9 t"),
            (down.format(' w:val="restart"', "2020"), "1 t", "2 t"),
            (down.format("", ""), "3 t", "4 t"),
        )
    )
    assert [(line, columns) for line, columns, _ in rows(data, "a.docx")] == [
        ("2019\t40 t\t12 t", "Oats, Rye"),
        ("37 t", "Oats"),
        ("All\t\t9 t", "Rye"),
        ("2020\t1 t\t2 t", "Oats, Rye"),
        ("2020\t3 t\t4 t", "Oats, Rye"),
    ]


# OpenDocument


def test_open_document_is_read_however_its_xml_is_laid_out():
    """Line ends, indents, a document type and missing parts cost nothing; blanks are as shown."""
    body = """
      <text:p>The   ferry<text:span> </text:span>leaves
         at<text:s text:c="2"/>nine<text:tab/>sharp<text:line-break/>today.</text:p>
    """
    data = files.open_document("text", body)
    made = office.parts(data)
    content = made["content.xml"].replace(b"<office:body>", b"\n <office:body>\n  ")
    content = content.replace(b"?>", b"?><!DOCTYPE x>", 1)
    assert texts(files.archive(made | {"content.xml": content}), "a.odt") == [
        "The ferry leaves at  nine\tsharp\ntoday."
    ]
    bare = {name: part for name, part in made.items() if name != "mimetype"}
    assert texts(files.archive(bare), "a.odt") == texts(data, "a.odt")
    flat = made["content.xml"].replace(b"document-content", b"document")
    assert texts(flat, "a.fodt") == texts(data, "a.odt")


def test_notes_comments_and_headers_of_open_document_stand_apart():
    """A footnote or a comment within a sentence leaves it whole; what was deleted is not read."""
    note = '<text:note text:note-class="{}"><text:note-citation>1</text:note-citation><text:note-body><text:p>{}</text:p></text:note-body></text:note>'
    comment = '<office:annotation><dc:creator xmlns:dc="d">Ida</dc:creator><text:p>Check it.</text:p></office:annotation>'
    body = (
        "<text:tracked-changes><text:deletion><text:p>Old.</text:p></text:deletion></text:tracked-changes>"
        f"<text:p>The mill{note.format('footnote', 'For 900 crowns.')} was{comment} sold"
        f"{note.format('endnote', 'See the deed.')}.</text:p>"
    )
    styles = (
        f"<office:document-styles {files.OPEN_SPACES}><office:master-styles><style:master-page>"
        "<style:header><text:p>Contract K-7731</text:p></style:header></style:master-page>"
        "</office:master-styles></office:document-styles>"
    )
    data = files.open_document("text", body, more={"styles.xml": styles})
    assert texts(data, "a.odt") == [
        "The mill was sold.",
        "Header: Contract K-7731",
        "Footnote: For 900 crowns.",
        "Comment (Ida): Check it.",
        "Endnote: See the deed.",
    ]
    assert read(data, "a.odt").title is None


def test_equations_and_charts_of_open_document_are_read():
    """An equation keeps its place in the sentence, a chart is a table, what else is counted."""
    frame = '<draw:frame><draw:object x:href="./{}" xmlns:x="http://www.w3.org/1999/xlink"/></draw:frame>'
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>".format
    row = lambda *cells: f"<table:table-row>{''.join(map(cell, cells))}</table:table-row>"  # noqa: E731
    math = "<math><msup><mi>x</mi><mn>2</mn></msup><annotation>x^2</annotation></math>"
    chart = (
        f"<office:document-content {files.OPEN_SPACES}><office:body><office:chart><chart:chart>"
        f"<chart:title><text:p>Sales</text:p></chart:title><table:table>{row('Port', 'Tons')}"
        f"{row('Blyth', '57')}</table:table></chart:chart></office:chart></office:body>"
        "</office:document-content>"
    )
    more = {"A/content.xml": math, "B/content.xml": chart}
    body = f"<text:p>It has {frame.format('A')} fields.</text:p><text:p>{frame.format('A')}</text:p><text:p>{frame.format('B')}{frame.format('C')}</text:p>"
    data = files.open_document("text", body, more=more)
    assert texts(data, "a.odt") == [
        "It has x^2 fields.",
        "Equation: x^2",
        "Chart: Sales",
        "Port\tTons\nBlyth\t57",
    ]
    assert read_noted(data, "a.odt")[1] == "1 embedded object not read"


def test_open_document_sheets_are_rows_under_their_columns():
    """Cells that stand for many, merged cells and a title above the columns are understood."""
    cell = "<table:table-cell{}><text:p>{}</text:p></table:table-cell>".format
    row = lambda *cells: f"<table:table-row>{''.join(cells)}</table:table-row>"  # noqa: E731
    blank = '<table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
    body = (
        '<table:table table:name="Crops">'
        + row(cell("", "Harvest of 2019"))
        + row('<table:table-cell table:number-columns-repeated="3"/>')
        + row(cell("", "Year"), cell("", "Crop"), cell("", "Share"))
        + row(cell(' table:number-rows-spanned="2"', "2019"), cell("", "Oats"), cell("", "12.5%"))
        + row("<table:covered-table-cell/>", cell("", "Rye"), cell("", "9%"))
        + f"{blank}{row(cell('', 'The end.'))}</table:table>"
        '<table:table table:name="Old" table:style-name="h"><table:table-column '
        'table:visibility="collapse"/><table:table-row table:visibility="filter">'
        f"{cell('', 'Secret')}</table:table-row></table:table>"
    )
    hidden = (
        '<style:style style:name="h"><style:table-properties table:display="false"/></style:style>'
    )
    data = files.open_document("spreadsheet", body, styles=hidden)
    columns, heading = "Year, Crop, Share", ("Crops", "Harvest of 2019")
    assert rows(data, "a.ods") == [
        ("2019\tOats\t12.5%", columns, heading),
        ("2019\tRye\t9%", columns, heading),
        ("The end.", "", heading),
        ("Secret", "", ("Old",)),
    ]
    hidden = "1 hidden row and 1 hidden column in Old"
    assert read_noted(data, "a.ods")[1] == f"hidden sheet: Old, {hidden}"


def test_open_document_slides_are_pages_read_from_the_top_left():
    """A slide's title is a heading, its boxes are read by their place, its notes follow."""
    box = '<draw:frame svg:x="{}cm" svg:y="{}cm" {}><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>'.format
    body = (
        "<draw:page>"
        + box(9, 5, "", "Then row.")
        + box(1, 5, "", "Untie.")
        + box(1, 1, 'presentation:class="title"', "Boats")
        + f"<presentation:notes>{box(1, 1, '', 'Speak slowly.')}</presentation:notes></draw:page>"
        f'<draw:page draw:style-name="h">{box(1, 1, "", "Spare.")}</draw:page>'
    )
    hidden = '<style:style style:name="h"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
    data = files.open_document("presentation", body, styles=hidden)
    document, note = read_noted(data, "a.odp")
    assert texts(data, "a.odp") == ["Boats", "Untie.", "Then row.", "Speak slowly.", "Spare."]
    assert [block.page for block in document.blocks] == [1, 1, 1, 1, 2]
    assert (document.pages, document.title, note) == (2, "Boats", "slide 2 is hidden")


# PowerPoint

SLIDE = "ppt/slides/slide1.xml"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"


def presentation(make):
    """A presentation of one slide named "Plan", to which `make` adds."""
    from pptx import Presentation

    file = Presentation()
    slide = file.slides.add_slide(file.slide_layouts[5])
    slide.shapes.title.text = "Plan"
    make(slide)
    return files._saved(file)


def box(slide, left, top, text):
    """A box of text, its place in centimetres."""
    from pptx.util import Cm

    slide.shapes.add_textbox(Cm(left), Cm(top), Cm(3), Cm(1)).text_frame.text = text


def with_shape(data, xml):
    """The presentation with one more shape on its slide."""
    return files._changed(
        data, SLIDE, lambda part: part.replace(b"</p:spTree>", xml.encode() + b"</p:spTree>")
    )


def test_the_boxes_of_a_slide_are_read_from_the_top_left():
    """The order of drawing does not count; boxes about as high are read from the left."""

    def make(slide):
        box(slide, 12, 9, "third")
        box(slide, 12, 5.1, "second")
        box(slide, 2, 5, "first")

    assert texts(presentation(make), "a.pptx") == ["Plan", "first", "second", "third"]


def test_a_box_with_an_equation_is_read_and_an_odd_shape_costs_itself_alone():
    """What newer programs write as alternatives is read once; a shape without a form is passed."""
    math = f'<m:oMath xmlns:m="{office.M}"><m:r><m:t>y=3x</m:t></m:r></m:oMath>'
    newer = f"<a14:m xmlns:a14='a'>{math}</a14:m>"
    shape = (
        '<p:sp><p:nvSpPr><p:cNvPr id="{}" name="x"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/>'
        "<p:txBody><a:bodyPr/><a:p><a:r><a:t>The yield is </a:t></a:r>{}</a:p></p:txBody></p:sp>"
    )
    choice = (
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f'<mc:Choice Requires="a14"><!-- -->{shape.format(31, newer)}</mc:Choice>'
        f"<mc:Fallback>{shape.format(32, '')}</mc:Fallback></mc:AlternateContent>"
    )
    odd = (
        '<p:sp><p:nvSpPr><p:cNvPr id="9" name="x"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/></p:sp>'
    )
    chart = (
        '<p:graphicFrame><p:nvGraphicFramePr/><a:graphic><a:graphicData><c:chart r:id="rId77" '
        f'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" xmlns:r="{office.R}"/>'
        "</a:graphicData></a:graphic></p:graphicFrame>"
    )
    data = with_shape(presentation(lambda _: None), odd + choice + chart)
    assert texts(data, "a.pptx") == ["Plan", "The yield is y=3x"]
    assert read_noted(data, "a.pptx")[1] == "1 shape not read"


def test_the_data_and_title_of_a_chart_are_a_table():
    """Each category is a row, each series a column."""
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    def make(slide):
        data = CategoryChartData()
        data.categories = ["Amble", "Blyth"]
        data.add_series("2019", (31, 57))
        data.add_series("2020", (None, 58))
        chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 99, 99, data).chart
        chart.has_title = True
        chart.chart_title.text_frame.text = "Barrels sold"

    assert texts(presentation(make), "a.pptx") == [
        "Plan",
        "Chart: Barrels sold",
        "Category\t2019\t2020\nAmble\t31\nBlyth\t57\t58",
    ]


def test_smart_art_comments_and_hidden_slides_are_told():
    """A diagram's texts are a list, comments are named as such, and so is a hidden slide."""
    diagram = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
    point = f'<dgm:pt><dgm:t><a:p xmlns:a="{A}"><a:r><a:t>{{}}</a:t></a:r></a:p></dgm:t></dgm:pt>'
    points = f'<dgm:dataModel xmlns:dgm="{diagram}">{point.format("Untie")}{point.format("Row")}</dgm:dataModel>'
    comments = '<p:cmLst xmlns:p="p"><p:cm><p:text>Too long.</p:text></p:cm></p:cmLst>'
    frame = (
        "<p:graphicFrame><p:nvGraphicFramePr/><a:graphic><a:graphicData><dgm:relIds "
        f'r:dm="rIdX0" xmlns:dgm="{diagram}" xmlns:r="{office.R}"/></a:graphicData></a:graphic></p:graphicFrame>'
    )
    data = with_shape(presentation(lambda _: None), frame)
    data = office.related(
        data, "ppt/slides/_rels/slide1.xml.rels", "diagramData d.xml", "comments c.xml"
    )
    made = office.parts(data) | {"ppt/slides/d.xml": points, "ppt/slides/c.xml": comments}
    made[SLIDE] = made[SLIDE].replace(b"<p:sld ", b'<p:sld show="0" ')
    data = files.archive(made)
    assert texts(data, "a.pptx") == ["Plan", "Untie\nRow", "Comment: Too long."]
    assert read_noted(data, "a.pptx")[1] == "hidden slide: 1"


def test_a_slide_that_is_missing_costs_itself_alone():
    """The other slides keep their numbers."""
    data = files.pptx(files.FACTS)
    made = {name: part for name, part in office.parts(data).items() if name != SLIDE}
    document, note = read_noted(files.archive(made), "a.pptx")
    assert {block.page for block in document.blocks} == {2}
    assert (document.pages, note) == (2, "1 shape not read")


# Excel


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (0.125, "0.0%", "12.5%"),
        (0.125, "0%", "13%"),
        (1200.5, '"€"#,##0.00', "€1,200.50"),
        (-1200.5, "[$€-407] #,##0.00", "-€ 1,200.50"),
        (-1200, "#,##0;[Red](#,##0)", "(1,200)"),
        (1200, "#,##0\\ _€;-#,##0\\ _€", "1,200"),
        (2500000, '0.0,,"M"', "2.5M"),
        (7, "00000", "00007"),
        (0, '0;-0;"none"', "none"),
        (0.5, "0.##", "0.5"),
        (0.00001, "0.00E+00", "1e-05"),
        (0.5, "# ?/?", "0.5"),
        (0.1 + 0.2, "General", "0.3"),
        (3.0, "General", "3"),
        (True, "0%", "TRUE"),
        ("50%", "@", "50%"),
        (None, "0%", ""),
        (5, '[>3]"many";"few"', "5"),
    ],
)
def test_numbers_read_as_they_are_shown(value, code, text):
    """Percent, currency, thousands and leading zeros; what is beyond that stays a plain number."""
    from qa.reading.number_formats import shown

    assert shown(value, code) == text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("dd.mm.yyyy", "05.03.2024"),
        ("d mmmm yyyy", "5 March 2024"),
        ("mmm-yy", "Mar-24"),
        ("yyyy-mm-dd h:mm:ss", "2024-03-05 14:07:00"),
        ("d/m/yyyy h:mm AM/PM", "5/3/2024 2:07 PM"),
        ("mm-dd-yy", "2024-03-05 14:07:00"),
        ("General", "2024-03-05 14:07:00"),
    ],
)
def test_days_read_as_they_are_shown(code, text):
    """In ISO 8601 where the order of day and month is left to the reader's country."""
    from datetime import datetime

    from qa.reading.number_formats import shown

    moment = datetime(2024, 3, 5, 14, 7)  # noqa: DTZ001  # Excel knows no time zones
    assert shown(moment, code) == text


def workbook(make):
    """A workbook of one sheet named "Sheet", to which `make` adds."""
    from openpyxl import Workbook

    file = Workbook()
    make(file.active)
    return files._saved(file)


def test_the_names_of_columns_are_found_below_a_title_and_again_below_a_blank_row():
    """Each table of a sheet has its own title and columns; years name columns, too."""

    def make(sheet):
        for row in (
            ["Budget of the harbour"],
            [],
            ["Item", 2030, 2031],
            ["Dredging", 40, 41.5],
            [None, 7, 8],
            [],
            ["Staff", "Ida", "Ben"],
            [],
            ["Wages"],
            ["Name", "Role", "Pay"],
            ["Ada", "Captain", 90],
            [],
            ["All sums are in thousands."],
        ):
            sheet.append(row)

    budget, wages = ("Sheet", "Budget of the harbour"), ("Sheet", "Wages")
    assert rows(workbook(make), "a.xlsx") == [
        ("Dredging\t40\t41.5", "Item, 2030, 2031", budget),
        ("7\t8", "2030, 2031", budget),
        ("Staff\tIda\tBen", "Item, 2030, 2031", budget),
        ("Ada\tCaptain\t90", "Name, Role, Pay", wages),
        ("All sums are in thousands.", "", wages),
    ]


@pytest.mark.parametrize(
    ("heads", "row", "columns"),
    [
        (
            [["Region", "Sales", None, "Costs"], [None, 2030, 2031, 2030, 2031]],
            ["North", 10, 12, 5, 6],
            "Region, Sales 2030, Sales 2031, Costs 2030, Costs 2031",
        ),
        (
            [
                [None, "EU", None, "Asia"],
                [None, "Spring", None, "Autumn"],
                ["Product", "Units", "Value", "Units", "Value"],
            ],
            ["Oak", 1, 2, 5, 6],
            "Product, EU Spring Units, EU Spring Value, Asia Autumn Units, Asia Autumn Value",
        ),
        ([[None, "Year ended in May"], [None, 2030, 2031]], ["Wages", 10, 12],
         "Year ended in May 2030, Year ended in May 2031"),
    ],
)  # fmt: skip
def test_names_of_columns_in_several_rows_are_one_name_each(heads, row, columns):
    """An upper name goes on over those below it; a title above stays a title, words stay rows."""

    def make(sheet):
        sheet.append(["Accounts of the mill"])
        for cells in (*heads, row):
            sheet.append(cells)

    (found,) = rows(workbook(make), "a.xlsx")
    assert found[1:] == (columns, ("Sheet", "Accounts of the mill"))


@pytest.mark.parametrize(
    "table",
    [
        [["Depot", None, "Town"], ["North", "x", "Hull"], ["South", "y", "York"]],
        [["Name", "Role", "Pay"], ["Ada", "Captain", 90], ["Ben", "Mate", 80]],
        [["Depot", "Tons"], ["North", 4], ["South", 9]],
    ],
)
def test_the_row_below_the_names_of_columns_is_no_second_row_of_names(table):
    def make(sheet):
        for cells in table:
            sheet.append(cells)

    names = ", ".join(filter(None, table[0]))
    assert [columns for _, columns, _ in rows(workbook(make), "a.xlsx")] == [names, names]


def test_the_labels_of_a_form_are_no_names_of_columns():
    def make(sheet):
        for cells in (["Name:", "Ada"], ["Day:", "Monday"], ["Ship:", "The Nine"]):
            sheet.append(cells)

    assert {columns for _, columns, _ in rows(workbook(make), "a.xlsx")} == {""}


def test_a_workbook_tells_what_is_hidden_and_what_has_no_value():
    """Hidden sheets are read and named, formulas without a value counted, comments read apart."""
    from openpyxl.comments import Comment

    def make(sheet):
        sheet.append(["Port", "Total"])
        sheet.append(["Amble", "=1+2"])
        sheet["B2"].comment = Comment("Not yet known.", "Ida")
        sheet.row_dimensions[2].hidden = sheet.column_dimensions["B"].hidden = True
        sheet.column_dimensions.group("Z", "XFD", hidden=True)  # what no cell stands in
        other = sheet.parent.create_sheet("Old")
        other.append(["secret"])
        other.sheet_state = "hidden"

    data = workbook(make)
    assert texts(data, "a.xlsx") == [
        "Sheet",
        "Port\tTotal",
        "Amble",
        "Comment on B2: Not yet known.",
        "Old",
        "secret",
    ]
    hidden = "1 hidden row and 1 hidden column in Sheet, hidden sheet: Old"
    assert read_noted(data, "a.xlsx")[1] == f"{hidden}, 1 formula without a value"


def test_a_far_cell_costs_no_more_than_itself():
    """Neither the rows nor the columns before it are made up."""

    def make(sheet):
        sheet.cell(1, 1, "Near")
        sheet.cell(1_048_576, 16_384, "Far")

    document = read(workbook(make), "a.xlsx")
    assert "Far" in document.text and len(document.text) < 200


@pytest.mark.parametrize("name", ["docProps/core.xml", None])
def test_a_workbook_without_a_day_of_creation_gets_none(name):
    """The same bytes are the same document on another day."""
    made = office.parts(files.xlsx({"Sheet": [["x"]]}))
    if name:
        del made[name]
    else:
        core = made["docProps/core.xml"].decode()
        made["docProps/core.xml"] = core.replace("dcterms:created", "dcterms:other").encode()
    assert read(files.archive(made), "a.xlsx").date is None


def test_a_slide_without_a_title_is_named_by_its_largest_line_and_footers_are_boilerplate():
    """Slides that are made by hand have neither placeholder."""
    import pptx
    from pptx.util import Inches, Pt

    file = pptx.Presentation()
    for number in range(3):
        slide = file.slides.add_slide(file.slide_layouts[6])
        for top, text, size in (
            (5, "Mill of Rye", 12),
            (2, f"Depot {number}", 18),
            (0, "Sites", 36),
        ):
            box = slide.shapes.add_textbox(Inches(1), Inches(top), Inches(3), Inches(1))
            box.text_frame.text = text
            box.text_frame.paragraphs[0].runs[0].font.size = Pt(size)
    out = io.BytesIO()
    file.save(out)
    document = read(out.getvalue(), "a.pptx")
    kinds = [(b.kind, document.text[b.start : b.end]) for b in document.blocks if b.page == 2]
    assert kinds == [
        (Kind.HEADING, "Sites"), (Kind.PROSE, "Depot 1"), (Kind.BOILERPLATE, "Mill of Rye")
    ]  # fmt: skip


def test_a_check_box_of_a_form_is_shown_with_its_mark():
    """Those of older forms are no characters, but fields."""
    box = "<w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:checkBox>{}</w:checkBox></w:ffData>"
    line = f"<w:p>{box}</w:fldChar></w:r><w:r><w:t xml:space='preserve'> Express</w:t></w:r></w:p>"
    data = office.word(line.format("<w:checked/>") + line.format("<w:default w:val='0'/>"))
    assert read(data, "a.docx").text == "☒ Express\n\n☐ Express"


def test_bold_paragraphs_are_headings_where_no_style_makes_any():
    """People make headings by hand; a bold sentence, or a bold line above another, is none."""
    import docx

    file = docx.Document()
    file.add_paragraph().add_run("Lease of the mill").bold = True
    file.add_paragraph().add_run("1. Deposit").bold = True
    file.add_paragraph("The tenant pays two months.")
    file.add_paragraph().add_run("It is paid at once.").bold = True
    paragraph = file.add_paragraph()
    paragraph.add_run("Note: ").bold = True
    paragraph.add_run("by letter")
    out = io.BytesIO()
    file.save(out)
    document = read(out.getvalue(), "a.docx")
    headings = [document.text[b.start : b.end] for b in document.blocks if b.kind is Kind.HEADING]
    assert headings == ["1. Deposit"]
    file.add_heading("Ends", 1)
    out = io.BytesIO()
    file.save(out)
    document = read(out.getvalue(), "a.docx")
    headings = [document.text[b.start : b.end] for b in document.blocks if b.kind is Kind.HEADING]
    assert headings == ["Ends"]


def test_larger_and_capital_lines_are_headings_where_no_style_makes_any_but_a_title():
    """Larger type stands higher; addresses in capitals and lists in larger type are none."""
    import docx
    from docx.shared import Pt

    file, told = docx.Document(), "The tenant pays two months of rent before the keys are given."
    file.styles["Normal"].font.size = Pt(11)
    file.add_paragraph("House rules", style="Title")
    lines = [("Hours", 16), (told, 11), ("NIGHT", 11), (told, 11), ("MILL", 11), ("HILL ROAD", 11)]
    for text, size in [*lines, (told, 11), ("Fees", 16), (told, 11)]:
        file.add_paragraph().add_run(text).font.size = Pt(size)
    out = io.BytesIO()
    file.save(out)
    document = read(out.getvalue(), "a.docx")
    paths = [b.heading for b in document.blocks if b.kind is Kind.HEADING]
    title = "House rules"
    assert paths == [(title,), (title, "Hours"), (title, "Hours", "NIGHT"), (title, "Fees")]


WEIGHTS = """<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"><office:automatic-styles>
<style:style style:name="B"><style:text-properties fo:font-weight="bold"/></style:style>
<style:style style:name="C" style:parent-style-name="B"/>
<style:style style:name="D" style:parent-style-name="B"><style:text-properties
 fo:font-weight="normal"/></style:style>
</office:automatic-styles><office:body><office:text>%s</office:text></office:body>
</office:document>"""


def test_bold_paragraphs_of_open_document_are_headings_where_there_are_no_others():
    """By the style of the paragraph, one that it is based on, or that of all its text."""
    body = """<text:p text:style-name="Title">The lease</text:p>
<text:p text:style-name="C">Deposit</text:p><text:p>The tenant pays two months.</text:p>
<text:p><text:span text:style-name="B">Rent</text:span></text:p>
<text:p><text:span text:style-name="B">Note: </text:span>by letter</text:p>
<text:p text:style-name="D">Not bold</text:p><text:p>It ends in May.</text:p>
<text:p text:style-name="B">Bold at the end</text:p>"""
    titled = WEIGHTS.replace("</office:auto", '<style:style style:name="Title"/></office:auto')
    document = read((titled % body).encode(), "a.fodt")
    headings = [document.text[b.start : b.end] for b in document.blocks if b.kind is Kind.HEADING]
    assert headings == ["The lease", "Deposit", "Rent"]
    assert document.title == "The lease"
    at = document.text.index("two months")
    (block,) = [block for block in document.blocks if block.start <= at < block.end]
    assert block.heading == ("The lease", "Deposit")
    marked = '<text:h text:outline-level="1">Ends</text:h>' + body
    document = read((WEIGHTS % marked).encode(), "a.fodt")
    headings = [document.text[b.start : b.end] for b in document.blocks if b.kind is Kind.HEADING]
    assert headings == ["Ends"]


def test_a_cell_over_several_rows_is_in_each_and_a_chart_says_its_title():
    """Of a workbook: its rows are found by what stands once at their left side."""
    import openpyxl
    from openpyxl.chart import BarChart, Reference

    book = openpyxl.Workbook()
    sheet = book.active
    rows = [("Region", "Port", "Barrels"), ("North", "Amble", 31), (None, "Blyth", 57)]
    for row in [*rows, ("South", "Rye", 12)]:
        sheet.append(row)
    sheet.merge_cells("A2:A3")
    chart = BarChart()
    chart.title = "Barrels sold"
    chart.add_data(Reference(sheet, min_col=3, min_row=1, max_row=4), titles_from_data=True)
    sheet.add_chart(chart, "F2")
    out = io.BytesIO()
    book.save(out)
    document, note = read_noted(out.getvalue(), "a.xlsx")
    found = {document.text[b.start : b.end]: b.columns for b in document.blocks}
    assert found["North\tBlyth\t57"] == "Region, Port, Barrels"
    assert "Chart: Barrels sold" in found
    assert note == ""


def test_hidden_text_of_opendocument_is_not_read():
    """As it is not in Word: the status counts it."""
    hidden = '<style:style style:name="T1" style:family="text"><style:text-properties text:display="none"/></style:style>'
    flat = (
        '<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
        f"<office:automatic-styles>{hidden}</office:automatic-styles><office:body><office:text>"
        '<text:p>Geese fly.<text:span text:style-name="T1"> The price is a lie.</text:span> South.</text:p>'
        "</office:text></office:body></office:document>"
    )
    document, note = read_noted(flat.encode(), "a.fodt")
    assert (document.text, note) == ("Geese fly. South.", "1 passage of hidden text not read")


def test_numbers_that_opendocument_computes_stand_before_headings_and_items():
    """Of all levels that a style shows; an item's second paragraph has none."""
    number = '<text:%s text:level="%d" style:num-format="%s" style:num-suffix="%s" text:display-levels="%d"/>'
    outline = "outline-level-style"
    styles = (
        "<text:outline-style>"
        + number % (outline, 1, "1", "", 1)
        + number % (outline, 2, "1", "", 2)
        + "</text:outline-style><text:list-style style:name='L'>"
        + number % ("list-level-style-number", 1, "1", ".", 1)
        + number % ("list-level-style-number", 2, "a", ")", 1)
        + "</text:list-style>"
    )

    def heading(level, words):
        return f'<text:h text:outline-level="{level}">{words}</text:h>'

    inner = "<text:list><text:list-item><text:p>Oats</text:p></text:list-item></text:list>"
    body = (
        heading(1, "Terms")
        + heading(2, "Rent")
        + heading(1, "Ends")
        + heading(2, "Notice")
        + '<text:list text:style-name="L"><text:list-item><text:p>Crops</text:p><text:p>All.</text:p>'
        + f"{inner}</text:list-item><text:list-item><text:p>Barns</text:p></text:list-item></text:list>"
        + '<text:list text:style-name="L" text:continue-numbering="true"><text:list-item>'
        + "<text:p>Mills</text:p></text:list-item></text:list>"
    )
    flat = (
        '<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
        f"<office:styles>{styles}</office:styles><office:body><office:text>{body}"
        "</office:text></office:body></office:document>"
    )
    document = read(flat.encode(), "a.fodt")
    headings = [document.text[b.start : b.end] for b in document.blocks if b.kind is Kind.HEADING]
    assert headings == ["1 Terms", "1.1 Rent", "2 Ends", "2.1 Notice"]
    lists = [document.text[b.start : b.end] for b in document.blocks if b.kind is Kind.LIST]
    assert lists == ["1. Crops\nAll.\na) Oats\n2. Barns", "3. Mills"]
