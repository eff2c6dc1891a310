"""Models of two thin layers with weights drawn by chance, in every form that sentence-transformers has."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

QUESTION = "How many sails has the mill?"
TEXT = "The mill has four sails, and grinds rye. The ferry crosses at six; in winter it rests."
WORDS = [
    QUESTION,
    TEXT,
    "query: passage: Represent this sentence for searching: [Q] [D]",
    "a b c 1 2 3",
]

Model = Any


def make(form: str, folder: Path) -> Path:
    """A model of that form, saved in the folder."""
    import torch

    torch.manual_seed(1)
    FORMS[form](folder)
    return folder


def bert(folder: Path, *, window: int = 128, special: bool = True, dim: int = 64) -> Model:
    """A transformer module whose tokenizer knows word pieces."""
    from transformers import BertConfig, BertModel

    tokenizer = word_pieces(window, special=special)
    shape = BertConfig(
        vocab_size=len(tokenizer), hidden_size=dim, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=96, max_position_embeddings=window,
    )  # fmt: skip
    return transformer(BertModel(shape), tokenizer, folder)


def word_pieces(window: int, *, special: bool) -> Model:
    """A tokenizer of word pieces, with `[CLS]` and `[SEP]` or without any special token."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=names, show_progress=False)
    tokenizer.train_from_iterator(WORDS, trainer)
    if special:
        ids = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=ids
        )
    given = {"pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
    if special:
        given |= {"cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=window, **given)


def roberta(folder: Path) -> Model:
    """A transformer module whose tokenizer knows bytes, and that numbers places from 2 on."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator(WORDS, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        unk_token="<unk>", mask_token="<mask>", cls_token="<s>", sep_token="</s>",
    )  # fmt: skip
    shape = XLMRobertaConfig(
        vocab_size=len(fast), hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=96, max_position_embeddings=130, pad_token_id=1,
    )  # fmt: skip
    return transformer(XLMRobertaModel(shape), fast, folder)


def transformer(network: Model, tokenizer: Model, folder: Path) -> Model:
    """The module of a network and its tokenizer."""
    from sentence_transformers.sentence_transformer.modules import Transformer

    parts = folder.with_name(f"{folder.name}.parts")
    network.save_pretrained(parts)
    tokenizer.save_pretrained(parts)
    return Transformer(str(parts))


def pooled(folder: Path, first: Model, *more: Model, mode: str = "mean", **options: Any) -> None:
    """Saves a model that pools."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    counts = options.pop("include_prompt", True)
    pooling = Pooling(first.get_embedding_dimension(), mode, include_prompt=counts)
    model = SentenceTransformer(modules=[first, pooling, *more], device="cpu", **options)
    model.save(str(folder), create_model_card=False)


def dense(inner: int, outer: int, activation: str = "Tanh", **options: Any) -> Model:
    """A projection."""
    import torch
    from sentence_transformers.base.modules import Dense

    return Dense(inner, outer, activation_function=getattr(torch.nn, activation)(), **options)


def late(folder: Path, *, attend: bool = False, dim: int = 48) -> None:
    """Saves a late-interaction model as sentence-transformers has it."""
    import string

    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Normalize
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    first = bert(folder)
    first.query_expansion = {"strategy": "fixed", "attend": attend, "length": 32}
    of_tokens = {"module_input_name": "token_embeddings"}
    model = MultiVectorEncoder(
        modules=[
            first,
            dense(64, dim, "Identity", bias=False, **of_tokens),
            MultiVectorMask(skiplist_words=list(string.punctuation)),
            Normalize(**of_tokens),
        ],
        prompts={"query": "[Q] ", "document": "[D] "},
        device="cpu",
    )
    model.save(str(folder), create_model_card=False)


def pylate(folder: Path) -> None:
    """Saves a late-interaction model as PyLate does: a projection of its own, prefixes beside it."""
    from sentence_transformers import SentenceTransformer

    first = bert(folder)
    known = first.tokenizer.add_tokens(["[Q] ", "[D] "])
    first.model.resize_token_embeddings(len(first.tokenizer))
    assert known == 2
    projection = dense(64, 96, "Identity", bias=False)
    SentenceTransformer(modules=[first, projection], device="cpu").save(
        str(folder), create_model_card=False
    )
    rewrite(
        folder / "config_sentence_transformers.json",
        model_type="ColBERT", query_prefix="[Q] ", document_prefix="[D] ", query_length=32,
        document_length=100, attend_to_expansion_tokens=False,
    )  # fmt: skip
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = "pylate.models.Dense.Dense"
    (folder / "modules.json").write_text(json.dumps(modules))
    projected = json.loads((folder / modules[1]["path"] / "config.json").read_text())
    names = ("in_features", "out_features", "bias", "activation_function")  # all that PyLate writes
    kept = {name: projected[name] for name in names}
    (folder / modules[1]["path"] / "config.json").write_text(json.dumps(kept))


def rewrite(file: Path, **values: object) -> None:
    """Changes values in a JSON file."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def normalised() -> Model:
    """The module that gives vectors unit length."""
    from sentence_transformers.base.modules import Normalize

    return Normalize()


E5 = {"query": "query: ", "passage": "passage: "}
FORMS: dict[str, Callable[[Path], None]] = {
    "mean": lambda at: pooled(at, bert(at)),
    "first token, normalised": lambda at: pooled(at, bert(at), normalised(), mode="cls"),
    "prompts": lambda at: pooled(at, bert(at), prompts=E5),
    "a prompt that is not pooled": lambda at: pooled(
        at, bert(at), prompts={"query": "Represent this sentence: "}, include_prompt=False
    ),
    "projected": lambda at: pooled(at, bert(at), dense(64, 40), normalised()),
    "an odd dimension": lambda at: pooled(at, bert(at), dense(64, 50, "Identity")),
    "bytes, places from 2 on": lambda at: pooled(at, roberta(at)),
    "no special tokens": lambda at: pooled(at, bert(at, special=False), mode="max"),
    "a long window": lambda at: pooled(at, bert(at, window=1024)),
    "late": late,
    "late, expansion read": lambda at: late(at, attend=True, dim=128),
    "PyLate": pylate,
}
