"""Small time series for examples and tests, real and generated, all free to redistribute."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from forecast.errors import OptionError

from .catalogue import CATALOGUE, Dataset
from .generators import lorenz, mackey_glass

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset", "describe", "load", "lorenz", "mackey_glass", "names"]

_GENERATORS: dict[str, Callable[[int], pd.DataFrame]] = {
    "lorenz": lorenz,
    "mackey_glass": mackey_glass,
}


def names() -> list[str]:
    """List the names of the datasets.

    Returns:
        The names, real data first.

    Examples:
        >>> names()[0]
        'air_passengers'
    """
    return list(CATALOGUE)


def describe() -> list[Dataset]:
    """Describe each dataset, without reading any.

    Returns:
        One record per dataset, in the order of `names()`.

    Examples:
        >>> [dataset.name for dataset in describe() if dataset.series > 1]
        ['us_employment']
    """
    return list(CATALOGUE.values())


def load(name: str) -> pd.DataFrame:
    """Read one dataset.

    Args:
        name: One of `names()`.

    Returns:
        A table of N rows in long form, sorted by series and time: columns `unique_id` (only
        where there are several series), `ds` (timestamps, or integers for generated series)
        and `y`. Missing values are rows whose `y` is NaN.

    Raises:
        OptionError: There is no dataset of that name.

    Examples:
        >>> load("air_passengers").head(2)
                  ds    y
        0 1949-01-01  112
        1 1949-02-01  118
    """
    if name not in CATALOGUE:
        raise OptionError(f"no dataset {name!r}; there are {', '.join(names())}")
    if name in _GENERATORS:
        return _GENERATORS[name](CATALOGUE[name].rows)
    import pandas as pd

    with as_file(files(__name__) / f"{name}.csv") as path:
        return pd.read_csv(path, parse_dates=["ds"])
