"""Ignore files: what they name, as git has it, and what they cannot do."""

import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import SHARED

from qa.reading.ignoring import RULES_LIMIT, SIZE_LIMIT, Rules, rule_of
from qa.reading.walking import survey, walk

CASES = SHARED / "cases" / "hostile"
ODD = re.compile(r"[^/]\*\*+\\?/")  # git 2.39 itself says now this of it and now that
RUNS = int(os.environ.get("QA_LONG", "150"))

NAMES = [
    *("a", "b", "ab", "aab", "ba", "a.b", "c c", "[a]", "a!b", "#a", "-", "a-b", "aXb", "A", "1"),
    *(".x", "a\\b", "b "),
]
PIECES = [
    *("a", "b", "c", "A", "1", ".", "-", " ", "!", "#", "*", "?", "/", "**/", "/**", "a*b", "\\"),
    *("\\*", "\\a", "\\ ", "[ab]", "[!a]", "[^b]", "[a-c]", "[]a]", "[!]]", "[a-]", "[-a]"),
    *("[z-a]", "[\\]a]", "[b-\\d]", "[[:alpha:]]", "[[:digit:]X]", "[[:nope:]]", "[", "[a"),
]


def verdict(line: str, path: str) -> bool | None:
    """What one line says of a file, once its folders were looked at as a walk does."""
    rule = rule_of(line)
    rules = Rules("", (rule,) if rule else ())
    parts = path.split("/")
    result = None
    for count in range(1, len(parts) + 1):
        found = rules.judge("/".join(parts[:count]), is_folder=count < len(parts))
        result = result if found is None else found
        if found:
            break
    return result


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not on this machine")
def test_git_says_the_same_of_made_up_patterns_and_paths(tmp_path):
    """Each pattern is given to git with many paths."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    chance = random.Random(int(os.environ.get("QA_SEED", "1")))
    for _ in range(RUNS):
        line = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 5)))
        if ODD.search(line):
            continue
        paths = ["/".join(chance.choices(NAMES, k=chance.randint(1, 4))) for _ in range(30)]
        (tmp_path / ".gitignore").write_text(f"{line}\n")
        messages = subprocess.run(
            ["git", "check-ignore", "--no-index", "-z", "-v", "-n", "--stdin"],
            cwd=tmp_path,
            input="\0".join(paths),
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split("\0")
        for rule, path in zip(messages[2::4], messages[3::4], strict=False):
            result = bool(rule) and not rule.startswith("!")
            assert bool(verdict(line, path)) == result, (line, path)


@pytest.mark.parametrize(
    ("line", "path", "result"),
    [
        ("*.log", "a/b.log", True),
        ("!*.log", "a/b.log", False),
        ("build/", "a/build/c", True),
        ("build/", "a/build", None),
        ("/top", "a/top", None),
        ("a/b", "a/b/c", True),
        ("a/b", "x/a/b", None),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**", "a", None),
        ("**/b/c", "a/b/c", True),
        ("trail  ", "trail", True),
        ("a\\ ", "a ", True),
        ("line\r", "line", None),
        ("\\", "\\", None),
        ("caf?", "caf\u00e9", True),
        ("", "", None),
        ("# a", "# a", None),
    ],
)
def test_a_line_names_what_it_names_in_git(line, path, result):
    """A few by hand, for those who read this."""
    assert verdict(line, path) is result


HOSTILE = {
    "many stars": ("*a*a*a*a*a*ab", "a" * 255),
    "hundreds of stars": ("*a" * 300 + "b", "a" * 255),
    "many deep stars": ("**/a/" * 200 + "b", "a/" * 1_000 + "a"),
    "both": ("**/*a*a/" * 60 + "b", "aaaa/" * 400 + "a"),
    "classes": ("*[a-z]" * 100 + "1", "a" * 255),
    "one long piece": ("*" + "a" * 2_000 + "b*", "a" * 4_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_pattern_takes_more_steps_than_its_length_times_the_paths(name):
    """Each of these takes hours in an expression that goes back."""
    pattern, path = HOSTILE[name]
    rule = rule_of(pattern)
    assert rule is not None
    for _ in range(100):
        assert rule.expression.fullmatch(path) is None


def refused(folder: Path) -> dict[str, str]:
    return {found.path: found.reason for found in survey(folder) if found.reason}


def seeds_in(folder: Path) -> Path:
    """A folder with one file."""
    (folder / "seeds" / "sub").mkdir(parents=True)
    (folder / "seeds" / "a.log").write_text("Words.")
    (folder / "seeds" / "sub" / "b.log").write_text("Words.")
    return folder / "seeds"


def test_an_ignore_file_that_is_no_small_regular_file_of_the_folder_is_told(tmp_path):
    """Pipes and devices are not opened, links out are not followed; each is named with its reason."""
    seeds = seeds_in(tmp_path)
    (tmp_path / "elsewhere").write_text("*.log\n")
    (seeds / "rules").write_text("*.log\n")
    at = seeds / "sub" / ".qaignore"
    for make, reason in (
        (lambda: os.mkfifo(at), "no regular file"),
        (lambda: at.symlink_to("/dev/zero"), "a link that leaves the folder"),
        (lambda: at.symlink_to(tmp_path / "elsewhere"), "a link that leaves the folder"),
        (at.mkdir, "is a directory"),
        (lambda: at.write_bytes(b"#" * (SIZE_LIMIT + 1)), "larger than 32 kB"),
        (lambda: at.write_text("a\n" * (RULES_LIMIT + 1)), "more than 1,000 rules"),
    ):
        make()
        assert reason in refused(seeds)["sub/.qaignore"]
        assert "sub/b.log" in [found.path for found in walk(seeds)]
        at.rmdir() if at.is_dir() and not at.is_symlink() else at.unlink()
    at.symlink_to(seeds / "rules")
    assert refused(seeds) == {}
    assert "sub/b.log" not in [found.path for found in walk(seeds)]


def test_long_names_under_hostile_rules_are_walked(tmp_path):
    """The rules are those of the shared case and their like; one of them names a file."""
    seeds = seeds_in(tmp_path)
    rules = "*a*a*a*a*a*ab\n*b*b*b*b*b*c*\n"
    if CASES.exists():
        rules += (CASES / "redos.qaignore").read_text()
    (seeds / ".qaignore").write_text(rules)
    for name in ("a" * 250, "a" * 240 + "b", "b" * 200 + "c"):
        (seeds / name).write_text("Words.")
    assert "a" * 250 in [found.path for found in walk(seeds)]
    assert not {"a" * 240 + "b", "b" * 200 + "c"} & {found.path for found in walk(seeds)}
