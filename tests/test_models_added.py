"""Models are added, listed and removed; each form gives what sentence-transformers gives."""

import json
import shutil
from collections.abc import Callable, Iterator
from functools import cache as cache_calls
from itertools import pairwise
from pathlib import Path

import hub
import numpy as np
import pytest
import thin_models
from indexes import write
from thin_models import QUESTION, TEXT

from qa import Answer, cli
from qa.asking.highlighting import Highlighter
from qa.asking.questions import encoded_question
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.encoding import adding, library, originals
from qa.encoding.encoder import Encoder
from qa.encoding.models import unit
from qa.errors import DownloadFailed, ModelMissing, ModelRefused, QuestionsInvalid, SettingsInvalid
from qa.evaluation import calibrating
from qa.index.words import Words
from qa.settings import Settings

LONG = f"{TEXT} " * 40


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user's cache folder; codebooks are made of few texts: that is quick."""
    at = tmp_path_factory.mktemp("cache")
    (at / "texts").write_text(f"{TEXT} {QUESTION}\n" * 3, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adding, "TEXTS", at / "texts")
        patch.setenv("XDG_CACHE_HOME", str(at))
        yield at


@pytest.fixture(scope="module")
def thin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small model."""
    return thin_models.make("mean", tmp_path_factory.mktemp("models") / "thin")


def original(folder: Path, *, late: bool) -> thin_models.Model:
    """A model as sentence-transformers loads it, as it was before it was added."""
    from sentence_transformers import MultiVectorEncoder, SentenceTransformer

    kind = MultiVectorEncoder if late else SentenceTransformer
    return kind(str(folder), device="cpu", local_files_only=True)


POOLED = [form for form in thin_models.FORMS if "late" not in form.lower()]
LATE = [form for form in thin_models.FORMS if form not in POOLED]


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Encoder, Path]]:
    """Gives the encoder of a model of some form that was added, and the folder that it was."""

    @cache_calls
    def add(form: str) -> tuple[Encoder, Path]:
        at = tmp_path_factory.mktemp("form")
        folder = thin_models.make(form, at / "model")
        name = adding.add(str(folder), name=form.replace(" ", "-").replace(",", "")).name
        return Encoder(name, folder=at / "exports"), folder

    return add


@pytest.mark.parametrize("form", POOLED)
def test_each_form_gives_the_vectors_that_sentence_transformers_gives(added, form: str) -> None:
    encoder, folder = added(form)
    theirs = original(folder, late=False)
    theirs.max_seq_length = encoder.profile.passage.window  # some state none, and then fail
    dim, passage = theirs.get_embedding_dimension(), theirs.prompts.get("passage")
    assert encoder.dim == -(-dim // 8) * 8
    for text in (QUESTION, TEXT, LONG, "¿東京? 😀"):
        for ours, expected, least in (
            # sentence-transformers 6 passes over "passage": every model has an empty "document"
            (encoder.encode(text), theirs.encode_document(text, prompt=passage), 0.9999),
            (encoder.encode_question(text), theirs.encode_query(text), 0.99),
        ):
            assert float(ours.pooled[:dim] @ unit(expected)) > least
            assert not ours.pooled[dim:].any() and not ours.tokens[:, dim:].any()
            assert len(ours.tokens) == len(ours.ends)
            assert (np.diff(ours.ends) >= 0).all() and (ours.ends <= len(text)).all()
    ends = encoder.encode(TEXT).ends.tolist()
    own = [TEXT[start:end] for start, end in pairwise([0, *ends])]
    assert "".join(own) == TEXT  # no token of a prompt, no special one, and none missing
    assert len(ends) == len(encoder.token_ends(TEXT))


@pytest.mark.parametrize(
    "form", ["mean", "prompts", "no special tokens", "bytes, places from 2 on"]
)
def test_the_vectors_of_tokens_are_those_of_the_text_alone(added, form: str) -> None:
    encoder, folder = added(form)
    theirs, prompt = original(folder, late=False), encoder.profile.passage.prompt
    expected = theirs.encode_document(TEXT, prompt=prompt, output_value="token_embeddings")
    special = 0 if form == "no special tokens" else 1
    first = special + len(encoder.token_ends(prompt))
    expected = unit(np.asarray(expected)[first : len(expected) - special])
    found = encoder.encode(TEXT)
    assert found.tokens.shape == expected.shape
    assert (found.tokens * expected).sum(axis=1).min() > 0.9999


def test_a_projection_is_one_of_every_token(added) -> None:
    encoder, folder = added("projected")
    theirs = original(folder, late=False)
    inner = np.asarray(theirs.encode_document(TEXT, output_value="token_embeddings"))[1:-1]
    layer = theirs[2].linear
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    expected = unit(np.tanh(inner @ weight.T + bias))
    assert (encoder.encode(TEXT).tokens * expected).sum(axis=1).min() > 0.9999


@pytest.mark.parametrize("form", LATE)
def test_a_late_interaction_model_gives_the_vectors_that_it_defines(added, form: str) -> None:
    encoder, folder = added(form)
    theirs = original(folder, late=True)
    found, expected = encoder.encode(TEXT), unit(theirs.encode_document(TEXT).numpy())
    assert encoder.dim == expected.shape[1]
    # theirs are those of [CLS], the marker and [SEP], too: the text's own stand between
    marker = len(expected) - len(found.tokens) - 1
    assert marker >= 2
    assert all(TEXT[end - 1].isalnum() for end in found.ends)  # punctuation is left out
    assert (found.tokens * expected[marker:-1]).sum(axis=1).min() > 0.9999
    mean = unit(expected.mean(axis=0))
    assert float(found.pooled @ mean) > 0.9999
    asked, expected = encoder.encode_question(QUESTION), unit(theirs.encode_query(QUESTION).numpy())
    filled = int((asked.ends > len(QUESTION)).sum())
    assert filled > 10 and len(expected) == 32
    assert (asked.tokens[-filled:] * expected[-filled:]).sum(axis=1).min() > 0.99
    own, marker = asked.tokens[:-filled], 1 + len(encoder.token_ends("[Q] "))
    assert (own * expected[marker : marker + len(own)]).sum(axis=1).min() > 0.99
    long = encoder.encode_question(LONG)
    assert (long.ends <= len(LONG)).all() and len(long.tokens) < 32


def test_tokens_that_fill_a_question_up_count_in_the_ranking_and_are_no_evidence(added) -> None:
    encoder, _ = added("late")
    words = Words(["en"], 1_000, lambda term: 1 if term == "mill" else 900)
    mean = np.zeros(encoder.dim, np.float32)
    asked = encoded_question(QUESTION, encoder.encode_question(QUESTION), words, mean)
    filled = asked.ends > len(QUESTION)
    assert filled.sum() > 10
    assert (asked.weights[filled] == asked.weights.max()).all()
    assert not asked.idf_weights[filled].any()


@pytest.mark.parametrize("form", ["projected", "an odd dimension", "late", "no special tokens"])
def test_an_index_of_any_form_is_built_and_asked(tmp_path: Path, added, form: str) -> None:
    encoder, _ = added(form)
    write(tmp_path / "seeds", "mill.txt", "The mill has four sails. It grinds rye.")
    write(tmp_path / "seeds", "ferry.txt", "The ferry crosses at six. In winter it rests.")
    build(tmp_path / "seeds", tmp_path / "index", settings=Settings(encoder.name))
    with QA.open(tmp_path / "index") as qa:
        answer = qa.ask("How many sails has the mill?")
    assert not answer.answered and answer.confidence is None
    assert {each.path for each in answer.nearest} == {"mill.txt", "ferry.txt"}
    assert "is not known" in str(answer) and "%" not in str(answer)
    assert Answer.from_dict(answer.to_dict()) == answer


@pytest.mark.parametrize("question", ["How many sails has the mill?", "the mill and its sails"])
def test_highlights_of_a_model_without_a_calibration_claim_no_probability(added, question) -> None:
    """They are given in their order; no strength is positive, and the best one's is 0."""
    encoder, _ = added("late")
    highlighter = Highlighter(encoder, Settings(encoder.name))
    texts = ["The mill has four sails. It grinds rye.", "The ferry crosses at six."]
    strengths = [
        mark.strength for marks in highlighter.highlight(question, texts) for mark in marks
    ]
    assert max(strengths) == 0.0 and min(strengths) <= 0.0
    with pytest.raises(SettingsInvalid, match="nobody knows of the model"):
        highlighter.highlight(question, texts, least=0.2)


def test_what_stands_beside_a_text_in_a_batch_changes_no_bit_of_its_vectors(added) -> None:
    """As torch runs them on a GPU; here on a CPU."""
    for form in ("mean", "late", "bytes, places from 2 on"):
        encoder, _ = added(form)
        model = originals.load(encoder.source, late=encoder.profile.is_late)
        many = originals.run_many(model, encoder.profile, "cpu")
        texts = [TEXT, QUESTION, "rye", TEXT[:60], f"{TEXT} {QUESTION}"]
        given = [encoder._tokens.passage(text) for text in texts]
        together, other = many(given), many([*given[::-1], given[0], *given])
        for at, (tokens, pooled) in enumerate(together):
            (alone,) = many([given[at]])
            assert (tokens == alone[0]).all() and (pooled == alone[1]).all()
            again = other[len(given) - 1 - at]
            assert (tokens == again[0]).all() and (pooled == again[1]).all()
            exported = encoder.encode(texts[at])
            assert float(unit(pooled) @ exported.pooled) > 0.9999


def test_what_the_command_says_is_enough_to_build_with_the_model(
    tmp_path: Path, thin: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (thin / "README.md").write_text("---\nlicense: mit\n---\nA model.\n")
    assert cli.run(["model", "add", str(thin), "--name", "our/thin"]) == 0
    said = capsys.readouterr().out
    assert "licence mit" in said and "QA_MODEL=our/thin qa build" in said
    assert cli.run(["model", "add", str(thin), "--name", "our/thin"]) == 1
    assert "qa model remove our/thin" in capsys.readouterr().err
    assert cli.run(["model", "list"]) == 0
    assert "our/thin" in (listed := capsys.readouterr().out) and "all-MiniLM-L6-v2" in listed
    write(tmp_path / "seeds", "mill.txt", "The mill has four sails.")
    monkeypatch.setenv("QA_MODEL", "our/thin")
    build(tmp_path / "seeds", tmp_path / "index")
    assert cli.run(["model", "remove", "our/thin"]) == 0
    capsys.readouterr()
    assert cli.run(["model", "list", "--json"]) == 0
    names = [model["name"] for model in json.loads(capsys.readouterr().out)["added"]]
    assert "our/thin" not in names
    with pytest.raises(ModelMissing, match="qa model add our/thin"):
        QA.open(tmp_path / "index")


def test_prompts_that_a_model_does_not_name_can_be_given(tmp_path: Path, thin: Path) -> None:
    prompts = adding.Prompts("query: ", "passage: ")
    name = adding.add(str(thin), name="with-prompts", prompts=prompts).name
    encoder, theirs = Encoder(name, folder=tmp_path), original(thin, late=False)
    assert float(encoder.encode(TEXT).pooled @ unit(theirs.encode(f"passage: {TEXT}"))) > 0.9999
    asked = encoder.encode_question(QUESTION)
    assert float(asked.pooled @ unit(theirs.encode(f"query: {QUESTION}"))) > 0.99
    assert asked.ends[-1] == len(QUESTION)


def test_a_model_of_pickles_or_of_unknown_parts_is_refused_and_leaves_nothing(
    tmp_path: Path, thin: Path
) -> None:
    pickled = shutil.copytree(thin, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(ModelRefused, match="safetensors"):
        adding.add(str(pickled))
    several = tmp_path / "several"
    thin_models.pooled(several, thin_models.bert(several), mode=("mean", "max"))
    with pytest.raises(ModelRefused, match="several ways at once"):
        adding.add(str(several))
    spoilt = shutil.copytree(thin, tmp_path / "spoilt")
    (spoilt / "config.json").write_text("{")
    with pytest.raises(ModelRefused, match="does not load"):
        adding.add(str(spoilt))
    left = {at.name for at in library.models_folder().iterdir()}
    assert not left & {"pickled", "several", "spoilt"} and not any("draft" in at for at in left)
    for name in ("../up", "/etc", "a/b/c", "all-MiniLM-L6-v2", ".hidden"):
        with pytest.raises(SettingsInvalid, match="name"):
            adding.add(str(thin), name=name)


@pytest.fixture
def a_hub(tmp_path: Path, thin: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[hub.Hub]:
    """A hub with one model, by which downloads go."""
    at = shutil.copytree(thin, tmp_path / "hub" / "owner" / "thin")
    (at / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    (at / "pytorch_model.bin").write_bytes(b"a pickle" * 9)
    (at / "onnx").mkdir()
    (at / "onnx" / "config.json").write_text("{}")
    with hub.serving(tmp_path / "hub") as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


def test_a_model_of_the_hub_is_downloaded_once_and_nothing_else_is_asked_for(
    tmp_path: Path, thin: Path, a_hub: hub.Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    said: list[str] = []
    model = adding.add("owner/thin", report=said.append)
    assert model.source == f"owner/thin {hub.REVISION}" and model.licence == "apache-2.0"
    assert any("MB, licence apache-2.0" in line for line in said)
    paths = {line.partition("?")[0] for line, _ in a_hub.asked}
    files = {
        path.rpartition("/resolve/")[2].partition("/")[2] for path in paths if "resolve" in path
    }
    assert {"model.safetensors", "1_Pooling/config.json", "README.md"} <= files
    assert "pytorch_model.bin" not in files and "onnx/config.json" not in files
    others = {path for path in paths if "/owner/thin/resolve/" not in path}
    assert others == {"GET /api/models/owner/thin"}
    assert not any("authorization" in map(str.lower, headers) for _, headers in a_hub.asked)
    assert not (tmp_path / "home").exists()
    a_hub.asked.clear()
    monkeypatch.delenv("HF_ENDPOINT")
    expected = unit(original(thin, late=False).encode_document(TEXT))
    found = Encoder("owner/thin", folder=tmp_path / "exports").encode(TEXT)
    assert float(found.pooled @ expected) > 0.9999 and not a_hub.asked
    library.remove("owner/thin")


def test_what_is_not_as_the_hub_describes_it_is_not_kept(a_hub: hub.Hub) -> None:
    a_hub.spoilt = "model.safetensors"
    with pytest.raises(DownloadFailed, match=r"model\.safetensors is not what the hub describes"):
        adding.add("owner/thin")
    a_hub.spoilt = "tokenizer.json"
    with pytest.raises(DownloadFailed, match=r"tokenizer\.json is not what"):
        adding.add("owner/thin")
    with pytest.raises(DownloadFailed, match="the hub has no such model"):
        adding.add("owner/other")
    (a_hub.folder / "owner/thin/model.safetensors").unlink()
    with pytest.raises(DownloadFailed, match="no weights as safetensors"):
        adding.add("owner/thin")
    assert not (library.models_folder() / "owner").exists()


def test_without_a_network_the_command_ends_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    assert cli.run(["model", "add", "owner/thin"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "owner/thin was not downloaded" in line


def test_a_model_has_a_confidence_once_it_is_calibrated(
    tmp_path: Path, added, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder, _ = added("mean")
    seeds, rows = tmp_path / "seeds", []
    for number in range(45):
        text = f"Mill {number} was built in {1600 + number}. Ferry {number} crosses at six."
        write(seeds, f"mill{number}.txt", text)
        question = f"When was mill {number} built?"
        end = text.index(".") + 1
        rows.append({"question": question, "document": f"mill{number}.txt", "spans": [[0, end]]})
    build(seeds, tmp_path / "index", settings=Settings(encoder.name))
    few, many = tmp_path / "few.jsonl", tmp_path / "many.jsonl"
    few.write_text("".join(json.dumps(row) + "\n" for row in rows[:5]))
    many.write_text("".join(json.dumps(row) + "\n" for row in rows))
    calibrate = ["model", "calibrate", "--index", str(tmp_path / "index")]
    assert cli.run([*calibrate, str(few)]) == 1
    assert "take questions that give 30 of each" in capsys.readouterr().err
    assert cli.run([*calibrate, str(many)]) == 0
    assert f"{encoder.name} is calibrated with 45 questions" in capsys.readouterr().out
    with QA.open(tmp_path / "index") as qa:
        there, not_there = qa.ask(rows[3]["question"]), qa.ask("Who paints the lighthouse?")
    assert there.answered and there.confidence > 0.3
    assert not_there.confidence < there.confidence


def test_a_model_that_cannot_tell_answers_from_none_is_given_no_confidence() -> None:
    random = np.random.default_rng(1)
    rows = random.normal(size=(400, 4)) * [1, 1, 1, 0]
    right, always = random.random(400) < 0.5, np.ones(400, bool)
    data = calibrating.Labelled(rows, always, always, right, ~always)
    with pytest.raises(QuestionsInvalid, match="it is given no confidence"):
        calibrating._area(data)
    rows[:, 0] += 3 * right
    assert calibrating._area(data) > 0.9
