"""How well questions in many languages are answered: `python bench/languages/run.py [FOLDER]`.

The documents and the questions were written for this; a question's gold is the place of a few words.
Each language has twenty questions of its own with an answer, six without, and four in English of which
one has none. The figures of the confidence were chosen on these; those of `unseen.tsv`, in six
languages, three of them others, were looked at before the last of these figures was settled, and so
are held out in part. FOLDER keeps the indexes.
"""

import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from qa import QA, Answer, build
from qa.asking.confidence import THRESHOLD
from qa.languages import named
from qa.records.likelihood import LIKELY

HERE = Path(__file__).parent
SETS = {"questions.tsv": "documents", "unseen.tsv": "unseen"}  # with the folders of their documents
COLUMNS = (
    "asked",
    "hit@1",
    "hit@5",
    "sentence@1",
    "answered right",
    "wrongly",
    "absent",
    "refused",
)


class Question(NamedTuple):
    """A question, and where the words stand that answer it."""

    language: str  # of the documents that it is about
    asked_in: str
    document: str  # "" when nothing answers
    text: str
    span: tuple[int, int]


def questions(file: str = "questions.tsv") -> Iterator[Question]:
    """The questions of a set, each with the place of its answer."""
    for line in (HERE / file).read_text(encoding="utf-8").splitlines():
        language, asked_in, document, text, words = line.split("\t")
        start = 0
        if document:
            whole = (HERE / SETS[file] / document).read_text(encoding="utf-8")
            start = whole.find(words)
            if start < 0 or whole.count(words) > 1:
                raise SystemExit(f"{document}: “{words}” stands there {whole.count(words)} times.")
        yield Question(language, asked_in, document, text, (start, start + len(words)))


def place(question: Question, answer: Answer) -> int:
    """Where in the ranking the right passage stands, from 1; 0 where it does not."""
    for number, found in enumerate((*answer.excerpts, *answer.nearest), 1):
        start, end = question.span
        if found.path == question.document and found.start < end and start < found.end:
            return number
    return 0


def marked(question: Question, answer: Answer) -> bool:
    """Whether the strongest sentence of the answer holds the words that answer."""
    ranking = (*answer.excerpts, *answer.nearest)
    marks = [(mark.strength, found.path, mark) for found in ranking for mark in found.highlights]
    _, path, best = max(marks, default=(0, "", None))
    start, end = question.span
    return best is not None and path == question.document and best.start < end and start < best.end


def counted(asked: Sequence[tuple[Question, Answer]]) -> Counter[str]:
    """The figures of some questions."""
    found: Counter[str] = Counter()
    for question, answer in asked:
        if not question.document:
            found["absent"] += 1
            found["refused"] += not answer.answered
            found["absent and likely"] += answer.answered and answer.confidence >= LIKELY
            continue
        at = place(question, answer)
        found["asked"] += 1
        found["hit@1"] += at == 1
        found["hit@5"] += 0 < at <= 5
        found["sentence@1"] += marked(question, answer)
        found["answered right"] += answer.answered and 0 < at <= len(answer.excerpts)
        found["wrongly"] += answer.answered and not 0 < at <= len(answer.excerpts)
    return found


def main() -> None:
    """Builds, asks and prints a table for each set."""
    print(f"threshold {THRESHOLD}")
    with tempfile.TemporaryDirectory() as folder:
        index = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder)
        for file, documents in SETS.items():
            report(file, HERE / documents, index / documents)


def report(file: str, documents: Path, index: Path) -> None:
    """The table of one set."""
    build(documents, index)
    groups: dict[str, list[tuple[Question, Answer]]] = defaultdict(list)
    with QA.open(index) as qa:
        for of in qa.manifest.languages:
            share = of.unread / max(of.letters, 1)
            print(f"{named(of.language)}: {of.documents} documents, {share:.0%} unread")
        for question in questions(file):
            kind = "own" if question.asked_in == question.language else "English"
            groups[f"{named(question.language)}, {kind}"].append((question, qa.ask(question.text)))
    print(f"| {file} | {' | '.join(COLUMNS)} | absent and likely |")
    print(f"|---|{'---:|' * (len(COLUMNS) + 1)}")
    for name, asked in [*groups.items(), *totals(groups)]:
        found = counted(asked)
        print(
            f"| {name} | {' | '.join(str(found[each]) for each in (*COLUMNS, 'absent and likely'))} |"
        )


def totals(
    groups: dict[str, list[tuple[Question, Answer]]],
) -> Iterator[tuple[str, list[tuple[Question, Answer]]]]:
    """All questions in the languages themselves, and all in English."""
    for kind in ("own", "English"):
        yield (
            f"all, {kind}",
            [pair for name, of in groups.items() if name.endswith(kind) for pair in of],
        )


if __name__ == "__main__":
    main()
