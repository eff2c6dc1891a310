"""A store at an address beyond the contract: leases, clean-up, trips, and what it says when it is away.

They run on Milvus Lite in this process; what needs a real server is in `test_milvus_server.py`.
"""

import json
import socket
from contextlib import closing

import numpy as np
import pytest
from buckets import free_ports
from hypothesis import given
from hypothesis import strategies as some
from stores import lite
from test_store import TEXTS, World, everything, full

from qa.encoding.encoder import Encoder
from qa.errors import IndexBusy, SettingsInvalid, StoreUnreachable
from qa.index.lexical import Analyzer, WordIndex
from qa.index.milvus import cleaning, labels, publishing, sparse, tables, weighing
from qa.index.milvus.address import Address, address_of
from qa.index.milvus.contents import Contents, Record
from qa.index.milvus.heads import ALIVE, HOLDER, LEASE, ROWS, Heads
from qa.index.milvus.postings import Gathered, PostingIndex
from qa.index.milvus.server import NUMBERS, VECTOR, WORDS, Server
from qa.index.milvus.server import TEXTS as ROW_TEXTS
from qa.index.milvus.weighing import Bm25, mean_of
from qa.index.objects import open_objects
from qa.records import Block, Document, Kind

ONE = {"a.txt": "The ferry runs in summer.\n"}
TWO = {"a.txt": "The ferry runs in summer.\n", "b.txt": "The mill grinds rye.\n"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with lite(tmp_path_factory.mktemp("lite")) as store:
        yield store


@pytest.fixture(scope="module")
def encoder(encoders):
    return Encoder(folder=encoders)


@pytest.fixture
def world(store, encoder, tmp_path):
    return World(store, tmp_path / "index", encoder)


def heads_of(world) -> Heads:
    """The heads and leases of the world's index."""
    with closing(world.opened()) as snapshot:
        return Heads(snapshot.rows.server, snapshot.address)


def test_a_build_that_is_refused_for_its_settings_gives_its_turn_back(world, monkeypatch):
    with monkeypatch.context() as without:
        without.delenv("QA_OBJECTS")
        with pytest.raises(SettingsInvalid, match="QA_OBJECTS"):
            world.store.begin(world.at, world.seeds, world.shape())
    world.build(ONE)


def test_a_second_build_is_refused_and_told_who_builds(world):
    with (
        world.store.begin(world.at, world.seeds, world.shape()),
        pytest.raises(IndexBusy, match=r"is being built by process \d+ on .+ since .+: wait"),
    ):
        world.store.begin(world.at, world.seeds, world.shape())
    world.build(ONE)


def test_a_build_on_this_machine_that_is_dead_holds_nobody_up(world):
    world.build(ONE)
    heads = heads_of(world)
    token = heads.tokens(LEASE)[-1] + 1
    dead = json.dumps({"host": socket.gethostname(), "process": 2**22 + 1})
    heads._server.note(heads.collection(LEASE, token), {HOLDER: dead, ALIVE: "99999999999"})
    world.build(TWO)
    assert heads.tokens()[-1] == token + 1


def test_a_build_that_lost_its_lease_publishes_nothing(world):
    world.build(ONE)
    name = world.store.live_name(world.at)
    with world.store.begin(world.at, world.seeds, world.shape()) as late:
        document = world.document("Too late.\n")
        late.add(document, world.rows(document))
        heads = late._heads
        heads._server.note(heads.collection(LEASE, late._lease.token + 1), {HOLDER: "{}"})
        heads._server.drop(heads.collection(LEASE, late._lease.token))
        with pytest.raises(IndexBusy, match="nothing of this build was published"):
            late.publish([world.file("late.txt", document, 1)])
    assert world.store.live_name(world.at) == name
    heads._server.change(heads.collection(LEASE, late._lease.token + 1), {"qa.released": "1"})
    world.build(TWO)
    with closing(world.opened()) as snapshot:
        assert snapshot.record.unpublished
        assert len(everything(snapshot, world)) == 2, "rows of the late build are never seen"


def test_a_head_that_was_made_when_the_lease_was_lost_is_taken_back(world, monkeypatch):
    world.build(ONE)
    name = world.store.live_name(world.at)
    with world.store.begin(world.at, world.seeds, world.shape()) as build:
        document = world.document("Too late.\n")
        build.add(document, world.rows(document))
        lease, checks = build._lease, []
        check = lease.check

        def checked():
            checks.append(check())
            build._server.drop(build._heads.collection(LEASE, lease.token))

        monkeypatch.setattr(lease, "check", lambda: checked() if not checks else check())
        with pytest.raises(IndexBusy):
            build.publish([world.file("late.txt", document, 1)])
    assert world.store.live_name(world.at) == name


def test_what_no_kept_snapshot_shows_is_removed(world, monkeypatch):
    monkeypatch.setattr(cleaning, "RETAINED", 0.0)
    for number in range(5):
        world.build(ONE | {"n.txt": f"The number is {number}.\n"})
    heads = heads_of(world)
    assert len(heads.tokens()) == cleaning.KEPT
    with closing(world.opened()) as snapshot:
        rows = snapshot.record.rows
        assert heads._server.count(rows, "born > 0") <= 1 + cleaning.KEPT + 1
        assert any(each.is_removed for each in snapshot.record.dead)
        texts = [passage.text for passage in snapshot.passages(everything(snapshot, world))]
        assert texts == ["The ferry runs in summer.", "The number is 4."]
        assert snapshot.damaged() == []
    world.build({})
    world.build(ONE)
    world.build(ONE | {"n.txt": "Once more.\n"})
    assert len(heads.tokens(ROWS)) <= cleaning.KEPT
    named = set()
    for head in filter(None, map(heads.head, heads.tokens())):
        record = Record.unpacked(heads.objects(head).get(head.manifest))
        contents = Contents(heads.objects(head), record)
        named |= {head.manifest, *(each.object for each in contents.documents())}
        named |= contents.pages() | cleaning._postings(heads.objects(head), record)
    assert set(heads.objects(head).digests()) == named, "and what they name is all that is kept"


def test_tables_of_postings_are_merged_and_answers_stay(world, store, encoder, tmp_path):
    (tmp_path / "alone").mkdir()
    alone = World(store, tmp_path / "alone" / "index", encoder)
    many = {f"{number}.txt": f"The number is {number}.\n" for number in range(12)}
    for number in range(1, 13):
        world.build(dict(list(many.items())[:number]) | TEXTS)
    assert world.build(many) == alone.build(many)
    with closing(world.opened()) as one, closing(alone.opened()) as other:
        assert len(one.record.postings) <= publishing.MOST_TABLES
        assert len(one.record.frequencies) <= publishing.MOST_TABLES
        assert full(one, world) == full(other, alone)
        assert one.record.statistics == other.record.statistics


def test_all_goes_into_a_new_collection_where_no_label_is_left(world, monkeypatch):
    world.build({"a.txt": "The first.\n", "c.txt": "The last.\n"})
    monkeypatch.setattr(labels, "STRIDE", 1)
    with closing(world.opened()) as snapshot:
        before = snapshot.record.rows
    given = labels.assigned
    monkeypatch.setattr(
        publishing.labels,
        "assigned",
        lambda known, build: None if any(known) else given(known, build),
    )
    world.build({"a.txt": "The first.\n", "b.txt": "Between.\n", "c.txt": "The last.\n"})
    with closing(world.opened()) as snapshot:
        assert snapshot.record.rows != before
        texts = [each.text for each in snapshot.passages(everything(snapshot, world))]
        assert texts == ["The first.", "Between.", "The last."]


def test_words_beside_the_rows_answer_as_words_in_the_rows_do(
    world, store, encoder, tmp_path, monkeypatch
):
    """Milvus 2.3 has no sparse vectors: there the words stand in tables alone."""
    (tmp_path / "beside").mkdir()
    beside = World(store, tmp_path / "beside" / "index", encoder)
    for texts in (TWO, TWO | TEXTS, TEXTS):
        world.build(texts)
        with monkeypatch.context() as patch:
            patch.setattr(Server, "has_sparse", False)
            beside.build(texts)
        with closing(world.opened()) as one, closing(beside.opened()) as other:
            assert (one.record.weighed > 1, other.record.weighed) == (True, 0)
            assert full(one, world) == full(other, beside)
            for term in one.words.terms("Who grinds rye in winter?"):
                assert one.words.frequency(term) == other.words.frequency(term)


def test_the_best_by_words_are_found_whatever_rows_were_weighed_by(world, monkeypatch):
    """Passages have grown longer since, and words share dimensions of the vectors."""
    monkeypatch.setattr(weighing, "DIMENSIONS", 5)
    monkeypatch.setattr(sparse, "MARGIN", 0)
    short = {f"{n}.txt": f"The mill grinds rye {'and rye ' * (n % 4)}{n}.\n" for n in range(12)}
    long = {f"l{n}.txt": f"The ferry waits. {'Rye and barley grow. ' * n}\n" for n in range(6)}
    world.build(short)
    world.build(short | long)
    with closing(world.opened()) as snapshot:
        statistics = snapshot.record.statistics
        assert statistics.words / statistics.passages > 1.2 * snapshot.record.weighed
        keys = np.array(everything(snapshot, world), np.int64)
        for question in ("rye", "Which mill grinds rye and barley?", "ferry barley"):
            terms = snapshot.words.terms(question)
            scores = snapshot.bm25(terms, keys)
            best = [at for at in np.argsort(-scores, kind="stable") if scores[at] > 0]
            for limit in (1, 4, 30):
                found, of_found = snapshot.search(terms, limit)
                assert found.tolist() == keys[best[:limit]].tolist()
                assert of_found.tolist() == scores[best[:limit]].tolist()


def test_a_question_makes_two_trips_for_its_candidates(world, monkeypatch):
    world.build(TEXTS)
    with closing(world.opened()) as snapshot:
        vector = world.question("Who grinds rye?")
        found, _ = snapshot.search(snapshot.words.terms("Who grinds rye?"), 3)
        snapshot.prefetch_nearest(vector, [(4, None)], found)
        keys = np.union1d(found, snapshot.nearest(vector, 4))
        snapshot.prefetch_passages(keys)
        monkeypatch.setattr(type(snapshot.rows), "server", None)
        assert len(snapshot.similarity(vector, keys)) == len(keys)
        assert len(snapshot.passages(keys.tolist())) == len(snapshot.token_codes(keys).firsts)


def test_what_was_read_for_one_question_is_held_for_the_next(world, monkeypatch):
    world.build(TEXTS)
    with closing(world.opened()) as snapshot:
        keys = np.array(everything(snapshot, world), np.int64)
        one, other = (world.question(text) for text in ("Who grinds rye?", "How old is Ri?"))
        compared = snapshot.similarity(one, keys[:2]), snapshot.similarity(other, keys)
        snapshot.prefetch_passages(keys)
        monkeypatch.setattr(type(snapshot.rows), "server", None)
        assert snapshot.similarity(one, keys)[:2].tolist() == compared[0].tolist()
        snapshot.rows._products.drop(other.tobytes())
        assert snapshot.similarity(other, keys).tolist() == compared[1].tolist()


def test_headings_are_those_of_the_passages(world):
    text = "Fares\n\nA ticket costs two crowns.\n"
    blocks = (Block(0, 5, Kind.HEADING), Block(7, len(text), heading=("Ferry", "Fares")))
    document = Document("c" * 64, "text 1", text, blocks=blocks)
    with world.store.begin(world.at, world.seeds, world.shape()) as build:
        count = build.add(document, world.rows(document))
        build.publish([world.file("fares.txt", document, count)])
    with closing(world.opened()) as snapshot:
        keys = np.array(everything(snapshot, world), np.int64)
        found = [passage.heading for passage in snapshot.passages(keys.tolist())]
        assert ("Ferry", "Fares") in found and list(snapshot.headings(keys)) == found


def test_a_row_that_is_not_what_was_written_is_found(world):
    world.build(ONE)
    with closing(world.opened()) as snapshot:
        rows, server = snapshot.record.rows, snapshot.rows.server
        fields = ["born", "document", *NUMBERS[2:], *ROW_TEXTS, VECTOR, WORDS]
        (row,) = server.rows(rows, "born > 0", fields, 9)
        server.put(rows, [{**row, "text": "The ferry never runs."}])
        assert snapshot.damaged() == ["a.txt"]


def test_milvus_lite_is_refused_where_it_is_not_allowed(world, monkeypatch):
    world.build(ONE)
    port = heads_of(world)._address.port
    monkeypatch.delenv("QA_STORE_DOUBLE")
    with pytest.raises(SettingsInvalid, match="loses acknowledged rows"):
        Server("127.0.0.1", port, 0.5)


def test_a_store_that_does_not_answer_is_one_clear_line():
    (port,) = free_ports(1)
    with pytest.raises(StoreUnreachable, match=f"127.0.0.1:{port} does not answer"):
        Server("127.0.0.1", port, 0.5)


def test_an_address_names_a_host_a_port_and_an_index():
    assert address_of("milvus://store.example/hand_books2") == Address(
        "store.example", 19530, "hand_books2"
    )
    assert str(address_of("milvus://[::1]:7/a")) == "milvus://[::1]:7/a"
    for wrong in (
        "milvus://h:1", "milvus://h:1/A", "milvus://h:1/a__b", "milvus://h:x/a", "http://h:1/a",
        "milvus:///a", f"milvus://h/{'a' * 65}",
    ):  # fmt: skip
        with pytest.raises(SettingsInvalid, match="milvus://host"):
            address_of(wrong)
    with pytest.raises(SettingsInvalid) as refused:
        address_of("milvus://me:secret@h/a")
    assert "secret" not in str(refused.value) and "QA_STORE_PASSWORD" in str(refused.value)


@given(some.lists(some.sampled_from("abcdefgh"), max_size=6, unique=True), some.data())
def test_labels_ascend_by_path_and_stay_where_they_can(first, data):
    known = dict(zip(sorted(first), labels.assigned([None] * len(first), 1), strict=True))
    paths = data.draw(some.permutations(sorted({*first, "d5", "zz"})))
    given = labels.assigned([known.get(path) for path in paths], 2)
    assert given == sorted(set(given)) and len(given) == len(paths)
    in_order = labels.assigned([known.get(path) for path in sorted(paths)], 2)
    assert all(
        in_order[at] == known.get(path, in_order[at]) for at, path in enumerate(sorted(paths))
    )


def test_labels_end_where_neighbours_have_none_between_them():
    low, high = 5 << labels.BUILDS, 7 << labels.BUILDS
    assert labels.assigned([low, None, high], 3) == [low, 6 << labels.BUILDS | 3, high]
    assert labels.assigned([low, None, None, high], 3) is None


@given(
    some.lists(
        some.lists(some.sampled_from(["rye", "mill", "ferry", "sail", "winter", "12.2", "x"]), max_size=9),
        min_size=1, max_size=30,
    )
)  # fmt: skip
def test_bm25_of_postings_is_that_of_the_local_word_index(tmp_path_factory, texts):
    lines = [Analyzer("en").line(" ".join(words)) for words in texts]
    check_bm25(open_objects(str(tmp_path_factory.getbasetemp() / "objects")), lines)


def check_bm25(objects, lines):
    """Postings of the lines give what tantivy gives."""
    oracle, gathered = WordIndex.of(lines), Gathered()
    words = sum(gathered.add(key, line) for key, line in enumerate(lines))
    bm25 = Bm25(len(lines), mean_of(len(lines), words))
    index = PostingIndex(objects, [gathered.write(objects)], np.empty(0, np.int64), bm25)
    terms = sorted(set(" ".join(lines).split())) or ["none"]
    found, scores = oracle.search(terms, len(lines))
    keys, own = index.relevance(terms, {})
    order = np.argsort(found)
    assert keys.tolist() == found[order].tolist()
    np.testing.assert_allclose(own, scores[order], rtol=3e-7)
    assert [index.frequency(term) for term in terms] == [oracle.frequency(term) for term in terms]
    for term in terms[:3]:
        assert index.holding([[term]]).tolist() == oracle.holding([[term]]).tolist()


def test_passages_of_any_length_count_as_in_the_local_word_index(tmp_path):
    lines = ["rye " + "mill " * length for length in (0, 22, 38, 40, 54, 100, 999, 2_500)]
    check_bm25(open_objects(str(tmp_path)), lines)


def test_tables_that_differ_by_little_share_their_pages(tmp_path):
    objects = open_objects(str(tmp_path))
    entries = [(f"{number:06}", b"x" * 20) for number in range(5_000)]
    one = tables.Table(objects, tables.write(objects, entries))
    entries.insert(2_500, ("002499a", b"y"))
    other = tables.Table(objects, tables.write(objects, entries))
    assert len(one) == 5_000 and list(other) == entries
    assert other.get("002499a") == b"y" and one.get("002499a") is None
    assert one.get("") is None and one.get("zz") is None and other.get("000000") == b"x" * 20
    assert [key for key, _ in one.since("004997")] == ["004997", "004998", "004999"]
    differing = {page.digest for page in one.pages} ^ {page.digest for page in other.pages}
    assert len(one.pages) > 8 and len(differing) <= 2
    assert len(tables.Table(objects, tables.write(objects, []))) == 0
