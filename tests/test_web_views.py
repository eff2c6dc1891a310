"""Records as HTML: everything from a document is text, and every place can be found again."""

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
from answers import answer, excerpt
from hypothesis import given
from hypothesis import strategies as st

from qa.checking.freshness import Waiting
from qa.checking.listing import Row, rows_now
from qa.errors import FilterEmpty
from qa.records import Block, Document, File, Freshness, Kind, Status
from qa.records.dates import day_of
from qa.records.lists import ListedFile
from qa.records.printable import printable
from qa.web import cards, filtering, listing, markup, viewer
from qa.web.address import Address, Filters
from qa.web.examples import Beginnings, Newest
from qa.web.markup import Mark, marked, quoted, shown

TEXT = st.text(alphabet=st.sampled_from("a b<>&\"'`$\\{}*_[]|~\n\0\u202e\x1bé😀"), max_size=40)
HERE = Address(q="How old is Ri?")


def text_of(result):
    """What a browser shows of HTML made here."""
    return html.unescape(re.sub(r"<[^>]*>", "", result.replace("<br>", "\n")))


@given(TEXT)
def test_any_text_becomes_html_that_shows_just_that_text(text):
    result = shown(text)
    assert text_of(result) == printable(text)
    assert set(re.findall(r"<[^>]*>", result)) <= {"<br>"}
    assert "\n" not in result


@given(TEXT)
def test_any_text_as_an_attribute_is_that_text_again(text):
    result = quoted(text)
    assert html.unescape(result) == text.replace("\0", "\ufffd")
    assert not set("<>\"'`\n$") & set(result)


@given(TEXT, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=5))
def test_marks_cover_their_spans_and_change_no_word(text, spans):
    marks = [Mark(a, b, "m") for a, b in spans if a < b]
    result = marked(text, 0, len(text), marks)
    assert text_of(result) == printable(text)
    covered = "".join(re.findall(r'<mark class="m">(.*?)</mark>', result))
    inside = (c for at, c in enumerate(text) if any(m.start <= at < m.end for m in marks))
    assert text_of(covered) == printable("".join(inside))


def test_marks_within_marks_have_both_styles():
    result = marked("abcd", 0, 4, [Mark(0, 4, "current"), Mark(1, 2, "best")])
    assert result == (
        '<mark class="current">a</mark><mark class="current best">b</mark>'
        '<mark class="current">cd</mark>'
    )


TEMPLATES = sorted((Path(cards.__file__).parent / "templates").glob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.stem)
def test_a_template_quotes_what_it_puts_into_attributes_and_trusts_nothing(template):
    source = template.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe|autoescape|Markup", source)
    for value in re.findall(r'[\w-]="([^"]*)"', source):
        for put_in in re.findall(r"\{\{(.*?)\}\}", value):
            assert put_in.endswith("| quoted "), f"{template.name}: {put_in}"


@given(TEXT, TEXT)
def test_a_view_of_any_text_is_one_line_that_holds_no_markdown_and_no_tags_of_it(text, other):
    path = f"{text}.txt"
    cited = excerpt(text or "x", path=path, title=other, heading=(text,), date=other or None)
    address = Address(q=other, filters=Filters(folder=text), doc="d" * 64, at=(0, 1), find=other)
    document = Document("d" * 64, "text 1", f"{text}\n\n{other}", other, text or None, pages=1)
    found = [Row(File(path, Status.FAILED, reason=other, source=path), "failed", "")]
    numbered, shapes = [(1, cited)], [(600.0, 800.0)]
    for result in (
        cards.answer_html(answer(cited, nearest=[cited]), address, 0.1, {path: other}),
        cards.welcome_html(_beginnings(text, path), 1, 1, Address()),
        cards.welcome_html(_beginnings(text, path), 1, 1, address),
        cards.empty_html(address, read_only=False),
        cards.refusal_html(text, address),
        cards.notice_html(other),
        listing.library_html(found, address, read_only=False),
        viewer.document_html(document, numbered, address, [path], other),
        viewer.pages_html(document, numbered, address, [path], shapes, {}),
    ):
        assert "\n" not in result
        assert not BARE.search(re.sub(r"<[^<>]*>", "", result)), "a sign of Markdown or of HTML"


BARE = re.compile(r"[<>\"'`$\\{}*\[\]|~]|&(?!#\d+;)")


def test_cards_are_numbered_by_rank_and_stand_under_their_documents():
    first = excerpt("One.", document="a" * 64, path="a.txt")
    second = excerpt("Two.", document="b" * 64, path="b.txt")
    third = excerpt("Three.", 10, document="a" * 64, path="a.txt")
    result = cards.answer_html(answer(first, second, third), HERE, 0.01)
    assert re.findall(r'<span class="number">(\d)', result) == ["1", "3", "2"]
    assert result.count('<section class="document">') == 2
    assert "3 excerpts from 2 documents" in result


def test_a_card_tells_place_heading_date_and_confidence_as_a_word():
    cited = excerpt(lines=(3, 9), heading=("Part", "Age"), date="2025-02-23", confidence=0.95)
    result = cards.answer_html(answer(cited), HERE, 0.01)
    for part in ("lines 3–9", "Part › Age", "2025-02-23", ">very likely<", "0.95"):
        assert part in result
    assert "page 7" in cards.answer_html(answer(replace(cited, page=7)), HERE, 0.01)


def test_a_card_hides_headings_that_it_names_above_and_names_a_tables_columns():
    cited = excerpt("# Age\n\nRi is 26.", heading=("Age",), columns="Name, <Age>")
    result = cards.answer_html(answer(cited), HERE, 0.01)
    assert re.search(r'<span class="lead" hidden>.*Age.*</span><mark class="best">Ri is 26', result)
    assert "Columns: Name, &#60;Age&#62;</p>" in result
    plain = cards.answer_html(answer(excerpt("Ri is 26.")), HERE, 0.01)
    assert '<span class="lead" hidden></span>' in plain and "Columns" not in plain


def test_a_card_tells_when_the_file_changed_where_the_document_tells_no_date():
    cited = excerpt(date=None)
    assert "<time>" not in cards.answer_html(answer(cited), HERE, 0.01)
    result = cards.answer_html(answer(cited), HERE, 0.01, {cited.path: "2024-05-06"})
    assert "<time>2024-05-06</time>" in result


def test_a_changed_file_is_badged_and_a_fresh_one_is_not():
    result = cards.answer_html(answer(excerpt(freshness=Freshness.CHANGED)), HERE, 0.01)
    assert "the file has changed" in result
    assert "badge" not in cards.answer_html(answer(excerpt()), HERE, 0.01)


def test_an_excerpt_can_be_judged_unless_the_library_is_read_only():
    result = cards.answer_html(answer(excerpt(), nearest=[excerpt()]), HERE, 0.01)
    assert result.count('name="helpful"') == result.count('name="unhelpful"') == 2
    result = cards.answer_html(answer(excerpt(), nearest=[excerpt()]), HERE, 0.01, read_only=True)
    assert "helpful" not in result
    assert result.count('name="copy"') == 2


def test_without_an_answer_the_nearest_passages_stand_apart():
    result = cards.answer_html(answer(nearest=[excerpt()]), HERE, 0.01)
    assert "The documents do not answer this." in result
    assert result.index("Nearest passages") < result.index('id="excerpt-1"')


def test_a_filter_that_holds_can_be_removed_by_its_link():
    here = Address(q="x", filters=Filters(folder="reports", kind="pdf"))
    result = cards.answer_html(answer(excerpt()), here, 0.01)
    assert f'href="{quoted("?q=x&kind=pdf")}"' in result
    assert f'href="{quoted("?q=x&folder=reports")}"' in result


@given(
    st.builds(
        Address,
        q=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
        filters=st.builds(Filters.of, TEXT, TEXT, TEXT, st.just("2025-01-31"), st.just("soon")),
        doc=st.sampled_from(["", "d" * 64]),
        at=st.sampled_from([None, (0, 5), (7, 7)]),
        view=st.sampled_from(["", "library", "history"]),
        find=st.sampled_from(["", "a b"]),
        page=st.integers(1, 9),
    )
)
def test_an_address_says_what_it_was_made_from(address):
    from urllib.parse import parse_qsl

    again = Address.of(dict(parse_qsl(str(address)[1:], keep_blank_values=True)))
    assert Address.of(dict(parse_qsl(str(again)[1:]))) == again
    assert again.q == address.q
    assert (again.doc, again.at, again.view, again.page) == (
        *(address.doc, address.at, address.view),
        address.page,
    )


def test_an_address_that_makes_no_sense_says_nothing():
    result = {"doc": "../etc/passwd", "at": "9-2", "page": "-1", "view": "admin", "since": "soon"}
    assert Address.of(result) == Address()


DOCUMENT = Document(
    "d" * 64, "text 1", "# One\n\nTwo <b>.\nThree.\n", "T", None,
    (Block(0, 5, Kind.HEADING), Block(7, 23)),
)  # fmt: skip


def test_a_document_is_shown_line_by_line_with_the_place_marked():
    result = viewer.document_html(DOCUMENT, [], HERE.opening(DOCUMENT.sha256, 7, 16), ["a.md"])
    assert '<li dir="auto" class="heading"># One</li>'.replace("#", "#") in result
    assert '<mark class="current">Two &#60;b&#62;.</mark>' in result
    assert result.count("<li") == DOCUMENT.text.count("\n") + 1


def test_a_long_document_is_shown_in_part_with_links_to_the_rest():
    text = "".join(f"Line {n}.\n" for n in range(60_000))
    document = Document("d" * 64, "text 1", text)
    at = text.index("Line 30000.")
    result = viewer.document_html(document, [], HERE.opening("d" * 64, at, at + 11), [])
    assert 'start="' in result
    first = int(re.search(r'<ol class="lines" start="(\d+)"', result)[1])
    assert text.split("\n")[first - 1] in result
    assert "Earlier part" in result
    assert "Later part" in result
    assert len(result) < 2_000_000


class Blocks(list):
    """Blocks that count how often one is looked at."""

    looks = 0

    def __iter__(self):
        for block in super().__iter__():
            self.looks += 1
            yield block


def test_a_document_of_many_pages_is_shown_in_a_time_that_grows_with_their_number():
    blocks = Blocks(Block(10 * n, 10 * n + 9, page=n // 2 + 1) for n in range(8_000))
    document = Document("d" * 64, "pdf 1", "A line. \n\n" * 8_000, blocks=blocks, pages=4_000)
    shapes = [(600.0, 800.0)] * 4_000
    result = viewer.pages_html(document, [], HERE.opening("d" * 64, 20, 29), [], shapes, {})
    assert result.count('<section class="page"') == 4_000
    assert "Text of page 2<" in result and result.count("Text of page") == 1
    assert blocks.looks <= 2 * len(blocks)


def test_every_part_of_a_long_text_can_be_reached():
    text = "x" * (5 * viewer.WINDOW)
    at, seen = 0, 0
    while seen < len(text):
        start, end = viewer.window(text, (at, at))
        assert start <= seen < end
        seen = at = end


FILES = (
    File("a.TXT", Status.INDEXED, size=10, modified=1_700_000_000_000_000_000, source="a.TXT"),
    File("r/[x].pdf", Status.INDEXED, size=2_500_000, source="r/[x].pdf", modified=10**18),
    File("r/bad.pdf", Status.FAILED, reason="damaged: <b>", source="r/bad.pdf"),
)
AT_PATH = {file.path: file for file in FILES}


def test_filters_name_the_files_that_they_leave_in():
    from fnmatch import fnmatchcase

    def left(filters):
        globs = filtering.globs(filters, AT_PATH.get)
        return [f.path for f in FILES[:2] if any(fnmatchcase(f.path, glob) for glob in globs)]

    assert filtering.globs(Filters(), AT_PATH.get) == []
    assert left(Filters(kind="txt")) == ["a.TXT"]
    assert left(Filters(folder="r")) == ["r/[x].pdf"]
    assert left(Filters(folder="r", kind="txt")) == []
    assert left(Filters(file="r/[x].pdf")) == ["r/[x].pdf"]
    assert left(Filters(file="r/[x].pdf", kind="pdf", folder="r")) == ["r/[x].pdf"]
    assert filtering.globs(Filters(since="2024-06-01"), AT_PATH.get) == []  # `QA.ask` takes days
    for nothing in (Filters(file="nothing"), Filters(file="a.TXT", folder="r")):
        with pytest.raises(FilterEmpty):
            left(nothing)


def test_the_filters_offer_what_is_indexed():
    offered = filtering.choices(FILES, ["en", "de"])
    assert offered == (["r"], ["pdf", "txt"], ["a.TXT", "r/[x].pdf"], ["de", "en"])


def listed(files):
    return [ListedFile(file, day_of(file, None)) for file in files]


def test_the_library_lists_every_file_with_its_reason_and_what_waits(tmp_path):
    (tmp_path / "new.txt").write_text("Six words that nobody indexed yet.")
    found = rows_now(tmp_path, listed(FILES), Waiting(("new.txt",), ("a.TXT",), ()))
    result = listing.library_html(found, Address(view="library"), read_only=False)
    assert "Not in the index yet: 1 new, 1 changed." in result
    assert "damaged: &#60;b&#62;" in result
    assert "2.5 MB" in result
    assert "34 B" in result
    assert result.count("<tr>") == 5


def test_the_library_is_searched_sorted_and_paged(tmp_path):
    many = [File(f"{n:03}.txt", Status.INDEXED, size=n) for n in range(250)]
    found = rows_now(tmp_path, listed(many), Waiting((), (), ()))
    last = listing.library_html(found, Address(view="library", page=3), read_only=True)
    assert last.count('<th scope="row">') == 50
    biggest = listing.library_html(found, Address(view="library", sort="size"), read_only=True)
    assert biggest.index("249.txt") < biggest.index("248.txt")
    assert quoted("?view=library&sort=-size") in biggest
    smallest = listing.library_html(found, Address(view="library", sort="-size"), read_only=True)
    assert smallest.index("000.txt") < smallest.index("001.txt")
    chosen = listing.library_html(found, Address(view="library", find="012 txt"), read_only=True)
    assert "1 of 250 files" in chosen


def _beginnings(question, path):
    newest = Newest(File(path, Status.INDEXED, sha256="d" * 64), "2024-05-17")
    return Beginnings((question,), (newest,))


SIGNS = st.text("ab&<*_`\n\r\t\u202e\u2028\0ü\U000e0041", max_size=40)
PLACES = st.lists(st.tuples(st.integers(0, 44), st.integers(0, 44)), max_size=4)


@given(SIGNS, PLACES, PLACES, st.integers(0, 10))
def test_lines_that_are_escaped_all_at_once_are_those_that_are_escaped_one_by_one(
    text, marked, kinds, start
):
    marks = [Mark(*sorted(place), "best") for place in marked]
    styles = [Mark(*sorted(place), f"kind<{number}") for number, place in enumerate(kinds)]
    expected, at = [], min(start, len(text))
    for line in text[at:].split("\n"):
        stop = at + len(line)
        style = next((s.style for s in styles if s.start < stop and s.end > at and at < stop), "")
        kind = f' class="{quoted(style)}"' if style else ""
        content = markup.marked(text, at, stop, marks)
        expected.append(f'<li dir="auto"{kind}>{content}</li>' if line else "<li></li>")
        at = stop + 1
    begin = min(start, len(text))
    assert list(markup.items(text, begin, len(text), marks, styles)) == expected
