"""Passages are whole sentences, cover every non-blank character and respect the structure."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.reading import read
from qa.records import Block, Document, Kind, Passage
from qa.splitting import (
    CONTEXT_CHARACTERS,
    LONGEST,
    WINDOW_MARGIN,
    columns_in,
    overlapping,
    ranking_text,
    split,
)

WINDOW = 60


def token_ends(text: str) -> Sequence[int]:
    """A stand-in tokenizer that is easy to count by hand: a token is a run of four characters."""
    ends, run = [], 0
    for at, character in enumerate(text):
        run = 0 if character.isspace() else run + 1
        if run and (run % 4 == 0 or at + 1 == len(text) or text[at + 1].isspace()):
            ends.append(at + 1)
    return ends


def passages_of(document: Document, limit: int = 24) -> list[Passage]:
    return list(split(document, token_ends, limit=limit, window=WINDOW))


LINES = st.lists(
    st.one_of(
        st.text(
            alphabet="abcdef .?!,\n\r\t0123\u00e9\u6771\u200f\U0001f600-", min_size=1, max_size=200
        ),
        st.sampled_from(
            ["# One", "## Two", "- item", "| a | b |", "```", "", "Mr. Fox ran. He won."]
        ),
    ),
    max_size=12,
)


@given(LINES)
def test_passages_cover_every_character_that_is_not_blank(lines: list[str]) -> None:
    document = read("\n".join(["Once.", *lines]).encode(), "a.md")
    covered = set()
    for passage in passages_of(document):
        covered.update(range(passage.start, passage.end))
    missing = {at for at, char in enumerate(document.text) if not char.isspace()} - covered
    assert missing == set()


@given(LINES)
def test_passages_are_in_order_and_end_with_their_last_sentence(lines: list[str]) -> None:
    document = read("\n".join(["Once.", *lines]).encode(), "a.md")
    passages = passages_of(document)
    assert all(before.end <= after.start for before, after in pairwise(passages))
    for passage in passages:
        assert list(passage.sentences) == sorted(set(passage.sentences))
        assert passage.start < passage.sentences[0]
        assert passage.sentences[-1] == passage.end


@given(LINES)
def test_ranking_text_tells_where_every_sentence_ends(lines: list[str]) -> None:
    document = read("\n".join(["Once.", *lines]).encode(), "a.md")
    for passage in passages_of(document):
        ranking = ranking_text(document, passage, overlapping(document.blocks, passage))
        assert len(ranking.ends) == len(passage.sentences) + 1
        assert ranking.ends[-1] == len(ranking.text)
        assert list(ranking.ends) == sorted(ranking.ends)


def test_no_passage_crosses_a_page_or_a_heading() -> None:
    text = "One.\n\nTwo.\n\nThree.\n\nFour."
    places = [(1, ()), (1, ("A",)), (2, ("A",)), (2, ("A",))]
    starts = [0, 6, 12, 20]
    blocks = tuple(
        Block(start, text.index(".", start) + 1, Kind.PROSE, page, heading)
        for start, (page, heading) in zip(starts, places, strict=True)
    )
    passages = passages_of(Document("", "test 1", text, blocks=blocks))
    assert [text[p.start : p.end] for p in passages] == ["One.", "Two.", "Three.\n\nFour."]
    assert [(p.page, p.heading) for p in passages] == [(1, ()), (1, ("A",)), (2, ("A",))]


def test_a_table_stays_whole_where_it_fits_and_prose_gives_way() -> None:
    prose, table = "Some words stand before it. " * 2, "| a | b |\n|---|---|\n| 1 | 2 |"
    text = prose + "\n\n" + table
    at = len(prose) + 2
    blocks = (Block(0, len(prose.rstrip())), Block(at, len(text), Kind.TABLE))
    passages = passages_of(Document("", "test 1", text, blocks=blocks))
    assert text[passages[-1].start : passages[-1].end] == table
    assert len(passages[-1].sentences) == 3


def test_a_long_cell_of_a_table_ends_in_sentences() -> None:
    cell = "The owner pays for it first. The fund of the town gives back two thirds. " * 5
    text = f"Mill\t{cell.strip()}\nLock\tIt was built in 1900. It is closed."
    document = Document("", "test 1", text, blocks=(Block(0, len(text), Kind.TABLE),))
    found = [
        text[start:end].strip()
        for passage in passages_of(document, limit=200)
        for start, end in pairwise((passage.start, *passage.sentences))
    ]
    assert found[1] == "The fund of the town gives back two thirds."
    assert found[-1] == "Lock\tIt was built in 1900. It is closed."


def test_a_sentence_longer_than_the_window_is_cut_at_spaces() -> None:
    text = "word " * 200 + "end."
    passages = passages_of(Document("", "test 1", text, blocks=(Block(0, len(text)),)))
    assert len(passages) > 3
    for passage in passages:
        piece = text[passage.start : passage.end]
        assert not piece.startswith(" ")
        assert all(word in ("word", "end.") for word in piece.split())
        assert len(token_ends(piece)) <= WINDOW


def paragraph(tokens: int) -> str:
    """Sentences of five tokens and, last, of what is left: `"Word word word word end. Word end."`."""
    sizes = [*[5] * (tokens // 5), tokens % 5]
    return " ".join(
        "Word " + "word " * (size - 2) + "end." if size > 1 else "End." for size in sizes if size
    )


def packed(*sizes: int, limit: int = 24, window: int = 1_000) -> list[int]:
    """The tokens of the passages that paragraphs of so many tokens come to."""
    paragraphs = [paragraph(size) for size in sizes]
    assert [len(token_ends(text)) for text in paragraphs] == list(sizes)
    text = "\n\n".join(paragraphs)
    blocks, at = [], 0
    for result in paragraphs:
        blocks.append(Block(at, at + len(result)))
        at += len(result) + 2
    document = Document("", "test 1", text, blocks=tuple(blocks))
    found = split(document, token_ends, limit=limit, window=window)
    return [len(token_ends(text[passage.start : passage.end])) for passage in found]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([12, 12, 1], [24, 1]),  # as many as fit
        ([12, 13], [12, 13]),  # one more does not
        ([10, 10, 10, 10], [20, 20]),
        ([6, 24], [6, 24]),  # a quarter of the limit stands alone
        ([5, 24], [29]),  # less goes with what follows, as long as that is 1.22 times the limit
        ([29], [29]),
        ([30], [15, 15]),  # more is cut into even pieces
        ([5, 25], [15, 15]),
        ([75], [20, 20, 15, 20]),
        ([], []),
    ],
)  # fmt: skip
def test_paragraphs_are_packed_up_to_the_limit_and_cut_evenly_beyond_it(
    sizes: list[int], expected: list[int]
) -> None:
    assert packed(*sizes) == expected


def test_a_passage_leaves_room_in_the_window_for_its_context() -> None:
    """A limit beyond that is brought down: here to 47 / 1.22, so that 1.22 times it still fits."""
    window = WINDOW_MARGIN + 47
    assert packed(19, 19, 1, limit=180, window=window) == [38, 1]
    assert packed(20, 19, limit=180, window=window) == [20, 19]
    assert packed(46, limit=180, window=window) == [46]
    assert packed(47, limit=180, window=window) == [25, 22]


def test_words_are_joined_over_a_line_end_hyphen_in_the_ranking_text_only() -> None:
    text = "The har-\nbour is deep."
    document = Document("", "test 1", text, blocks=(Block(0, len(text)),))
    (passage,) = passages_of(document)
    ranking = ranking_text(document, passage, document.blocks)
    assert ranking.text == "The harbour is deep."
    assert document.text[passage.start : passage.end] == text


@pytest.mark.parametrize("title", [None, "Rye", "Anna Kern 27", "R" * 130])
@pytest.mark.parametrize("heading", [(), ("Rye", "Harvest"), ("A, B.",)])
@pytest.mark.parametrize("columns", ["", "Year, Harvest", "Column, " * 20])
def test_the_names_of_columns_are_found_in_the_ranking_text(
    title: str | None, heading: tuple[str, ...], columns: str
) -> None:
    text = "Anna Kern\t27\n"
    block = Block(0, len(text), Kind.ROW, None, heading, columns)
    document = Document("", "", text, title, blocks=(block,))
    passage = Passage(0, len(text), (len(text),), None, heading)
    ranking = ranking_text(document, passage, (block,))
    context = ranking.text[: ranking.ends[0]].rstrip("\n")
    found = columns_in(context, title, heading, text)
    assert columns.startswith(found.removesuffix("…"))
    assert found == columns or len(context) == CONTEXT_CHARACTERS
    assert not found or found.endswith("…") or found == columns


def test_title_headings_and_columns_stand_in_the_ranking_text_only() -> None:
    text = "Oslo,709000"
    block = Block(0, len(text), Kind.ROW, None, ("Cities",), "city, people")
    document = Document("", "test 1", text, title="Atlas", blocks=(block,))
    (passage,) = passages_of(document)
    ranking = ranking_text(document, passage, document.blocks)
    assert ranking.text == "Atlas. Cities. city, people\nOslo,709000"
    assert ranking.text[: ranking.ends[0]] == "Atlas. Cities. city, people\n"


def test_a_heading_with_nothing_below_goes_with_what_follows() -> None:
    document = read(b"# Tides\n\n## High water\n\nIt is at noon.\n\n# Moon\n", "a.md")
    texts = [document.text[one.start : one.end] for one in passages_of(document)]
    assert texts == ["# Tides\n\n## High water\n\nIt is at noon.", "# Moon"]
    assert [one.heading for one in passages_of(document)] == [("Tides", "High water"), ("Moon",)]


def test_each_field_of_front_matter_is_a_sentence() -> None:
    document = read(
        b"---\nowner: Ada Lund\ntopics:\n  - tides\nstatus: draft\n---\nWords.\n", "a.md"
    )
    (first, _) = passages_of(document)
    bounds = pairwise([first.start, *first.sentences])
    sentences = [document.text[start:end].strip() for start, end in bounds]
    assert sentences == ["---\nowner: Ada Lund", "topics:\n  - tides", "status: draft\n---"]


def test_of_many_names_above_a_passage_the_innermost_stays_in_its_ranking_text() -> None:
    cover = "Annual report under section 13 of the Securities Exchange Act of 1934"
    heading = ("Form 10-K", cover, "Statements of Income and of Comprehensive Income")
    block = Block(0, 13, Kind.ROW, None, heading, "2023, 2022, 2021")
    document = Document("", "test 1", "Sales\t9\t8\t7\n", title="Rye Inc.", blocks=(block,))
    (passage,) = passages_of(document)
    ranking = ranking_text(document, passage, document.blocks)
    context = ranking.text[: ranking.ends[0]].strip()
    assert context == f"Rye Inc.. {heading[2]}. 2023, 2022, 2021"
    assert columns_in(context, "Rye Inc.", heading, document.text) == "2023, 2022, 2021"


def test_boilerplate_is_covered_and_has_no_ranking_text() -> None:
    document = read(b"---\ntitle: Tides\n---\nHigh water is at noon.\n", "a.md")
    first, second = passages_of(document)
    assert ranking_text(document, first, overlapping(document.blocks, first)).text == ""
    assert document.text[second.start : second.end] == "High water is at noon."


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["x", "x " * 3, "\ue000", "word. ", "\t\tx", "\u4e00"]),
            st.integers(1, 9_000),
            st.sampled_from(["\n\n", "\n" * 5_000, " "]),
            st.sampled_from(["", "# ", "- ", "    "]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_no_passage_is_longer_than_its_limit_of_characters(
    parts: list[tuple[str, int, str, str]],
) -> None:
    text = "".join(f"{mark}{piece * count}{gap}" for piece, count, gap, mark in parts)
    document = read(text.encode(), "a.md")
    passages = passages_of(document, limit=180)
    assert all(passage.end - passage.start <= LONGEST for passage in passages)
    covered = sum(len(document.text[one.start : one.end].split()) for one in passages)
    assert covered >= len(document.text.split())


def test_paragraphs_without_a_token_are_gathered_up_to_the_limit_of_characters() -> None:
    text = "\n\n".join(["\ue000"] * 20_000)
    document = Document("0" * 64, "text 2", text, blocks=read(text.encode(), "a.txt").blocks)
    passages = list(split(document, lambda _: [], limit=180, window=256))
    assert len(passages) == len(text) // LONGEST + 1


def test_a_run_of_characters_without_a_token_or_a_blank_is_cut() -> None:
    document = read(("\ue000" * 50_000).encode(), "a.txt")
    passages = list(split(document, lambda _: [], limit=180, window=256))
    assert sum(passage.end - passage.start for passage in passages) == 50_000
    assert max(passage.end - passage.start for passage in passages) <= LONGEST


def test_a_heading_longer_than_a_passage_stands_alone_and_is_kept_whole() -> None:
    document = read(f"# {'word ' * 2_000}\n\nRi is 26 years old.\n".encode(), "a.md")
    passages = passages_of(document, limit=180)
    assert document.text[passages[-1].start :].startswith("Ri is 26")
    assert len(passages) > 5
    assert all(len(passage.heading[0]) <= 300 for passage in passages)
