"""`seedqa.toml`: where it is found, what goes before it, and what it refuses."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from qa import settings_file
from qa.errors import SettingsInvalid

ROOT = Path(__file__).parents[1]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables are back where they were afterwards, and none of ours is set."""
    for name in [name for name in os.environ if name.startswith("QA_")]:
        monkeypatch.delenv(name)
    for key in settings_file.KEYS:
        monkeypatch.setenv(f"QA_{key.upper()}", "")  # so that it is taken back
        monkeypatch.delenv(f"QA_{key.upper()}")


def test_every_variable_of_a_build_and_a_server_may_stand_in_a_file() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "qa").rglob("*.py"))
    for key in settings_file.KEYS:
        assert f"QA_{key.upper()}" in code or f"    {key}: " in code, key
    assert not {"password", "libreoffice", "debug"} & settings_file.KEYS.keys()


@pytest.mark.usefixtures("alone")
def test_a_file_beside_the_index_counts_and_a_variable_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "seedqa.toml").write_text(
        'seeds = "texts"\nlimit = 3\nocr = true\nhosts = ["a.example", "b.example:8443"]\n'
    )
    monkeypatch.setenv("QA_LIMIT", "7")
    assert settings_file.use(None, tmp_path / "index") == tmp_path / "seedqa.toml"
    assert os.environ["QA_SEEDS"] == str(tmp_path / "texts")
    assert (os.environ["QA_LIMIT"], os.environ["QA_OCR"]) == ("7", "1")
    assert os.environ["QA_HOSTS"] == "a.example,b.example:8443"
    assert settings_file.use(None, tmp_path / "elsewhere" / "index") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("limits = 3", "did you mean limit"),
        ('password = "secret"', "no setting of a file"),
        ('limit = "3"', "give a whole number"),
        ("ocr = 1", "give true or false"),
        ("hosts = 'a'", "give a list of texts"),
        ("limit = ", "is not TOML"),
    ],
)
def test_what_means_nothing_in_a_file_is_said_with_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "seedqa.toml"
    file.write_text(text)
    with pytest.raises(SettingsInvalid, match=said) as raised:
        settings_file.read(file)
    assert str(file) in str(raised.value)


@pytest.mark.usefixtures("alone")
def test_the_file_that_init_writes_explains_every_setting_and_sets_those_given(
    tmp_path: Path,
) -> None:
    file = settings_file.write(tmp_path, {"seeds": 'my "texts"', "index": "index"})
    text = file.read_text()
    assert tomllib.loads(text) == {"seeds": 'my "texts"', "index": "index"}
    everything = "\n".join(line.removeprefix("# ") for line in text.splitlines() if " = " in line)
    assert tomllib.loads(everything).keys() == settings_file.KEYS.keys()
    for key in settings_file.KEYS.values():
        assert f"# {key.meaning}\n" in text
    with pytest.raises(SettingsInvalid, match="is there already"):
        settings_file.write(tmp_path, {})


def test_the_commands_take_their_settings_from_the_file(tmp_path: Path, library) -> None:
    seeds, index = library
    (tmp_path / "named.toml").write_text(f'index = "{index}"\nseeds = "{seeds}"\nlimit = 1\n')
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QA_")}
    command = [sys.executable, "-m", "qa", "--config", str(tmp_path / "named.toml"), "ask"]
    found = subprocess.run(
        [*command, "How old is Ri?", "--json"], cwd=tmp_path, env={**kept, "PYTHONPATH": str(ROOT)},
        check=True, capture_output=True,
    )  # fmt: skip
    answer = json.loads(found.stdout)
    assert answer["answered"] and len(answer["excerpts"] + answer["nearest"]) == 1
    wrong = subprocess.run(
        [*command[:4], str(tmp_path / "missing.toml"), "status"], cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert wrong.returncode == 2 and "missing.toml cannot be read" in wrong.stderr
