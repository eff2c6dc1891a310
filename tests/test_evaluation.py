"""Figures worked by hand, then a small index measured for real."""

import json
from dataclasses import replace

import pytest
from answers import answer, excerpt
from conftest import SHARED
from hypothesis import given
from hypothesis import strategies as st

from qa.asking.service import QA
from qa.building import pipeline
from qa.errors import QuestionsInvalid
from qa.evaluation import metrics
from qa.evaluation.judging import Row, holds, judge
from qa.evaluation.marking import overlapping_words
from qa.evaluation.questions import Question, read_questions
from qa.evaluation.report import Report, compare, evaluate, figures

GOLD = Question("How old?", "a.txt", ((10, 14), (40, 44)))
SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def row(**result):
    result = {"spans": ((0, 1),), "answered": True, "confidence": 0.5, "seconds": 0.01} | result
    return Row(**({"file": "q", "question": "?", "document": "a.txt"} | result))


def test_an_excerpt_holds_the_answer_when_it_overlaps_a_gold_span_of_its_document():
    assert holds(excerpt("x" * 5, 6), GOLD)
    assert not holds(excerpt("x" * 4, 6), GOLD)
    assert not holds(excerpt("x" * 5, 14), GOLD)
    assert not holds(excerpt("x" * 5, 6, path="b.txt"), GOLD)
    assert holds(excerpt("x" * 5, 6, path="b.txt", paths=("b.txt", "a.txt")), GOLD)


def test_the_rank_counts_excerpts_then_nearest():
    result = answer(excerpt("x" * 9), nearest=[excerpt("y" * 9, 15), excerpt("z" * 9, 38)])
    judged = judge("q", GOLD, result, 0.5)
    assert (judged.rank, judged.seconds, judged.answered) == (3, 0.5, True)


def test_the_sentence_rank_goes_through_the_highlights_of_the_whole_ranking_by_strength():
    one, two = excerpt("x" * 9, 0), excerpt("y" * 30, 9, marks=((0, 3), (1, 9)))
    strong = replace(one, highlights=(one.highlights[0]._replace(strength=0.95),))
    judged = judge("q", GOLD, answer(strong, two), 0)
    # by strength: [9, 12) holds the start of the first gold span; [0, 9) is next, [10, 18) last
    assert judged.sentence_rank == 1
    judged = judge("q", GOLD, answer(strong, replace(two, path="b", paths=("b",))), 0)
    assert judged.sentence_rank is None


def test_a_highlight_that_holds_only_the_end_of_the_answer_is_no_hit():
    judged = judge("q", GOLD, answer(excerpt("x" * 20, 11)), 0)
    assert judged.rank == 1 and judged.sentence_rank is None


def test_a_last_line_that_was_broken_off_is_passed_over_with_a_warning(tmp_path):
    row = json.dumps({"question": "Öne?", "document": None}, ensure_ascii=False).encode()
    file, warnings = tmp_path / "feedback.jsonl", []
    for torn in range(1, len(row)):
        file.write_bytes(row + b"\n" + row[:torn])
        questions = read_questions(file, warn=warnings.append)
        assert [question.text for question in questions] == ["Öne?"]
    assert len(warnings) == len(row) - 1 and "line 2" in warnings[0]
    file.write_bytes(row + b"\n" + row)
    assert len(read_questions(file, warn=pytest.fail)) == 2
    file.write_bytes(row[:9] + b"\n" + row)
    with pytest.raises(QuestionsInvalid, match="line 1"):
        read_questions(file)


def test_of_judgements_the_last_of_a_place_counts_and_unhelpful_ones_are_left_out(tmp_path):
    place = {"document": "a.txt", "spans": [[0, 5]]}
    judged = [("One?", True), ("Two?", False), ("One?", False), ("Three?", True), ("Three?", True)]
    rows = [{"question": question, **place, "helpful": result} for question, result in judged]
    rows += [{"question": "Four?", **place}] * 2
    file = tmp_path / "feedback.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = [question.text for question in read_questions(file)]
    assert asked == ["Three?", "Four?", "Four?"]
    file.write_text(json.dumps(rows[1]))
    with pytest.raises(QuestionsInvalid, match="no question"):
        read_questions(file)


def test_overlap_as_worked_in_its_docstring():
    assert metrics.overlap(set(range(10)), set(range(4, 12))) == (0.6, 0.75, 0.5)
    assert metrics.overlap(set(), {1}) == (0, 0, 0)


def test_only_the_first_excerpts_highlights_are_measured_in_characters():
    result = answer(excerpt("x" * 20, 10, marks=((0, 8),)), excerpt("x" * 20, 30))
    judged = judge("q", GOLD, result, 0)
    # 8 characters said, 4 of them gold; 4 of 8 gold ones found; 12 in the union
    assert (judged.precision, judged.recall, judged.iou) == (0.5, 0.5, 4 / 12)


def test_highlights_of_another_document_are_all_wrong():
    judged = judge("q", GOLD, answer(excerpt("x" * 20, 10, path="b.txt")), 0)
    assert (judged.precision, judged.recall, judged.iou) == (0, 0, 0)


def test_pages_are_matched_in_the_right_document_only():
    paged = Question("?", "a.pdf", (), (4, 5))
    result = answer(
        excerpt(path="b.pdf", page=4), excerpt(path="a.pdf", page=3), excerpt(path="a.pdf", page=5)
    )
    judged = judge("q", paged, result, 0)
    assert judged.page_rank == 3 and judged.rank is None and judged.iou is None


def test_figures_of_four_questions_by_hand():
    rows = [
        row(rank=1, sentence_rank=2, precision=1.0, recall=0.5, iou=0.5, seconds=0.01),
        row(rank=4, sentence_rank=None, precision=0.0, recall=0.0, iou=0.0, seconds=0.02),
        row(rank=None, answered=False, precision=0.0, recall=0.0, iou=0.0, seconds=0.03),
        row(document=None, spans=(), answered=True, seconds=0.04),
    ]
    result = figures(rows)
    assert result["questions"] == 4
    assert result["hit@1"] == 1 / 3 and result["hit@5"] == 2 / 3
    assert result["MRR@10"] == pytest.approx((1 + 1 / 4) / 3)
    assert result["sentence@1"] == 0 and result["sentence@3"] == 1 / 3
    assert result["precision"] == 1 / 3 and result["recall"] == 0.5 / 3 and result["IoU"] == 0.5 / 3
    assert result["answered with answer"] == 2 / 3 and result["answered without answer"] == 1
    assert result["median ms"] == pytest.approx(25) and result["95% ms"] == pytest.approx(38.5)
    assert result["page@1"] is None


def test_agreement_as_worked_in_its_docstring():
    assert metrics.agreement(6, 10, 8) == (0.6, 0.75, pytest.approx(2 / 3))
    assert metrics.agreement(0, 0, 3) == metrics.agreement(0, 3, 0) == (0, 0, 0)


def test_words_are_summed_up_over_the_questions_with_spans():
    found = figures([row(words=(2, 4, 3)), row(words=(0, 0, 5)), row(document=None, spans=())])
    assert (found["word precision"], found["word recall"]) == (0.5, 0.25)
    assert found["word F1"] == pytest.approx(1 / 3)
    assert "word F1" not in figures([row()])


def test_a_word_counts_that_a_span_holds_a_part_of():
    text = "Ri is 26, he says.\nRain"
    assert overlapping_words(text, [(6, 8), (14, 20)]) == {6, 13, 19}
    assert overlapping_words(text, [(2, 3), (5, 5)]) == set()


def test_a_rank_below_ten_gives_no_reciprocal():
    assert [metrics.reciprocal(rank) for rank in (1, 4, 10, 11, None)] == [1, 0.25, 0.1, 0, 0]


def test_percentile_as_worked_in_its_docstring():
    assert metrics.percentile([40, 10, 30, 20], 0.5) == 25
    assert metrics.percentile([40, 10, 30, 20], 0.95) == pytest.approx(38.5)
    assert metrics.percentile([7], 0.95) == 7
    assert metrics.percentile([], 0.5) is None


def test_area_under_roc_as_worked_in_its_docstring():
    assert metrics.area_under_roc([0.9, 0.4], [0.5, 0.4]) == 0.625
    assert metrics.area_under_roc([1], []) is None


@given(SHARES, SHARES)
def test_area_under_roc_is_the_share_of_pairs_in_order(positive, negative):
    pairs = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    assert metrics.area_under_roc(positive, negative) == pytest.approx(sum(pairs) / len(pairs))


def test_calibration_error_as_worked_in_its_docstring():
    result = metrics.calibration_error([0.82, 0.88, 0.1], [True, False, False])
    assert result == pytest.approx((2 * 0.35 + 0.1) / 3)
    assert metrics.calibration_error([1.0, 0.0], [True, False]) == 0
    assert metrics.calibration_error([], []) is None


def test_precision_at_coverage_takes_the_most_confident_and_shares_ties():
    sure, right = [0.9, 0.8, 0.8, 0.1], [True, True, False, False]
    assert metrics.precision_at(0.25, sure, right) == 1
    assert metrics.precision_at(0.5, sure, right) == (1 + 0.5) / 2
    assert metrics.precision_at(1, sure, right) == 0.5
    assert metrics.precision_at(0.5, [], []) is None


def test_abstention_is_reported_only_when_questions_were_asked_without_their_document():
    rows = [
        row(rank=1, confidence=0.9, confidence_without=0.2),
        row(rank=2, confidence=0.4, confidence_without=0.4),
    ]
    result = figures(rows)
    assert result["area under ROC"] == 3.5 / 4
    # bins: .9 right; .2 wrong; .4 and .4 wrong
    assert result["calibration error"] == pytest.approx((0.1 + 0.2 + 0.8) / 4)
    assert result["precision at 50%"] == 1 and result["precision at 100%"] == 0.5
    assert "area under ROC" not in figures([row(rank=1)])


def test_a_comparison_names_what_got_better_and_worse():
    def report(**ranks):
        return Report("s", tuple(row(question=q, rank=r) for q, r in ranks.items()))

    result = compare(report(a=2, b=1, c=3, d=1), report(a=1, b=None, c=3, e=1))
    assert [change.question for change in result.better] == ["a"]
    assert [change.question for change in result.worse] == ["b"]
    assert result.shared == 3
    assert result.old["hit@1"] == result.new["hit@1"] == 1 / 3


def test_a_question_whose_excerpt_gained_and_whose_sentence_lost_is_neither():
    old = Report("s", (row(rank=2, sentence_rank=1),))
    new = Report("s", (row(rank=1, sentence_rank=2),))
    result = compare(old, new)
    assert not result.better and not result.worse


def test_a_report_survives_json():
    marked = row(rank=1, spans=((3, 9),), pages=(2,), words=(1, 2, 3))
    report = Report("s", (marked, row(document=None, spans=())))
    assert Report.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_a_report_from_before_words_were_counted_is_read():
    values = Report("s", (row(rank=1),)).to_dict()
    del values["rows"][0]["words"]
    assert Report.from_dict(values).rows[0].words is None


@pytest.mark.parametrize(
    "result", [{}, {"snapshot": "s", "rows": [{}]}, {"snapshot": 1, "rows": 5}]
)
def test_what_is_no_report_is_refused(result):
    with pytest.raises(QuestionsInvalid, match="qa eval"):
        Report.from_dict(result)


def test_a_question_file_is_read_line_by_line(tmp_path):
    file = tmp_path / "q.jsonl"
    file.write_text(
        '{"question": "One?", "document": "a.txt", "spans": [[1, 5]], "pages": [2]}\n\n'
        '{"question": "Two?", "document": null}\n'
    )
    assert read_questions(file) == [
        Question("One?", "a.txt", ((1, 5),), (2,)),
        Question("Two?", None),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "no JSON",
        "[]",
        "{}",
        '{"question": 5}',
        '{"question": "?", "document": 5}',
        '{"question": "?", "document": "a", "spans": [[1]]}',
        '{"question": "?", "document": null, "spans": [[1, 2]]}',
    ],
)
def test_a_line_that_is_no_question_is_named(tmp_path, line):
    file = tmp_path / "q.jsonl"
    file.write_text('{"question": "?", "document": null}\n' + line + "\n")
    with pytest.raises(QuestionsInvalid, match="line 2"):
        read_questions(file)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\n"])
def test_a_file_without_questions_is_refused(tmp_path, content):
    file = tmp_path / "q.jsonl"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(QuestionsInvalid, match=r"q\.jsonl"):
        read_questions(file)


def test_a_real_index_is_measured_with_and_without_the_right_document(tmp_path, library):
    seeds, index = library
    text = (seeds / "ri.txt").read_text()
    start = text.index("Ri is 26")
    file = tmp_path / "q.jsonl"
    rows = [
        {"question": "How old is Ri?", "document": "ri.txt", "spans": [[start, start + 8]]},
        {"question": "Who won the chess match on Mars?", "document": None},
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    messages = []
    with QA.open(index) as qa:
        report = evaluate(qa, [file], without_gold=True, progress=lambda *at: messages.append(at))
    first, second = report.rows
    assert (first.rank, first.sentence_rank) == (1, 1)
    assert first.confidence_without is not None and second.confidence_without is None
    # the copy of the right document is left out too
    assert first.confidence_without < first.confidence
    # of "Ri is 26 years old." the first three words are gold; the copy stands with it as one excerpt
    assert first.words == (3, 5, 3) and second.words is None
    assert messages == [(1, 2), (2, 2)]
    assert report.by_file()[str(file)]["hit@1"] == 1


@pytest.mark.skipif(not SHARED.is_dir(), reason="the question sets do not lie beside the project")
def test_the_seed_article_keeps_its_level(new_index):
    index = new_index()
    pipeline.build(SHARED / "seeds", index)
    with QA.open(index) as qa:
        report = evaluate(qa, [SHARED / "eval" / "seed" / "questions.jsonl"])
        disputed = qa.ask("How many North Korean soldiers have been killed or wounded?")
    result = figures(report.rows)
    assert result["hit@1"] >= 22 / 25
    assert result["hit@5"] == 1
    assert result["sentence@1"] >= 19 / 25
    assert sum(row.answered for row in report.rows if row.document) >= 23
    assert sum(not row.answered for row in report.rows if not row.document) >= 6
    text = "".join(excerpt.text for excerpt in disputed.excerpts)
    assert "3 000" in text and "2 700" in text, "the figures of both sources are shown"


def test_a_question_is_asked_of_the_files_that_its_row_names(library, tmp_path):
    _, index = library
    rows = [
        {"question": "How old is Ri?", "document": "ri.txt", "spans": [[39, 57]], "only": [glob]}
        for glob in ("*.txt", "mill.*")
    ]
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with QA.open(index) as qa:
        found = evaluate(qa, [file], without_gold=True)
    assert [row.rank for row in found.rows] == [1, None]


@pytest.mark.parametrize("only", ["*.txt", [1], 5])
def test_globs_that_are_none_are_an_error_with_the_line(tmp_path, only):
    file = tmp_path / "questions.jsonl"
    file.write_text(json.dumps({"question": "Who?", "document": "a", "only": only}) + "\n")
    with pytest.raises(QuestionsInvalid, match="line 1"):
        read_questions(file)
