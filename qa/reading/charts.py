"""Charts of Word and PowerPoint as tables, a row for each category; SmartArt as lists."""

from typing import Any

_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_TEXT = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"
_POINTS_LIMIT = 10_000  # values of a series; a chart shows fewer

Table = list[list[str]]


def chart(root: Any) -> tuple[str, Table]:
    """The title of a chart, and its data under a row of names."""
    title = root.find(f"{_CHART}chart/{_CHART}title")
    named = "" if title is None else "".join(title.itertext(_TEXT, f"{_CHART}v"))
    series = list(root.iter(f"{_CHART}ser"))
    names = [_first(each, "tx") or f"Series {n}" for n, each in enumerate(series, start=1)]
    values = [_points(each, "val") or _points(each, "yVal") for each in series]
    categories: dict[int, str] = {}
    for each in series:
        categories |= _points(each, "cat") or _points(each, "xVal")
    places = sorted({place for points in (categories, *values) for place in points})
    rows = [
        [categories.get(place, str(place + 1)), *(points.get(place, "") for points in values)]
        for place in places
    ]
    return named, [["Category", *names], *rows] if rows else []


def _first(series: Any, name: str) -> str:
    found = series.find(f"{_CHART}{name}//{_CHART}v")
    return "" if found is None else found.text or ""


def _points(series: Any, name: str) -> dict[int, str]:
    """The values of a series by their place; levels of categories are joined, outermost first."""
    points: dict[int, str] = {}
    for point in series.iterfind(f"{_CHART}{name}//{_CHART}pt"):
        place, value = point.get("idx", ""), point.findtext(f"{_CHART}v") or ""
        if place.isdecimal() and int(place) < _POINTS_LIMIT:
            number = int(place)
            points[number] = f"{value} {points[number]}" if number in points else value
    return points


def diagram(root: Any) -> list[str]:
    """The texts of a SmartArt graphic's points, in the order in which they are kept."""
    points = root.iter("{http://schemas.openxmlformats.org/drawingml/2006/diagram}pt")
    texts = ("".join(point.itertext(_TEXT)).strip() for point in points)
    return [text for text in texts if text]
