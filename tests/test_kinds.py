"""The kind of answer that a question asks for, in the sentences that may hold it."""

import numpy as np
import pytest

from qa.asking.kinds import AnswerKind, asks_for_several, kind_of, kind_strengths, new_names

CAST = (
    "Mill Song is a film by Anna Kern.",
    "It was shot at a mill.",
    "The miller is played by Jan Brandt, and his wife by Ida Holm.",
)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How old is Ri?", AnswerKind.NUMBER),
        ("how many people who fled came back", AnswerKind.NUMBER),
        ("When was the mill built?", AnswerKind.DATE),
        ("In which year did it burn?", AnswerKind.DATE),
        ("who played the miller", AnswerKind.NAME),
        ("Where does the Alt end?", AnswerKind.NAME),
        ("Which cities does it pass?", AnswerKind.NAME),
        ("What is a mill?", AnswerKind.OTHER),
        ("mills and millers", AnswerKind.OTHER),
        ("Wer spielt den Müller?", AnswerKind.OTHER),
    ],
)
def test_a_question_asks_for_one_kind(question: str, kind: AnswerKind) -> None:
    assert kind_of(question) is kind


def test_who_is_answered_by_names_that_the_question_does_not_hold() -> None:
    assert [new_names("who played in mill song by anna kern", each) for each in CAST] == [0, 0, 4]
    first, second, third = kind_strengths("who played in mill song by anna kern", CAST)
    assert first == second == 0 < third


def test_the_first_word_of_a_sentence_or_of_its_quotation_is_no_name() -> None:
    assert new_names("who came", "Yesterday nobody came. “Nobody at all.”") == 0
    assert new_names("who came", "Yesterday came Paek.") == 1


def test_several_names_in_a_row_count_for_more_than_one_but_not_without_end() -> None:
    one, some, many = (
        kind_strengths("Who came?", [f"There came {names}."])[0]
        for names in ("Ann", "Ann, Bea and Cas", "Ann, Bea, Cas, Dan, Eve, Fay, Gus and Hal")
    )
    assert 0 < one < some < many < 0.11


def test_when_and_how_many_are_answered_by_dates_and_numbers() -> None:
    dated = kind_strengths("When was it built?", ["It was built in 1790.", "It has 17 sails."])
    assert dated[0] > 0 == dated[1]
    counted = kind_strengths("How many sails has it?", ["It has four sails.", "It is old."])
    assert counted[0] > 0 == counted[1]


def test_other_questions_prefer_no_sentence() -> None:
    assert not np.any(kind_strengths("What is a mill?", CAST))


@pytest.mark.parametrize(
    ("question", "several"),
    [
        ("Which firms did Ben ask?", True),
        ("Which documents mention the ferry?", True),
        ("Which North Korean soldiers were captured?", True),
        ("List the sections.", True),
        ("Name the people who came.", True),
        ("What are the five languages of love?", True),
        ("Who were the members?", True),
        ("What types of data do you collect?", True),
        ("In which countries is it spoken?", True),
        ("What does the mill do?", False),
        ("What did the soldiers say?", False),
        ("What causes rain?", False),
        ("What was the status?", False),
        ("Which gas is it?", False),
        ("Which process is used?", False),
        ("Who built the mill?", False),
    ],
)
def test_questions_for_several_things_are_known(question: str, several: bool) -> None:
    assert asks_for_several(question) is several
