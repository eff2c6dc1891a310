"""Documents of other programs: through LibreOffice where it is, else what to install."""

import shutil
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import compounds
import files
import pytest
from indexes import write
from waiting import wait_for

from qa import processes
from qa.asking.service import QA
from qa.building.pipeline import build, plan
from qa.errors import ReadFailed, SettingsInvalid, Unsupported
from qa.index.manifest import current
from qa.reading import converter, libreoffice, read
from qa.reading.formats import Format

needs_office = pytest.mark.skipif(
    shutil.which("soffice") is None, reason="LibreOffice is not on this machine"
)


@pytest.fixture(autouse=True)
def _looked_for(monkeypatch):
    """LibreOffice is found where it is, as on a user's machine."""
    monkeypatch.delenv("QA_LIBREOFFICE", raising=False)


def zipped(*names):
    """A zip archive with members of these names."""
    return files.archive(dict.fromkeys(names, b"words"))


@pytest.mark.parametrize(
    ("data", "name", "what"),
    [
        (compounds.compound({"WordDocument": b"x"}), "a.doc", "old Word"),
        (compounds.compound({"WordDocument": b"x"}), "a", "old Word"),
        (compounds.compound({"PowerPoint Document": b"x"}), "a.pps", "old PowerPoint"),
        (compounds.compound({"VisioDocument": b"x"}), "a.vsd", "old Visio"),
        (compounds.compound({"Quill": b"x"}), "a.pub", "Publisher"),
        (zipped("Index/Document.iwa"), "a.pages", "Pages"),
        (zipped("Index/Document.iwa"), "a.numbers", "Numbers"),
        (zipped("index.apxl"), "a.key", "Keynote"),
        (zipped("[Content_Types].xml", "visio/document.xml"), "a.vsdx", "Visio"),
        (zipped("[Content_Types].xml", "xl/workbook.bin"), "a.xlsb", "binary Excel"),
        (b"\xffWPC" + bytes(100), "a.wpd", "WordPerfect"),
    ],
)
def test_without_libreoffice_the_reason_says_what_to_save_as_or_to_install(
    monkeypatch, data, name, what
):
    monkeypatch.setenv("QA_LIBREOFFICE", "0")
    with pytest.raises(Unsupported, match=rf"{what}.* as .*or install LibreOffice"):
        read(data, name)


def test_a_relative_command_is_none(monkeypatch):
    monkeypatch.setenv("QA_LIBREOFFICE", "bin/soffice")
    assert libreoffice.command() is None


OFFICE = """#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" = --outdir ] && out=$2; shift; done
mkdir -p "$out" && cp %s "$out/document.docx"
"""


@pytest.fixture
def office(tmp_path):
    """A program that saves every document as the same Word file."""
    (tmp_path / "copy.docx").write_bytes(files.docx(files.FACTS))
    command = tmp_path / "soffice"
    command.write_text(OFFICE % (tmp_path / "copy.docx"))
    command.chmod(0o755)
    return str(command)


def statuses(index):
    """How each file of an index is."""
    with QA.open(index) as opened:
        return {file.path: str(file.status) for file in opened.files()}


@pytest.fixture
def converted(tmp_path, office, new_index, monkeypatch):
    """An index with a document that LibreOffice read, and its folder."""
    write(tmp_path / "docs", "mill.txt", "The mill has four sails.")
    (tmp_path / "docs" / "old.doc").write_bytes(compounds.compound({"WordDocument": b"x"}))
    monkeypatch.setenv("QA_LIBREOFFICE", "/nowhere/soffice")
    index = new_index()
    build(tmp_path / "docs", index)
    assert statuses(index) == {"mill.txt": "indexed", "old.doc": "unsupported"}
    monkeypatch.setenv("QA_LIBREOFFICE", office)
    build(index=index)
    assert statuses(index) == {"mill.txt": "indexed", "old.doc": "indexed"}
    return index


def test_documents_that_libreoffice_read_stay_where_it_is_missing(converted, monkeypatch):
    """The build says what to do, and the index answers as before; who declines it builds without."""
    assert build(index=converted).unchanged == ("mill.txt", "old.doc")
    before = current(converted)
    monkeypatch.setenv("QA_LIBREOFFICE", "/nowhere/soffice")
    for make in (build, plan):
        with pytest.raises(SettingsInvalid, match=r"LibreOffice read.*QA_LIBREOFFICE=0"):
            make(index=converted)
    assert current(converted) == before
    monkeypatch.setenv("QA_LIBREOFFICE", "0")
    build(index=converted)
    assert statuses(converted) == {"mill.txt": "indexed", "old.doc": "unsupported"}


def test_an_index_without_such_documents_is_built_with_libreoffice_or_without(
    converted, tmp_path, monkeypatch
):
    (tmp_path / "docs" / "old.doc").unlink()
    assert build(index=converted).removed == ("old.doc",)
    monkeypatch.setenv("QA_LIBREOFFICE", "/nowhere/soffice")
    build(index=converted)
    assert statuses(converted) == {"mill.txt": "indexed"}


def test_text_under_the_name_of_a_word_file_is_text():
    """Programs write web pages and rich text into files named .doc."""
    assert read(b"Nine ships waited.", "a.doc").text == "Nine ships waited."
    with pytest.raises(ReadFailed, match="damaged"):
        read(bytes(range(256)) * 20, "a.doc")


def started(folder, seconds, *command):
    """A converter of a command, with the pipe that its reader holds."""
    arguments = processes.command("qa.reading.converter", str(folder), str(seconds), *command)
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, env=processes.environment())


def is_alive(number):
    """True while there is such a process, and it is no zombie."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


SLEEPERS = "sleep 600 & echo $! > started.tmp; mv started.tmp started; sleep 600"


@pytest.mark.parametrize("end", ["reader", "time"])
def test_a_program_ends_with_all_its_processes_when_its_reader_or_its_time_is_gone(tmp_path, end):
    folder = tmp_path / "folder"
    folder.mkdir()
    process = started(folder, 2 if end == "time" else 600, "/bin/sh", "-c", SLEEPERS)
    wait_for((folder / "started").exists)
    inner = int((folder / "started").read_text())
    if end == "reader":
        process.stdin.close()
    assert process.wait(60) == converter.TOO_SLOW
    wait_for(lambda: not is_alive(inner))
    assert folder.exists() == (end == "time")  # a reader that lives removes it itself
    process.stdin.close()


def test_a_program_that_crashes_is_a_reason(tmp_path, monkeypatch):
    """What the command does, or does not, costs one file."""
    office = tmp_path / "soffice"
    office.write_text(f"#!/bin/sh\nkill -{int(signal.SIGSEGV)} $$\n")
    office.chmod(0o755)
    monkeypatch.setenv("QA_LIBREOFFICE", str(office))
    with pytest.raises(ReadFailed, match="LibreOffice cannot open it"):
        read(compounds.compound({"WordDocument": b"x"}), "a.doc")


@pytest.fixture(scope="module")
def asked():
    """A server of this machine, and the paths that it was asked for."""
    paths = []

    class Asked(BaseHTTPRequestHandler):
        def do_GET(self):
            paths.append(self.path)
            self.send_error(404)

        do_HEAD = do_OPTIONS = do_PROPFIND = do_GET  # noqa: N815  # named by HTTP

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Asked)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_port, paths
    server.shutdown()
    thread.join()
    server.server_close()


FLAT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"
 xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"
 xmlns:xlink="http://www.w3.org/1999/xlink" office:version="1.2"
 office:mimetype="application/vnd.oasis.opendocument.text"><office:body><office:text>
<text:h text:outline-level="1">The harbour</text:h><text:p>Nine ships waited.</text:p>
<text:p><draw:frame svg:width="2cm" svg:height="2cm">%s</draw:frame></text:p>
</office:text></office:body></office:document>"""


@needs_office
def test_an_old_word_file_is_read_and_what_it_links_to_is_not_fetched(asked):
    """Its headings and paragraphs are those of the document; nothing is asked of the network."""
    port, paths = asked
    picture = f"<draw:image xlink:href='http://127.0.0.1:{port}/x.png'/>"
    data = libreoffice._saved(
        libreoffice.command(), (FLAT % picture).encode(), Format.FLAT_DOCUMENT, "doc"
    )
    assert data.startswith(b"\xd0\xcf\x11\xe0")
    document = read(data, "a.doc")
    (block,) = [b for b in document.blocks if "Nine ships" in document.text[b.start : b.end]]
    assert block.heading == ("The harbour",)
    assert document.reader.startswith("doc ")
    assert paths == []


@needs_office
def test_old_slides_have_their_pages_and_titles():
    data = libreoffice._saved(libreoffice.command(), files.pptx(files.FACTS), Format.SLIDES, "ppt")
    document = read(data, "a.ppt")
    (block,) = [b for b in document.blocks if "eleven sacks" in document.text[b.start : b.end]]
    assert (block.page, block.heading) == (2, ("The mill",))


@needs_office
def test_nothing_is_left_of_a_conversion(tmp_path, monkeypatch):
    """A damaged file is a reason, and its folder is gone."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ReadFailed, match="LibreOffice cannot open it"):
        read(compounds.compound({"VisioDocument": b"x"}), "a.vsd")
    assert list(tmp_path.iterdir()) == []
