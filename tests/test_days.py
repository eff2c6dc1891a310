"""Documents by their days, in Python, on the command line and over HTTP alike."""

import json
import os
import shutil
from datetime import UTC, datetime

import httpx
import pytest
from indexes import write
from served import serving

import qa
from qa import QA, FilterEmpty, QuestionRefused, SettingsInvalid, cli
from qa.building.pipeline import build
from qa.records.dates import Days

QUESTION = "Does the ferry run?"


@pytest.fixture(scope="module")
def place(tmp_path_factory, encoders):
    """Three documents of other days, and the index: (seeds, index)."""
    folder = tmp_path_factory.mktemp("days")
    seeds, index = folder / "seeds", folder / "index"
    write(seeds, "may.md", "---\ndate: 2024-05-17\n---\n\nThe ferry runs at six.\n")
    write(seeds, "old.md", "---\ndate: 2019\n---\n\nThe ferry runs at eight in the morning.\n")
    file = write(seeds, "file.txt", "The ferry runs at nine, as the board beside the pier says.\n")
    changed = datetime(2021, 3, 9, 12, tzinfo=UTC).timestamp()
    os.utime(file, (changed, changed))
    index.mkdir()
    shutil.copytree(encoders, index / "encoders", copy_function=os.link)
    build(seeds, index)
    return seeds, index


@pytest.fixture(scope="module")
def asker(place):
    with QA.open(place[1], seeds=place[0]) as opened:
        yield opened


def paths(answer):
    """Which documents were quoted."""
    return {excerpt.path for excerpt in (*answer.excerpts, *answer.nearest)}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({"since": "2024-05-17"}, {"may.md"}),
        ({"since": "2024-05-18"}, set()),
        ({"until": "2024-05-16"}, {"old.md", "file.txt"}),
        ({"since": "2021-03-09", "until": "2021-03-09"}, {"file.txt"}),  # the day of the file
        ({"since": "2021-03", "until": "2024"}, {"file.txt", "may.md"}),
        ({"until": "2024-05"}, {"old.md", "file.txt", "may.md"}),
        ({"since": "2019-06-01", "until": "2019-07-01"}, {"old.md"}),  # of which the year is known
        ({"since": "2020", "only": ["*.md"]}, {"may.md"}),
    ],
)
def test_a_question_is_asked_of_the_documents_of_those_days(asker, days, expected):
    if not expected:
        with pytest.raises(FilterEmpty, match="dated from 2024-05-18"):
            asker.ask(QUESTION, **days)
        return
    assert paths(asker.ask(QUESTION, **days)) == expected
    assert paths(asker.ask_many([QUESTION], **days)[0]) == expected


@pytest.mark.parametrize("day", ["17.5.2024", "2024-13", "2024-02-30", "24", "yesterday"])
def test_what_is_no_day_is_refused(asker, day):
    with pytest.raises(QuestionRefused, match="such as 2024-05-17"):
        asker.ask(QUESTION, since=day)


def test_python_the_command_line_and_http_give_the_same(place, asker, capsys):
    seeds, index = place
    days = {"since": "2020", "until": "2022-12"}
    expected = asker.ask(QUESTION, **days).to_dict()
    assert qa.ask(QUESTION, index=index, **days).to_dict() == expected
    options = ["--since", "2020", "--until", "2022-12", "--index", str(index), "--json"]
    assert cli.run(["ask", QUESTION, *options]) == 0
    assert json.loads(capsys.readouterr().out) == expected
    with serving(seeds, index) as at:
        sent = httpx.post(f"{at}/api/ask", json={"question": QUESTION, **days})
        assert sent.json() == expected
        refused = httpx.post(f"{at}/api/ask", json={"question": QUESTION, "since": "May"})
        assert refused.status_code == 422


BY_DATE = ["may.md", "file.txt", "old.md"]  # newest first


def test_files_are_sorted_and_searched_as_the_page_lists_them(place, asker, capsys):
    seeds, index = place

    def named(*options):
        assert cli.run(["status", "--index", str(index), "--json", *options]) == 0
        return [file["path"] for file in json.loads(capsys.readouterr().out)["files"]]

    assert [file.path for file in asker.files(sort="date")] == named("--sort", "date") == BY_DATE
    assert [file.path for file in asker.files(sort="-date")] == BY_DATE[::-1]
    assert [file.path for file in asker.files(find="MD indexed")] == ["may.md", "old.md"]
    assert named("--find", "txt") == ["file.txt"]
    with serving(seeds, index) as at:
        listed = httpx.get(f"{at}/api/documents?sort=date").json()["documents"]
        assert [(file["path"], file["date"]) for file in listed] == [
            ("may.md", "2024-05-17"), ("file.txt", "2021-03-09"), ("old.md", "2019"),
        ]  # fmt: skip
        only = httpx.get(f"{at}/api/documents?find=old").json()["documents"]
        assert [file["path"] for file in only] == ["old.md"]
        page = httpx.get(f"{at}/api/documents?sort=date&limit=2&page=2").json()
        assert (page["total"], [file["path"] for file in page["documents"]]) == (3, ["old.md"])
        assert httpx.get(f"{at}/api/documents?limit=0").status_code == 422
        assert httpx.get(f"{at}/api/documents?sort=colour").status_code == 422
    assert [file.path for file in asker.files(sort="date", limit=1, page=2)] == ["file.txt"]
    with pytest.raises(SettingsInvalid, match="path, status"):
        asker.files(sort="colour")
    assert cli.run(["status", "--index", str(index), "--sort", "date"]) == 0
    assert "2021-03-09" in capsys.readouterr().out


def test_a_span_of_days_says_what_it_is():
    assert str(Days("2024", "2025-01")) == "from 2024 until 2025-01"
    assert not Days()
