"""Pages are drawn in processes of their own: whatever a page does costs that page alone."""

import hashlib
import io
import subprocess
import sys
import threading
from pathlib import Path

import files
import pytest
from conftest import SHARED
from PIL import Image

from qa.errors import ReadFailed
from qa.reading import pdf_pages
from qa.reading.drawing import PROCESSES, STRIKES, STRIKES_SECONDS, Drawing, Pdf, Place

CASES = SHARED / "cases" / "hostile"
PLAIN = files.drawn_pdf(files.WRITTEN)


def put(folder: Path, name: str, data: bytes) -> Pdf:
    """A file, as the server asks for its pages."""
    (folder / name).write_bytes(data)
    return Pdf(hashlib.sha256(data).hexdigest(), (Place(folder / name, name, name),))


@pytest.fixture
def drawing():
    """What draws, with little patience."""
    with_limits = Drawing(seconds=3.0)
    yield with_limits
    with_limits.close()


def pixels(png: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(png)).size


def test_a_page_looks_and_is_measured_as_pdfium_has_it(tmp_path, drawing):
    """The way through a process changes nothing."""
    data = files.pdf([["# Title", "Ri is a soldier."], ["He is 26 years old."]])
    file = put(tmp_path, "a.pdf", data)
    assert drawing.image(file, 2, 300) == pdf_pages.render(data, 2, 300)
    layout = drawing.layout(file, {1: [(0, 5), (6, 22)], 2: []})
    assert list(layout.sizes) == pdf_pages.sizes(data)
    assert layout.boxes[1] == [
        pdf_pages.boxes(data, 1, [(0, 5)]),
        pdf_pages.boxes(data, 1, [(6, 22)]),
    ]
    assert layout.boxes[2] == []


def test_pages_that_hang_cost_their_time_and_block_no_other_document(tmp_path, drawing):
    """While as many as there are processes wait for one document, another one's page is drawn."""
    endless, plain = put(tmp_path, "a.pdf", files.endless_pdf()), put(tmp_path, "b.pdf", PLAIN)
    reasons = []

    def draw() -> None:
        with pytest.raises(ReadFailed) as raised:
            drawing.image(endless, 1, 1100)
        reasons.append(str(raised.value))

    hanging = [threading.Thread(target=draw) for _ in range(PROCESSES)]
    for thread in hanging:
        thread.start()
    assert pixels(drawing.image(plain, 1, 1100))[0] == 1100
    assert all(thread.is_alive() for thread in hanging)
    for thread in hanging:
        thread.join()
    assert reasons[:STRIKES] == ["took longer than 3 seconds"] * STRIKES
    assert all("not drawn for now" in reason for reason in reasons[STRIKES:])


def test_a_document_whose_pages_hang_is_refused_for_a_while(tmp_path):
    """After some strikes nothing is started for it, and later it is tried again."""
    now = 0.0
    drawing = Drawing(seconds=0.5, clock=lambda: now)
    endless = put(tmp_path, "a.pdf", files.endless_pdf())
    for _ in range(STRIKES):
        with pytest.raises(ReadFailed, match=r"^took longer"):
            drawing.image(endless, 1, 1100)
    for ask in (drawing.image, lambda file, *_: drawing.layout(file, {})):
        with pytest.raises(ReadFailed, match="not drawn for now: one took longer"):
            ask(endless, 1, 1100)
    assert drawing.image(put(tmp_path, "b.pdf", PLAIN), 1, 100)
    now += STRIKES_SECONDS + 1
    with pytest.raises(ReadFailed, match=r"^took longer"):
        drawing.image(endless, 1, 1100)
    drawing.close()


def test_a_page_of_whatever_shape_has_a_bounded_number_of_pixels(tmp_path, drawing):
    """A strip is drawn smaller, and an empty page says why it is not."""
    for name, box in {"n": "0 0 20 14400", "w": "0 0 14400 20", "s": "0 0 3 3"}.items():
        file = put(tmp_path, f"{name}.pdf", files.drawn_pdf(files.WRITTEN, box=box))
        across, down = pixels(drawing.image(file, 1, 1100))
        assert across <= 1101
        assert down <= 16_001
        assert across * down <= 17 << 20


UNFOLDING = """
import resource, sys
from contextlib import suppress
from pathlib import Path
sys.path[:0] = sys.argv[1:2]
from test_drawing import PLAIN, ReadFailed, Drawing, files, put
huge = (
    "/XObject<</I 6 0 R>>|<</Type/XObject/Subtype/Image/Width 60000/Height 60000"
    "/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/RunLengthDecode/Length 2>>"
    "stream\\n\\x81\\x41\\nendstream"
)
content = "q 612 0 0 792 0 0 cm /I Do Q"
place, drawing = Path(sys.argv[2]), Drawing(seconds=3.0)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with suppress(ReadFailed):  # pdfium may leave the picture out
    drawing.image(put(place, "a.pdf", files.drawn_pdf(content, huge)), 1, 1100)
assert drawing.image(put(place, "b.pdf", PLAIN), 1, 100)
drawing.close()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_a_picture_that_unfolds_to_gigabytes_costs_its_page_alone(tmp_path):
    """The process may take no more memory than its limit, and the one that asks takes none.

    That is seen in a process of its own, which has had no other children.
    """
    pytest.importorskip("resource")
    command = [sys.executable, "-c", UNFOLDING, str(Path(__file__).parent), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    grown, largest = map(int, done.stdout.split())
    assert grown < 100_000
    assert 0 < largest < 2_000_000


def test_only_the_bytes_that_were_indexed_are_drawn(tmp_path, drawing):
    """A file that changed is not drawn; an equal one elsewhere, also within an archive, is."""
    file = put(tmp_path, "a.pdf", PLAIN)
    (tmp_path / "a.pdf").write_bytes(files.pdf([["Another page."]]))
    with pytest.raises(ReadFailed, match="not what was indexed"):
        drawing.image(file, 1, 100)
    (tmp_path / "z.zip").write_bytes(files.archive({"in/b.pdf": PLAIN}))
    within = Place(tmp_path / "z.zip", "z.zip", "z.zip/in/b.pdf")
    both = file._replace(places=(*file.places, within))
    assert drawing.image(both, 1, 100) == pdf_pages.render(PLAIN, 1, 100)


def test_a_page_that_is_not_there_and_a_file_that_is_no_pdf_are_told(tmp_path, drawing):
    """The reason is one line."""
    for name, data, reason in (
        ("a.pdf", PLAIN, "there is no page 7"),
        ("b.pdf", b"%PDF-1.7 nonsense", "damaged"),
    ):
        with pytest.raises(ReadFailed, match=reason):
            drawing.image(put(tmp_path, name, data), 7, 100)


def test_a_process_that_is_gone_is_replaced(tmp_path, drawing):
    """It ends by itself when nobody asks, or is killed: the next page is drawn by another."""
    file = put(tmp_path, "a.pdf", PLAIN)
    drawing.image(file, 1, 100)
    (child,) = drawing._idle
    child.process.kill()
    child.process.wait()
    assert drawing.image(file, 1, 100)
    (child,) = drawing._idle
    child.process.stdin.close()
    child.process.wait()
    assert drawing.image(file, 1, 100)


def test_pdfium_is_not_loaded_by_what_serves():
    """The page and the API never see a PDF's bytes."""
    script = "import sys, qa.web.server, qa.web.api; print('pypdfium2' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not here")
@pytest.mark.parametrize("name", ["narrow2", "tiling", "shading"])
def test_the_shared_hostile_pages_end(drawing, name):
    """Each is drawn, or says why it is not."""
    file = CASES / f"{name}.pdf"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    asked = Pdf(digest, (Place(file, file.name, file.name),))
    if name == "narrow2":
        assert pixels(drawing.image(asked, 1, 1100))[1] > 10_000
        return
    with pytest.raises(ReadFailed, match="took longer than 3 seconds"):
        drawing.image(asked, 1, 1100)
