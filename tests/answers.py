"""Answers made by hand."""

from qa.records import Answer, Excerpt, Freshness, Highlight


def excerpt(text="Ri is 26.", start=0, *, marks=((0, None),), **places):
    """An excerpt of `a.txt`; `marks` are spans within its text, the strongest first."""
    spans = [(a, len(text) if b is None else b) for a, b in marks]
    highlights = tuple(
        Highlight(start + a, start + b, 1.0 - n / 10) for n, (a, b) in enumerate(spans)
    )
    places = {
        "confidence": 0.9,
        "document": "d" * 64,
        "path": "a.txt",
        "title": "A",
        "freshness": Freshness.FRESH,
    } | places
    places.setdefault("paths", (places["path"],))
    return Excerpt(text=text, start=start, end=start + len(text), highlights=highlights, **places)


def answer(*excerpts, nearest=(), question="How old is Ri?", **result):
    """An answer with these excerpts; without any it is not answered."""
    ranking = (*excerpts, *nearest)
    result = {
        "answered": bool(excerpts),
        "confidence": ranking[0].confidence if ranking else 0.0,
        "snapshot": "5" * 16,
    } | result
    return Answer(question=question, excerpts=tuple(excerpts), nearest=tuple(nearest), **result)
