"""An index that an earlier version wrote opens, or is refused with the command that mends it."""

import os
import shutil
from pathlib import Path

import pytest
from indexes import write

from qa.asking.service import QA
from qa.building.pipeline import build
from qa.errors import IndexForeign
from qa.settings import FORMAT

DATA = Path(__file__).parent / "data"


def thawed(name: str, at: Path, encoders: Path) -> Path:
    """A frozen index, with the exported model that every machine makes for itself."""
    shutil.copytree(DATA / name, at)
    shutil.copytree(encoders, at / "encoders", copy_function=os.link)
    return at


def test_the_frozen_index_of_this_format_answers(tmp_path: Path, encoders: Path) -> None:
    with QA.open(thawed(f"index-format-{FORMAT}", tmp_path / "index", encoders)) as qa:
        answer = qa.ask("What does the mill grind?")
        german = qa.ask("Wann wurde die Brücke gebaut?").excerpts[0]
    assert (german.path, german.language) == ("bruecke.md", "de")
    best = (*answer.excerpts, *answer.nearest)[0]
    assert best.path == "mill.md"
    assert best.text == "# The mill\n\nThe mill has four sails. It grinds rye."
    assert best.freshness == "unknown"


@pytest.mark.parametrize("format_", range(1, FORMAT))
def test_an_index_of_an_older_format_is_refused_and_a_build_mends_it(
    tmp_path: Path, encoders: Path, format_: int
) -> None:
    index = thawed(f"index-format-{format_}", tmp_path / "index", encoders)
    with pytest.raises(IndexForeign, match="qa build --full"):
        QA.open(index)
    (index / "encoders/0dd5eee4ddba489f.onnx").write_bytes(b"a model of before")
    write(tmp_path / "seeds", "mill.md", "The mill grinds rye.")
    build(tmp_path / "seeds", index)
    with QA.open(index) as qa:
        assert qa.ask("What does the mill grind?").excerpts[0].path == "mill.md"
        assert qa.snapshot.damaged() == []
