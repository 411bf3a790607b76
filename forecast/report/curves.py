"""The numbers behind the charts, as plain values: no more digits than can be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecast.data import scaling
from forecast.data.schema import Schema
from forecast.report.gathering import Contents

DIGITS = 5  # significant ones, and more where a series moves little about a high level


def plain(values: Any, digits: int = DIGITS) -> list[float | int | None]:
    """Numbers (T,) rounded to so many significant digits; null where there is none."""
    return [_plain(value, digits) for value in np.asarray(values, np.float64).tolist()]


def _plain(value: float, digits: int) -> float | int | None:
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def digits_for(values: np.ndarray) -> int:
    """How many digits show a ten-thousandth of the range of values (T,)."""
    known = values[np.isfinite(values)]
    spread = float(np.ptp(known)) if len(known) else 0.0
    if not 0 < spread < math.inf:
        return DIGITS
    return min(DIGITS + max(math.floor(math.log10(np.abs(known).max() / spread)), 0), 15)


def series_of(contents: Contents) -> dict[str, Any]:
    """The charts of all series that are shown: `axes`, `dated`, `zone`, `levels`, `series`."""
    forecast, schema = contents.forecast, contents.model.config.schema
    frequency = contents.model.config.frequency
    if forecast is None:
        return {"axes": [], "dated": False, "zone": "", "levels": [], "series": []}
    pasts = _pasts(contents)
    first = forecast.start.time - frequency.step * (np.array([len(past) for past in pasts]) - 1)
    counts = np.array([len(past) for past in pasts]) + contents.horizon
    axes, places = _axes(first, counts, frequency.step)
    table = forecast.table
    shape = (len(pasts), contents.horizon)
    columns = {
        str(name): table[name].to_numpy(np.float64).reshape(shape)
        for name in table.columns
        if name not in (schema.id, schema.time)
    }
    levels = _levels(columns, schema.forecasts[0])
    found = []
    for s, (name, past) in enumerate(zip(forecast.start.ids.tolist(), pasts, strict=True)):
        for d, column in enumerate(schema.forecasts):
            shown = str(name) if len(schema.forecasts) == 1 else f"{name}: {column}"
            paths = [columns[one][s] for one in _names(column, levels)]
            found.append({"name": shown, **_curves(past[:, d], paths), **places[s]})
    return {
        "axes": [_axis(contents, ordinals) for ordinals in axes],
        "dated": frequency.unit != "integer",
        "zone": "" if schema.local or frequency.unit == "integer" else "UTC",
        "levels": levels,
        "series": found,
    }


def _names(column: str, levels: Sequence[str]) -> list[str]:
    ends = [f"{column}-{side}-{level}" for level in levels for side in ("lo", "hi")]
    return [column, *ends]


def _levels(columns: dict[str, np.ndarray], target: str) -> list[str]:
    """The levels that there are intervals of, the widest first."""
    begin = f"{target}-lo-"
    found = [name.removeprefix(begin) for name in columns if name.startswith(begin)]
    return sorted(found, key=float, reverse=True)


def _curves(past: np.ndarray, paths: list[np.ndarray]) -> dict[str, Any]:
    """One series: its past (T,), its forecast (H,) and the ends of its intervals, widest first."""
    digits = digits_for(np.concatenate([past, *paths]))
    forecast, *ends = [plain(path, digits) for path in paths]
    return {"past": plain(past, digits), "forecast": forecast, "ends": ends}


def _pasts(contents: Contents) -> list[np.ndarray]:
    """The last rows of each series (T, D): those given, or else those that the state keeps."""
    if contents.past is not None:
        parts = np.split(contents.past.target, contents.past.indptr[1:-1])
        return [part[-contents.rows :] for part in parts]
    if contents.forecast is None:
        return []
    start = contents.forecast.start
    scaled = np.concatenate([start.memory.recent, start.value[:, None]], axis=1)
    values = scaling.backward(scaled, start.scale, contents.model.config.powers)
    return [_begun(part[-contents.rows :]) for part in values]


def _begun(values: np.ndarray) -> np.ndarray:
    """Rows (T, D) without those before the first with a value, but one row at least."""
    known = np.flatnonzero(~np.isnan(values).all(axis=1))
    return values[known[0] if len(known) else len(values) - 1 :]


def _axes(
    first: np.ndarray, counts: np.ndarray, step: int
) -> tuple[list[np.ndarray], list[dict[str, int]]]:
    """Times that series share, and where on them each begins.

    Args:
        first: ordinal of the first row of each series (S,).
        counts: rows of each (S,).
        step: between rows; series of different phases share no times.
    """
    phases, which = np.unique(first % step, return_inverse=True)
    axes = []
    for phase in range(len(phases)):
        own = which == phase
        spans = [f + step * np.arange(n) for f, n in zip(first[own], counts[own], strict=True)]
        axes.append(np.unique(np.concatenate(spans)))
    places = [
        {"axis": int(axis), "at": int(np.searchsorted(axes[axis], begin))}
        for axis, begin in zip(which, first, strict=True)
    ]
    return axes, places


def _axis(contents: Contents, ordinals: np.ndarray) -> dict[str, Any]:
    """Times as numbers to draw by (seconds, or the user's whole numbers), and as text."""
    schema, frequency = contents.model.config.schema, contents.model.config.frequency
    times = frequency.times(ordinals)
    if not isinstance(times, pd.DatetimeIndex):
        return {"x": times.tolist(), "text": [str(time) for time in times.tolist()]}
    seconds = times.to_numpy().astype("datetime64[s]").astype(np.int64)
    return {"x": seconds.tolist(), "text": _texts(schema, contents, ordinals)}


def _texts(schema: Schema, contents: Contents, ordinals: np.ndarray) -> list[str]:
    """Times for people; without the hour where it is midnight in all of them."""
    texts = [str(time) for time in schema.times(contents.model.config.frequency, ordinals)]
    midnight = " 00:00:00"
    is_whole = all(text.endswith(midnight) for text in texts)
    return [text.removesuffix(midnight) for text in texts] if is_whole else texts


def chart_of(x: Sequence[int], label: str, lines: dict[str, Any]) -> dict[str, Any]:
    """A chart over whole numbers.

    Args:
        x: where the values lie (T,).
        label: what x counts, such as "step".
        lines: by key and name, values (T,): {"forecast": ("The model", values)}.
    """
    return {
        "x": list(x),
        "label": label,
        "lines": [
            {"key": key, "name": name, "values": plain(values)}
            for key, (name, values) in lines.items()
        ],
    }
