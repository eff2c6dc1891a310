"""Names of documents, identifiers and numbers: what is held to the letter decides."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from indexes import write, write_words

from qa.asking.naming import named
from qa.asking.sections import named_sections
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.index.identifiers import identifiers
from qa.index.lexical import Analyzer
from qa.index.names import words_of_name

REPORT = (
    "# Results\n\nRevenue grew by {} percent over the year before.\n\n"
    "# Outlook\n\n{} expects that demand for its products stays firm. "
    "{} has no plan to close a factory.\n"
)
COMPANIES = {"Halden": 4, "Brisk Water": 7, "Ostrava": 9}
CATALOGUE = {"12.2.2": "refunds", "12.2.3": "returns", "2.12.2": "repairs"}


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory, encoders: Path) -> Iterator[QA]:
    seeds = tmp_path_factory.mktemp("names") / "seeds"
    for company, growth in COMPANIES.items():
        for year in (2021, 2022):
            name = f"reports/{company.replace(' ', '').upper()}_{year}_10K.md"
            write(seeds, name, REPORT.format(growth + year % 10, company, company))
    rules = (
        f"# {number} On {topic}\n\nThe clerk decides within a week.\n"
        for number, topic in CATALOGUE.items()
    )
    write(seeds, "rules.md", "\n".join(rules))
    write(
        seeds, "log.txt",
        "On 5 July 2021 the gauge stood at 58,740 litres.\n\n"
        "On 7 May 2021 the gauge stood at 47,058 litres.\n\n"
        "Host 10.9.25.20 failed with ERR-4012.\n\nHost 10.20.9.25 failed with ERR-4021.\n",
    )  # fmt: skip
    index = seeds.parent / "index"
    index.mkdir()
    (index / "encoders").symlink_to(encoders)
    build(seeds, index)
    with QA.open(index) as opened:
        yield opened


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("By how much did revenue grow at Halden in FY2021?", "reports/HALDEN_2021_10K.md"),
        ("By how much did revenue grow at Halden in fiscal 2022?", "reports/HALDEN_2022_10K.md"),
        ("By how much did Brisk Water's revenue grow in 2022?", "reports/BRISKWATER_2022_10K.md"),
        ("How did revenue develop at OSTR in FY22?", "reports/OSTRAVA_2022_10K.md"),
    ],
)
def test_the_document_that_a_question_names_comes_first(
    asker: QA, question: str, path: str
) -> None:
    answer = asker.ask(question)
    assert (*answer.excerpts, *answer.nearest)[0].path == path


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What does section 12.2.2 say?", "12.2.2"),
        ("What does section 2.12.2 say?", "2.12.2"),
        ("When did the gauge stand at 58740 litres?", "58,740"),
        ("What happened on 2021-07-05?", "5 July 2021"),
        ("What happened on May 7, 2021?", "7 May 2021"),
        ("What failed on 10.20.9.25?", "10.20.9.25"),
        ("Which host failed with ERR4021?", "ERR-4021"),
    ],
)
def test_what_a_question_says_to_the_letter_is_found_and_answers(
    asker: QA, question: str, words: str
) -> None:
    answer = asker.ask(question)
    assert answer.answered
    assert words in answer.excerpts[0].text


@pytest.mark.parametrize(
    "question",
    [
        "What does section 12.2.9 say?",
        "When did the gauge stand at 58741 litres?",
        "What happened on 2021-07-09?",
        "What failed on 9.10.20.25?",
        "Which host failed with ERR-4013?",
    ],
)
def test_an_identifier_that_stands_nowhere_is_not_answered(asker: QA, question: str) -> None:
    assert not asker.ask(question).answered


def test_a_question_that_names_a_section_finds_it_first(
    tmp_path: Path, new_index: Callable[[], Path]
) -> None:
    """Of passages that match alike, the one below the heading that the question has is meant."""
    parts = ("Winter timetable", "Summer timetable (all ports)", "Night boats")
    text = "\n\n".join(f"## {part}\n\nThe ferry leaves at {n + 7}." for n, part in enumerate(parts))
    write(tmp_path / "seeds", "ferry.md", f"# Ferries\n\n{text}\n")
    index = new_index()
    build(tmp_path / "seeds", index)
    with QA.open(index) as qa:
        for part in ("winter timetable", "summer timetable", "night boats"):
            answer = qa.ask(f"When does it leave by the {part}?")
            assert (*answer.excerpts, *answer.nearest)[0].heading[-1].lower().startswith(part)
        snapshot = qa.snapshot
        asked = qa._encode("When does it leave by the summer timetable?", snapshot)
        keys = np.arange(snapshot.manifest.passages)
        degrees = named_sections(snapshot, asked, named(snapshot, asked), keys)
        by_heading = dict(zip(snapshot.headings(keys), degrees.tolist(), strict=True))
        assert by_heading["Ferries", "Summer timetable (all ports)"] == 1
        assert by_heading["Ferries", "Night boats"] == 0
        assert by_heading["Ferries", "Winter timetable"] < 0.2


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("see 12.2.2.", {"12.2.2"}),
        ("95,418 and 95\u202f418 and 12 000", {"95418", "12000"}),
        ("1,234.56", {"1234.56"}),
        ("5th of July 2021, July 5, 2021, 2021-07-05 and 05.07.2021", {"2021-07-05"}),
        ("7/5/2021", {"2021-05-07", "2021-07-05"}),
        ("31 June 2021 does not exist", set()),
        ("SARS-CoV-2, ERR_4012 and ERR4012", {"sarscov2", "err4012"}),
        ("in 1933, FY2018, Q22023 and 100 200 300", set()),
        ("a well-known state of affairs", set()),
    ],
)
def test_identifiers_have_one_form_however_they_are_written(text: str, forms: set[str]) -> None:
    assert {form for found in identifiers(text) for form in found.forms} == forms


@pytest.mark.parametrize("piece", ["1,", "1.", "1.1", "a1-", "#", "1 111 ", "1 january ", "ab-"])
def test_an_identifier_is_found_behind_a_hostile_text(piece: str) -> None:
    text = f"{piece * 30_000} ! ERR-4012"  # a pattern that is not linear takes minutes
    assert identifiers(text)[-1].forms == ("err4012",)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("3M_2018_10K", {"3m", "2018", "10k"}),
        ("Q3FY2023/RateLimits", {"ratelimit", "rate", "limit"}),
        ("LOCKHEEDMARTIN_2023Q2", {"lockheedmartin", "2023", "q2"}),
        ("Johnson & Johnson", {"johnson", "jj"}),
        ("dated-2023-05-30", {"date", "2023", "2023-05-30"}),
    ],
)
def test_names_are_taken_apart(name: str, words: set[str]) -> None:
    assert words <= set(words_of_name(name, Analyzer("en")))


def test_the_digits_of_a_marked_number_are_no_words_of_a_question(tmp_path: Path) -> None:
    index, words = write_words(tmp_path / "words", ["section 12.2.2", "section 2, page 12"])
    assert words.terms("section 12.2.2") == ["section", "12.2.2"]
    assert index.search(words.terms("12.2.2"), 9)[0].tolist() == [0]


def test_names_are_the_same_however_the_index_came_about(
    tmp_path: Path, new_index: Callable[[], Path]
) -> None:
    seeds = tmp_path / "seeds"
    write(seeds, "b_2021.txt", "The barn is red.")
    write(seeds, "c_2022.txt", "The castle is grey.")
    grown, fresh = new_index(), new_index()
    build(seeds, grown)
    write(seeds, "a_2020.txt", "The abbey is white.")
    build(seeds, grown)
    build(seeds, fresh)
    with QA.open(grown) as one, QA.open(fresh) as other:
        words = ["2020", "2021", "2022"]
        by_word, same = one.snapshot.named([*words, "barn"]), other.snapshot.named([*words, "barn"])
        assert sorted(by_word) == sorted(same) == words
        for word in words:
            assert by_word[word].tolist() == same[word].tolist()
        question = "Which colour is named in the 2021 file?"
        assert one.ask(question).to_json() == other.ask(question).to_json()
