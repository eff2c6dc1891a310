"""Saved answers against the files as they are now: what is found, and how little is done for it."""

import os
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from indexes import write

from qa.building.pipeline import build
from qa.checking.candidates import TOO_LARGE, WORDLESS
from qa.checking.quotations import LONGEST, NEAR, nearest_copy, nearest_paragraph
from qa.checking.verifying import AWAY, UNLISTED, Bounds, Verdict, verify, verify_within
from qa.errors import QuestionsInvalid
from qa.index.snapshot import LocalSnapshot
from qa.reading.walking import walk

SHORT = st.text("ab", max_size=12)
TEXTS = {
    "tower.txt": "The tower is ninety metres tall. It was built by a guild of masons.\n",
    "notes/ferry.md": "# Winter\n\nThe ferry rests in winter.\n\n# Summer\n\nIt crosses twice.\n",
    "notes/mill.txt": "The mill grinds rye for three villages, and the miller lives beside it.\n",
    "boats.txt": "The port counts forty boats. The town counts fifty-two of them.\n",
}


@given(SHORT, st.text("ab", min_size=1, max_size=4), st.integers(0, 16))
@example("abab", "ab", 1)
def test_the_nearest_copy_is_the_nearest_of_all(text: str, quoted: str, start: int) -> None:
    copies = [at for at in range(len(text)) if text.startswith(quoted, at)]
    expected = min(copies, key=lambda at: (abs(at - start), at), default=None)
    assert nearest_copy(text, quoted, start) == expected


def test_a_hostile_quotation_is_looked_for_in_linear_time() -> None:
    """Where a search tried every place anew, each of these would take minutes."""
    text, long = "a" * 4_000_000, "a" * 100_000
    for quoted in (f"{long}b", f"b{long}", f"{long}b{long}"):
        assert nearest_copy(text, quoted, 2_000_000) is None
    assert nearest_copy(text, "a", 2_000_000) == 2_000_000
    words = "a " * 200_000
    at, paragraph = nearest_paragraph(words, "a b " * 5_000, 0)
    assert (at, len(paragraph)) == (0, LONGEST - 1)


def test_the_nearest_paragraph_has_the_most_words_in_the_same_order() -> None:
    text = "One two three.\n\n  four three two one \n \n\nthree two, one four"
    assert nearest_paragraph(text, "three two one", 0) == (18, "four three two one")
    assert nearest_paragraph("", "three", 0) == (0, "")


def test_the_nearest_paragraph_is_looked_for_around_the_place_alone() -> None:
    quoted, other = "three two one", "four five six"
    text = f"{quoted}\n\n{' ' * NEAR}\n\n{other}"
    assert nearest_paragraph(text, quoted, 0) == (0, quoted)
    assert nearest_paragraph(text, quoted, len(text) - len(other)) == (text.index(other), other)


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    for name, text in TEXTS.items():
        write(tmp_path / "seeds", name, text)
    return tmp_path / "seeds"


@pytest.fixture
def index(seeds: Path, new_index: Callable[[], Path]) -> Path:
    made = new_index()
    build(seeds, made)
    return made


@pytest.fixture
def snapshot(index: Path) -> Iterator[LocalSnapshot]:
    with closing(LocalSnapshot.open(index)) as opened:
        yield opened


def quoting(*places: tuple[str, str]) -> dict[str, object]:
    """An answer that quotes each text at a path, from where it stands there."""
    excerpts = []
    for path, text in places:
        start = max(TEXTS.get(path, "").find(text), 0)
        excerpt = {"path": path, "paths": [path], "text": text}
        excerpts.append(excerpt | {"start": start, "end": start + len(text)})
    return {"excerpts": excerpts, "nearest": []}


MILL = ("notes/mill.txt", TEXTS["notes/mill.txt"].strip())
TOWER = ("tower.txt", "The tower is ninety metres tall.")


def one(verdicts: tuple[Verdict, ...]) -> tuple[str, str | None]:
    (verdict,) = verdicts
    return verdict.outcome, verdict.found_path


@pytest.fixture
def within(index: Path, seeds: Path, snapshot: LocalSnapshot) -> Callable[..., tuple[Verdict, ...]]:
    def check(answer: dict[str, object], **bounds: float) -> tuple[Verdict, ...]:
        limits = Bounds(**{"seconds": 60.0, **bounds})  # type: ignore[arg-type]
        return verify_within(limits, answer, snapshot, seeds, index=index)

    return check


def test_bounds_that_are_wide_change_no_verdict(
    within: Callable[..., tuple[Verdict, ...]], index: Path, seeds: Path
) -> None:
    answer = quoting(
        *(TOWER, MILL, ("boats.txt", "The port counts 41 boats."), ("none.txt", "Nothing at all.")),
        *(("gone.md", "The ferry rests in winter."), ("notes/ferry.md", "It crosses twice.")),
        ("elsewhere.txt", "The town counts fifty-two of them."),
    )
    (seeds / "notes/mill.txt").rename(seeds / "windmill.txt")
    verdicts = within(answer)
    assert verdicts == verify(answer, index=index)
    assert [verdict.outcome for verdict in verdicts] == [
        *("valid", "moved", "changed", "gone", "moved", "valid", "moved"),
    ]
    paths = [verdict.found_path for verdict in verdicts if verdict.outcome == "moved"]
    assert paths == ["windmill.txt", "notes/ferry.md", "boats.txt"]


def test_a_text_that_the_index_knows_elsewhere_is_found_by_reading_that_file_alone(
    within: Callable[..., tuple[Verdict, ...]], seeds: Path
) -> None:
    answer = quoting(("lost.txt", MILL[1]))
    size = (seeds / "notes/mill.txt").stat().st_size
    assert one(within(answer, search_bytes=size)) == ("moved", "notes/mill.txt")
    assert one(within(answer, search_bytes=size - 1)) == ("unknown", None)


def test_a_renamed_file_is_looked_into_before_all_others_that_are_new(
    within: Callable[..., tuple[Verdict, ...]], seeds: Path
) -> None:
    for number in range(20):
        write(seeds, f"new-{number}.txt", f"Something new, number {number}.\n")
    (seeds / "notes/mill.txt").rename(seeds / "windmill.txt")
    size = (seeds / "windmill.txt").stat().st_size
    assert one(within(quoting(MILL), search_bytes=size)) == ("moved", "windmill.txt")


def test_what_was_not_searched_for_everywhere_is_not_said_to_be_gone(
    within: Callable[..., tuple[Verdict, ...]], seeds: Path
) -> None:
    (seeds / "notes/mill.txt").unlink()
    assert one(within(quoting(MILL))) == ("gone", None)
    write(seeds, "new.txt", "Something new that is too large to be read within these bounds.\n")
    assert one(within(quoting(MILL), search_bytes=10)) == ("unknown", None)
    no_words = quoting(("none.txt", "!?"))
    assert one(within(no_words)) == ("unknown", None)


def test_after_the_deadline_nothing_is_claimed(
    within: Callable[..., tuple[Verdict, ...]], index: Path
) -> None:
    answer = quoting(TOWER, ("none.txt", "Nothing."))
    assert [verdict.outcome for verdict in within(answer, seconds=0.0)] == ["unknown"] * 2
    assert [verdict.outcome for verdict in verify(answer, index=index)] == ["valid", "gone"]


def test_one_text_of_a_library_is_held_at_a_time(tmp_path: Path) -> None:
    """Each is read by another process when it is large; what is held here is what is measured."""
    size, files = 1 << 20, 12
    for number in range(files):
        write(tmp_path / "seeds", f"{number}.txt", f"{number:9}\n" * (size // 10))
    excerpt = {"path": "0.txt", "paths": [], "start": 0, "end": 9, "text": "elsewhere"}
    tracemalloc.start()
    try:
        (verdict,) = verify(
            {"excerpts": [excerpt], "nearest": []}, seeds=tmp_path / "seeds", index="none"
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert verdict.outcome == "changed"
    assert peak < files * size / 2


def test_members_of_an_archive_are_found_where_they_stand(
    tmp_path: Path,
) -> None:
    import zipfile

    (tmp_path / "seeds").mkdir()
    with zipfile.ZipFile(tmp_path / "seeds/a.zip", "w") as archive:
        for number in range(5):
            archive.writestr(f"{number}.txt", f"The text of number {number}.")
    write(tmp_path / "seeds", "a.zip!.txt", "Its name sorts between the archive and its members.")
    text = "The text of number 3."
    for path, outcome, found in (
        ("a.zip/3.txt", "valid", "a.zip/3.txt"),
        ("a.zip/1.txt", "moved", "a.zip/3.txt"),
        ("a.zip/9.txt", "moved", "a.zip/3.txt"),
    ):
        answer = quoting((path, text))
        assert one(verify(answer, seeds=tmp_path / "seeds", index="none")) == (outcome, found)


@pytest.mark.parametrize(
    "change",
    [
        {"text": None}, {"text": ""}, {"start": -1}, {"start": 9, "end": 3}, {"end": float("inf")},
        {"paths": 5}, {"paths": [1]}, {"path": None}, {"start": "one"}, {"start": float("nan")},
    ],
)  # fmt: skip
def test_an_excerpt_that_is_none_is_said_to_be_none(tmp_path: Path, change: object) -> None:
    answer = quoting(TOWER)
    answer["excerpts"][0] |= change  # type: ignore[index]
    with pytest.raises(QuestionsInvalid, match="not a saved answer"):
        verify(answer, seeds=tmp_path, index="none")


def test_only_the_folders_of_cited_files_are_listed_until_one_is_missing(
    within: Callable[..., tuple[Verdict, ...]], seeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    scandir = os.scandir

    def noting(path: str) -> object:
        listed.append(str(path).removeprefix(str(seeds)))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noting)
    write(seeds, "other/deep/barn.txt", "The barn is red.\n")
    assert one(within(quoting(MILL))) == ("valid", "notes/mill.txt")
    assert set(listed) == {"", "/notes"}
    (seeds / "notes/mill.txt").rename(seeds / "other/mill.txt")
    assert one(within(quoting(MILL))) == ("moved", "other/mill.txt")
    assert "/other/deep" in listed


def test_a_folder_that_cannot_be_listed_in_time_ends_no_verification_late(
    within: Callable[..., tuple[Verdict, ...]], seeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each entry takes a second of a clock that the test turns: what is at its place is compared."""
    for number in range(200):
        write(seeds, f"many/{number}.txt", "Nothing of note.\n")
    (seeds / "notes/mill.txt").rename(seeds / "many/mill.txt")
    turned = [0]
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + turned[0])
    scandir = os.scandir

    def slow(path: str) -> object:
        @contextmanager
        def entries() -> Iterator[Iterator[os.DirEntry[str]]]:
            with scandir(path) as found:
                yield (entry for entry in found if turn())

        return entries()

    def turn() -> bool:
        turned[0] += 1
        return True

    monkeypatch.setattr(os, "scandir", slow)
    valid, unknown = within(quoting(TOWER, MILL), seconds=60.0)
    assert (valid.outcome, valid.reason) == ("valid", "")
    assert (unknown.outcome, unknown.reason) == ("unknown", UNLISTED)
    assert turned[0] < 60


@pytest.mark.parametrize(
    ("names", "paths", "found"),
    [
        (["a.txt", "b.txt"], ["b.txt"], ["b.txt"]),
        (["a.zip", "a.zip!.txt", "a/b.txt"], ["a.zip/x/y.txt"], ["a.zip"]),
        (["a/b/c.txt", "a/b.txt", "a/bc.txt"], ["a/b.txt", "a/b/c.txt"], ["a/b.txt", "a/b/c.txt"]),
        (["a\nb.txt"], ["a\\x0ab.txt"], ["a\\x0ab.txt"]),
        (["a.txt", ".hidden.txt"], [".hidden.txt", "../outside.txt", "", "/", "a"], []),
    ],
)
def test_a_walk_finds_what_is_asked_for_and_no_more(
    tmp_path: Path, names: list[str], paths: list[str], found: list[str]
) -> None:
    for name in names:
        write(tmp_path / "seeds", name, "Text.")
    write(tmp_path, "outside.txt", "Text.")
    (tmp_path / "seeds" / "link.txt").symlink_to(tmp_path / "outside.txt")
    assert [at.path for at in walk(tmp_path / "seeds", only=[*paths, "link.txt"])] == found


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("page.pdf", b"%PDF-1.4\nnothing of the kind", "a damaged PDF"),
        ("letter.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, ""),
    ],
)
def test_a_cited_file_that_cannot_be_read_here_makes_no_quotation_false(
    within: Callable[..., tuple[Verdict, ...]],
    seeds: Path,
    index: Path,
    *,
    name: str,
    data: bytes,
    reason: str,
) -> None:
    """As where LibreOffice or tesseract is missing that was there when the index was built."""
    (seeds / name).write_bytes(data)
    answer = quoting((name, "Words of a page."))
    for (verdict,) in (within(answer), verify(answer, index=index)):
        assert verdict.outcome == "unknown"
        assert verdict.reason.startswith(f"{name} cannot be read: {reason}")


def test_an_unknown_verdict_says_what_was_not_looked_at(
    within: Callable[..., tuple[Verdict, ...]], seeds: Path, index: Path, tmp_path: Path
) -> None:
    write(seeds, "new.txt", "Something new that is too large to be read within these bounds.\n")
    (wordless,) = within(quoting(("none.txt", "!?")))
    (large,) = within(quoting(("none.txt", "Nothing at all.")), search_bytes=10)
    (late,) = within(quoting(("none.txt", "Nothing.")), seconds=0.0)
    (away,) = verify(quoting(TOWER), index=index, seeds=tmp_path / "none")
    assert [at.reason for at in (wordless, large, away)] == [WORDLESS, TOO_LARGE, AWAY]
    assert late.reason == UNLISTED
