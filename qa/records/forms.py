"""Records as plain values that JSON knows, and back, by their own fields and types.

A field is written once, in its class: its name is its key.
"""

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from inspect import Parameter, get_annotations, signature
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin

Record = TypeVar("Record")


def to_dict(record: Any) -> dict[str, Any]:
    """A dataclass or named tuple as a dict: tuples as lists, enumerations as their values."""
    return {name: _plain(getattr(record, name)) for name in _fields(type(record))}


def from_dict(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """The record of that kind that `to_dict` gave, also an older version's, without newer fields.

    Raises KeyError, TypeError and ValueError.
    """
    parameters = signature(kind).parameters
    given = {
        name: hint
        for name, hint in _fields(kind).items()
        if name in values or parameters[name].default is Parameter.empty
    }
    return kind(**{name: _typed(hint, values[name]) for name, hint in given.items()})


def _fields(kind: type) -> dict[str, Any]:
    """The types of a record's fields by name; records inherit none."""
    return get_annotations(kind)


def _is_record(kind: Any) -> bool:
    return dataclasses.is_dataclass(kind) or hasattr(kind, "_fields")


def _plain(value: Any) -> Any:
    if _is_record(value):
        return to_dict(value)
    if isinstance(value, tuple):
        return list(map(_plain, value))
    return value.value if isinstance(value, StrEnum) else value


def _typed(hint: Any, value: Any) -> Any:
    """The value as one of that type; texts and numbers are not made of each other."""
    if get_origin(hint) is UnionType:
        inner, none = get_args(hint)
        return None if value is None and none is NoneType else _typed(inner, value)
    if get_origin(hint) is tuple:
        return _tuple(get_args(hint), value)
    if _is_record(hint):
        return from_dict(hint, value)
    if hint is str and not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return hint(value)


def _tuple(hints: tuple[Any, ...], values: Any) -> tuple[Any, ...]:
    """`tuple[X, ...]` of any length, `tuple[X, Y]` of its own."""
    if hints[-1] is Ellipsis:
        return tuple(_typed(hints[0], value) for value in values)
    return tuple(_typed(hint, value) for hint, value in zip(hints, values, strict=True))
