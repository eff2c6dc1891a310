"""Lines that stand for themselves: logs, lists and forms are split by them, wrapped prose is not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from indexes import write

from qa.asking.service import QA
from qa.building.pipeline import build
from qa.entries import entries
from qa.records import Block, Document
from qa.splitting import split

LOG = (
    "2024-05-01 10:02:11 INFO Started. Listening on 0.0.0.0.\n"
    "2024-05-01 10:02:15 ERROR The disk is full\n   at write (disk.c:40)\n"
    "2024-05-01 10:03:00 WARN A query took 3 s\n"
    "2024-05-01 10:03:02 INFO The mail server accepted forty messages\n"
    "2024-05-01 10:04:10 WARN The clock of the gateway is 4 s late\n"
    "2024-05-01 10:05:30 INFO Backup finished with 12 files\n"
)


def sentences(text: str) -> list[str]:
    """The sentences of a text of one block, without blanks around them."""
    document = Document("0" * 64, "text 1", text, blocks=(Block(0, len(text)),))

    def token_ends(part: str) -> list[int]:
        return [at + 1 for at, sign in enumerate(part) if not sign.isspace()]

    found = []
    for passage in split(document, token_ends, limit=10_000, window=20_000):
        start = passage.start
        for end in passage.sentences:
            found.append(text[start:end].strip())
            start = end
    return found


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (LOG, 6),
        (
            "Jan 12 03:04:05 host sshd[12]: Accepted. Key 1.\nJan 12 03:04:09 host cron[1]: Done\n",
            2,
        ),
        ("[INFO] Building\n[WARN] Slow\n[ERROR] Failed. See above.\n", 3),
        ('{"level":"info","msg":"started"}\n{"level":"error","msg":"failed"}\n', 2),
        ("06:00 Boat to the island\n07:30 Boat back\n", 2),
        ("Milk\nTwo eggs\nRye bread\n", 3),
        ("milk\neggs\nbread and butter\n", 3),
        ("Steps:\n1. Open the lid\n2. Fill in the water\n3. Close it\n", 4),
        ("- the first item goes on\n  in another line\n- the second\n", 2),
        ("Name: Ri\nAge: 26\nUnit: Storm Corps\n", 3),
        ("Kim Paek, private, 22\r\nRi Song, sergeant, 26\r\nChoe Min, cook, 31\r\n", 3),
    ],
)
def test_each_line_of_a_log_a_list_or_a_form_is_a_sentence(text: str, count: int) -> None:
    assert len(sentences(text)) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (("The ferry crosses the river at six in the morning and does not\nrun in winter, because of "
         "the ice that lies on the river from\nDecember on. Two men work on it.\n"), 2),
        (("THE SOFTWARE IS PROVIDED AS IS WITHOUT WARRANTY OF ANY KIND\nEXPRESS OR IMPLIED INCLUDING "
         "BUT NOT LIMITED TO THE WARRANTIES\nOF MERCHANTABILITY AND FITNESS FOR A PURPOSE AND\n"
         "NONINFRINGEMENT IN NO EVENT SHALL THE AUTHORS\n"), 1),
        ("He went to the\nmarket and then\nhome. It was late\nand dark\n", 2),
        ("The woods are lovely, dark and deep,\nBut I have promises to keep,\nAnd miles to go.\n", 1),
        ("渡船在冬天不运行因为河上有冰\n渡船在夏天每天两次过河运人\n许多人都在等着它回来\n", 1),
        ("One line alone", 1),
        (
            ("Share of the population that was infected (mean, credible interval)\n"
            "Austria 1.1% (0.4 to 3.1)\nBelgium 3.7% (1.3 to 9.7)\nNorway 0.4% (0.1 to 1.2)\n"),
            1,
        ),
    ],
)  # fmt: skip
def test_wrapped_prose_is_not_split_by_its_lines(text: str, count: int) -> None:
    assert len(sentences(text)) == count


LINE = st.one_of(
    st.text(st.sampled_from("aB 1.-:=\"'{}[]()é汉"), max_size=40),
    st.sampled_from(["2024-05-01 10:02 INFO x", "- item", "1. one", "Name: Ri", " more", ""]),
)


@given(st.lists(LINE, max_size=8), st.sampled_from(["\n", "\r\n", "\r"]))
def test_entries_end_in_order_within_the_text_and_none_is_lost(lines: list[str], end: str) -> None:
    text = end.join(lines)
    ends = entries(text).ends
    assert list(ends) == sorted(set(ends)) and all(0 < at <= len(text) for at in ends)
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_a_line_of_a_log_is_highlighted_by_itself(
    tmp_path: Path, new_index: Callable[[], Path]
) -> None:
    write(tmp_path / "seeds", "server.log", LOG)
    index = new_index()
    build(tmp_path / "seeds", index)
    with QA.open(index) as qa:
        answer = qa.ask("How late is the clock of the gateway?")
    first = (*answer.excerpts, *answer.nearest)[0]
    marks = [first.text[m.start - first.start : m.end - first.start] for m in first.highlights]
    assert marks[0] == "2024-05-01 10:04:10 WARN The clock of the gateway is 4 s late"
