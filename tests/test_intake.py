"""A folder of every format and every fault, from the files to the answers."""

from collections.abc import Callable
from pathlib import Path

from files import make_folder

from qa.building import build
from qa.records import Status
from qa.service import QA


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
