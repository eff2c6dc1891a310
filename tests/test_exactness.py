"""Numbers, sections, amounts and periods to the letter, down to the sentence that is marked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from indexes import write

import qa
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.index.identifiers import exact_words

TOPICS = "refunds returns repairs deliveries invoices deposits licences audits archives".split()  # noqa: SIM905
SECTIONS = [f"{a}.{b}.{c}" for a in (1, 2) for b in (1, 2, 12) for c in (1, 2, 12)]
ROWS = {f"Ward {chr(65 + n)}": 10_000 + 7_919 * n for n in range(12)}


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory, encoders: Path) -> Iterator[QA]:
    folder = tmp_path_factory.mktemp("exact")
    sections = (
        f"{number} {TOPICS[n % 9].title()}\n\nThe officer for {TOPICS[n % 9]} decides within {n + 2} "
        f"days. See also {SECTIONS[(n * 5 + 3) % 18]} and {SECTIONS[(n * 5 + 3) % 18]}.\n"
        for n, number in enumerate(SECTIONS)
    )
    write(folder / "seeds", "rules.txt", "\n".join(sections))
    rows = "\n".join(f"| {ward} | {people:,} |" for ward, people in ROWS.items())
    write(folder / "seeds", "wards.md", f"# Wards\n\n| Ward | People |\n|---|---|\n{rows}\n")
    write(
        folder / "seeds", "costs.txt",
        "The bridge cost € 1.2 million. The tower cost € 1.4 million. The mill cost € 3.5 million. "
        "The tunnel cost € 1.4 billion.\n",
    )  # fmt: skip
    periods = ("FY2017", "fiscal 2018", "Q2 2023", "Q3 2023", "FY19", "2Q21")
    revenue = (f"# {p}\n\nRevenue was {n + 3} million.\n" for n, p in enumerate(periods))
    write(folder / "seeds", "revenue.md", "\n".join(revenue))
    ward = "Doctor Lund treated the patients who had Covid in the old school by the river."
    write(folder / "seeds", "ward.txt", f"{ward}\n")
    (folder / "index").mkdir()
    (folder / "index" / "encoders").symlink_to(encoders)
    build(folder / "seeds", folder / "index")
    with QA.open(folder / "index") as opened:
        yield opened


def first(answer: qa.Answer) -> qa.Excerpt:
    return (*answer.excerpts, *answer.nearest)[0]


def marked(answer: qa.Answer) -> list[str]:
    excerpt = first(answer)
    return [
        excerpt.text[m.start - excerpt.start : m.end - excerpt.start] for m in excerpt.highlights
    ]


def test_each_section_is_found_by_its_number_however_often_others_refer_to_it(asker: QA) -> None:
    for number in SECTIONS:
        answer = asker.ask(f"What does section {number} say?")
        assert answer.answered, number
        assert first(answer).text.startswith(f"{number} "), number
        assert first(answer).heading[-1].startswith(f"{number} ")


def test_the_row_with_the_number_is_marked(asker: QA) -> None:
    for ward, people in ROWS.items():
        for written in (f"{people:,}", str(people)):
            best = marked(asker.ask(f"Which ward has {written} people?"))[0]
            assert ward in best and f"{people:,}" in best, written


@pytest.mark.parametrize(
    ("amount", "built"), [("1.2", "bridge"), ("1.4", "tower"), ("3.5", "mill")]
)
def test_another_amount_is_not_marked(asker: QA, amount: str, built: str) -> None:
    assert marked(asker.ask(f"What cost € {amount} million?")) == [
        f"The {built} cost € {amount} million."
    ]


def test_millions_are_no_billions(asker: QA) -> None:
    for amount in ("1.4 billion", "1.4bn", "1,400,000,000"):
        assert marked(asker.ask(f"What cost € {amount}?")) == ["The tunnel cost € 1.4 billion."]


def test_a_numbered_name_may_be_written_otherwise_a_code_may_not(asker: QA) -> None:
    assert asker.ask("Who treated the patients who had COVID-19?").answered
    assert not asker.ask("Who treated the patients who had COVID-2019?").answered


@pytest.mark.parametrize(
    ("asked", "written"),
    [("FY2018", "fiscal 2018"), ("fiscal year 2017", "FY2017"), ("FY17", "FY2017"),
     ("the second quarter of 2023", "Q2 2023"), ("3Q23", "Q3 2023"), ("Q2 2021", "2Q21"),
     ("fiscal 2019", "FY19")],
)  # fmt: skip
def test_years_and_quarters_are_found_however_they_are_written(
    asker: QA, asked: str, written: str
) -> None:
    assert first(asker.ask(f"What was revenue in {asked}?")).heading == (written,)


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("Q1'22", ["2022q1"]),
        ("the first quarter of fiscal year 2022", ["2022q1"]),
        ("2023-Q4", ["2023q4"]),
        ("FY2018", ["fy2018", "2018"]),
        ("fiscal 2018", ["fy2018"]),
        ("Q4 20%", []),
        ("the first quarter of the year", []),
        ("the 2011\u201312 season", ["2011-12"]),
        ("won 6 \u2013 3", ["6-3"]),
        ("1.2\u20131.4", ["1.2", "1.4"]),
        ("€1.25 trillion", ["1250000000000"]),
        ("1.4 millionaires", ["1.4"]),
    ],
)
def test_periods_and_ranges_have_one_form(text: str, forms: list[str]) -> None:
    assert [form for one in exact_words(text) for form in one.forms] == forms
