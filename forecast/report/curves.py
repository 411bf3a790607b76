"""The numbers behind the charts, as plain values with no more digits than can be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecast.data.panel import Panel
from forecast.inference.config import Config
from forecast.inference.forecast import Forecast
from forecast.inference.preprocess import recent_values

MIN_DIGITS = 5  # significant digits; more where a series varies little around a high level
MAX_DIGITS = 15
MIDNIGHT = " 00:00:00"


class AxisPosition(NamedTuple):
    """The axis that a series is drawn on, and the index of its first row there."""

    axis: int
    at: int


def plain(values: Any, digits: int = MIN_DIGITS) -> list[float | int | None]:
    """Numbers (T,) rounded to significant digits; None where they are not finite."""
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
        return MIN_DIGITS
    extra = math.floor(math.log10(np.abs(known).max() / spread))
    return min(MIN_DIGITS + max(extra, 0), MAX_DIGITS)


NO_CHARTS = {"axes": [], "dated": False, "zone": "", "levels": [], "series": []}


def series_charts(
    forecast: Forecast, config: Config, past_rows: int, past: Panel | None = None
) -> dict[str, Any]:
    """The charts of forecasts: `axes`, `dated`, `zone`, `levels`, `series`.

    Args:
        forecast: of some series, all of the same length.
        config: of the model.
        past_rows: rows before a forecast that its chart shows at most.
        past: the rows of those series; by default those that their states keep.
    """
    schema, frequency, horizon = config.schema, config.frequency, int(forecast.steps[0])
    pasts = _pasts(forecast, config, past_rows, past)
    counts = np.array([len(past) for past in pasts])
    first = forecast.start.time - frequency.step * (counts - 1)
    axes, positions = _axes(first, counts + horizon, frequency.step)
    columns = {
        str(name): forecast.table[name].to_numpy(np.float64).reshape(len(pasts), horizon)
        for name in forecast.table.columns
        if name not in (schema.id, schema.time)
    }
    levels = _levels(columns, schema.forecasts[0])
    charts = []
    for s, (series_id, past_values) in enumerate(
        zip(forecast.start.ids.tolist(), pasts, strict=True)
    ):
        for d, column in enumerate(schema.forecasts):
            title = str(series_id) if len(schema.forecasts) == 1 else f"{series_id}: {column}"
            paths = [columns[name][s] for name in _path_columns(column, levels)]
            curves = _curves(past_values[:, d], paths)
            charts.append({"name": title, **curves, **positions[s]._asdict()})
    return {
        "axes": [_axis(config, ordinals) for ordinals in axes],
        "dated": frequency.unit != "integer",
        "zone": "" if schema.local or frequency.unit == "integer" else "UTC",
        "levels": levels,
        "series": charts,
    }


def _path_columns(target: str, levels: Sequence[str]) -> list[str]:
    """The columns of a forecast's table for one target: the forecast, then its intervals."""
    ends = [f"{target}-{side}-{level}" for level in levels for side in ("lo", "hi")]
    return [target, *ends]


def _levels(columns: dict[str, np.ndarray], target: str) -> list[str]:
    """The levels of the intervals, the widest first."""
    prefix = f"{target}-lo-"
    levels = [name.removeprefix(prefix) for name in columns if name.startswith(prefix)]
    return sorted(levels, key=float, reverse=True)


def _curves(past: np.ndarray, paths: list[np.ndarray]) -> dict[str, Any]:
    """One series: its past (T,), its forecast (H,) and the ends of its intervals, widest first."""
    digits = digits_for(np.concatenate([past, *paths]))
    forecast, *ends = [plain(path, digits) for path in paths]
    return {"past": plain(past, digits), "forecast": forecast, "ends": ends}


def _pasts(
    forecast: Forecast, config: Config, past_rows: int, past: Panel | None
) -> list[np.ndarray]:
    """The last rows of each series (T, D): those given, or else those that the state keeps."""
    if past is not None:
        parts = np.split(past.target, past.indptr[1:-1])
        return [part[-past_rows:] for part in parts]
    values = recent_values(forecast.start, config)
    return [_from_first_value(part[-past_rows:]) for part in values]


def _from_first_value(values: np.ndarray) -> np.ndarray:
    """Rows (T, D) from the first one with a value on, but at least one row."""
    known = np.flatnonzero(~np.isnan(values).all(axis=1))
    return values[known[0] if len(known) else len(values) - 1 :]


def _axes(
    first: np.ndarray, counts: np.ndarray, step: int
) -> tuple[list[np.ndarray], list[AxisPosition]]:
    """Time axes that series share, as ordinals, and where on them each series begins.

    Args:
        first: ordinal of the first row of each series (S,).
        counts: rows of each series (S,).
        step: between rows; series of different phases have no times in common.
    """
    phases, axis_of = np.unique(first % step, return_inverse=True)
    axes = []
    for axis in range(len(phases)):
        is_on_axis = axis_of == axis
        begins, lengths = first[is_on_axis], counts[is_on_axis]
        spans = [
            begin + step * np.arange(length) for begin, length in zip(begins, lengths, strict=True)
        ]
        axes.append(np.unique(np.concatenate(spans)))
    positions = [
        AxisPosition(int(axis), int(np.searchsorted(axes[axis], begin)))
        for axis, begin in zip(axis_of, first, strict=True)
    ]
    return axes, positions


def _axis(config: Config, ordinals: np.ndarray) -> dict[str, Any]:
    """Times as numbers to draw by (seconds, or the user's whole numbers), and as text."""
    times = config.frequency.times(ordinals)
    if not isinstance(times, pd.DatetimeIndex):
        return {"x": times.tolist(), "text": [str(time) for time in times.tolist()]}
    seconds = times.to_numpy().astype("datetime64[s]").astype(np.int64)
    return {"x": seconds.tolist(), "text": _time_texts(config, ordinals)}


def _time_texts(config: Config, ordinals: np.ndarray) -> list[str]:
    """Times for people; without the hour if all are at midnight."""
    texts = [str(time) for time in config.schema.times(config.frequency, ordinals)]
    all_midnight = all(text.endswith(MIDNIGHT) for text in texts)
    return [text.removesuffix(MIDNIGHT) for text in texts] if all_midnight else texts


def line_chart(x: Sequence[int], label: str, lines: dict[str, Any]) -> dict[str, Any]:
    """A chart over whole numbers.

    Args:
        x: positions of the values (T,).
        label: what x counts, such as "step".
        lines: by key, the name and the values (T,): {"forecast": ("The model", values)}.
    """
    return {
        "x": list(x),
        "label": label,
        "lines": [
            {"key": key, "name": name, "values": plain(values)}
            for key, (name, values) in lines.items()
        ],
    }
