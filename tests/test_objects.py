"""Objects: bytes by their hash, in a folder and in a bucket of a real S3 server (`make scale`)."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from buckets import PROGRAM, bucket_objects, free_ports, s3_server
from hypothesis import given
from hypothesis import strategies as some

from qa.errors import IndexDamaged, SettingsInvalid, StoreUnreachable
from qa.index.objects import FolderObjects, open_objects
from qa.records import Block, Document, Kind
from qa.records.packing import pack_document, unpack_document

TEXT = "Ri is 26 years old. Köln and 東京.\n" * 500


@pytest.fixture(scope="module", params=["folder", "bucket"])
def objects(request, tmp_path_factory):
    if request.param == "folder":
        yield open_objects(str(tmp_path_factory.mktemp("objects") / "new"))
        return
    if "QA_LONG" not in os.environ or not PROGRAM.is_file():
        pytest.skip("an S3 server is started by `make scale`")
    folder = tmp_path_factory.mktemp("s3")
    with pytest.MonkeyPatch.context() as patch, s3_server(folder) as environment:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield bucket_objects("s3://bucket/some/where")


def test_what_was_put_is_read_by_its_hash(objects):
    digest = objects.put(TEXT.encode())
    assert digest == sha256(TEXT.encode()).hexdigest()
    assert objects.get(digest) == TEXT.encode()
    assert objects.get(objects.put(b"")) == b""


def test_an_object_that_is_put_twice_is_there_once(objects):
    before = set(objects.digests())
    once = objects.put(b"twice")
    assert objects.put(b"twice") == once
    assert sorted(objects.digests()) == sorted(before | {once})


def test_removed_objects_are_missing_and_the_others_stay(objects):
    stays, goes = objects.put(b"stays"), objects.put(b"goes")
    objects.remove([goes, "0" * 64])
    assert objects.get(stays) == b"stays"
    assert goes not in set(objects.digests())
    with pytest.raises(IndexDamaged, match=f"{goes}.*--full"):
        objects.get(goes)


def test_many_threads_put_and_get_at_once(objects):
    texts = [f"text {number}".encode() * 1000 for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(objects.put, texts))
        assert list(pool.map(objects.get, digests)) == texts


def test_an_object_in_a_folder_is_for_its_owner_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        FolderObjects(tmp_path / "new").put(b"secret")
    finally:
        os.umask(before)
    places = list(tmp_path.rglob("*"))
    assert len(places) == 3
    assert all(not stat.S_IMODE(path.stat().st_mode) & 0o077 for path in places)


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-1], lambda data: data[:40] + b"?" + data[41:]]
)
def test_a_damaged_object_is_refused(tmp_path, spoil):
    objects = FolderObjects(tmp_path)
    digest = objects.put(TEXT.encode())
    (file,) = tmp_path.glob("??/*")
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(IndexDamaged, match="not what was written"):
        objects.get(digest)


def test_an_object_in_the_place_of_another_is_refused(tmp_path):
    objects = FolderObjects(tmp_path)
    one, other = objects.put(b"one"), objects.put(b"other")
    (tmp_path / one[:2] / one).write_bytes((tmp_path / other[:2] / other).read_bytes())
    with pytest.raises(IndexDamaged, match="not what was written"):
        objects.get(one)


def test_what_else_lies_in_the_folder_is_no_object(tmp_path):
    objects = FolderObjects(tmp_path)
    digest = objects.put(b"one")
    (tmp_path / digest[:2] / ".draft").write_bytes(b"broken off")
    assert list(objects.digests()) == [digest]


def test_a_bucket_that_does_not_answer_is_named(monkeypatch):
    pytest.importorskip("obstore")
    (port,) = free_ports(1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    objects = open_objects("s3://bucket")
    for ask in (
        lambda: objects.get("0" * 64),
        lambda: objects.put(b"x"),
        lambda: [*objects.digests()],
    ):
        with pytest.raises(StoreUnreachable, match=r"^s3://bucket does not answer") as refused:
            ask()
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("place", ["s3://", "http://127.0.0.1/bucket"])
def test_a_place_that_is_neither_folder_nor_bucket_is_refused(place):
    with pytest.raises(SettingsInvalid, match=place):
        open_objects(place)


def blocks():
    names = some.text(max_size=8)
    return some.builds(
        Block, some.integers(0, 1 << 40), some.integers(0, 1 << 40), some.sampled_from(Kind),
        some.none() | some.integers(1, 9), some.lists(names, max_size=3).map(tuple), names,
    )  # fmt: skip


@given(
    some.builds(
        Document,
        some.text(),
        some.text(),
        some.text(),
        some.none() | some.text(),
        some.none() | some.text(),
        some.lists(blocks(), max_size=5).map(tuple),
        some.integers(0, 9),
        some.lists(some.integers(0, 9)).map(tuple),
    )
)
def test_a_document_is_the_same_after_it_was_bytes(document):
    assert unpack_document(pack_document(document)) == document


def test_bytes_that_are_no_document_are_refused():
    data = pack_document(Document("0" * 64, "text 1", TEXT, blocks=(Block(0, len(TEXT)),)))
    header = data.replace(b'"sha256": "', b'"sha256":\t"')
    assert unpack_document(header).text == TEXT
    for wrong in (
        b"",
        data[:7],
        data[:40],
        data[:-1],
        data + b"\0",
        data.replace(b"sha256", b"sha257"),
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - whichever part is wrong
            unpack_document(wrong)
