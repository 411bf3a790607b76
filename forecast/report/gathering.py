"""What a report tells of: the rows, the forecasts, the backtest, and what had to be left out."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.backtest import CUTOFFS, Backtest
from forecast.data.future_covariates import FutureCovariates
from forecast.data.panel import Panel
from forecast.errors import ForecastWarning
from forecast.evaluation.metrics import FORECAST
from forecast.evaluation.rolling_origin import has_level
from forecast.inference.forecast import Forecast
from forecast.inference.intervals import PATHS
from forecast.inference.state import State
from forecast.nn import HEADS

if TYPE_CHECKING:
    from forecast.model import Model

SHOWN = 500  # charts that a page holds; more would make it slow to open
LEVELS = (80.0, 95.0)  # of the intervals in the charts
STEPS = 10_000_000  # of the network that a backtest may take, before it looks at fewer series
LONGEST_PAST = 200  # rows before a forecast that a chart shows
SHORTEST_PAST = 24
NOTED = 3  # remarks on forecasts that are told


@dataclass(frozen=True, eq=False)
class Contents:
    """All that the sections of a page tell of.

    Attributes:
        model: the model.
        name: of its file, as commands name it.
        horizon: steps of the forecasts H.
        panel: the rows that were given, or None.
        backtest: over those rows, or None.
        worst: errors of each series in the backtest, see `worst_of`; or None.
        forecast: of the series that are shown, in the order of the page; or None.
        past: the rows of those series in that order; or None.
        series: of which the page could tell, S.
        notes: what was left out, and what is odd about the forecasts, as sentences.
    """

    model: Model
    name: str
    horizon: int
    panel: Panel | None
    backtest: Backtest | None
    worst: pd.DataFrame | None
    forecast: Forecast | None
    past: Panel | None
    series: int
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows before a forecast that a chart shows at most."""
        return int(np.clip(3 * self.horizon, SHORTEST_PAST, LONGEST_PAST))


def gather(
    model: Model,
    name: str,
    panel: Panel | None,
    horizon: int | None,
    cutoffs: int | None,
    stride: int | None,
    ahead: FutureCovariates | None,
) -> Contents:
    """Forecast and backtest what a page shows; the arguments are those of `write_report`."""
    steps = horizon or usual_horizon(model)
    notes: list[str] = []
    tried = worst = None
    if panel is not None:
        count, apart = cutoffs_for(model, panel, steps, cutoffs, stride)
        if count:
            looked = affordable(model, panel, steps, count)
            tried = model.backtest(looked, steps, count, stride=apart)
            worst = worst_of(tried)
            if len(looked.ids) < len(panel.ids):
                notes.append(
                    f"The backtest is of {len(looked.ids):,} of {len(panel.ids):,} series, evenly "
                    "chosen, so that it takes seconds; Model.backtest in Python takes all."
                )
        else:
            notes.append("There is no backtest: no series has more rows than the horizon.")
    ids = model.state.ids if panel is None else panel.ids
    places = shown(ids, worst)
    if len(places) < len(ids):
        which = "the first" if worst is None else "those with the largest errors in the backtest"
        notes.append(f"Charts are of {len(places):,} of {len(ids):,} series, {which}.")
    past = None if panel is None else panel.take(places)
    forecast = None
    if model.config.known and ahead is None:
        names = ", ".join(repr(one.name) for one in model.config.known)
        notes.append(
            f"There are no forecasts here: the model takes columns that must be known for the "
            f"steps to come ({names}); give them with --future (future= in Python)."
        )
    else:
        start = model.state.take(places) if past is None else model.encode(past)
        forecast = _forecast(model, start, steps, ahead)
        notes += _few(forecast.notes)
    return Contents(model, name, steps, panel, tried, worst, forecast, past, len(ids), tuple(notes))


def usual_horizon(model: Model) -> int:
    """As many steps as training has held out, or else has asked for."""
    return int(model.record.get("plan", {}).get("holdout") or model.config.horizon)


def cutoffs_for(
    model: Model, panel: Panel, horizon: int, cutoffs: int | None, stride: int | None
) -> tuple[int, int | None]:
    """How many cutoffs a backtest has and how far they are apart, as far as nobody has said.

    Where there are rows for it all lie behind what the model was trained on. Otherwise none can,
    and forecasts that do not overlap tell more.

    Returns:
        The cutoffs, 0 if there is no room for any; and the stride, None for the usual one.
    """
    longest, last = int(panel.lengths.max()), model.record.get("last")
    later = 0 if last is None else (int(panel.ordinals.max()) - last) // panel.frequency.step
    if cutoffs is None and longest <= horizon:
        return 0, None
    if later >= horizon:
        return cutoffs or min(later - horizon + 1, CUTOFFS), stride
    count = cutoffs or int(np.clip(longest // 2 // (stride or horizon), 1, CUTOFFS))
    room = (longest - 1 - horizon) // max(count - 1, 1)
    return count, stride or int(np.clip(room, 1, horizon))


def affordable(model: Model, panel: Panel, horizon: int, cutoffs: int) -> Panel:
    """Every so-manieth series, and the longest one, where a backtest of all would take minutes."""
    paths = PATHS if HEADS[model.config.head].RANDOM else 1
    cost = cutoffs * (len(panel.target) + len(panel.ids) * horizon * paths)
    if cost <= STEPS:
        return panel
    apart = math.ceil(cost / STEPS)
    chosen = np.arange(0, len(panel.ids), apart)
    return panel.take(np.union1d(chosen, panel.lengths.argmax()))


def worst_of(backtest: Backtest) -> pd.DataFrame:
    """Errors of each series, the largest first: index by id; `ours`, `baseline`, `theirs`.

    They are MASE, or MAE where no series has a scale; the baseline is the one that is best on the
    series. A series whose error is not known comes last.
    """
    measure = measure_of(backtest)
    errors = backtest.by_series[measure].unstack("model")
    theirs = errors.drop(columns=FORECAST)
    known = theirs.notna().any(axis=1)
    best = theirs[known].idxmin(axis=1).reindex(errors.index)
    found = pd.DataFrame({"ours": errors[FORECAST], "baseline": best, "theirs": theirs.min(axis=1)})
    return found.sort_values("ours", ascending=False, kind="stable")


def measure_of(backtest: Backtest) -> str:
    """The measure that series are held against one another by: "mase" if any has a scale."""
    return "mase" if backtest.overall["mase"].notna().any() else "mae"


def spacing(backtest: Backtest) -> tuple[int, int]:
    """How many cutoffs there are, and how many rows lie from one to the next; 0 for one alone."""
    ids, counts = np.unique(backtest.ids, return_counts=True)
    own = np.sort(backtest.cutoffs[backtest.ids == ids[counts.argmax()]])
    apart = (own[1] - own[0]) // backtest.frequency.step if len(own) > 1 else 0
    return len(own), int(apart)


def shown(ids: np.ndarray, worst: pd.DataFrame | None) -> np.ndarray:
    """Places of the series that a page shows, in its order: that of the data, if all fit in."""
    if len(ids) <= SHOWN or worst is None:
        return np.arange(min(len(ids), SHOWN))
    places = {one: place for place, one in enumerate(ids.tolist())}
    return np.array([places[one] for one in worst.index[:SHOWN].tolist()])


def _forecast(model: Model, start: State, horizon: int, ahead: FutureCovariates | None) -> Forecast:
    levels = [level for level in LEVELS if has_level(model, level, horizon)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ForecastWarning)  # its notes stand in the page
        return model.rollout(horizon, state=start, levels=levels, future=ahead)


def _few(notes: tuple[str, ...]) -> list[str]:
    more = [f"… and {len(notes) - NOTED:,} more remarks of this kind."] if notes[NOTED:] else []
    return [*notes[:NOTED], *more]
