"""Other models than the default, other precisions, and models that cannot be exported."""

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import thin_models
from indexes import write
from onnx.numpy_helper import from_array, to_array

from qa.asking.service import QA
from qa.building.pipeline import build
from qa.encoding import adding, library, models, originals, shortening
from qa.encoding.encoder import Encoder
from qa.encoding.tokenizing import Tokens
from qa.errors import ModelMismatch, ModelMissing
from qa.settings import Settings

QUESTION = "How many sails has the mill?"


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder to which a model of two thin layers was added, with a codebook of few texts."""
    at = tmp_path_factory.mktemp("cache")
    (at / "texts").write_text(f"{thin_models.TEXT} {thin_models.QUESTION}\n" * 3, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adding, "TEXTS", at / "texts")
        patch.setenv("XDG_CACHE_HOME", str(at))
        adding.add(str(thin_models.make("mean", at / "thin")))
    return at


@pytest.fixture
def model(tmp_path: Path, once: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of that model, added."""
    shutil.copytree(once / "seedqa", tmp_path / "cache" / "seedqa")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return library.added_folder("thin")


def made(seeds: Path) -> Path:
    write(seeds, "mill.txt", "The mill has four sails. It grinds rye.")
    write(seeds, "ferry.txt", "The ferry crosses at six. In winter it rests.")
    return seeds


def test_another_model_is_used_once_it_was_added(tmp_path: Path, once: Path, model: Path) -> None:
    seeds, index = made(tmp_path / "seeds"), tmp_path / "index"
    with pytest.raises(ModelMissing, match="qa model add"):
        build(seeds, index, settings=Settings(str(once / "thin")))
    build(seeds, index, settings=Settings("thin"))
    with QA.open(index) as qa:
        answer = qa.ask(QUESTION)
        assert qa.manifest.dim == 64 and qa.manifest.code_bytes == 8
        (found,) = (e for e in answer.nearest if e.path == "mill.txt")
        assert found.text == "The mill has four sails. It grinds rye."
    tokenizer = model / "tokenizer.json"
    tokenizer.write_bytes(tokenizer.read_bytes() + b" ")
    with pytest.raises(ModelMismatch, match="qa build --full"):
        QA.open(index)


def test_a_model_that_is_named_by_a_relative_folder_is_found_from_another_one(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = made(tmp_path / "seeds")
    monkeypatch.chdir(model.parent)
    monkeypatch.setenv("QA_MODEL", "./thin")
    build(seeds, tmp_path / "index")
    monkeypatch.delenv("QA_MODEL")
    monkeypatch.chdir(tmp_path)
    assert build(seeds, tmp_path / "index").unchanged
    with QA.open(tmp_path / "index") as qa:
        assert qa.manifest.encoder == str(model)


def test_a_model_that_cannot_be_exported_is_run_by_the_original(
    tmp_path: Path, encoders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Path:
        raise ArithmeticError("the exported model does not agree with the original")

    monkeypatch.setattr(models, "export", refuse)
    with pytest.warns(UserWarning, match="is run by torch"):
        result = Encoder(folder=tmp_path / "none").encode(QUESTION)
    exported = Encoder(folder=encoders).encode(QUESTION)
    assert float(result.pooled @ exported.pooled) > 0.9999
    assert (result.tokens * exported.tokens).sum(axis=1).min() > 0.9999


@pytest.mark.parametrize("fault", ["none", "slight", "gross"])
def test_an_export_that_disagrees_with_the_original_is_not_kept(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """As of a model whose code asks how long its text is: the export knows one answer alone."""
    import torch

    share = {"none": 0.0, "slight": 0.03, "gross": 2.0}[fault]
    load = originals.load

    class Odd(torch.nn.Module):
        def __init__(self, source: Path, *, late: bool) -> None:
            super().__init__()
            self.inner = load(source, late=late)

        def __iter__(self) -> Iterator[object]:
            return iter(self.inner)

        def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            found = self.inner(features)
            tokens = found["token_embeddings"]
            if tokens.shape[1] > 8:  # the export is traced with a text of 8 tokens
                found["token_embeddings"] = tokens + share * tokens.flip(-1)
            return dict(found)

    monkeypatch.setattr(originals, "load", Odd)
    folder = tmp_path / "exports"
    shutil.rmtree(model / library.EXPORTS)
    encoder, text = Encoder("thin", folder=folder), "The mill has four sails. " * 3
    with warnings.catch_warnings(record=True) as messages:
        warnings.simplefilter("always")
        result = encoder.encode(text)
    assert [str(one.message) for one in messages if "is run by torch" in str(one.message)] == (
        []
        if fault == "none"
        else ["thin is run by torch: the exported model does not agree with the original"]
    )
    assert len(list(folder.iterdir())) == (2 if fault == "none" else 0)
    run = originals.run(originals.load(model, late=False), encoder.profile)
    tokens, pooled = run(encoder._tokens.passage(text))
    assert float(result.pooled @ models.unit(pooled)) > 0.9999
    assert (result.tokens * models.unit(tokens[1:-1])).sum(axis=1).min() > 0.9999


def test_an_index_of_int8_answers_and_knows_its_precision(tmp_path: Path) -> None:
    seeds, index = made(tmp_path / "seeds"), tmp_path / "index"
    build(seeds, index, settings=Settings(precision="int8"))
    with QA.open(index) as qa:
        assert qa.ask(QUESTION).excerpts[0].path == "mill.txt"
    small, full = Encoder(precision="int8", folder=index / "encoders"), Encoder(folder=index / "x")
    assert small.fingerprint != full.fingerprint
    (file,) = (index / "encoders").glob(f"{small.fingerprint}.*.onnx")
    assert file.stat().st_size < 40 << 20
    assert 0.9 < float(small.encode(QUESTION).pooled @ full.encode(QUESTION).pooled) < 1
    assert np.linalg.norm(small.encode(QUESTION).pooled) == pytest.approx(1, abs=1e-5)


def test_a_question_in_8_bits_is_nearly_what_it_is_in_32(encoders: Path) -> None:
    encoder, alone = Encoder(folder=encoders), Encoder(folder=encoders, threads=1)
    for question in (QUESTION, "Why?", "東京 or Köln, e-mail (x@example.org)?", "word " * 1000):
        short, full = encoder.encode_question(question), encoder.encode(question)
        assert (short.tokens * full.tokens).sum(axis=1).min() > 0.995
        assert float(short.pooled @ full.pooled) > 0.995
        assert short.ends.tolist() == full.ends.tolist()
        other = alone.encode_question(question)  # threads change no bit
        assert (short.tokens == other.tokens).all() and (short.pooled == other.pooled).all()


def test_who_asks_needs_the_model_for_questions_alone(
    tmp_path: Path, new_index: Callable[[], Path]
) -> None:
    seeds, index = made(tmp_path / "seeds"), new_index()
    build(seeds, index)
    (index / "encoders/0123456789abcdef.0123456789abcdef.onnx").write_bytes(b"a model of before")
    write(seeds, "tide.txt", "High water comes twice a day.")
    build(seeds, index)
    of_passages, of_questions = Encoder(folder=index).exports
    passages, questions = sorted(
        (index / "encoders").iterdir(), key=lambda file: file.name.startswith(of_questions)
    )
    assert passages.name.startswith(of_passages)
    assert questions.stat().st_size < passages.stat().st_size / 2
    questions.unlink()
    write(seeds, "tide.txt", "Low water comes twice a day, too.")
    build(seeds, index)  # leaves what those who ask need
    assert questions.exists()
    passages.unlink()
    with QA.open(index) as qa:
        result = qa.ask(QUESTION)
        assert result.excerpts[0].path == "mill.txt"
        assert not passages.exists()
    questions.unlink()
    with QA.open(index) as qa:  # made anew
        assert qa.ask(QUESTION).to_json() == result.to_json()
        assert questions.exists() and passages.exists()


def test_a_model_that_does_not_bear_8_bits_is_used_whole_for_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "QUESTION_CLOSE_ENOUGH", 0.99999)
    encoder = Encoder(folder=tmp_path)
    full = encoder.encode(QUESTION)
    assert (encoder.encode_question(QUESTION).tokens == full.tokens).all()
    assert len({file.stat().st_size for file in tmp_path.iterdir()}) == 1


def test_another_version_of_onnxruntime_that_says_the_same_leaves_an_index_as_it_is(
    tmp_path: Path,
    new_index: Callable[[], Path],
    encoded: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seeds, index = made(tmp_path / "seeds"), new_index()
    build(seeds, index)
    with QA.open(index) as qa:
        result = qa.ask(QUESTION)
    exports = sorted(file.name for file in (index / "encoders").iterdir())
    encoded.clear()
    monkeypatch.setattr(models, "VERSION", "99.0")
    with QA.open(index) as qa:
        assert qa.ask(QUESTION).to_json() == result.to_json()
    write(seeds, "tide.txt", "High water comes twice a day.")
    assert len(build(seeds, index).unchanged) == 2
    assert encoded == ["High water comes twice a day."]
    assert sorted(file.name for file in (index / "encoders").iterdir()) == exports


def test_an_export_of_which_another_version_of_onnxruntime_says_otherwise_is_made_anew(
    tmp_path: Path, encoders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (original,) = encoders.glob(f"{Encoder(folder=encoders).exports[1]}.*.onnx")
    changed = onnx.load(original)
    (weight, *_) = (each for each in changed.graph.initializer if each.name.endswith(" scales"))
    weight.CopyFrom(from_array(to_array(weight) * 3, weight.name))
    onnx.save(changed, tmp_path / original.name)
    full = Encoder(folder=encoders).encode_question(QUESTION)
    wrong = models.exported(tmp_path / original.name)  # by its own version: it is what it is
    tokens = Tokens(library.model_folder("all-MiniLM-L6-v2"), library.OF_DEFAULT)
    assert float(models.unit(wrong(tokens.question(QUESTION))[1]) @ full.pooled) < 0.99
    monkeypatch.setattr(models, "VERSION", "99.0")
    with pytest.raises(ArithmeticError, match=r"99\.0 computes other vectors"):
        models.exported(tmp_path / original.name)
    repaired = Encoder(folder=tmp_path)
    assert float(repaired.encode_question(QUESTION).pooled @ full.pooled) > 0.99999
    assert not (tmp_path / original.name).exists()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(("fault", "files"), [(1.0, 2), (0.0, 1)])
def test_short_weights_that_say_something_else_are_not_used_for_questions(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, fault: float, files: int
) -> None:
    exact = shortening._blocks

    def faulty(weight: models.Vectors) -> object:
        full, scales = exact(weight)
        random = np.random.default_rng(1).normal(size=scales.shape).astype(np.float32)
        return full, scales * fault + (1 - fault) * random

    monkeypatch.setattr(shortening, "_blocks", faulty)
    shutil.rmtree(model / library.EXPORTS)
    Encoder("thin", folder=tmp_path / "exports").encode(QUESTION)
    kinds = {file.stat().st_size for file in (tmp_path / "exports").iterdir()}
    assert len(kinds) == files  # one: the whole model stands in for the short one
