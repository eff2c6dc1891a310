"""A folder of every format and every fault, from the files to the answers."""

from collections.abc import Callable
from pathlib import Path

import files
from files import make_folder
from test_reading import MAKERS

from qa.asking.service import QA
from qa.building.pipeline import build
from qa.records import Status


def test_every_file_ends_as_a_status_with_its_reason_and_the_build_goes_on(
    tmp_path: Path, new_index: Callable[[], Path]
) -> None:
    expected = make_folder(tmp_path / "seeds")
    index = new_index()
    report = build(tmp_path / "seeds", index)
    found = {file.path: file.status for file in report.files}
    indexed = (Status.INDEXED, Status.DUPLICATE)
    assert len(found) >= 40
    assert {path: status for path, status in found.items() if status not in indexed} == {
        path: status for path, status in expected.items() if status not in indexed
    }
    assert all(file.reason for file in report.files if file.status is not Status.INDEXED)
    assert all(file.passages for file in report.files if file.status in indexed)
    with QA.open(index) as qa:
        assert qa.files() == report.files
        for file in report.files:
            if file.status is Status.INDEXED:
                document = qa.document(file.sha256)
                assert document is not None
                document.text.encode()
    again = build(tmp_path / "seeds", index)
    assert (again.added, again.changed, again.removed) == ((), (), ())


def test_what_is_planted_in_any_format_is_found_and_cited_at_its_place(
    tmp_path: Path, new_index: Callable[[], Path]
) -> None:
    goods = ("wool", "salt", "amber", "copper", "silk", "timber", "honey", "glass", "grain", "wax")
    goods += (
        "iron",
        "linen",
        "paper",
        "spice",
        "coal",
        "leather",
        "marble",
        "tea",
        "cotton",
        "oil",
    )
    planted = {}
    for name, good in zip(sorted(MAKERS), goods, strict=False):
        sentence = f"The warehouse for {good} holds forty crates."
        folder = tmp_path / "seeds" / good
        folder.mkdir(parents=True)
        sections = (("Weather", ("It rains in spring.",)), ("Stores", (sentence,)))
        (folder / name).write_bytes(MAKERS[name](sections))
        planted[good] = (f"{good}/{name}", sentence, "Stores", 2)
    (tmp_path / "seeds" / "report.pdf").write_bytes(
        files.pdf([["Rain fell."], ["Snow fell."], ["The warehouse for ivory holds forty crates."]])
    )
    planted["ivory"] = ("report.pdf", "The warehouse for ivory holds forty crates.", "", 3)
    index = new_index()
    build(tmp_path / "seeds", index)
    with QA.open(index) as qa:
        for good, (path, sentence, heading, page) in planted.items():
            answer = qa.ask(f"How many crates does the warehouse for {good} hold?")
            assert answer.answered, good
            best = answer.excerpts[0]
            mark = best.highlights[0]
            marked = best.text[mark.start - best.start : mark.end - best.start]
            assert (best.path, sentence in " ".join(marked.split())) == (path, True)
            assert best.heading[-1:] == ((heading,) if heading else ())
            assert best.page in (None, page)
    assert len(planted) > 9
