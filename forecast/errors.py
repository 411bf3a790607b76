"""The errors a user can act on: each message says what, where and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

MAX_QUOTE_LENGTH = 80  # characters
FULL, SMALL = "forecast-rollout", "forecast-rollout-small"  # the two distributions of this package
TRAINING_NEEDS = f"training needs the full installation: pip install {FULL}"


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


def quote(value: object) -> str:
    """Quote a cell or a name for a one-line message.

    Example:
        >>> quote("two\\nlines"), len(quote("x" * 1000))
        ("'two lines'", 82)
    """
    return f"'{one_line(value)}'"


def one_line(value: object, length: int = MAX_QUOTE_LENGTH) -> str:
    """A text without line ends, of at most so many characters.

    Example:
        >>> one_line("not well-formed\\n(line 3)")
        'not well-formed (line 3)'
    """
    text = " ".join(str(value).split())
    return text if len(text) <= length else f"{text[: length - 1]}…"


def first_few(items: Iterable[Any], shown: int = 3, quoted: bool = True) -> str:
    """Name the first few items for a one-line message, and count the others.

    Example:
        >>> first_few("abcde")
        "'a', 'b', 'c' and 2 more"
        >>> first_few([1, 2], quoted=False)
        '1, 2'
    """
    texts = [quote(item) if quoted else str(item) for item in items]
    others = len(texts) - shown
    return ", ".join(texts[:shown]) + (f" and {others} more" if others > 0 else "")


def pip_install(extra: str) -> str:
    """The command that installs what an optional part needs, of the distribution that is installed.

    Example:
        >>> pip_install("excel")
        "pip install 'forecast-rollout[excel]'"
    """
    is_small = _is_installed(SMALL) and not _is_installed(FULL)
    return f"pip install '{SMALL if is_small else FULL}[{extra}]'"


def _is_installed(distribution: str) -> bool:
    from importlib import metadata  # takes a while to import

    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
