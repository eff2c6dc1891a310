"""Globs on paths: what `fnmatch` says, whatever the globs and the paths."""

from fnmatch import fnmatchcase
from glob import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qa.index import globs
from qa.index.globs import Globs, kind, outline

LETTERS = "ab/*?[]!-^\\&~.\n"
GLOBS = st.lists(st.text(LETTERS, max_size=12), max_size=4)
PATHS = st.lists(st.text(LETTERS, max_size=12), min_size=1, max_size=6)


@pytest.mark.parametrize("small", [globs.SMALL, 0])  # 0: never by expressions
@example(asked=["[!]a]*", "[]-a]", "[a", "[!]", "a[b-]?"], paths=["b", "]", "[a", "[!]", "ab-"])
@example(asked=["[z-a]*", "[!z-a]", "a**b"], paths=["a", "ab", "azb"])
@given(asked=GLOBS, paths=PATHS)
def test_globs_name_the_paths_that_fnmatch_names(small, asked, paths):
    matcher = Globs(asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(globs, "SMALL", small)
        for path in paths:
            assert matcher.match(path) == any(fnmatchcase(path, glob) for glob in asked), path


@given(PATHS)
def test_an_escaped_path_names_itself_alone(paths):
    matcher = Globs([escape(path) for path in paths])
    assert all(map(matcher.match, paths))
    assert not any(matcher.match(f"{path}x") for path in paths if f"{path}x" not in paths)


def test_thousands_of_hostile_globs_over_long_paths_are_matched_in_one_pass(monkeypatch):
    """No expression is made of them: it would try each at every place of the path."""
    monkeypatch.setattr(Globs, "_expressions", property(lambda _: pytest.fail("an expression")))
    hostile = Globs([f"*{'?' * 300}b{number}*" for number in range(200)])
    assert not any(hostile.match("a" * 4_000 + "b") for _ in range(3))
    assert hostile.match("a" * 4_000 + "b199")


ENDINGS = st.sampled_from(["", "*", ".[aA]", ".[aA][bB]", ".a", ".7[zZ]", ".[aB]", "[.].[bB]"])


@example(glob="a.b*.[bB]", paths=["a.b", "a.bx.B"])
@example(glob="*.[aA]", paths=[".a", "x.A", "a.a\n", "a"])
@given(glob=st.builds(str.__add__, st.text(LETTERS, max_size=6), ENDINGS), paths=PATHS)
def test_an_outline_leaves_out_no_path_that_is_named(glob, paths):
    start, of_kind, is_complete = outline(glob)
    for path in [*paths, *(f"{path}.B" for path in paths), *(f"{path}.7z" for path in paths)]:
        fits = path.startswith(start) and of_kind in (None, kind(path))
        if fnmatchcase(path, glob):
            assert fits
        elif is_complete and globs.literal(glob) is None:
            assert not fits
