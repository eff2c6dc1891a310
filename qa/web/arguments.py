"""What a client may send, over HTTP and MCP alike: the bounds of every argument."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from qa.checking.listing import COLUMNS
from qa.errors import QuestionRefused
from qa.settings import QUESTION_LIMIT

GLOB_CHARACTERS = 10_000  # of all globs of a question in all
FARTHEST = 2**40

QuestionText = Annotated[str, Field(max_length=QUESTION_LIMIT, pattern=r"\S")]
ExcerptLimit = Annotated[int, Field(ge=1, le=50)]
ListPage = Annotated[int, Field(ge=1, le=1_000_000)]
ListLimit = Annotated[int, Field(ge=1, le=10_000)]  # files on a page
Glob = Annotated[str, Field(min_length=1, max_length=500)]
Globs = Annotated[list[Glob], Field(max_length=100)]
Language = Annotated[str, Field(pattern=r"^([a-z]{2})?$")]  # a code
Day = Annotated[str, Field(pattern=r"^(\d{4}(-\d\d(-\d\d)?)?)?$")]
Sort = Annotated[str, Field(pattern=f"^-?({'|'.join(COLUMNS)})$")]
Find = Annotated[str, Field(max_length=200)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
PageNumber = Annotated[int, Field(ge=1, le=100_000)]
Offset = Annotated[int, Field(ge=0, le=FARTHEST)]
Line = Annotated[int, Field(ge=1, le=FARTHEST)]
DocumentPath = Annotated[str, Field(max_length=16_384)]


class QuotedExcerpt(BaseModel):
    """What is checked of an excerpt; all else that an answer says of it is passed over."""

    path: DocumentPath
    paths: Annotated[list[DocumentPath], Field(max_length=10_000)]
    start: Offset
    end: Offset
    text: Annotated[str, Field(min_length=1, max_length=100_000)]


class SavedAnswer(BaseModel):
    """An answer whose excerpts are to be checked."""

    excerpts: Annotated[list[QuotedExcerpt], Field(max_length=50)]
    nearest: Annotated[list[QuotedExcerpt], Field(max_length=50)]


def check_globs(*globs: Sequence[str]) -> None:
    """Raises QuestionRefused when the globs of a question are too long in all."""
    if sum(len(glob) for each in globs for glob in each) > GLOB_CHARACTERS:
        raise QuestionRefused(
            f"The globs have more than {GLOB_CHARACTERS:,} characters in all: give fewer."
        )
