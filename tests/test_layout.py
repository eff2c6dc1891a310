"""The order of the modules, their sole importers, the public names, and what the papers promise."""

import ast
import graphlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import typer

import qa
from qa import cli, reading

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "qa"
README = (ROOT / "README.md").read_text(encoding="utf-8")

ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
LISTED = re.compile(r"^(?P<indent>(?:  )+)(?P<name>\w+)(?P<kind>\.py|/) ", re.MULTILINE)


def listed():
    """The files and folders of the package in ARCHITECTURE.md's order, as dotted names."""
    picture = ARCHITECTURE.partition("\nqa/\n")[2].partition("```")[0]
    folders: list[str] = []
    for row in LISTED.finditer(picture):
        del folders[len(row["indent"]) // 2 - 1 :]
        folders.append(row["name"])
        yield ".".join(folders)


OPAQUE = ("cli", "web", "reading")  # their files import each other freely
LINES = tuple(listed())
ORDER = tuple(name for name in LINES if name in OPAQUE or name.partition(".")[0] not in OPAQUE)
SOLE_IMPORTERS = {
    "faiss": "index.dense",
    "tantivy": "index.lexical",
    "icu4py": "index.segmentation",
    "stop_words": "index.stop_words",
    "fasttext": "identification",
    "sentencex": "sentences",
    "huggingface_hub": "encoding.hub",
    "sentence_transformers": "encoding.originals",
    "torch": "encoding.originals",
    "obstore": "index.objects",
    "pymilvus": "index.milvus.server",
    "distributed": "building.scheduling",
    "onnxruntime": "encoding.models",
    "gradio": "web",
    "fastapi": "web",
    "jinja2": "web",
    "markupsafe": "web",
    "uvicorn": "web",
    "haystack": "integrations.haystack",
    "langchain_core": "integrations.langchain",
    "llama_index": "integrations.llamaindex",
    "mcp": "web",
    "prometheus_client": "web",
    "typer": "cli",
    "rich": "terminal",
    "pypdfium2": "reading",
    "lxml": "reading",
    "docx": "reading",
    "pptx": "reading",
    "openpyxl": "reading",
}


def module_of(file):
    """The file's name in ORDER; its folder's for a package's own, and in a folder listed as one."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    if parts[0] in OPAQUE:
        return parts[0]
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


@cache
def imported(file):
    """Every dotted name that a file imports, at the top or inside."""
    return tuple(_imported(file))


def _imported(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports by a relative name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(name):
    """The module of this package that an imported name belongs to, None for another's."""
    first, *rest = name.split(".")
    if first != "qa":
        return None
    found = (".".join(rest[:length]) for length in (3, 2, 1))
    return next((module for module in found if module in ORDER), "__init__")


def graph():
    """Module -> modules that it imports."""
    found = {name: set() for name in ORDER}
    for file in PACKAGE.rglob("*.py"):
        here = module_of(file)
        found[here].update(own(name) for name in imported(file))
        found[here] -= {None, here}
    return found


def tracked():
    """The text files of the checkout that are, or would be, in the history."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        file = ROOT / name
        data = file.read_bytes() if file.is_file() else b"\0"
        if b"\0" not in data:
            yield name, data.decode(errors="replace")


def test_every_module_has_its_place_in_the_order():
    there = {module_of(file) for file in PACKAGE.rglob("*.py")}
    assert there == set(ORDER)


def test_every_file_has_one_line_in_the_architecture():
    files = {file.relative_to(PACKAGE).with_suffix("").parts for file in PACKAGE.rglob("*.py")}
    there = {".".join(part for part in parts if part != "__init__") for parts in files} - {""}
    assert sorted(LINES) == sorted({*there, "__init__"})


def test_what_the_architecture_says_to_change_is_there():
    table = ARCHITECTURE.partition("## Where to change what")[2].partition("\n## ")[0]
    named = re.findall(r"`([^`]+)`", table)
    files = [ROOT / name for name in named if "/" in name]
    assert len(files) >= 15 and all(file.exists() for file in files)
    code = "".join(file.read_text(encoding="utf-8") for file in files if file.suffix == ".py")
    for name in named:
        assert "/" in name or re.search(rf"^(?:def|class)? ?{name}\b", code, re.MULTILINE), name


def test_a_module_imports_only_what_stands_below_it():
    wrong = {
        (above, below)
        for above, names in graph().items()
        for below in names
        if ORDER.index(below) < ORDER.index(above)
    }
    assert not wrong


def test_no_file_is_longer_than_350_lines():
    lengths = {
        file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8").count("\n")
        for file in PACKAGE.rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > 350} == {}


def test_no_function_is_longer_than_40_lines():
    lengths = {
        f"{file.relative_to(ROOT).as_posix()}::{node.name}": node.end_lineno - node.lineno + 1
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length > 40} == {}


def test_a_question_never_reaches_what_builds():
    reached, found = graph(), {"asking.service"}
    while more := {name for module in found for name in reached[module]} - found:
        found |= more
    assert not {name for name in found if name.partition(".")[0] in ("building", "web", "cli")}


def test_no_modules_import_each_other_in_a_circle():
    assert len(list(graphlib.TopologicalSorter(graph()).static_order())) == len(ORDER)


@pytest.mark.parametrize(("library", "owner"), SOLE_IMPORTERS.items())
def test_a_library_is_imported_in_one_place(library, owner):
    importers = {
        module_of(file)
        for file in PACKAGE.rglob("*.py")
        for name in imported(file)
        if name.partition(".")[0] == library
    }
    assert importers == {owner}


def test_every_dependency_has_its_reason_and_licence():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *extras["haystack"],
        *extras["langchain"],
        *extras["llamaindex"],
        *extras["mcp"],
        *extras["metrics"],
        *extras["ocr"],
        *extras["dev"],
    ]
    result = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = {
        name
        for row in re.findall(r"^\| ([^|]+) \|", result, re.MULTILINE)
        for name in row.split(", ")
    }
    names = {re.split(r"[<>=!~ \[]", requirement)[0] for requirement in wanted}
    assert names <= rows, f"not in ARCHITECTURE.md: {sorted(names - rows)}"


def test_every_file_that_is_no_code_is_in_the_package_and_every_pattern_names_one():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["qa"]
    packed = [set(PACKAGE.glob(pattern)) for pattern in patterns]
    names = [name for name, _ in tracked() if name.startswith("qa/") and not name.endswith(".py")]
    assert {ROOT / name for name in names} <= set().union(*packed)
    assert all(packed), "a pattern names nothing"


def test_every_requirement_is_pinned_without_a_host_and_without_cuda():
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in pins.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9._-]+==[0-9][\w.]*", line) for line in lines)
    assert "torch==2.13.0" in lines
    assert not re.search("nvidia|cuda|triton", pins)
    assert lines == sorted(lines)


def test_the_public_names_are_sorted_and_all_there():
    assert qa.__all__ == sorted(
        qa.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name)
    )
    assert set(qa.__all__) >= {"ask", "build", "QA", "verify", "Answer", "Excerpt", "Highlight"}
    for name in qa.__all__:
        assert getattr(qa, name).__doc__, f"{name} says nothing of itself"


def test_the_version_is_written_in_one_place():
    written = re.compile(rf"(?<![\w.=]){re.escape(qa.__version__)}(?![\w.])")
    places = {name for name, text in tracked() if written.search(text)}
    assert places - {"CHANGELOG.md"} == {"qa/version.py"}
    assert qa.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_error_is_public_but_those_that_never_leave_the_package():
    from qa import errors

    tree = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, qa.QAError)
    }
    assert tree - set(qa.__all__) <= {"Unsupported", "DocumentFailed"}
    assert all(f"── {name}" in errors.__doc__ for name in tree - {"QAError"})


def commands():
    """Name -> command, as the command line knows them."""
    return typer.main.get_command(cli.app).commands


@pytest.mark.parametrize("name", sorted(commands()))
def test_the_readme_documents_every_command_and_every_option_of_it(name):
    assert f"`qa {name}" in README
    for parameter in commands()[name].params:
        for option in (parameter.opts + parameter.secondary_opts) if parameter.opts else ():
            if option.startswith("--") and option != "--help":
                assert f"`{option}" in README, f"{option} of qa {name}"


def test_the_readme_names_every_setting_of_the_environment():
    code = "".join(file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py"))
    fields = {f"QA_{name.upper()}" for name in qa.Settings.__dataclass_fields__}
    for_tests_only = {"QA_CRASH_AT"}
    for name in fields | set(re.findall(r"\bQA_[A-Z_]*[A-Z]\b", code)) - for_tests_only:
        assert f"`{name}`" in README, name


def test_the_readmes_commands_run(tmp_path, encoders):
    """All but those that go on until they are ended."""
    script = "\n".join(
        line
        for block in re.findall(r"^```bash\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
        if re.match(r"qa (?!serve|watch|mcp)", line)
    )
    assert script.count("\n") >= 5
    (tmp_path / "questions.jsonl").write_text("".join(blocks("jsonl")), encoding="utf-8")
    run_in(
        tmp_path, encoders, ["bash", "-euc", f'qa() {{ "{sys.executable}" -m qa "$@"; }}\n{script}']
    )


def test_the_readmes_python_runs(tmp_path, encoders):
    code = "\n".join(blocks("python"))
    run_in(tmp_path, encoders, [sys.executable, "-W", "error", "-c", code])


def blocks(language):
    """The README's blocks in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def run_in(folder, encoders, command):
    """Runs the command where `seeds/` holds this project's documents."""
    shutil.copytree(ROOT / "seeds", folder / "seeds")
    for place in ("index", "cache/seedqa"):  # where highlight() keeps its own
        shutil.copytree(encoders, folder / place / "encoders")
    path = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / "cache")}
    done = subprocess.run(
        command, cwd=folder, env=path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readmes_two_commands_are_the_makefiles():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for name in ("run", "test"):
        assert name in targets and f"make {name}" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readmes_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_no_file_names_a_machines_path_or_a_package_registry():
    forbidden = (
        "/wo" + "rk/",
        "/op" + "t/",
        "/ro" + "ot/",
        "py" + "pi.org",
        "pythonhos" + "ted",
        "download.py" + "torch",
        "--extra-index" + "-url",
        "--index" + "-url",
    )
    found = [(name, word) for name, text in tracked() for word in forbidden if word in text]
    assert not found


def test_what_a_benchmark_imports_of_the_package_is_there():
    for file in (ROOT / "bench").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qa"):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    name = f"{node.module}.{alias.name}"
                    is_module = hasattr(module, "__path__") and importlib.util.find_spec(name)
                    assert hasattr(module, alias.name) or is_module, (
                        f"{file} imports {alias.name}, which is not in {node.module}"
                    )


def test_what_readers_import_is_in_their_fingerprint() -> None:
    by_module = packages_distributions()
    modules = {name for file in (PACKAGE / "reading").rglob("*.py") for name in imported(file)}
    of_modules = (by_module.get(name.partition(".")[0], ()) for name in modules)
    libraries = {library.lower() for of_module in of_modules for library in of_module} - {"seedqa"}
    by_ocr = {"pytesseract", "pillow"}  # which `ocr.fingerprint` names
    assert libraries - by_ocr <= {*reading._LIBRARIES}
    assert {"pyyaml", "lxml"} <= libraries
