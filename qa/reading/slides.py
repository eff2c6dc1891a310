"""PowerPoint by python-pptx: each slide is a page under its title, the speaker's notes included."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE

from qa.reading.archive import names_itself
from qa.reading.content import Content, Draft, Headings, made_on
from qa.reading.packages import repaired


def read(data: bytes, _name: str) -> Content:
    """The content of a presentation."""
    file = Presentation(BytesIO(repaired(data)))
    draft, blank = Draft(), list[int]()
    first_title = None
    for number, slide in enumerate(file.slides, start=1):
        draft.page, draft.headings = number, Headings()
        before = draft.length
        title = _title(slide)
        first_title = first_title or title
        draft.enter(1, title)
        for shape in _shapes(slide.shapes):
            if shape is not slide.shapes.title and shape.shape_id != _title_id(slide):
                _add(draft, shape)
        if slide.has_notes_slide:
            draft.add(_said(slide.notes_slide.notes_text_frame))
        if draft.length == before and len(slide.shapes):
            blank.append(number)
    about = file.core_properties if names_itself(data) else None
    named = about.title if about and about.title != "PowerPoint Presentation" else None
    return draft.content(
        title=named or first_title,
        date=made_on(about.created) if about else None,
        pages=len(file.slides),
        pages_without_text=tuple(blank),
    )


def _title(slide: Any) -> str:
    shape = slide.shapes.title
    return " ".join(_said(shape.text_frame).split()) if shape is not None else ""


def _title_id(slide: Any) -> int | None:
    shape = slide.shapes.title
    return shape.shape_id if shape is not None else None


def _shapes(shapes: Iterable[Any]) -> Iterator[Any]:
    """The shapes, those of groups in the place of their group."""
    for shape in shapes:
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            yield from _shapes(shape.shapes)
        else:
            yield shape


def _add(draft: Draft, shape: Any) -> None:
    """Add a table, or a text: one of several paragraphs in a placeholder is a list."""
    if getattr(shape, "has_table", False) and shape.has_table:
        draft.add_table([cell.text for cell in row.cells] for row in shape.table.rows)
    elif shape.has_text_frame:
        said = [_folded(paragraph.text) for paragraph in shape.text_frame.paragraphs]
        said = [text for text in said if text.strip()]
        if shape.is_placeholder and len(said) > 1:
            draft.add_list(said)
        else:
            draft.add("\n".join(said))


def _said(frame: Any) -> str:
    """All paragraphs of a text frame; there may be none."""
    return "\n".join(_folded(paragraph.text) for paragraph in frame.paragraphs) if frame else ""


def _folded(text: str) -> str:
    """The text with line ends where PowerPoint has vertical tabs."""
    return text.replace("\v", "\n")
