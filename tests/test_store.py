"""The contract of an index (`qa/index/store.py`): what every store must do, whatever keeps it.

Another store passes when it is named in `stores.STORES`, which says how.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from stores import STORES, Store

from qa import splitting
from qa.encoding.encoder import Encoder, codebook_of, fingerprint_of
from qa.errors import DocumentFailed, IndexMissing
from qa.index.coding import Row, encode, input_hash
from qa.index.store import Shape, Snapshot
from qa.records import Block, Document, File, Kind, Status, lists
from qa.records.dates import Days, day_of
from qa.records.languages import OfLanguage

TEXTS = {
    "a/ri.txt": "Ri is 26 years old. He comes from the north.\n\nThe ferry does not run in winter.\n",
    "b/mill.txt": "The mill grinds rye for three villages. It has four sails.\n",
    "b/same.txt": "The ferry does not run in winter.\n",
    "c/long.txt": " ".join(f"Sentence number {n} speaks of barley and rye." for n in range(60))
    + "\n",
}


class World:
    """Documents, their codes and the store that keeps them."""

    def __init__(self, store: Store, at: Path, encoder: Encoder) -> None:
        self.store, self.at, self.encoder = store, at, encoder
        self.book = codebook_of(encoder)
        self.seeds = at.parent / "seeds"
        self.seeds.mkdir()

    def shape(self, **changed: str) -> Shape:
        """What shapes the index; `changed` as if another version or setting had."""
        shape = Shape(
            settings={"language": "en", "model": self.encoder.name, "precision": "fp32"},
            encoder=self.encoder.name,
            encoder_fingerprint=fingerprint_of(self.encoder),
            coding="coding",
            fingerprint="shape/coding",
            dim=self.encoder.dim,
            code_bytes=self.book.code_bytes,
        )
        return shape._replace(**changed)  # type: ignore[arg-type]

    def rows(self, document: Document) -> Iterator[Row]:
        """The passages of a document, coded."""
        for passage in splitting.split(document, self.encoder.token_ends, limit=40, window=256):
            blocks = splitting.overlapping(document.blocks, passage)
            ranking = splitting.ranking_text(document, passage, blocks)
            yield passage, ranking, encode(self.encoder, self.book, ranking)

    def build(self, texts: dict[str, str], *, full: bool = False, **changed: str) -> str:
        """Publishes these texts, adding those that are not known; the snapshot's id."""
        with self.store.begin(self.at, self.seeds, self.shape(**changed), full=full) as build:
            files = []
            for path, text in texts.items():
                document = self.document(text)
                key = (document.sha256, document.reader)
                if build.passages_of(key) is None:
                    build.add(document, self.rows(document))
                files.append(self.file(path, document, build.passages_of(key) or 0))
            return build.publish(files).snapshot

    @staticmethod
    def document(text: str) -> Document:
        """The text as a document of one block."""
        digest = f"{abs(hash(text)):064x}"[:64]
        return Document(digest, "text 1", text, title=text[:8], blocks=(Block(0, len(text)),))

    @staticmethod
    def file(path: str, document: Document, passages: int) -> File:
        """The file that holds the document."""
        return File(
            path, Status.INDEXED, sha256=document.sha256, reader=document.reader,
            passages=passages, source=path, source_sha256=document.sha256,
        )  # fmt: skip

    def question(self, text: str) -> np.ndarray:
        """The quantised vector of a question."""
        from qa.encoding.quantisation import quantise

        return quantise(self.encoder.encode_question(text).pooled)

    def opened(self) -> Snapshot:
        """The live snapshot."""
        return self.store.open(self.at)


@pytest.fixture(scope="module", params=STORES)
def store(request, tmp_path_factory):
    with STORES[request.param](tmp_path_factory.mktemp(request.param)) as store:
        yield store


@pytest.fixture(scope="module")
def encoder(encoders):
    return Encoder(folder=encoders)


@pytest.fixture
def world(store, encoder, tmp_path):
    return World(store, tmp_path / "index", encoder)


@pytest.fixture(scope="module")
def built(store, encoder, tmp_path_factory):
    """A store that holds TEXTS, to be read."""
    world = World(store, tmp_path_factory.mktemp("store") / "index", encoder)
    world.build(TEXTS)
    with closing(world.opened()) as snapshot:
        yield world, snapshot


def everything(snapshot: Snapshot, world: World) -> list[int]:
    """The keys of all passages, by path and position."""
    vector = world.question("What is it?")
    keys = snapshot.nearest(vector, snapshot.manifest.passages)
    return keys[np.argsort(snapshot.places(keys))].tolist()


def full(snapshot: Snapshot, world: World) -> Sequence[object]:
    """All that a question can see of a snapshot, without the keys."""
    keys = np.array(everything(snapshot, world), np.int64)
    vector, terms = world.question("Who grinds rye?"), snapshot.words.terms("Who grinds rye?")
    codes = snapshot.token_codes(keys)
    found, scores = snapshot.search(terms, 5)
    return (
        snapshot.passages(keys.tolist()),
        [part.tolist() for part in codes],
        snapshot.similarity(vector, keys).tolist(),
        snapshot.bm25(terms, keys).tolist(),
        [keys.tolist().index(key) for key in snapshot.nearest(vector, 4).tolist()],
        [keys.tolist().index(key) for key in found.tolist()],
        scores.tolist(),
        snapshot.mean.tolist(),
        {
            word: np.isin(snapshot.documents_of(keys), documents).tolist()
            for word, documents in sorted(snapshot.named(["mill", "txt", "b", "long"]).items())
        },
        [file.path for file in snapshot.files()],
        list(snapshot.headings(keys)),
    )


def test_passages_come_back_word_for_word_by_path_and_position(built):
    world, snapshot = built
    passages = snapshot.passages(everything(snapshot, world))
    assert [passage.paths[0] for passage in passages] == sorted(p.paths[0] for p in passages)
    for path, text in TEXTS.items():
        own = [passage for passage in passages if path in passage.paths]
        assert [passage.start for passage in own] == sorted(passage.start for passage in own)
        assert " ".join(passage.text for passage in own).split() == text.split()
        for passage in own:
            assert passage.text == text[passage.start : passage.end]
            assert passage.sentences[-1] == passage.end
            first = text.count("\n", 0, passage.start) + 1
            assert passage.lines == (first, first + passage.text.count("\n"))
            assert passage.document == world.document(text).sha256
            assert passage.title == text[:8]


def test_what_holds_words_is_found_to_the_last_passage(built):
    world, snapshot = built
    keys = everything(snapshot, world)
    texts = dict(zip(keys, snapshot.texts(keys), strict=True))
    for words in (["ferri"], ["ferri", "winter"], ["barley"], ["rye"], ["nowher"]):
        current = snapshot.holding([[word] for word in words]).tolist()
        assert current == [
            key for key in keys if snapshot.words.stems(texts[key]).issuperset(words)
        ]
    either = snapshot.holding([["ferri", "mill"]]).tolist()
    assert len(either) > len(snapshot.holding([["ferri"]]))
    among = snapshot.of_passages(np.array(keys[:2], np.int64))
    assert snapshot.documents_in(among) == 2
    assert set(snapshot.holding([["ferri"]], among).tolist()) <= set(keys[:2])
    assert snapshot.holding([]).tolist() == snapshot.holding([[]]).tolist() == []
    assert list(snapshot.paths_of(["*"])) == sorted(TEXTS)


def test_passages_come_in_the_order_of_the_keys_that_are_asked_for(built):
    world, snapshot = built
    keys = everything(snapshot, world)
    forth = snapshot.passages(keys)
    assert snapshot.passages(reversed(keys)) == forth[::-1]
    assert snapshot.passages([]) == []


def test_the_nearest_are_those_of_the_greatest_product_and_ties_stand_by_place(built):
    world, snapshot = built
    keys = np.array(everything(snapshot, world), np.int64)
    for question in ("Does the ferry run?", "Who grinds rye?", "How old is Ri?"):
        vector = world.question(question)
        near = snapshot.nearest(vector, len(keys))
        similarity = dict(
            zip(keys.tolist(), snapshot.similarity(vector, keys).tolist(), strict=True)
        )
        place = dict(zip(keys.tolist(), snapshot.places(keys).tolist(), strict=True))
        expected = sorted(keys.tolist(), key=lambda key: (-similarity[key], place[key]))
        assert near.tolist() == expected
        assert snapshot.nearest(vector, 2).tolist() == expected[:2]
        assert max(similarity.values()) <= 1 + 1e-3


def test_words_are_found_by_bm25_whatever_the_store(built):
    """Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009; k1 1.2, b .75."""
    world, snapshot = built
    keys = np.array(everything(snapshot, world), np.int64)
    terms = snapshot.words.terms("Who grinds rye?")
    found, scores = snapshot.search(terms, len(keys))
    known = dict(zip(found.tolist(), scores.tolist(), strict=True))
    assert scores.tolist() == sorted(scores.tolist(), reverse=True) and len(known) > 3
    assert snapshot.bm25(terms, keys).tolist() == [known.get(key, 0.0) for key in keys.tolist()]
    texts = {key: snapshot.passages([key])[0].text for key in keys.tolist()}
    assert all(("rye" in texts[key] or "grind" in texts[key]) == (key in known) for key in texts)
    having = sum("rye" in text for text in texts.values())
    (rye,) = snapshot.words.terms("rye")
    assert snapshot.words.frequency(rye) == having
    expected = math.log(1 + (snapshot.words.count - having + 0.5) / (having + 0.5))
    assert snapshot.words.idf(rye) == pytest.approx(expected)
    assert [len(part) for part in snapshot.search([], 5)] == [0, 0]


def test_token_codes_are_those_of_the_passages_in_order(built):
    world, snapshot = built
    keys = np.array(everything(snapshot, world)[::-1], np.int64)
    found = snapshot.token_codes(keys)
    assert len(found.firsts) == len(keys) and found.runs[-1] == len(found.codes)
    for number, passage in enumerate(snapshot.passages(keys.tolist())):
        first = int(found.firsts[number])
        runs = found.runs[first : first + len(passage.sentences) + 2].tolist()
        rows = list(world.rows(world.document(TEXTS[passage.paths[0]])))
        ((_, _, coded),) = [row for row in rows if row[0].start == passage.start]
        assert [run - runs[0] for run in runs[1:]] == list(coded.bounds)
        assert found.codes[runs[0] : runs[-1]].tolist() == coded.codes.tolist()


@pytest.mark.parametrize(
    ("only", "exclude", "paths"),
    [
        ((), (), set(TEXTS)),
        (("b/*",), (), {"b/mill.txt", "b/same.txt"}),
        ((), ("*.txt",), set()),
        (("*",), ("c/*", "a/ri.txt"), {"b/mill.txt", "b/same.txt"}),
        (("b/mill.txt",), (), {"b/mill.txt"}),
    ],
)
def test_a_filter_leaves_the_passages_of_the_documents_that_globs_name(built, only, exclude, paths):
    world, snapshot = built
    among = snapshot.among(only, exclude)
    vector = world.question("Does the ferry run?")
    near = snapshot.nearest(vector, 100, among)
    found, _ = snapshot.search(snapshot.words.terms("ferry rye winter"), 100, among)
    seen = {passage.paths[0] for passage in snapshot.passages(near.tolist())}
    assert seen == paths
    assert {passage.paths[0] for passage in snapshot.passages(found.tolist())} <= paths
    if not only and not exclude:
        assert among is None


FILED = {  # paths of one text: its date, its language
    ("a.txt",): ("2021-05-17", "en"),
    ("a/b.md", "a/twice.MD"): ("2021", "de"),
    ("a/b/one.md",): (None, "en"),
    ("a/b/two.md", "z/two.txt"): ("2022-01", "en"),
    ("a/[x].pdf",): ("2022-02-28", "en"),
    ("b/three.tar.gz",): (None, "de"),
    ("b/three.7z",): ("2021-05-18", "en"),
}
CHANGED = datetime(2022, 1, 31, 23, tzinfo=UTC)  # the files
GLOBS = (
    "*", "a*", "a/*", "a", "a.*", "*.md", "*.[mM][dD]", "a/*.[mM][dD]", "*/*", "?/*", "*/b/*", "a/b*",
    "*t*", "[az]/*", "a/[[]x].pdf", "a/b/one.md", "nowhere", "*.7[zZ]", "*.[gG][zZ]", "b/*.tar.[gG][zZ]",
    "[!a]*", "a/b/*.md", "**", "z/*", "a/t*/*", "*.txt/*",
)  # fmt: skip
DAYS = (Days(), Days("2021"), Days(until="2021-05-17"), Days("2022-01", "2022-01"), Days("2030"))


@pytest.fixture(scope="module")
def filed(store, encoder, tmp_path_factory):
    """A store of documents at one path or two, in folders, of several kinds, days and languages."""
    world = World(store, tmp_path_factory.mktemp("filed") / "index", encoder)
    with world.store.begin(world.at, world.seeds, world.shape()) as build:
        files = []
        for paths, (date, language) in FILED.items():
            document = replace(world.document(f"The mill of {paths[0]}.\n"), date=date)
            count = build.add(replace(document, language=language), world.rows(document))
            modified = int(CHANGED.timestamp()) * 10**9
            files += [
                replace(world.file(path, document, count), modified=modified, status=status)
                for path, status in zip(paths, (Status.INDEXED, Status.DUPLICATE), strict=False)
            ]
        build.publish(sorted(files, key=lambda file: file.path))
    with closing(world.opened()) as snapshot:
        yield snapshot, world.question("Which mill?")


def is_kept(paths, only, exclude, languages, days):
    """Whether a filter leaves a document, path by path, as the interface says."""
    date, language = FILED[paths]
    day = date or CHANGED.date().isoformat()
    return (
        any(any(fnmatchcase(path, glob) for glob in only or "*") for path in paths)
        and (not days or days.hold(day))
        and not all(any(fnmatchcase(path, glob) for glob in exclude) for path in paths)
        and (not languages or language in languages)
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(only=["a/*", "z/*"], exclude=["a/*"], languages=["en"], days=Days("2021"))
@given(
    only=st.lists(st.sampled_from(GLOBS), max_size=3),
    exclude=st.lists(st.sampled_from(GLOBS), max_size=2),
    languages=st.lists(st.sampled_from(["de", "en", "fr"]), max_size=2),
    days=st.sampled_from(DAYS),
)
def test_a_filter_leaves_what_a_walk_through_all_documents_would(
    filed, only, exclude, languages, days
):
    snapshot, vector = filed
    among = snapshot.among(only, exclude, languages, days)
    wish = (only, exclude, languages, days)
    expected = {paths for paths in FILED if is_kept(paths, *wish)}
    keys = snapshot.nearest(vector, 100, among)
    assert {passage.paths for passage in snapshot.passages(keys.tolist())} == expected
    if among is not None:
        assert snapshot.documents_in(among) == len(expected)
        again = snapshot.of_documents(np.unique(snapshot.documents_of(keys)), among)
        assert sorted(snapshot.nearest(vector, 100, again).tolist()) == sorted(keys.tolist())
    named = [path for paths in FILED for path in paths if any(fnmatchcase(path, g) for g in only)]
    assert list(snapshot.paths_of(only)) == sorted(named)


def test_the_files_of_a_document_are_found_by_its_hash(filed):
    snapshot, _ = filed
    for paths, (date, _) in FILED.items():
        (file, *_) = found = snapshot.files_of(snapshot.file(paths[0]).sha256)
        assert [each.path for each in found] == list(paths)
        assert snapshot.document(file.sha256).date == date
        assert {snapshot.dates()[path] for path in paths} == {date}
    assert snapshot.files_of("0" * 64) == ()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.builds(
        lists.ListPart,
        find=st.lists(st.sampled_from(["a/", "MD", "indexed", "TWICE", "nowhere"]), max_size=2),
        statuses=st.lists(st.sampled_from(Status), max_size=2),
        sort=st.sampled_from([*lists.COLUMNS]),
        is_down=st.booleans(),
        first=st.integers(0, 9),
        limit=st.none() | st.integers(1, 4),
    )
)
def test_a_part_of_the_files_is_that_of_the_complete_list(filed, part):
    snapshot, _ = filed
    dates = snapshot.dates()
    rows = [lists.ListedFile(file, day_of(file, dates.get(file.path))) for file in snapshot.files()]
    assert snapshot.listed(part) == lists.part_of(rows, part)


def test_documents_are_found_by_the_words_of_their_names(built):
    world, snapshot = built
    keys = np.array(everything(snapshot, world), np.int64)
    paths = [passage.paths[0] for passage in snapshot.passages(keys.tolist())]
    documents = snapshot.documents_of(keys)
    assert sorted(documents.tolist()) == documents.tolist()
    by_word = snapshot.named(["mill", "rye", "b"])
    assert sorted(by_word) == ["b", "mill"]
    for word, named in {"mill": ["b/mill.txt"], "b": ["b/mill.txt", "b/same.txt"]}.items():
        found = by_word[word]
        assert [path in named for path in paths] == np.isin(documents, found).tolist()
        inside = snapshot.nearest(world.question("rye"), 99, snapshot.of_documents(found))
        assert {passage.paths[0] for passage in snapshot.passages(inside.tolist())} == set(named)
    both = snapshot.of_documents(by_word["b"], snapshot.among(["*same*"], []))
    assert len(snapshot.nearest(world.question("rye"), 99, both)) == 1
    assert snapshot.named([]) == {}
    assert snapshot.names_beginning("mi", 9) == ["mill"]
    assert snapshot.names_beginning("mill", 9) == []


def test_documents_and_files_are_found_by_hash_and_path(built):
    world, snapshot = built
    for path, text in TEXTS.items():
        document = world.document(text)
        assert snapshot.document(document.sha256) == document
        file = snapshot.file(path)
        assert file is not None and file.sha256 == document.sha256
    assert snapshot.document("0" * 64) is None and snapshot.file("nowhere") is None
    assert [file.path for file in snapshot.files()] == sorted(TEXTS)
    assert set(snapshot.dates()) == set(TEXTS)
    assert snapshot.manifest.documents == len(TEXTS)
    assert snapshot.damaged() == []


def test_a_series_of_builds_is_as_one_from_nothing(store, encoder, tmp_path):
    series, alone = (
        World(store, tmp_path / name / "index", encoder)
        for name in ("series", "alone")
        if not (tmp_path / name).mkdir()
    )
    series.build({"b/mill.txt": TEXTS["b/mill.txt"], "z.txt": "Gone soon.\n"})
    series.build({"z.txt": "Gone soon.\n", "c/long.txt": TEXTS["c/long.txt"]})
    series.build({"c/renamed.txt": TEXTS["c/long.txt"]})
    assert series.build(TEXTS) == alone.build(TEXTS)
    with closing(series.opened()) as one, closing(alone.opened()) as other:
        assert full(one, series) == full(other, alone)


def test_an_open_snapshot_stays_as_it_is_while_others_are_published(world):
    world.build(TEXTS)
    with closing(world.opened()) as snapshot:
        before = full(snapshot, world)
        for number in range(4):
            world.build({f"{number}.txt": f"The number is {number}.\n"})
        assert full(snapshot, world) == before
        assert world.store.live_name(world.at) != snapshot.name
    with closing(world.opened()) as snapshot:
        assert [file.path for file in snapshot.files()] == ["3.txt"]


def test_equal_documents_are_published_under_an_equal_name_and_once(world):
    first = world.build(TEXTS)
    name = world.store.live_name(world.at)
    assert world.build(TEXTS) == first
    assert world.store.live_name(world.at) == name


def test_a_build_that_is_abandoned_is_never_seen(world):
    world.build({"a.txt": "The first.\n"})
    name = world.store.live_name(world.at)
    with world.store.begin(world.at, world.seeds, world.shape()) as build:
        document = world.document("The second.\n")
        assert build.add(document, world.rows(document)) == 1
        assert build.passages_of((document.sha256, document.reader)) == 1
    assert world.store.live_name(world.at) == name
    with closing(world.opened()) as snapshot:
        assert snapshot.document(document.sha256) is None


def test_nothing_stays_of_a_document_that_fails(world):
    good, bad = world.document(TEXTS["b/mill.txt"]), world.document(TEXTS["c/long.txt"])

    def failing():
        rows = world.rows(bad)
        yield next(rows)
        raise DocumentFailed("the rest cannot be split")

    with world.store.begin(world.at, world.seeds, world.shape()) as build:
        with pytest.raises(DocumentFailed):
            build.add(bad, failing())
        assert build.passages_of((bad.sha256, bad.reader)) is None
        build.add(good, world.rows(good))
        build.publish([world.file("b/mill.txt", good, 1)])
    with closing(world.opened()) as snapshot:
        assert {passage.paths for passage in snapshot.passages(everything(snapshot, world))} == {
            ("b/mill.txt",)
        }


def test_what_is_known_is_kept_by_shape_and_codes_by_their_own(world):
    world.build(TEXTS)
    text = TEXTS["b/mill.txt"]
    document = world.document(text)
    key = (document.sha256, document.reader)
    ((passage, ranking, coded), *_) = world.rows(document)
    hashed = input_hash(ranking.text, passage)
    for changed, known, reusable in (
        ({}, True, True),
        ({"fingerprint": "other/coding"}, False, True),
        ({"fingerprint": "other/other", "coding": "other"}, False, False),
    ):
        with world.store.begin(world.at, world.seeds, world.shape(**changed)) as build:
            assert (build.passages_of(key) is not None) == known == bool(build.files)
            assert len(build.files_before) == len(TEXTS)
            found = build.coded(hashed)
            assert (found is not None) == reusable
            if found:
                assert found.vector.tolist() == coded.vector.tolist()
                assert found.codes.tolist() == coded.codes.tolist()
                assert found.bounds == coded.bounds
            assert build.coded(b"0" * 16) is None


SPOKEN = {
    "rate.txt": ("The rate of interest is low.\n", "en"),
    "rats.txt": ("A rat lives at the mill.\n", "en"),
    "rat.txt": ("Der Rat tagt in Kursk.\n", "de"),
    "kursk.txt": ("The Kursk sank.\n", "en"),
}


@pytest.fixture
def spoken(world):
    """A store of documents in two languages."""
    with world.store.begin(world.at, world.seeds, world.shape()) as build:
        files = []
        for path, (text, language) in SPOKEN.items():
            document = replace(world.document(text), language=language, letters=9, unread=2)
            count = build.add(document, world.rows(document))
            files.append(world.file(path, document, count))
        build.publish(files)
    with closing(world.opened()) as snapshot:
        yield snapshot


def found_in(snapshot, question, language="en"):
    """The paths in which the words of a question are found, best first."""
    keys, _ = snapshot.search(snapshot.words.terms(question, language), 9)
    return [passage.paths[0] for passage in snapshot.passages(keys.tolist())]


def test_a_word_is_found_in_the_language_of_each_document(spoken):
    assert spoken.words.languages == ("de", "en")
    assert found_in(spoken, "What is the rate?") == ["rate.txt", "rat.txt"], "rate is no rat"
    assert found_in(spoken, "Was tut der Rat?", "de") == ["rat.txt", "rats.txt"]
    assert found_in(spoken, "Where is Kursk?") == ["kursk.txt", "rat.txt"]
    held = spoken.holding(spoken.words.forms("rate"))
    assert [each.paths[0] for each in spoken.passages(held.tolist())] == ["rat.txt", "rate.txt"]


def test_a_word_is_as_frequent_as_in_all_languages_together(spoken):
    keys, scores = spoken.search(spoken.words.terms("Kursk"), 9)
    kursk, german = "kursk", "de:kursk"
    assert spoken.words.frequency(kursk) == spoken.words.frequency(german) == 2
    average = sum(len(text.split()) for text, _ in SPOKEN.values()) / len(SPOKEN)
    for passage, score in zip(spoken.passages(keys.tolist()), scores.tolist(), strict=True):
        length = len(passage.text.split())
        expected = spoken.words.idf(kursk) * 2.2 / (1 + 1.2 * (0.25 + 0.75 * length / average))
        assert score == pytest.approx(expected, rel=1e-4)


def test_a_build_reports_what_its_snapshot_says(world):
    document = replace(world.document("Der Rat tagt.\n"), language="de", letters=9, unread=2)
    for _ in range(2):  # the second has nothing to do
        with world.store.begin(world.at, world.seeds, world.shape()) as build:
            if build.passages_of((document.sha256, document.reader)) is None:
                build.add(document, world.rows(document))
            published = build.publish([world.file("a.txt", document, 1)])
        with closing(world.opened()) as snapshot:
            said = snapshot.manifest
        assert published == (said.snapshot, said.passages, said.languages)
        assert published.languages == (OfLanguage("de", 1, 1, 9, 2),)


def test_the_languages_of_a_store_are_counted_and_may_be_chosen(spoken):
    german, english = spoken.manifest.languages
    assert (german, english) == (OfLanguage("de", 1, 1, 9, 2), OfLanguage("en", 3, 3, 27, 6))
    assert german.is_known and not replace(german, unread=5).is_known
    among = spoken.among([], [], ["de"])
    keys = spoken.search(spoken.words.terms("Kursk rate mill"), 9, among)[0]
    assert {passage.language for passage in spoken.passages(keys.tolist())} == {"de"}
    assert spoken.documents_in(among) == 1
    assert spoken.documents_in(spoken.among(["r*"], ["rats*"], ["en"])) == 1
    assert spoken.documents_in(spoken.among([], [], ["fr"])) == 0


def test_boilerplate_is_kept_and_never_found(world):
    text = "Page 7 of 9\n\nThe mill grinds rye.\n"
    blocks = (Block(0, 11, Kind.BOILERPLATE), Block(13, len(text)))
    document = Document("b" * 64, "text 1", text, blocks=blocks)
    with world.store.begin(world.at, world.seeds, world.shape()) as build:
        count = build.add(document, world.rows(document))
        build.publish([world.file("a.txt", document, count)])
    with closing(world.opened()) as snapshot:
        assert snapshot.manifest.passages == count > snapshot.manifest.ranked == 1
        assert snapshot.words.count == 1
        (found,) = snapshot.passages(everything(snapshot, world))
        assert found.text.strip() == "The mill grinds rye."
        assert snapshot.document(document.sha256) == document


def test_where_nothing_was_published_there_is_no_index(world):
    assert world.store.live_name(world.at) is None
    with pytest.raises(IndexMissing):
        world.opened()


def test_an_index_of_no_documents_answers_with_nothing(world):
    world.build({})
    with closing(world.opened()) as snapshot:
        assert everything(snapshot, world) == []
        keys = np.empty(0, np.int64)
        assert snapshot.search(["rye"], 5)[0].tolist() == []
        assert snapshot.bm25(["rye"], keys).tolist() == []
        assert snapshot.similarity(world.question("Rye?"), keys).tolist() == []
