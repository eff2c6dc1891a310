"""A text -> the tokens that a model reads, and which of them stand for the text."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from json import loads
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from qa.encoding.library import Expansion, Profile, Side

IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")


class Input(NamedTuple):
    """A text's tokens as a model reads them."""

    ids: list[int]
    read: list[int]  # 1 where the other tokens see it
    counted: list[int]  # 1 where it counts in the pooled vector
    kept: npt.NDArray[np.int64]  # which have a vector of the text
    ends: npt.NDArray[np.int32]  # where each ends in the text, or beyond it: it fills a question up


class Tokens:
    """The tokenizer of a model.

    Its special tokens are those that it names itself, wherever they stand; truncation is its own.
    """

    def __init__(self, folder: Path, profile: Profile) -> None:
        self._profile = profile
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._special = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        self.prompt = len(self.token_ends(profile.passage.prompt))  # tokens in front of a passage

    def token_ends(self, text: str) -> Sequence[int]:
        """Where each token of the text ends, however long the text is."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return [end for _, end in encoding.offsets]

    def unread(self, text: str) -> tuple[int, int]:
        """How many letters a text has, and how many of them say nothing to the model.

        Those are of unknown tokens, or stand alone in a token although their word goes on. An
        ideograph is a word by itself.
        """
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        parts = Counter(encoding.word_ids)
        unread: set[int] = set()
        for token, (start, end), word in zip(
            encoding.ids, encoding.offsets, encoding.word_ids, strict=True
        ):
            is_piece = end - start == 1 and parts[word] > 1 and not IDEOGRAPH.match(text, start)
            if is_piece or token == self._unknown:
                unread.update(range(start, end))
        return sum(map(str.isalpha, text)), sum(text[at].isalpha() for at in unread)

    def passage(self, text: str) -> Input:
        """A passage; what lies beyond the model's window is not there."""
        side = self._profile.passage
        encoding = self._encoding(side, text)
        kept, ends = _of_text(encoding, len(side.prompt))
        skipped = np.isin(np.asarray(encoding.ids)[kept], self._profile.skipped)
        given = np.isin(encoding.ids, self._profile.skipped, invert=True)
        counted = (
            given.astype(int).tolist() if self._profile.is_late else self._counted(encoding, side)
        )
        return Input(encoding.ids, [1] * len(encoding.ids), counted, kept[~skipped], ends[~skipped])

    def question(self, text: str) -> Input:
        """A question; what lies beyond the model's window is not there."""
        side = self._profile.question
        encoding = self._encoding(side, text)
        kept, ends = _of_text(encoding, len(side.prompt))
        found = Input(
            encoding.ids, [1] * len(encoding.ids), self._counted(encoding, side), kept, ends
        )
        expansion = self._profile.expansion
        return _expanded(found, expansion, len(text)) if expansion else found

    def read_part(self, text: str) -> str:
        """The beginning of a question that the model reads: all of it, or what its window holds."""
        side = self._profile.question
        encoding = self._encoding(side, text)
        if not encoding.overflowing:
            return text
        _, ends = _of_text(encoding, len(side.prompt))
        return text[: ends[-1]] if len(ends) else ""

    @cached_property
    def _unknown(self) -> int | None:
        """The number of the token that stands for what the tokenizer does not know."""
        model = loads(self._tokenizer.to_str())["model"]
        name = model.get("unk_token")
        found = self._tokenizer.token_to_id(name) if name is not None else model.get("unk_id")
        return None if found is None else int(found)

    def _encoding(self, side: Side, text: str) -> Encoding:
        """The text behind its prompt, with the special tokens, truncated to the window."""
        encoding = self._tokenizer.encode(side.prompt + text, add_special_tokens=False)
        encoding.truncate(side.window - self._special)
        return self._tokenizer.post_process(encoding)

    def _counted(self, encoding: Encoding, side: Side) -> list[int]:
        """Which tokens count in the pooled vector: not the prompt's where the model leaves it out.

        sentence-transformers leaves out as many as the prompt has alone, with the special tokens
        before it.
        """
        count = len(encoding.ids)
        if self._profile.pools_prompt or not side.prompt:
            return [1] * count
        alone = self._tokenizer.encode(side.prompt)
        left_out = len(alone.ids) - (1 if alone.special_tokens_mask[-1] else 0)
        return [int(at >= left_out) for at in range(count)]


def _of_text(
    encoding: Encoding, offset: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """The tokens of the text that begins at `offset`, and where each ends in it."""
    ends = np.array([end for _, end in encoding.offsets], np.int32)
    is_own = (np.asarray(encoding.special_tokens_mask) == 0) & (ends > offset)
    kept = np.flatnonzero(is_own)
    return kept, ends[kept] - np.int32(offset)


def _expanded(found: Input, expansion: Expansion, end: int) -> Input:
    """The question filled up to the length of its expansion."""
    count = len(found.ids)
    more = max(expansion.length - count, 0)
    return Input(
        found.ids + [expansion.token] * more,
        found.read + [int(expansion.is_read)] * more,
        found.counted + [1] * more,
        np.concatenate([found.kept, np.arange(count, count + more)]),
        np.concatenate([found.ends, np.full(more, end + 1, np.int32)]),
    )
