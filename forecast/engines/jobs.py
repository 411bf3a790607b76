"""A forecast of Parquet files on an engine that is named, from files to files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

from forecast.data.io.multi_file import files_of
from forecast.engines.frames import MODULES
from forecast.errors import DataError, ForecastError, OptionError, pip_install
from forecast.inference.predictor import Predictor

ENGINES = tuple(MODULES.values())
OURS = re.compile(r"forecast\.errors\.\w+: (.+)")  # what a worker has said, among other lines


def forecast_files(
    model: Predictor,
    engine: str,
    paths: Sequence[str],
    folder: str,
    horizon: int,
    *,
    future: str | None = None,
    settings: Mapping[str, str] | None = None,
    **options: Any,
) -> None:
    """Forecast the series of Parquet files into a folder of such files.

    Args:
        model: which forecasts.
        engine: one of ENGINES.
        paths: of the histories: files, patterns, or addresses that the engine knows, such as
            "s3a://bucket/lake".
        folder: where there is nothing yet.
        horizon: steps H.
        future: covariates of the steps, for a model that takes some.
        settings: of the engine, see its `session`.
        options: of `Model.rollout`.

    Raises:
        DataError: if a series cannot be used, or there is something in the folder.
        OptionError: if an option does not fit, or the engine is not installed.
        ForecastError: if the engine fails.
    """
    if engine not in ENGINES:
        raise OptionError(f"engine is {engine!r}; it must be one of {', '.join(ENGINES)}")
    if not _is_address(folder):
        _refuse_full(Path(folder))
    with _one_line(engine):
        try:
            module = import_module(f"forecast.engines.{engine}")
        except ImportError as error:
            raise OptionError(
                f"{engine} is not installed ({error}); install it with: {pip_install(engine)}"
            ) from None
        with module.session(settings or {}) as read:
            covariates = None if future is None else read(_places([future]))
            forecast = model.rollout(horizon, read(_places(paths)), future=covariates, **options)
            module.write(forecast.table, _place(folder))


def _refuse_full(folder: Path) -> None:
    """Raise DataError where a place is no folder, or has something in it."""
    if folder.is_file():
        raise DataError(f"{folder}: a file; name a folder")
    if folder.exists() and any(folder.iterdir()):
        raise DataError(f"{folder} holds something; name another folder, or empty it")


def _places(paths: Sequence[str]) -> list[str]:
    """The files of paths and patterns."""
    files = [[path] if _is_address(path) else files_of(path) for path in paths]
    return [_place(path) for path in chain(*files)]


def _place(path: str) -> str:
    """A path from anywhere, since an engine may have begun in another folder."""
    return path if _is_address(path) else str(Path(path).absolute())


def _is_address(path: str) -> bool:
    return "://" in path


@contextmanager
def _one_line(engine: str) -> Iterator[None]:
    """Turn what an engine raises into an error of one line: ours, where a worker has said one."""
    try:
        yield
    except Exception as error:
        if ours := OURS.search(str(error)):
            raise DataError(ours[1]) from None
        if isinstance(error, ForecastError):
            raise
        first = next(filter(None, map(str.strip, str(error).splitlines())), "")
        told = f"{type(error).__name__}: {first:.300}"
        raise ForecastError(f"{engine} failed: {told}") from None
