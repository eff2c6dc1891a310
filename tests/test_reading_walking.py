"""Walking a folder: what is found, what is left out, and names that are safe to tell."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import SeedsMissing
from qa.reading.walking import Found, locate, safe, survey, walk


def put(folder, *names):
    """Write files of those names."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"Words of {file.name!r}.", encoding="utf-8", errors="surrogateescape")


def paths(folder, **options):
    return [found.path for found in walk(folder, **options)]


def left_out(folder, **options):
    """What cannot be a document, with its reason."""
    return {found.path: found.reason for found in survey(folder, **options) if found.reason}


def test_files_are_found_sorted_with_size_and_time(tmp_path):
    """Every file is there once, by path, as the file system has it."""
    put(tmp_path, "b.txt", "a/z.txt", "a.txt", "a/b/c.txt")
    found = walk(tmp_path)
    assert [one.path for one in found] == ["a.txt", "a/b/c.txt", "a/z.txt", "b.txt"]
    about = (tmp_path / "a.txt").stat()
    assert found[0] == Found("a.txt", about.st_size, about.st_mtime_ns)


def test_hidden_files_and_the_index_are_left_out(tmp_path):
    """Names that begin with a dot, and the index wherever it lies, are not documents."""
    put(tmp_path, "a.txt", ".hidden", ".git/b.txt", "index/CURRENT", "c/.d/e.txt", "indexes/f.txt")
    assert paths(tmp_path, leave_out=tmp_path / "index") == ["a.txt", "indexes/f.txt"]
    assert "index/CURRENT" in paths(tmp_path, leave_out=tmp_path.parent / "elsewhere")


def test_ignore_files_hold_as_git_has_them(tmp_path):
    """Patterns, anchors, folders, exceptions, and a deeper file that overrides the one above."""
    put(
        tmp_path,
        *("a.log", "keep.log", "b.txt", "build/x.txt", "docs/build.txt", "docs/only.txt"),
        *("docs/deep/a.log", "docs/deep/b.txt", "top.txt", "docs/top.txt"),
    )
    (tmp_path / ".qaignore").write_text("# logs\n*.log\n!keep.log\nbuild/\n/top.txt\n\n")
    (tmp_path / "docs" / ".qaignore").write_text("only.txt\n")
    (tmp_path / "docs" / "deep" / ".qaignore").write_text("!a.log\nb.*\n")
    assert paths(tmp_path) == [
        *("b.txt", "docs/build.txt", "docs/deep/a.log", "docs/top.txt", "keep.log"),
    ]


def test_git_agrees_on_what_is_ignored(tmp_path):
    """The same rules given to git leave the same files."""
    import shutil
    import subprocess

    if shutil.which("git") is None:
        pytest.skip("git is not on this machine")
    names = [
        "a.txt",
        "b.md",
        "x/a.txt",
        "x/y/b.md",
        "x/y/c.txt",
        "z/a b.txt",
        "z/[q].txt",
        "tmp/d.txt",
    ]
    put(tmp_path, *names)
    rules = "*.md\n!b.md\nx/**/c.txt\n/tmp\nz/a\\ b.txt\n\\[q].txt\n!x/y/b.md\n"
    for name in (".qaignore", ".gitignore"):
        (tmp_path / name).write_text(rules)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-standard"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    seen = [name for name in listed.stdout.decode().split("\0") if name and name[0] != "."]
    assert paths(tmp_path) == sorted(seen)


def test_an_ignore_file_of_nonsense_ignores_nothing(tmp_path):
    """Lines that are no pattern are passed over, as git does."""
    put(tmp_path, "a.txt")
    (tmp_path / ".qaignore").write_bytes(b"!\n/\n\xff\xfe\n\\\n***/[\n")
    assert paths(tmp_path) == ["a.txt"]


def test_links_that_leave_the_folder_are_told_and_not_followed(tmp_path):
    """Neither a file nor a folder elsewhere is read through a link, and each says why."""
    seeds = tmp_path / "seeds"
    put(seeds, "a.txt")
    put(tmp_path, "secret/b.txt")
    (seeds / "file").symlink_to(tmp_path / "secret" / "b.txt")
    (seeds / "folder").symlink_to(tmp_path / "secret")
    (seeds / "nothing").symlink_to(tmp_path / "missing")
    (seeds / "within").symlink_to(seeds / "b.txt")
    (seeds / "self").symlink_to(seeds / "self")
    (seeds / "named.log").symlink_to(tmp_path / "secret" / "b.txt")
    (seeds / ".qaignore").write_text("*.log\n")
    assert paths(seeds) == ["a.txt"]
    leaves = "a link that leaves the folder"
    nowhere = "a link that leads nowhere"
    messages = {
        "file": leaves,
        "folder": leaves,
        "nothing": leaves,
        "self": nowhere,
        "within": nowhere,
    }
    assert left_out(seeds) == messages


def test_a_link_into_the_index_is_left_out_without_a_word(tmp_path):
    """The index is no part of the documents, by whatever way it is reached."""
    put(tmp_path, "a.txt", "index/CURRENT")
    (tmp_path / "link").symlink_to(tmp_path / "index")
    found = survey(tmp_path, leave_out=tmp_path / "index")
    assert [(one.path, one.reason) for one in found] == [("a.txt", "")]


def test_an_index_around_the_folder_leaves_nothing_out(tmp_path):
    """The folder may lie within that of the index."""
    put(tmp_path, "index/seeds/a.txt")
    assert paths(tmp_path / "index" / "seeds", leave_out=tmp_path / "index") == ["a.txt"]


def test_links_within_the_folder_are_followed_without_going_round(tmp_path):
    """A linked file is found; a linked folder only where nothing else leads to it."""
    put(tmp_path, "a/x.txt", "b/y.txt", ".store/z.txt")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "other").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "other").symlink_to(tmp_path / "a")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a" / "x.txt")
    (tmp_path / "shelf").symlink_to(tmp_path / ".store")
    assert paths(tmp_path) == ["a/x.txt", "b/y.txt", "link.txt", "shelf/z.txt"]


def test_a_folder_that_is_itself_a_link_is_walked(tmp_path):
    """The folder named may be reached by a link."""
    put(tmp_path / "real", "a.txt")
    (tmp_path / "seeds").symlink_to(tmp_path / "real")
    assert paths(tmp_path / "seeds") == ["a.txt"]


def test_pipes_and_sockets_are_not_opened(tmp_path):
    """Only regular files are documents."""
    put(tmp_path, "a.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    assert paths(tmp_path) == ["a.txt"]
    assert left_out(tmp_path) == {"pipe.txt": "no regular file"}


@pytest.mark.parametrize("make", [lambda _: None, lambda path: path.write_text("x")])
def test_a_missing_folder_is_one_clear_line(tmp_path, make):
    """What is missing or no folder is said in a line that names it."""
    make(tmp_path / "seeds")
    with pytest.raises(SeedsMissing) as raised:
        walk(tmp_path / "seeds")
    assert "seeds" in str(raised.value) and "\n" not in str(raised.value)


def test_an_empty_folder_has_no_files(tmp_path):
    """Nothing found is an empty list; refusing it is the build's task."""
    assert walk(tmp_path) == []


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no undecodable names")
@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("plain é 港.txt", "plain é 港.txt"),
        ("two\nlines.txt", "two\\x0alines.txt"),
        ("bell\x07.txt", "bell\\x07.txt"),
        ("turn\u202e.txt", "turn\\xe2\\x80\\xae.txt"),
        ("bytes\udcff\udc80.txt", "bytes\\xff\\x80.txt"),
        ("back\\x0a.txt", "back\\x5cx0a.txt"),
        ("back\\slash.txt", "back\\slash.txt"),
    ],
)
def test_a_name_that_is_not_safe_to_print_is_told_in_another_way(tmp_path, name, messages):
    """The path told is one line of UTF-8, and leads back to the file."""
    put(tmp_path, name)
    assert paths(tmp_path) == [messages]
    messages.encode("utf-8")
    assert locate(tmp_path, messages).read_text().startswith("Words")


@given(
    st.text(st.characters(exclude_categories=()) | st.sampled_from("\\x0a5c\udcff"), max_size=12)
)
def test_every_name_has_one_telling_and_the_way_back(name):
    """What is told is safe, and locating it gives the name again."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return  # no file has such a name
    if (
        os.fsdecode(os.fsencode(name)) != name
        or "/" in name
        or "\0" in name
        or name in ("", ".", "..")
    ):
        return
    messages = safe(name)
    messages.encode("utf-8")
    assert len(messages.splitlines()) == 1
    assert locate(Path("seeds"), messages) == Path("seeds") / name
