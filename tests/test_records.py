"""Answer -> text, Markdown, JSON and back."""

import json
import unicodedata
from dataclasses import replace

import pytest
from answers import answer, excerpt
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from qa.errors import QuestionsInvalid
from qa.records import Answer, Freshness
from qa.records.printable import printable, visible
from qa.records.rendering import body, pieces

TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
TEXTS = st.text(st.characters(codec=None, exclude_categories=()), min_size=1, max_size=60)
HIDDEN = (
    "\x1b\x07\x9b\u202e\x00\r\u061c\u200f\u2067\u2028\u200b\ufeff\U000e0041\U000e007f\U000e0101"
)
HOSTILE = "a\x1b[31mred\x07 \x9b2J \u202eevil\x00 b\rc" + HIDDEN[6:]


@given(TEXTS, st.data())
def test_an_answer_survives_json_whatever_its_text_holds(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    result = answer(
        excerpt(text, 7, marks=((start, end),), page=3, heading=("A", "B"), date="2025")
    )
    written = result.to_json()
    assert Answer.from_dict(json.loads(written)) == result
    assert json.loads(written.encode()) == result.to_dict()


def test_equal_answers_give_equal_json_with_sorted_keys_and_one_newline_at_the_end():
    result = answer(excerpt("Grüße."), nearest=[excerpt("Other.")])
    written = result.to_json()
    assert written == answer(excerpt("Grüße."), nearest=[excerpt("Other.")]).to_json()
    assert written.endswith("}\n") and "Grüße." in written
    assert list(json.loads(written)) == sorted(json.loads(written))


def test_json_of_an_excerpt_carries_all_that_a_check_needs():
    result = excerpt("One. Two.", 10, marks=((5, 9),), page=2, lines=(4, 5)).to_dict()
    assert result["text"] == "One. Two." and (result["start"], result["end"]) == (10, 19)
    assert result["document"] == "d" * 64 and result["path"] == "a.txt" and result["page"] == 2
    assert result["lines"] == [4, 5] and result["freshness"] == "fresh"
    assert result["highlights"] == [{"start": 15, "end": 19, "strength": 1.0}]


def test_json_holds_no_character_that_a_terminal_obeys():
    written = answer(excerpt(HOSTILE)).to_json()
    assert not set(written) & set(HIDDEN)
    assert json.loads(written)["excerpts"][0]["text"] == HOSTILE


@pytest.mark.parametrize(
    "result",
    [
        {},
        [],
        "text",
        {"question": 1},
        answer(excerpt()).to_dict() | {"excerpts": [{}]},
        answer(excerpt()).to_dict() | {"nearest": 5},
        answer(excerpt()).to_dict() | {"confidence": "high"},
    ],
)
def test_what_is_no_answer_is_refused_with_what_to_do(result):
    with pytest.raises(QuestionsInvalid, match="qa ask"):
        Answer.from_dict(result)


@given(TEXTS, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4))
def test_the_pieces_of_an_excerpt_are_its_text(text, marks):
    result = excerpt(text, 3, marks=[(min(m), max(m)) for m in marks])
    assert "".join(piece.text for piece in pieces(result)) == text


def test_highlights_with_only_blanks_between_them_are_one_piece():
    result = excerpt("No. Yes. Also. No.", marks=((9, 14), (4, 8)))
    marked = [piece.text for piece in pieces(result) if piece.highlighted]
    assert marked == ["Yes. Also."]


def test_text_numbers_the_excerpts_and_sets_off_the_highlights():
    result = str(
        answer(
            excerpt("First. He is 26.\n", marks=((7, 17),), lines=(2, 3), heading=("Ri",)),
            nearest=[excerpt("Near.", path="b.txt", title="b.txt", page=4)],
        )
    )
    assert "[1] A (a.txt, lines 2-3, under Ri)\n    First. »He is 26.«\n" in result
    assert "Nearest passages:\n[2] b.txt, page 4, line 1\n" in result
    assert "Near." not in result


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("## First combat\n\nPaek fought.", "Paek fought."),
        ("Paek\n====\n\nFirst\ncombat\nPaek fought.", "Paek fought."),
        ("FIRST COMBAT\n  Paek fought.", "  Paek fought."),
        ("# Paek #\n**First combat**\n\n- Paek fought.", "- Paek fought."),
        ("First combat of Paek\nPaek fought.", "First combat of Paek\nPaek fought."),
        ("Paek fought.\nFirst combat", "Paek fought.\nFirst combat"),
        ("Paek\n\nFirst combat\n", "Paek\n\nFirst combat\n"),
    ],
)
def test_headings_that_the_citation_has_are_left_out_of_what_is_shown(text, shown):
    result = excerpt(text, 7, title="Paek", heading=("Paek", "First combat"))
    assert "".join(piece.text for piece in body(result)) == shown
    assert "".join(piece.text for piece in pieces(result)) == result.text == text


def test_a_heading_that_is_the_highlight_is_shown():
    combat = excerpt("First combat\n\nPaek fought.", heading=("First combat",), marks=((0, 12),))
    assert "»First combat«" in str(answer(combat))
    both = replace(combat, highlights=(combat.highlights[0]._replace(end=26),))
    assert "    »Paek fought.«\n" in str(answer(both))
    assert "First combat" in answer(both).to_markdown().split(">", 1)[1].split("\n")[0]


def test_a_row_of_a_table_is_shown_with_the_names_of_its_columns():
    row = excerpt("2023\t817 tonnes", columns="Year, Harvest\x1b")
    assert "\n    (columns: Year, Harvest␛)\n    »2023\t817 tonnes«\n" in str(answer(row))
    assert "columns" not in str(answer(excerpt()))


def test_text_says_plainly_that_there_is_no_answer_and_shows_the_nearest_passages():
    result = str(answer(nearest=[excerpt("Near.", confidence=0.1)]))
    assert result.startswith("The documents do not answer this.")
    assert (
        result.index("Nearest passages:")
        < result.index("[1] A (a.txt, line 1)")
        < result.index("Near.")
    )
    assert "do not answer" in str(answer()) and "Nearest" not in str(answer())


@pytest.mark.parametrize(
    ("freshness", "words"),
    [
        (Freshness.CHANGED, "has changed"),
        (Freshness.GONE, "is gone"),
        (Freshness.UNKNOWN, "not checked"),
    ],
)
def test_an_excerpt_that_is_not_fresh_is_never_shown_without_a_word(freshness, words):
    stale = answer(excerpt(freshness=freshness))
    assert words in str(stale) and words in stale.to_markdown()
    assert words not in str(answer(excerpt())) + answer(excerpt()).to_markdown()


def test_all_paths_with_the_same_text_are_named():
    assert "the same text in b.txt, c.txt" in str(
        answer(excerpt(paths=("a.txt", "b.txt", "c.txt")))
    )


def test_text_and_markdown_show_control_characters_as_signs():
    hostile = excerpt(HOSTILE, title=HOSTILE, path="a.txt", heading=(HOSTILE,))
    result = answer(hostile, question=HOSTILE)
    for shown in (str(result), result.to_markdown(), str(hostile)):
        assert not set(shown) & set(HIDDEN)
        assert "␛" in shown


def test_printable_ends_lines_with_newlines_only():
    assert printable("a\r\nb\rc\td\x7f\ud800") == "a\nb\nc\td␡\ufffd"


def test_every_character_that_nobody_sees_gets_a_sign_and_no_other_does():
    """But for soft hyphens, joiners and variation selectors, and marks that enclose numbers."""
    needed = {0x00AD, 0x200C, 0x200D, 0x0A, 0x09}
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        shapeless = category in ("Cc", "Cf", "Cs", "Zl", "Zp") and code not in needed
        encloses = unicodedata.bidirectional(chr(code)) in ("AN", "AL", "L") and category == "Cf"
        changed = visible(chr(code)) != chr(code)
        turns = unicodedata.bidirectional(chr(code)) in TURNING or code in (0x061C, 0x200E, 0x200F)
        assert changed or not turns, hex(code)
        assert changed or not shapeless or encloses, hex(code)
        assert not changed or shapeless or category in ("Cn", "Lo", "Mn"), hex(code)


@given(TEXTS)
def test_what_is_visible_is_as_long_as_the_text_and_stays_as_it_is(text):
    assert len(visible(text)) == len(text)
    assert visible(visible(text)) == visible(text)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_markdown_shows_a_document_as_text_and_runs_nothing_of_it(text):
    text = f"x {text} x"
    shown = MarkdownIt().render(answer(excerpt(text, marks=())).to_markdown())
    quote = shown.split("<blockquote>")[1].split("</blockquote>")[0]
    assert " ".join(quote.split()) == f"<p>{_html(' '.join(text.split()))}</p>"


def test_markdown_keeps_lines_paragraphs_and_bold_sentences_apart():
    text = "# No heading\n- no list\n1. none\n\n    Bold.\n\nBold too. End"
    result = answer(excerpt(text, marks=((text.index("Bold."), text.index(" End")),)))
    quote = result.to_markdown().split("\n\n", 2)[2].split("\n\n**[1]**")[0]
    assert quote == (
        "> \\# No heading\\\n> \\- no list\\\n> 1\\. none\n>\n> <b>Bold.</b>\n>\n> <b>Bold too.</b> End"
    )


def test_markdown_cites_span_and_hash():
    result = answer(excerpt("He is 26.", 5)).to_markdown()
    assert "**[1]** A (a.txt, line 1)" in result
    assert f"characters 5-14 of SHA-256 `{'d' * 64}`" in result


def _html(text):
    for sign, code in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(sign, code)
    return text
