"""Source code by tree-sitter: split by its functions and classes, whose names are its headings.

The text is the file itself. What a comment above a definition or a docstring says is prose; the
rest is code. What stands in a class but in none of its functions is below the class alone.
"""

import importlib
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tree_sitter import Language, Node, Parser

from qa.reading.content import Content, Headings
from qa.reading.decoding import decode
from qa.records import Block, Kind

_GRAMMARS = {  # by the end of the name: the module of the grammar, and its function
    **dict.fromkeys(("py", "pyi"), ("tree_sitter_python", "language")),
    **dict.fromkeys(("js", "mjs", "cjs", "jsx"), ("tree_sitter_javascript", "language")),
    **dict.fromkeys(("ts", "mts", "cts"), ("tree_sitter_typescript", "language_typescript")),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "java": ("tree_sitter_java", "language"),
    "c": ("tree_sitter_c", "language"),
    **dict.fromkeys(("h", "cc", "cpp", "cxx", "hh", "hpp", "hxx"), ("tree_sitter_cpp", "language")),
    "cs": ("tree_sitter_c_sharp", "language"),
    "go": ("tree_sitter_go", "language"),
    "rs": ("tree_sitter_rust", "language"),
    "rb": ("tree_sitter_ruby", "language"),
    "php": ("tree_sitter_php", "language_php"),
    **dict.fromkeys(("sh", "bash"), ("tree_sitter_bash", "language")),
    "sql": ("tree_sitter_sql", "language"),
}
_FUNCTIONS = frozenset(
    [
        *("function_definition", "function_declaration", "generator_function_declaration"),
        *("function_item", "function_signature_item", "macro_definition"),
        *("method_definition", "method_declaration", "constructor_declaration"),
        *("destructor_declaration", "method", "singleton_method"),
        *("create_function", "create_procedure", "create_table", "create_view", "create_trigger"),
        *("create_materialized_view", "create_type"),
    ]
)
_HOLDING = frozenset(  # functions and others of them
    [
        *("class", "class_definition", "class_declaration", "abstract_class_declaration"),
        *("class_specifier", "struct_specifier", "union_specifier", "enum_specifier"),
        *("interface_declaration", "enum_declaration", "record_declaration"),
        *("annotation_type_declaration", "struct_declaration", "trait_declaration"),
        *("struct_item", "enum_item", "trait_item", "impl_item", "mod_item", "type_spec"),
        *("module", "namespace_definition", "namespace_declaration", "internal_module"),
        "namespace",
    ]
)
_NEED_BODY = frozenset(["struct_specifier", "union_specifier", "enum_specifier", "class_specifier"])
_VALUES = frozenset(  # that make a function of the name they are given
    ["arrow_function", "function_expression", "generator_function", "function", "class"]
)
_NAMED = frozenset(["variable_declarator", "assignment_expression", "pair", "assignment"])
_WRAPPERS = frozenset(  # what stands around one definition
    [
        *("decorated_definition", "export_statement", "template_declaration", "type_declaration"),
        *("lexical_declaration", "variable_declaration", "expression_statement", "statement"),
        *("ambient_declaration", "declaration"),
    ]
)
_COMMENT = re.compile(r"comment\Z")
_ABOVE = re.compile(r"comment\Z|attribute_item\Z|annotation\Z")  # of what follows
_BODIES = frozenset(["module", "block"])
_STRINGS = frozenset(["string", "concatenated_string"])
_DEPTH = 12  # nodes within each other, between definitions
_NESTED = 8  # definitions within each other
_NODES = 200_000  # that are looked at
_NAME_LIMIT = 120  # characters
_SIGNS = re.compile(r"\A(?:\W|\bend\b)*\Z")  # what closes, and nothing else


class _Definition(NamedTuple):
    """A function or a class, in bytes; its comments and what is put in front are within it."""

    start: int
    end: int
    level: int
    name: str


def read(data: bytes, name: str) -> Content:
    """The content of a program's source."""
    text = decode(data)
    module, function = _GRAMMARS[name.rpartition(".")[2].lower()]
    language = Language(getattr(importlib.import_module(module), function)())
    source = text.encode("utf-8", errors="replace")
    walk = _Walk(source)
    definitions = list(walk.definitions(Parser(language).parse(source).root_node, 1))
    stretches = _stretches(len(source), definitions, sorted(walk.prose))
    return Content(text, tuple(_blocks(text, source, stretches)))


class _Walk:
    """The definitions of a file, from a limited number of nodes, and the comments about them."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.left = _NODES
        self.prose: list[tuple[int, int]] = []  # comments and docstrings, in bytes

    def definitions(self, parent: Node, level: int, depth: int = 0) -> Iterator[_Definition]:
        """Those below a node, in order."""
        self._add_comment(_docstring(parent))
        above: list[Node] = []
        for node in parent.named_children:
            self.left -= 1
            if self.left < 0:
                return
            if _ABOVE.search(node.type):
                above = [*above, node] if above and _touch(above[-1], node) else [node]
                self._add_comment(node if _COMMENT.search(node.type) else None)
                continue
            start = above[0] if above and _touch(above[-1], node) else node
            above = []
            found = self._core(node)
            if found is not None:
                name = self._name(found)
                yield _Definition(start.start_byte, _end(node), level, name)
                if found.type in _HOLDING and level < _NESTED:
                    body = found.child_by_field_name("body")
                    yield from self.definitions(body or found, level + 1)
                else:
                    self._add_comment(_docstring(found.child_by_field_name("body")))
            elif depth < _DEPTH:
                yield from self.definitions(node, level, depth + 1)

    def _add_comment(self, node: Node | None) -> None:
        """Note what a comment or a docstring says, those on touching lines as one."""
        if node is None or self.source.startswith(b"#!", node.start_byte):
            return
        start, end = node.start_byte, node.end_byte
        if self.prose and not self.source[self.prose[-1][1] : start].strip():
            start, _ = self.prose.pop()  # they come in order
        self.prose.append((start, end))

    def _core(self, node: Node) -> Node | None:
        """The definition that a node is, or that it puts something in front of."""
        for _ in range(_DEPTH):
            if self._name(node):
                return node
            if node.type not in _WRAPPERS or not node.named_children:
                return None
            node = node.named_children[-1]
        return None

    def _name(self, node: Node) -> str:
        """What a definition is called; "" for what is none."""
        if node.type in _NAMED:
            return self._assigned(node)
        if node.type not in _FUNCTIONS and node.type not in _HOLDING:
            return ""
        if node.type in _NEED_BODY and node.child_by_field_name("body") is None:
            return ""
        if node.type == "impl_item":
            body = node.child_by_field_name("body")
            return self._words(node.start_byte, body.start_byte if body else node.end_byte)
        found = node.child_by_field_name("name") or _declared(node)
        if found is None:
            return ""
        receiver = node.child_by_field_name("receiver")
        owner = re.findall(r"\w+", self._text(receiver))[-1:] if receiver else []
        return ".".join([*owner, self._text(found)])

    def _assigned(self, node: Node) -> str:
        value = node.child_by_field_name("value") or node.child_by_field_name("right")
        if value is None or value.type not in _VALUES:
            return ""
        named = (node.child_by_field_name(field) for field in ("name", "left", "key"))
        return next((self._text(found) for found in named if found), "")

    def _text(self, node: Node) -> str:
        return self._words(node.start_byte, node.end_byte)

    def _words(self, start: int, end: int) -> str:
        words = self.source[start : min(end, start + 4 * _NAME_LIMIT)].decode(errors="replace")
        return " ".join(words.split())[:_NAME_LIMIT]


def _touch(comment: Node, node: Node) -> bool:
    """True for a comment that ends on the line above, or on that of the node."""
    last = comment.end_point.row - (comment.end_point.column == 0)
    return bool(last <= node.start_point.row <= last + 1)


def _end(node: Node) -> int:
    """Where a definition ends, with the sign behind it that ends the statement."""
    after = node.next_sibling
    return after.end_byte if after is not None and after.type == ";" else node.end_byte


def _declared(node: Node) -> Node | None:
    """The name within a declarator (C, C++), or the first reference (SQL, Ruby)."""
    found = node.child_by_field_name("declarator")
    for _ in range(_DEPTH):
        if found is None:
            break
        inner = found.child_by_field_name("declarator") or next(
            (child for child in found.named_children if child.type.endswith("declarator")), None
        )
        if inner is None:
            return found
        found = inner
    return next((child for child in node.named_children if child.type == "object_reference"), None)


def _docstring(body: Node | None) -> Node | None:
    """The string with which a body begins (Python)."""
    if body is None or body.type not in _BODIES:
        return None
    first = next(iter(body.named_children), None)
    if first is not None and first.type == "expression_statement" and first.named_children:
        first = first.named_children[0]
    return first if first is not None and first.type in _STRINGS else None


class _Cursor:
    """Offsets of characters for offsets of bytes that only grow."""

    def __init__(self, source: bytes) -> None:
        self.source, self.byte, self.character = source, 0, 0

    def at(self, byte: int) -> int:
        """The number of characters before the byte."""
        if byte > self.byte:
            passed = self.source[self.byte : byte].decode(errors="replace")
            self.byte, self.character = byte, self.character + len(passed)
        return self.character


_Stretch = tuple[int, int, Kind, tuple[str, ...]]


def _blocks(text: str, source: bytes, stretches: Iterator[_Stretch]) -> Iterator[Block]:
    """The stretches as blocks; what only closes belongs to the block before it."""
    cursor = _Cursor(source)
    pending: Block | None = None
    for start, end, kind, above in stretches:
        block = Block(cursor.at(start), cursor.at(end), kind, None, above)
        if pending is not None and _SIGNS.match(text[block.start : block.end]):
            pending = pending._replace(end=block.end)
            continue
        if pending is not None:
            yield pending
        pending = block
    if pending is not None:
        yield pending


def _stretches(
    length: int, definitions: Sequence[_Definition], prose: Sequence[tuple[int, int]]
) -> Iterator[_Stretch]:
    """What lies between the edges of definitions, one after another, in bytes."""
    headings, at, opened = Headings(), 0, list[_Definition]()
    for edge in (*definitions, _Definition(length, length, 0, "")):
        while opened and opened[-1].end <= edge.start:
            yield from _apart(at, opened[-1].end, prose, headings.above)
            at = max(at, opened[-1].end)
            headings.leave(opened.pop().level)
        yield from _apart(at, edge.start, prose, headings.above)
        at = max(at, edge.start)
        headings.enter(edge.level, edge.name)
        opened.append(edge)


def _apart(
    start: int, end: int, prose: Sequence[tuple[int, int]], above: tuple[str, ...]
) -> Iterator[_Stretch]:
    """A stretch below a heading, the prose in it apart from the code."""
    for first, last in prose[bisect_left(prose, (start, 0)) :]:
        if last > end:
            break
        yield start, first, Kind.CODE, above
        yield first, last, Kind.PROSE, above
        start = last
    if start < end:
        yield start, end, Kind.CODE, above
