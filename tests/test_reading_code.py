"""Source code: functions and classes as headings, comments and docstrings as prose."""

import pytest

from qa.reading import read
from qa.records import Kind

SOURCES = {
    "station.py": (
        (
            '"""Stations of the line."""\n\nimport os\n\n\n# A station opens once.\n@cached\n'
            'def opened(name):\n    """The year in which it opened."""\n    return YEARS[name]\n\n\n'
            "class Line(Base):\n    colour = 1\n\n    async def close(self):\n        pass\n"
        ),
        {"opened": ("opened",), "close": ("Line", "close"), "colour": ("Line",), "import os": ()},
    ),
    "station.js": (
        (
            "// A station opens once.\nexport default function opened(name) { return years[name]; }\n"
            "export const closed = async (name) => { return 1; };\n"
            "class Line { colour = 1; static async close() { return 2; } }\n"
            "module.exports.later = function () { return 3; };\n"
        ),
        {
            "years[name]": ("opened",),
            "return 1": ("closed",),
            "return 2": ("Line", "close"),
            "return 3": ("module.exports.later",),
        },
    ),
    "station.ts": (
        (
            "interface Named { name: string }\nnamespace Lines { export function close(): void {} }\n"
            "abstract class Line { private run(): number { return 4; } }\n"
        ),
        {"name: string": ("Named",), "close()": ("Lines", "close"), "return 4": ("Line", "run")},
    ),
    "Station.java": (
        (
            "package a;\n/** A line. */\npublic class Line {\n  /** Opens it. */\n"
            "  int open(int year) { return 1; }\n  Line() { super(); }\n}\n"
        ),
        {"return 1": ("Line", "open"), "super()": ("Line", "Line"), "package": ()},
    ),
    "station.c": (
        (
            '#include "a.h"\n/* Opens it. */\nstatic char *open_it(int year)\n{\n  return 0;\n}\n'
            "struct line { int colour; };\n"
        ),
        {"return 0": ("open_it",), "colour": ("line",), "#include": ()},
    ),
    "station.cpp": (
        (
            "namespace rail { class Line { public: void open() { run(); } };\n"
            "template<class T> T least(T a) { return a; } }\nvoid rail::Line::close() const { stop(); }\n"
        ),
        {
            "run()": ("rail", "Line", "open"),
            "return a": ("rail", "least"),
            "stop()": ("rail::Line::close",),
        },
    ),
    "station.go": (
        (
            "package rail\n\n// Open opens it.\nfunc (l *Line) Open(year int) int { return 1 }\n\n"
            "type Line struct { colour int }\n"
        ),
        {"return 1": ("Line.Open",), "colour": ("Line",)},
    ),
    "station.rs": (
        "/// Opens it.\npub fn open() -> i32 { 1 }\nimpl Rail for Line { fn close(&self) { 2 } }\n",
        {"{ 1 }": ("open",), "{ 2 }": ("impl Rail for Line", "close")},
    ),
    "station.sh": ("#!/bin/sh\n# Opens it.\nopen_it() {\n  echo one\n}\n", {"echo": ("open_it",)}),
    "station.rb": (
        "module Rail\n  class Line < Base\n    def open(year)\n      1\n    end\n  end\nend\n",
        {"def open": ("Rail", "Line", "open")},
    ),
    "Station.cs": (
        "namespace Rail { public class Line { void Open() { Run(); } } }\n",
        {"Run()": ("Rail", "Line", "Open")},
    ),
    "station.php": (
        (
            "<?php\n/** Opens it. */\nfunction open_it($year) { return 1; }\n"
            "class Line { public function close() { return 2; } }\n"
        ),
        {"return 1": ("open_it",), "return 2": ("Line", "close")},
    ),
    "station.sql": (
        (
            "-- All stations.\nCREATE TABLE stations (opened int, name text);\n"
            "CREATE VIEW old AS SELECT name FROM stations WHERE opened < 1900;\n"
        ),
        {"opened int": ("stations",), "1900": ("old",)},
    ),
}


@pytest.mark.parametrize("name", SOURCES)
def test_what_a_function_says_stands_under_its_name(name):
    """Every character is kept, and each function or class is a heading of its own."""
    source, expected = SOURCES[name]
    document = read(source.encode(), name)
    assert document.text == source
    for words, heading in expected.items():
        at = source.index(words)
        (block,) = [b for b in document.blocks if b.start <= at < b.end]
        assert block.heading == heading, words


def test_comments_and_docstrings_are_prose_of_what_they_describe():
    """So that their sentences are highlighted as sentences."""
    document = read(SOURCES["station.py"][0].encode(), "a.py")
    prose = {
        document.text[b.start : b.end]: b.heading for b in document.blocks if b.kind is Kind.PROSE
    }
    assert prose == {
        '"""Stations of the line."""': (),
        "# A station opens once.": ("opened",),
        '"""The year in which it opened."""': ("opened",),
    }


def test_places_hold_where_a_source_has_other_letters():
    """The parser counts bytes, a document characters."""
    source = (
        "# Größe der Brücke – 🚢\ndef länge():\n    return 'ß'\n\n\ndef breite():\n    return 2\n"
    )
    document = read(source.encode(), "a.py")
    headings = {b.heading for b in document.blocks}
    assert headings == {("länge",), ("breite",)}
    (block,) = [b for b in document.blocks if b.heading == ("breite",)]
    assert document.text[block.start : block.end] == "def breite():\n    return 2"


@pytest.mark.parametrize("name", ["a.py", "a.js", "a.c", "a.sql", "a.rs"])
def test_a_source_with_faults_or_without_functions_is_read_whole(name):
    """What cannot be parsed is code all the same."""
    for source in ("def (((\n class {{{ }\n", "x = 1\n" * 50, "(" * 20_000 + ")" * 20_000, "\n"):
        document = read(source.encode(), name)
        assert document.text == source
        assert sum(b.end - b.start for b in document.blocks) >= len(source.strip()) // 2
