"""How well `highlight()` marks what bears on a topic, and where its coefficients come from.

    python -m bench.quality.highlighting SETS TRAINING [INDEXES]

SETS holds the shared question sets, TRAINING the documents that `bench/training/documents.py` made,
INDEXES an index of each training set. Prints precision, recall and F1 of the words marked, over the
topics of `topics.jsonl`: five paragraphs each, taken together and one by one, each half also with
coefficients that were fitted on the other. With INDEXES the coefficients for questions are fitted,
too: on the first five passages of some hundred questions of each set, and again on five from the
fourth on that do not hold the answer.

The coefficients for questions in use are those of a first run, over 252 questions (topics among them,
asked as questions): (16.62, -8.64, -29.37) and -7.3. This script, whose sample is another, prints
others: (18.79, -5.27, -27.49) and -8.68 when it was last run; TOPICS it prints as they are in use.

The least probability of questions is that of the highest mean F1 over the three sets. That of topics
is a compromise: what bears on a topic is a matter of opinion, so the papers were labelled twice, the
second time (`core`) only those sentences that state something of the topic themselves; .4 is within
.03 of the best F1 of all labels of the first kind, and nearer than .25 to the best of the second.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from qa.asking.highlighting import QUESTIONS, TOPICS, Compared, Features, Highlighter, Regression
from qa.asking.service import QA
from qa.asking.topics import is_topic
from qa.encoding.encoder import Encoder
from qa.evaluation.marking import overlapping_words
from qa.evaluation.metrics import agreement
from qa.evaluation.questions import read_questions
from qa.settings import Settings

HERE = Path(__file__).parent
PAPERS = "covidqa"  # the topics over scientific papers are one half, all others the other
FITTED = ("articles", "news", "licences")
MOST = 100  # questions of a set, about
FOREIGN = 8  # paragraphs of other topics that are added to each
WITHOUT_WEIGHT = (
    0.3  # of passages that hold no answer: whoever highlights has found something before
)
LEASTS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)

Spans = tuple[tuple[int, int], ...]


class Labelled(NamedTuple):
    """A highlight that might be given, and whether it should be."""

    features: Features
    words: int
    right: int  # words of it that are gold
    weight: float = 1.0


class Topic(NamedTuple):
    """A topic with its paragraphs, and the spans of each that bear on it."""

    query: str
    is_paper: bool
    texts: tuple[str, ...]
    gold: tuple[Spans, ...]
    core: tuple[Spans, ...]  # those that state something of it themselves


def main() -> None:
    """Prints the tables."""
    sets, training = map(Path, sys.argv[1:3])
    highlighter = Highlighter(Encoder(folder=Path.home() / ".cache/seedqa/encoders"), Settings())
    topics = list(read_topics(sets, training))
    halves = {
        "papers": [topic for topic in topics if topic.is_paper],
        "others": [topic for topic in topics if not topic.is_paper],
    }
    strictly = [topic._replace(gold=topic.core) for topic in halves["papers"]]
    for name, half in [*halves.items(), ("all", topics), ("papers, core", strictly)]:
        print(f"{name}: {len(half)} topics, {sum(len(topic.texts) for topic in half)} paragraphs")
        print("    together  ", shown(marked(highlighter, topic) for topic in half))
        print("    one by one", shown(marked(highlighter, topic, apart=True) for topic in half))
    report("papers, core", TOPICS, [*of_topics(highlighter, strictly, foreign=0)])
    labelled = {name: [*of_topics(highlighter, half)] for name, half in halves.items()}
    for name, other in (("papers", "others"), ("others", "papers")):
        report(f"{name}, fitted on {other}", fit(labelled[other]), labelled[name])
    print("TOPICS =", fit([row for rows in labelled.values() for row in rows])[:2], TOPICS)
    if len(sys.argv) > 3:
        questions(highlighter, Path(sys.argv[3]))


def questions(highlighter: Highlighter, indexes: Path) -> None:
    """Fits the coefficients for questions."""
    rows = {name: [*of_questions(highlighter, indexes, name)] for name in FITTED}
    even = [row._replace(weight=1000 / len(of_set)) for of_set in rows.values() for row in of_set]
    found = fit(even)
    print("QUESTIONS =", found[:2], QUESTIONS)
    for name, of_set in rows.items():
        report(name, found, of_set)


def read_topics(sets: Path, training: Path) -> Iterator[Topic]:
    """The topics of `topics.jsonl`, with their paragraphs."""
    for line in (HERE / "topics.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        folder = next(
            place / row["set"] / "documents"
            for place in (sets, training)
            if (place / row["set"]).is_dir()
        )
        texts, gold, core = [], [], []
        for each in row["texts"]:
            start, end = each["start"], each["end"]
            texts.append((folder / each["document"]).read_bytes().decode()[start:end])
            for spans, name in ((gold, "spans"), (core, "core")):
                found = each.get(name, ())
                spans.append(tuple((first - start, last - start) for first, last in found))
        yield Topic(row["query"], row["set"] == PAPERS, tuple(texts), tuple(gold), tuple(core))


def marked(highlighter: Highlighter, topic: Topic, *, apart: bool = False) -> tuple[int, int, int]:
    """How many words of a topic's paragraphs are marked rightly, are marked, and are gold."""
    if apart:
        found = [highlighter.highlight(topic.query, [text])[0] for text in topic.texts]
    else:
        found = highlighter.highlight(topic.query, topic.texts)
    counts = []
    for text, marks, gold in zip(topic.texts, found, topic.gold, strict=True):
        in_marks = overlapping_words(text, [(mark.start, mark.end) for mark in marks])
        in_gold = overlapping_words(text, gold)
        counts.append((len(in_marks & in_gold), len(in_marks), len(in_gold)))
    right, all_marked, all_gold = map(sum, zip(*counts, strict=True))
    return right, all_marked, all_gold


def shown(counts: Iterable[tuple[int, int, int]]) -> str:
    """Precision, recall and F1 over the sums."""
    right, all_marked, gold = map(sum, zip(*counts, strict=True))
    return "precision {:.3f}, recall {:.3f}, F1 {:.3f}".format(*agreement(right, all_marked, gold))


def of_topics(
    highlighter: Highlighter, topics: Sequence[Topic], *, foreign: int = FOREIGN
) -> Iterator[Labelled]:
    """Every sentence of the topics' paragraphs, and of some of other topics at half the weight."""
    for number, topic in enumerate(topics):
        others = [*topics[number + 1 :], *topics[:number]]
        more = [text for other in others for text in other.texts if text not in topic.texts]
        texts = [*topic.texts, *more[:: len(more) // FOREIGN][:foreign]]
        gold = [*topic.gold, *[()] * (len(texts) - len(topic.texts))]
        for row in labelled(highlighter.compared(topic.query, texts), texts, gold):
            yield row[1]._replace(weight=row[1].words * (1 if row[0] < len(topic.texts) else 0.5))


def of_questions(highlighter: Highlighter, indexes: Path, name: str) -> Iterator[Labelled]:
    """The highlights of a set's questions; some of them read like topics, and are left out."""
    rows = read_questions(HERE.parent / "training" / f"{name}.jsonl")
    asked = [row for row in rows if not is_topic(row.text)]
    with QA.open(indexes / name) as qa:
        for question in asked[:: max(1, len(asked) // MOST)]:
            answer = qa.ask(question.text, limit=10)
            ranking = [*answer.excerpts, *answer.nearest]
            gold = {
                excerpt: tuple(
                    (start - excerpt.start, end - excerpt.start)
                    for start, end in question.spans
                    if start < excerpt.end and end > excerpt.start
                )
                if question.document in excerpt.paths
                else ()
                for excerpt in ranking
            }
            wrong = [excerpt for excerpt in ranking[3:] if not gold[excerpt]]
            for some, weight in ((ranking[:5], 1.0), (wrong[:5], WITHOUT_WEIGHT)):
                texts, spans = [e.text for e in some], [gold[e] for e in some]
                compared = highlighter.compared(question.text, texts)
                for _, row in labelled(compared, texts, spans):
                    yield row._replace(weight=weight)


def labelled(
    compared: Iterable[Compared], texts: Sequence[str], gold: Sequence[Spans]
) -> Iterator[tuple[int, Labelled]]:
    """Each highlight that might be given, with the number of its text."""
    right = [overlapping_words(text, spans) for text, spans in zip(texts, gold, strict=True)]
    for text, start, end, features in compared:
        words = overlapping_words(texts[text], [(start, end)])
        yield text, Labelled(features, len(words), len(words & right[text]))


def fit(rows: Sequence[Labelled], least: float = 0.0) -> Regression:
    """A regression fitted on the rows; right is what holds a gold word."""
    features = np.array([row.features for row in rows])
    middle, spread = features.mean(0), features.std(0)
    model = LogisticRegression(C=100).fit(
        (features - middle) / spread,
        [row.right > 0 for row in rows],
        sample_weight=[row.weight for row in rows],
    )
    slopes = model.coef_[0] / spread
    intercept = float(model.intercept_[0] - (slopes * middle).sum())
    return Regression(tuple(slopes.round(2).tolist()), round(intercept, 2), least)


def report(name: str, regression: Regression, rows: Sequence[Labelled]) -> None:
    """One line a least probability."""
    print(name, regression[:2])
    gold = sum(row.right for row in rows)
    for least in LEASTS:
        kept = [row for row in rows if regression.probability(row.features) >= least]
        found = agreement(sum(r.right for r in kept), sum(r.words for r in kept), gold)
        print("    {:.2f}: precision {:.3f}, recall {:.3f}, F1 {:.3f}".format(least, *found))


if __name__ == "__main__":
    main()
