"""What a model says of itself: whether it is a late-interaction model, and its profile."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qa.encoding.library import Expansion, Profile, Side
from qa.errors import ModelRefused

LONGEST = 1 << 15  # tokens that a window has at most
LEAST = 24, 64  # tokens of a question and of a passage, whose context takes up to 34
# parts behind a transformer
KNOWN = ("Dense", "LayerNorm", "Normalize", "Dropout", "MultiVectorMask")
AFTER_PADDING = (  # families that number the places of tokens from that of padding on
    "roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer", "xmod",
)  # fmt: skip
NAMES = {  # of a model's prompts, as sentence-transformers looks for them
    "question": ("query",),
    "passage": ("document", "passage", "corpus"),
}


def is_late(source: Path) -> bool:
    """Whether a model's files say that it is a late-interaction model, of whichever library."""
    configured = _read(source / "config_sentence_transformers.json")
    modules = _read(source / "modules.json")
    kinds = [str(module.get("type")) for module in modules] if isinstance(modules, list) else []
    return (
        configured.get("model_type") in ("ColBERT", "MultiVectorEncoder")
        or "query_prefix" in configured
        or "HF_ColBERT" in (_read(source / "config.json").get("architectures") or ())
        or any("pylate" in kind or "multi_vector" in kind for kind in kinds)
    )


def profile_of(model: Any) -> Profile:
    """What a loaded model expects and gives. Raises ModelRefused where that is not known here."""
    late = type(model).__name__ == "MultiVectorEncoder"
    _check(model, late=late)
    transformer = model[0]
    expansion = transformer.query_expansion if late else None
    question = _side(model, transformer.query_length, NAMES["question"])
    if expansion and expansion["strategy"] == "fixed":  # it says how long a question is
        question = question._replace(window=expansion["length"])
    passage = _side(model, transformer.document_length, NAMES["passage"])
    if question.window < LEAST[0] or passage.window < LEAST[1]:
        raise ModelRefused(f"it reads too few tokens ({question.window} and {passage.window})")
    return Profile(
        dim=int(model.get_embedding_dimension()),
        question=question,
        passage=passage,
        is_late=late,
        pools_prompt=all(getattr(module, "include_prompt", True) for module in model),
        skipped=_skipped(model),
        expansion=_expansion(model.tokenizer, expansion) if expansion else None,
    )


def _check(model: Any, *, late: bool) -> None:
    """Raises ModelRefused where a part of the model is none that is understood."""
    kinds = [type(module).__name__ for module in model]
    known = KNOWN if late else (*KNOWN, "Pooling")
    if kinds[0] != "Transformer" or not set(kinds[1:]) <= set(known):
        raise ModelRefused(f"its parts are not known here ({', '.join(kinds)})")
    if not late and kinds.count("Pooling") != 1:
        raise ModelRefused(f"it does not pool its tokens once ({', '.join(kinds)})")
    if not all(isinstance(getattr(module, "pooling_mode", ""), str) for module in model):
        raise ModelRefused("it pools its tokens in several ways at once")
    for module in model:
        if getattr(module, "keep_only_token_ids", None):
            raise ModelRefused("it keeps some kinds of tokens alone")
        if "query" in getattr(module, "skiplist_tasks", ()) and module.skiplist_words:
            raise ModelRefused("it leaves words of questions out")
    if not getattr(model.tokenizer, "is_fast", False):
        raise ModelRefused("its tokenizer is not one of the library `tokenizers`")
    if model.tokenizer.truncation_side != "right":
        raise ModelRefused("it leaves out the beginning of a long text, not its end")


def _side(model: Any, length: int | None, names: Iterable[str]) -> Side:
    """How the model reads texts that go by one of these names in its prompts."""
    # an empty one stands for "document" in every model, and would go before a named "passage"
    named = (model.prompts.get(name) for name in (*names, model.default_prompt_name))
    prompt = next(filter(None, named), "")
    return Side(prompt, min(_window(model), length or LONGEST))


def _window(model: Any) -> int:
    """The tokens that the model reads at once: the least that any part of it states."""
    config = model[0].config
    places = getattr(config, "max_position_embeddings", None)
    if places and config.model_type in AFTER_PADDING:
        places -= config.pad_token_id + 1
    limits = (model.max_seq_length, model.tokenizer.model_max_length, places, LONGEST)
    return min(int(limit) for limit in limits if limit)


def _skipped(model: Any) -> tuple[int, ...]:
    """The tokens of passages that count for nothing: mostly punctuation."""
    tokenizer = model.tokenizer
    words = [word for module in model for word in getattr(module, "skiplist_words", ())]
    found = {tokenizer.convert_tokens_to_ids(word) for word in words if word != tokenizer.unk_token}
    return tuple(sorted(found - {tokenizer.unk_token_id, None}))


def _expansion(tokenizer: Any, configured: Any) -> Expansion:
    named = configured["token"]
    token = tokenizer.convert_tokens_to_ids(named) if named else tokenizer.mask_token_id
    return Expansion(
        token=tokenizer.eos_token_id if token is None else token,
        length=configured["length"],
        is_read=bool(configured["attend"]),
    )


def _read(file: Path) -> Any:
    """What a JSON file holds; nothing where there is none."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
