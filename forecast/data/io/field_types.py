"""Types of fields: whether what was read from a file is what its annotations say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

INT64 = range(-(2**63), 2**63)


def check_fields(value: Any) -> None:
    """Raise ValueError unless the fields of a value have the types that they are annotated with.

    Whole numbers are those of int64, and stand for floats too; True and False are no numbers.
    Tuples, lists and dicts are looked into, and the fields of the values inside as well.

    Args:
        value: a dataclass or NamedTuple.

    Example:
        >>> from forecast.inference.bounds import Bounds
        >>> check_fields(Bounds(low=0.0))
        >>> check_fields(Bounds(low="0"))
        Traceback (most recent call last):
        ValueError: its low cannot be '0'
    """
    for name, kind in get_type_hints(type(value)).items():
        if not _fits(getattr(value, name), kind):
            raise ValueError(f"its {name} cannot be {getattr(value, name)!r:.60}")


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of an annotated type."""
    check = _GENERIC.get(get_origin(kind))
    if check is not None:
        return check(value, get_args(kind))
    if kind in (int, float):
        is_whole = isinstance(value, int) and not isinstance(value, bool) and value in INT64
        return is_whole or (kind is float and isinstance(value, float))
    if not isinstance(value, kind):
        return False
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        check_fields(value)
    return True


def _fits_any(value: Any, kinds: tuple[Any, ...]) -> bool:
    return any(_fits(value, kind) for kind in kinds)


def _is_literal(value: Any, literals: tuple[Any, ...]) -> bool:
    return any(value == one and type(value) is type(one) for one in literals)


def _fits_tuple(value: Any, kinds: tuple[Any, ...]) -> bool:
    if not isinstance(value, tuple):
        return False
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    return len(value) == len(kinds) and all(map(_fits, value, kinds))


def _fits_list(value: Any, kinds: tuple[Any, ...]) -> bool:
    return isinstance(value, list) and all(_fits(item, kinds[0]) for item in value)


def _fits_dict(value: Any, kinds: tuple[Any, ...]) -> bool:
    return isinstance(value, dict) and all(
        _fits(key, kinds[0]) and _fits(item, kinds[1]) for key, item in value.items()
    )


_GENERIC: dict[Any, Callable[[Any, tuple[Any, ...]], bool]] = {
    Union: _fits_any,
    UnionType: _fits_any,
    Literal: _is_literal,
    tuple: _fits_tuple,
    list: _fits_list,
    dict: _fits_dict,
}
