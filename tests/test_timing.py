"""How long a build takes: told while it runs, and where the time went when it is done."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import files
import pytest
from indexes import write

from qa import terminal
from qa.building.pipeline import build
from qa.building.timing import STAGES, Estimate, Progress, Stages
from qa.reading import counting
from qa.reading.counting import work_of


def test_what_is_left_is_told_by_the_work_that_is_done() -> None:
    """Ten seconds of starting, then 50 bytes a second: of 1,000 bytes 600 are left."""
    estimate = Estimate([100, 300, 600])
    assert estimate.left(0, 5.0, 0) is None
    assert estimate.left(0, 10.0, 1) is None
    assert estimate.left(0.5, 11.0, 9) is None
    assert estimate.left(2, 18.0, 90) == pytest.approx(600 / 50)
    assert estimate.left(2.5, 24.0, 99) == pytest.approx(300 / 50)
    assert estimate.left(3, 30.0, 99) == 0


def test_the_work_of_a_pdf_is_its_pages_whatever_its_size(tmp_path: Path) -> None:
    """Of a damaged one, and of one that is not looked at, others tell how many a byte has."""
    data = files.pdf([["Words."], ["Words."], ["Words."]])
    (tmp_path / "a.pdf").write_bytes(data + b"%" * 3_000_000)
    (tmp_path / "b.pdf").write_bytes(files.pdf([["Words."]]))
    (tmp_path / "c.pdf").write_bytes(b"%PDF-1.7 cut off")
    (tmp_path / "d.txt").write_bytes(b"x" * 6_000)
    (tmp_path / "e.PDF").write_bytes(data)
    found = [tmp_path / name for name in ("a.pdf", "b.pdf", "c.pdf", "d.txt", "e.PDF", "gone.pdf")]
    assert work_of(found) == [3, 1, 0, 2, 3, 0]
    assert work_of([tmp_path / "d.txt"]) == [2]


def test_of_many_pdfs_some_tell_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST", 2)
    for name in "abcd":
        (tmp_path / f"{name}.pdf").write_bytes(files.pdf([["Words."]] * 2))
    found = work_of([tmp_path / f"{name}.pdf" for name in "abcd"])
    assert found == pytest.approx([2, 2, 2, 2])


def test_a_stage_within_another_counts_alone() -> None:
    stages = Stages()

    def work() -> None:
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass

    with stages.on("writing"):
        work()
        with stages.on("splitting"):
            work()
            work()
    assert list(stages.each("reading", [1, 2])) == [1, 2]
    seconds = dict(stages.seconds())
    assert 0.02 <= seconds["writing"] < seconds["splitting"]
    assert seconds["splitting"] >= 0.04
    assert tuple(seconds) == STAGES


def test_a_build_says_where_its_time_went(
    tmp_path: Path, new_index: Callable[[], Path], caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(12):
        write(tmp_path / "seeds", f"{number}.html", f"<p>The mill {number} grinds rye.</p>" * 20)
    seen: list[Progress] = []
    with caplog.at_level(logging.INFO, logger="qa"):
        report = build(tmp_path / "seeds", new_index(), progress=seen.append)
    seconds = dict(report.processor)
    assert tuple(seconds) == STAGES and all(seconds.values())
    assert max(seconds, key=lambda stage: seconds[stage]) in {"encoding", "reading"}
    assert "The processor's time: reading " in caplog.text
    assert seen[-1].stage == "publishing" and all(one.left is None or one.left >= 0 for one in seen)
    assert not build(tmp_path / "seeds", new_index()).failed


def test_the_bar_tells_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "PATIENCE", 0.0)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with terminal.building_bar() as tell:
        tell(Progress("encoding", "a.txt", 1, 4, 20, 2.0, 130.0))
    assert "about 2 min left" in capsys.readouterr().err
    assert [terminal.duration(s) for s in (0.2, 89, 90, 5_000, 7_500)] == [
        "about 1 s left", "about 89 s left", "about 2 min left", "about 83 min left",
        "about 2 h 5 min left",
    ]  # fmt: skip
