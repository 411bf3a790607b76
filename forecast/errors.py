"""The errors a user can act on: each message says what, where and what to do."""

from __future__ import annotations

from numbers import Integral
from typing import Any


class ForecastError(Exception):
    """Base of every error that this package raises on purpose."""


class DataError(ForecastError, ValueError):
    """A table cannot be used as it is."""


class OptionError(ForecastError, ValueError):
    """A choice is out of range or does not fit the model or the data."""


class ArtifactError(ForecastError, ValueError):
    """A model file is missing, damaged, foreign, or of a newer format."""


class ForecastWarning(UserWarning):
    """A forecast was made, but there is reason to doubt it."""


def require_whole(name: str, value: Any, least: int) -> None:
    """Raise OptionError unless a value is a whole number of at least so much.

    Example:
        >>> require_whole("horizon", 0, 1)
        Traceback (most recent call last):
        forecast.errors.OptionError: horizon is 0; it must be a whole number of at least 1
    """
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)  # NumPy's too
    if not is_whole or value < least:
        shown = value.item() if hasattr(value, "item") else value
        raise OptionError(f"{name} is {shown!r}; it must be a whole number of at least {least}")
