"""What stands on a PDF page besides its text: fields that were filled in, and comments."""

import ctypes
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pypdfium2 import raw

FORM, COMMENTS = "Form", "Comments"
_COMMENTS = frozenset(
    [
        raw.FPDF_ANNOT_TEXT,
        raw.FPDF_ANNOT_FREETEXT,
        raw.FPDF_ANNOT_HIGHLIGHT,
        raw.FPDF_ANNOT_UNDERLINE,
        raw.FPDF_ANNOT_SQUIGGLY,
        raw.FPDF_ANNOT_STRIKEOUT,
        raw.FPDF_ANNOT_STAMP,
        raw.FPDF_ANNOT_CARET,
        raw.FPDF_ANNOT_INK,
        raw.FPDF_ANNOT_SQUARE,
        raw.FPDF_ANNOT_CIRCLE,
        raw.FPDF_ANNOT_LINE,
        raw.FPDF_ANNOT_POLYGON,
    ]
)
_BUTTONS = frozenset([raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON])
_SILENT = frozenset([raw.FPDF_FORMFIELD_PUSHBUTTON, raw.FPDF_FORMFIELD_SIGNATURE])
_PASSWORD = 1 << 13  # a flag of a field whose text is not shown (PDF 1.7, table 228)
_LIMIT = 5_000  # annotations of a page
_LENGTH = 20_000  # bytes of one text


class Annotations(NamedTuple):
    """The fields and comments of a page, a line or more for each."""

    form: tuple[str, ...] = ()  # "name: value"
    comments: tuple[str, ...] = ()


def annotations(face: Any, form: Any) -> Annotations:
    """What was filled in and remarked on a page of pdfium's; `form` is the file's form, or None."""
    fields, comments = dict[str, None](), list[str]()
    for number in range(min(raw.FPDFPage_GetAnnotCount(face), _LIMIT)):
        annotation = raw.FPDFPage_GetAnnot(face, number)
        if not annotation:
            continue
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        if kind == raw.FPDF_ANNOT_WIDGET and form is not None:
            fields.update(dict.fromkeys(_field(form, annotation)))
        elif kind in _COMMENTS:
            comment = _text(raw.FPDFAnnot_GetStringValue, annotation, b"Contents").strip()
            comments += [comment] if comment else []
        raw.FPDFPage_CloseAnnot(annotation)
    return Annotations(tuple(fields), tuple(comments))


def _field(form: Any, annotation: Any) -> Iterator[str]:
    kind = raw.FPDFAnnot_GetFormFieldType(form.raw, annotation)
    is_secret = raw.FPDFAnnot_GetFormFieldFlags(form.raw, annotation) & _PASSWORD
    if kind in _SILENT or (kind == raw.FPDF_FORMFIELD_TEXTFIELD and is_secret):
        return
    value = _text(raw.FPDFAnnot_GetFormFieldValue, form.raw, annotation).strip()
    if kind in _BUTTONS:
        value = "" if value == "Off" else value
        if kind == raw.FPDF_FORMFIELD_RADIOBUTTON and not raw.FPDFAnnot_IsChecked(
            form.raw, annotation
        ):
            value = ""
    if value:
        yield f"{_name(form, annotation)}: {value}"


def _name(form: Any, annotation: Any) -> str:
    """What the form calls the field: the label that it shows, or else its own name."""
    label = _text(raw.FPDFAnnot_GetFormFieldAlternateName, form.raw, annotation)
    name = label.strip() or _text(raw.FPDFAnnot_GetFormFieldName, form.raw, annotation)
    if not label.strip():  # "form[0].Page1[0].town[0]"
        name = re.sub(r"\[\d+\]", "", name).rpartition(".")[2]
    return " ".join(name.split()) or "field"


def _text(ask: Any, *arguments: Any) -> str:
    """A text that pdfium writes into a buffer, as UTF-16."""
    length = min(ask(*arguments, None, 0), _LENGTH)
    if length <= 2:
        return ""
    buffer = (ctypes.c_ushort * (length // 2 + 1))()
    ask(*arguments, buffer, length)
    return bytes(buffer)[: length - 2].decode("utf-16-le", errors="replace").replace("\0", "")
