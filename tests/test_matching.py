"""How passages and sentences match, against plain loops and by hand."""

from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from indexes import write_words

from qa.asking import late_interaction, questions, scoring
from qa.asking.highlights import JOINT_GAIN, highlights
from qa.asking.questions import LEAST_WEIGHT, EncodedQuestion, encoded_question
from qa.asking.reranking import Ranked
from qa.asking.scoring import CARRY_OVER, CONTEXT_CARRY_OVER, score
from qa.encoding import codebook, quantisation
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoder, codebook_of
from qa.index.words import Words

TEXTS = (
    "The engine starts.",
    "The engine stops.",
    "An engine of brass.",
    "The engine and its oil.",
)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Words:
    """Passages that all speak of an engine, as many as are believed."""
    return write_words(tmp_path_factory.mktemp("lexical") / "words", TEXTS * 100).words


@pytest.fixture(scope="module")
def book(encoders: Path) -> Codebook:
    return codebook_of(Encoder(folder=encoders))


def unit(random: np.random.Generator, rows: int) -> quantisation.Vectors:
    found = random.normal(size=(rows, 384)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def asked(tokens, weights, idf_weights) -> EncodedQuestion:  # type: ignore[no-untyped-def]
    ends = np.zeros(len(tokens), np.int32)
    return EncodedQuestion("", (), tokens[:0], tokens, weights, idf_weights, ends)


def test_maxsim_is_what_plain_loops_compute(book: Codebook) -> None:
    random = np.random.default_rng(5)
    question, tokens = unit(random, 4), unit(random, 30)
    weights, idf_weights = np.float32([0.4, 0.3, 0.2, 0.1]), np.float32([0, 0, 0.5, 0.5])
    codes = book.encode(tokens)
    runs, firsts = np.array([0, 3, 10, 10, 18, 18, 24, 30]), np.array([0, 4])
    decoded, full = book.decode(codes), quantisation.quantise(question)
    products = decoded @ full.T / np.float32(quantisation.SCALE**2)

    def best(first: int, last: int) -> list[float]:
        return [
            max(float((decoded[token] * asked).sum()) for token in range(first, last))
            / quantisation.SCALE**2
            for asked in full
        ]

    def maxsim(first: int, last: int, counted: np.ndarray = weights) -> float:
        return sum(a * float(b) for a, b in zip(best(first, last), counted, strict=True))

    found = score(products, asked(question, weights, idf_weights), runs, firsts)
    assert found.passages == pytest.approx([maxsim(0, 18), maxsim(18, 30)], rel=1e-5)
    expected = [maxsim(0, 18, idf_weights), maxsim(18, 30, idf_weights)]
    assert found.evidence == pytest.approx(expected, rel=1e-5)
    with_context = np.maximum(best(0, 3), best(10, 18)) @ weights
    firsts_own, lasts_own = maxsim(3, 10), maxsim(10, 18)
    inherited = [
        firsts_own + CONTEXT_CARRY_OVER * (maxsim(0, 10) - firsts_own),
        0.0,
        lasts_own + CONTEXT_CARRY_OVER * (float(with_context) - lasts_own),
    ]
    assert found.strengths[0] == pytest.approx(inherited, rel=1e-5)
    first, second, both = maxsim(18, 24), maxsim(24, 30), maxsim(18, 30)
    carried = second + CARRY_OVER * (both - second)
    assert found.strengths[1] == pytest.approx([first, carried], rel=1e-5)
    assert found.joint_gains[1] == pytest.approx([0, both - max(first, second)], abs=1e-6)


@pytest.mark.parametrize("asked", [1, 16, 17, 40])
def test_products_are_what_was_looked_up_place_by_place(book: Codebook, asked: int) -> None:
    random = np.random.default_rng(asked)
    tokens, question = unit(random, 20), unit(random, asked)
    codes = book.encode(tokens)
    products = late_interaction.token_products(book, codes, question)
    pieces = book.decode(codes).reshape(20, 1, -1, 2 * codebook.PIECE)
    parts = quantisation.quantise(question).reshape(1, asked, -1, 2 * codebook.PIECE)
    steps = (pieces * parts).sum(axis=3) / (quantisation.SCALE**2 * late_interaction.STEP)
    assert products.tolist() == (np.rint(steps).sum(axis=2) * late_interaction.STEP).tolist()
    assert products == pytest.approx(steps.sum(axis=2) * late_interaction.STEP, abs=5e-4)
    for size in (0, 1, 19):  # a token's products are its own
        alone = late_interaction.token_products(book, codes[:size], question)
        assert alone.tolist() == products[:size].tolist()


def test_no_sum_of_the_default_codebook_leaves_sixteen_bits(book: Codebook) -> None:
    longest = np.sqrt(np.square(book.centroids).sum(axis=2).max(axis=1).sum()) / quantisation.SCALE
    rounding = 48 / 2 * late_interaction.STEP
    assert longest + rounding < 2**15 * late_interaction.STEP


def test_a_match_is_the_same_wherever_its_passage_stands() -> None:
    """Batches differ between an index and one built anew: no bit of a match may."""
    random = np.random.default_rng(2)
    products = random.normal(size=(60, 30)).astype(np.float32)
    shares = (np.arange(30) / 435).astype(np.float32)
    question = asked(products[:0], shares, shares[::-1])
    bounds = [0, 1, 7, 20, 20, 33, 40, 41, 41, 60]  # with a passage without a context
    joint = score(products, question, np.array(bounds), np.array([0, 3, 6]))
    for number, first in enumerate((0, 3, 6)):
        rows = products[bounds[first] : bounds[first + 3]]
        runs = np.array(bounds[first : first + 4]) - bounds[first]
        alone = score(rows, question, runs, np.array([0]))
        assert alone.passages[0] == joint.passages[number]
        assert alone.evidence[0] == joint.evidence[number]
        assert alone.strengths[0].tolist() == joint.strengths[number].tolist()
        assert alone.joint_gains[0].tolist() == joint.joint_gains[number].tolist()


def test_each_token_is_of_the_word_that_it_ends_in() -> None:
    assert questions.words_of("What is it?", [2, 4, 7, 10, 11]) == ["what", "what", "is", "it", ""]
    assert questions.words_of("", [0]) == [""]


def test_a_word_that_is_too_long_for_the_word_index_is_rare(words: Words) -> None:
    digest = "0123456789abcdef" * 4
    assert words.stems(digest) == set()
    assert questions.idf(digest, words) == words.idf("zeppelin") > words.idf("engin")
    assert questions.idf("", words) == 0


def test_terms_are_found_in_a_text_however_they_are_written(words: Words) -> None:
    text = "Engines: 58,740 of them, by 5 July 2021."
    assert list(words.terms_in([text], ["engin", "gear"])) == [{"engin"}]
    dated = ["58740", "2021-07-05", "58"]
    assert list(words.terms_in(["", text], dated)) == [set(), set(dated)]
    assert list(words.terms_in([text], [])) == [set()]


def test_a_word_that_stands_everywhere_counts_for_little_and_a_stop_word_in_full(
    words: Words, encoders: Path
) -> None:
    question = "Where is the oil of the engine?"
    encoded = Encoder(folder=encoders).encode(question)
    asked = encoded_question(question, encoded, words, np.zeros(384, np.float32))
    where, _, _, oil, _, _, engine = asked.weights / asked.weights.max()
    assert where == 1
    assert oil > 0.9
    trust = words.count / (words.count + questions.HALF_TRUST)
    assert engine == pytest.approx(1 - (1 - LEAST_WEIGHT) * trust, abs=0.02)
    assert asked.weights.sum() == pytest.approx(1)
    assert asked.idf_weights.sum() == pytest.approx(1)
    assert asked.idf_weights[3] == pytest.approx(2 * asked.idf_weights[4]), (
        '"of" is as rare as "oil"'
    )
    assert asked.idf_weights[6] < 0.05 * asked.idf_weights[3]


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_what_all_passages_have_in_common_is_taken_away_in_part_and_nothing_else(
    seed: int, length: float
) -> None:
    random = np.random.default_rng(seed)
    tokens, common = unit(random, 5), unit(random, 1)[0]
    left = questions.without_common(tokens, np.float32(length) * common, 1.0)
    kept = 1 - length**4 / (length**4 + questions.HALF_REMOVED**2)
    assert left @ common == pytest.approx((tokens @ common) * kept, abs=1e-5)
    beside = tokens - (tokens @ common)[:, None] * common
    assert left - (left @ common)[:, None] * common == pytest.approx(beside, abs=1e-5)
    assert (np.linalg.norm(left, axis=1) <= 1 + 1e-5).all(), "products stay exact"


def test_words_of_the_sentence_before_count_and_rare_ones_count_more(
    words: Words,
) -> None:
    terms = words.terms("oil engine brass")
    sentences = ["The engine needs oil.", "It is black.", "Nothing."]
    first, second, third = scoring.word_strengths(words, terms, "", sentences)
    assert first > second > third == 0
    current = words.idf("oil") + words.idf("engin")
    full = current + words.idf("brass")
    assert second == pytest.approx(scoring.CONTEXT_WEIGHT * current / full, rel=1e-5)
    (named,) = scoring.word_strengths(words, terms, "Brass engines", ["Nothing."])
    assert named > 0


def test_a_pronoun_stands_for_what_any_sentence_before_names() -> None:
    matches = np.float32([[0.9, 0.1], [0.2, 0.2], [0.3, 0.5], [-1, -1], [0.1, 0.6]])
    sentences = ["The song is old.", "Rain fell.", "It features Ann.", "It is gone.", "They sing."]
    found = scoring.pronoun_strengths(matches, np.float32([0.5, 0.5]), sentences)
    part = scoring.PRONOUN_CARRY_OVER / 2
    assert found == pytest.approx([0, 0, part * 0.6, 0, part * 0.8])
    assert len(scoring.pronoun_strengths(matches[:0], np.float32([0.5, 0.5]), [])) == 0


def ranked(strengths: list[float], joint_gains: list[float]) -> Ranked:
    zeros = (0,) * (len(Ranked._fields) - 2)
    return Ranked(*zeros, np.float32(strengths), np.float32(joint_gains))


def test_neighbours_that_match_better_together_are_one_highlight() -> None:
    sentences = ["Paek is a sniper.", " Paek is 21.", " He likes tea.", " Rain falls."]

    def marked(strengths: list[float], joint_gains: list[float]) -> list[str]:
        text, ends = "".join(sentences), list(accumulate(map(len, sentences)))
        found = highlights(text, 0, ends, ranked(strengths, joint_gains))
        return [text[mark.start : mark.end] for mark in found]

    enough = JOINT_GAIN + 0.001
    both = ["Paek is a sniper. Paek is 21."]
    assert marked([0.3, 0.5, 0.2, 0.1], [0, enough, 0, 0]) == both
    assert marked([0.5, 0.3, 0.2, 0.1], [0, enough, 0, 0]) == both
    assert marked([0.3, 0.5, 0.2, 0.1], [0, JOINT_GAIN - 0.01, 0, 0]) == ["Paek is 21."]
    assert marked([0.49, 0.5, 0.48, 0.1], [0, 0.04, 0.05, 0]) == [
        "Paek is 21. He likes tea.",
        "Paek is a sniper.",
    ]
    sentences[1] = "\n\nPaek is 21."
    assert marked([0.3, 0.5, 0.2, 0.1], [0, enough, 0, 0]) == ["Paek is 21."], (
        "a paragraph of its own"
    )


def test_a_sentence_that_begins_with_a_pronoun_is_not_marked_alone() -> None:
    text, ends = "The mill is old. It was built in 1790. Rain falls.", [16, 38, 50]
    for strengths in ([0.2, 0.5, 0.1], [0.5, 0.2, 0.1]):
        (mark,) = highlights(text, 0, ends, ranked(strengths, [0, 0.011, 0]))
        assert text[mark.start : mark.end] == "The mill is old. It was built in 1790."


def test_a_heading_is_not_marked_without_what_follows_it() -> None:
    text, ends = "## How old is Ri?\n\nHe is 26. Rain falls.", [17, 28, 40]
    (mark,) = highlights(
        text, 0, ends, ranked([0.9, 0.3, 0.1], [0, 0, 0]), headings=["How old is Ri?"]
    )
    assert text[mark.start : mark.end] == "## How old is Ri?\n\nHe is 26."
    (mark,) = highlights(text, 0, ends, ranked([0.9, 0.3, 0.1], [0, 0, 0]))
    assert text[mark.start : mark.end] == "## How old is Ri?"


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.1)), min_size=1, max_size=9),
)
def test_highlights_never_overlap_and_the_best_comes_first(
    result: list[tuple[float, float]],
) -> None:
    text = "x" * 10 * len(result)
    ends = list(range(10, len(text) + 1, 10))
    strengths, joint_gains = map(list, zip(*result, strict=True))
    found = highlights(text, 0, ends, ranked(strengths, joint_gains))
    covered = [at for mark in found for at in range(mark.start, mark.end)]
    assert len(covered) == len(set(covered))
    assert [mark.strength for mark in found] == sorted((m.strength for m in found), reverse=True)
    assert all(mark.end - mark.start <= 20 for mark in found)
    if max(strengths) > 1e-5:
        best = int(np.argmax(np.float32(strengths)))
        assert found[0].start <= 10 * best < found[0].end
