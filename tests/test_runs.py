"""Filters as runs of numbers are the sets that a plain list of numbers is."""

from collections.abc import Set as AbstractSet

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qa.index.runs import EMPTY, Numbers, Runs, up_to

LIMIT = 40
SETS = st.frozensets(st.integers(0, LIMIT - 1))
PAIRS = st.lists(st.tuples(st.integers(0, LIMIT), st.integers(0, LIMIT)), max_size=8)


def array(numbers: AbstractSet[int]) -> Numbers:
    return np.array(sorted(numbers), np.int64)


def is_canonical(runs: Runs) -> bool:
    """Whether no run is empty and between any two is a gap."""
    return bool(np.all(runs.starts < runs.ends) and np.all(runs.starts[1:] > runs.ends[:-1]))


@given(SETS)
def test_a_set_comes_back_from_its_runs(numbers: frozenset[int]) -> None:
    runs = Runs.of(array(numbers))
    assert runs.numbers.tolist() == sorted(numbers)
    assert runs.size == len(numbers)
    assert is_canonical(runs)
    everything = np.arange(LIMIT)
    assert runs.holds(everything).tolist() == [n in numbers for n in range(LIMIT)]


@given(SETS, SETS)
def test_runs_are_combined_as_sets_are(one: frozenset[int], other: frozenset[int]) -> None:
    mine, its = Runs.of(array(one)), Runs.of(array(other))
    for found, expected in (
        (mine.both(its), one & other),
        (mine.without(its), one - other),
        (Runs.union([mine, its]), one | other),
    ):
        assert found.numbers.tolist() == sorted(expected)
        assert is_canonical(found)


@given(PAIRS)
def test_bounds_in_any_order_give_the_numbers_between_them(pairs: list[tuple[int, int]]) -> None:
    starts, ends = np.array(pairs, np.int64).reshape(-1, 2).T
    found = Runs.between(starts, ends)
    assert set(found.numbers.tolist()) == {n for a, b in pairs for n in range(a, b)}
    assert is_canonical(found)


def test_a_folder_of_millions_is_one_run() -> None:
    folder = up_to(10_000_000).without(up_to(9))
    assert (folder.size, folder.nbytes) == (9_999_991, 16)
    assert up_to(0).size == EMPTY.size == Runs.union([]).size == 0
