"""`Monitoring`: what new rows say about a model that is in use, for users."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.data.panel import Panel
from forecast.errors import DataError, OptionError, first_few, require_whole
from forecast.evaluation.cutoff_forecasts import ID
from forecast.evaluation.rolling_origin import history_before, target_index
from forecast.inference.new_rows import following, places_of, rows_seen, unseen
from forecast.inference.plausibility import unpractised_steps
from forecast.inference.predictor import Predictor
from forecast.monitoring.ahead import Ahead, forecast_ahead
from forecast.monitoring.findings import Finding, alarms_table, findings, overall, series_table
from forecast.monitoring.monitor import Monitor, Watch, begin, follow
from forecast.monitoring.statistics import ROWS_BETWEEN
from forecast.monitoring.traces import Followed, traces_of
from forecast.monitoring.words import needs_training, sentences, verdict
from forecast.plotting.monitoring import plot_monitoring

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARE_OF_ROWS = 3  # the last third is monitored where nobody says since when
MOST_WINDOW = 10_000  # rows; each series keeps as many


@dataclass(frozen=True, eq=False)
class Monitoring:
    """What a monitor has found on new rows.

    Attributes:
        predictor: the model.
        start: the monitor before the rows.
        rows: that were followed, of series that the model knows.
        monitor: the monitor after them.
        horizon: steps H of the forecasts in `ahead`.
        ahead: forecasts of so many steps from some of the rows.
        is_trained: whether the model was trained on a table, or is the pretrained network.
        notes: sentences for people.
    """

    predictor: Predictor
    start: Monitor
    rows: Panel
    monitor: Monitor
    horizon: int
    ahead: Ahead
    is_trained: bool = True
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Say how many rows there are, and the verdict."""
        return f"{type(self).__name__}({len(self.start.state.ids):,} series; {self.verdict})"

    @cached_property
    def findings(self) -> list[Finding]:
        """All alarms in the order in which they were raised, as plain values."""
        return findings(self.monitor)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each series, over the last rows of it.

        Columns: the id, `rows` that were followed, `mase` and `mase_naive` of the model and of the
        seasonal naive forecast one step ahead, `coverage-80` and `coverage-95`, the `mean_error`,
        the mean absolute error as a multiple of the usual one (`times_usual`), the CUSUMs of level
        and scale as shares of their thresholds (`level_chart`, `scale_chart`), the tests in alarm
        (`alarm`), and those that were and no longer are (`adapted`). `ahead_mase` and so on are of
        forecasts of the whole horizon.
        """
        table = series_table(self.monitor, self.predictor.config.schema.id or ID)
        return table.assign(**self.ahead.columns(self.monitor.statistics.naive_scale))

    @cached_property
    def alarms(self) -> pd.DataFrame:
        """A row for each alarm, in the order in which they were raised.

        Columns: the id, `test`, `size`, `since` (when the change is estimated to have begun), `at`
        (when the alarm was raised), and whether it `persists`.
        """
        config = self.predictor.config
        return alarms_table(self.findings, config.schema, config.frequency)

    @cached_property
    def overall(self) -> dict[str, float]:
        """The measures of all series together; of coverage also the band in which it should lie."""
        return overall(self.monitor)

    @property
    def verdict(self) -> str:
        """Whether to train again, and why."""
        rows = self.monitor.statistics.rows
        total, longest = int(rows.sum()), int(rows.max())
        return verdict(self.findings, total, self._text, self.is_trained, longest)

    @property
    def needs_training(self) -> bool:
        """Whether an alarm persists that is more than errors which have become smaller."""
        return needs_training(self.findings)

    def sentences(self) -> list[str]:
        """Each alarm in words."""
        return sentences(self.findings, self._text)

    def plot(self) -> Figure:
        """Draw the errors, the rolling MASE and the charts of each series.

        Returns:
            A figure of matplotlib, of up to 3 series: those with alarms first.

        Raises:
            OptionError: if there are no new rows to draw.
        """
        if not len(self.rows.ids):
            raise OptionError("there are no new rows to draw")
        followed = Followed(self.predictor, self.start, self.monitor, self.rows, self.findings)
        return plot_monitoring(traces_of(followed), self.verdict)

    def _text(self, ordinal: int) -> str:
        config = self.predictor.config
        return config.schema.text(config.frequency, ordinal)


def monitor_rows(
    predictor: Predictor,
    table: Panel,
    *,
    horizon: int | None = None,
    window: int | None = None,
    target: str | None = None,
    rows_between: int = ROWS_BETWEEN,
    fill_gaps: bool = False,
    is_trained: bool = True,
    trained_until: int | None = None,
) -> Monitoring:
    """Follow the rows of a table that a model's state has not seen.

    Args:
        predictor: the model.
        table: rows of its series; those up to its state are the history.
        horizon, window, target, rows_between, fill_gaps: see `Model.monitor`.
        is_trained: see `Monitoring`.
        trained_until: ordinal of the last row of the training data, if it is known.

    Raises:
        DataError: if the rows do not follow the state, or no series is known.
        OptionError: if an argument is out of range.
    """
    for name, value, least in (("horizon", horizon, 1), ("window", window, 2)):
        if value is not None:
            require_whole(name, value, least)
    require_whole("rows_between", rows_between, 1)
    place = target_index(predictor, target)
    known, notes = known_series(predictor, table)
    history, rows = split(predictor, known)
    if window is not None and window > MOST_WINDOW:
        raise OptionError(f"window is {window:,}; it must be at most {MOST_WINDOW:,} rows")
    start = begin(predictor, history, window=window, target=place, rows_between=rows_between)
    rows = following(rows, start.state.time[places_of(start.state, rows)], fill_gaps)
    notes += in_sample_notes(rows, trained_until)
    steps = predictor.config.horizon if horizon is None else horizon
    notes += unpractised_steps(predictor.config, steps)
    monitor, ahead = follow_all(predictor, start, rows, steps)
    return Monitoring(predictor, start, rows, monitor, steps, ahead, is_trained, tuple(notes))


def follow_all(
    predictor: Predictor, start: Monitor, rows: Panel, horizon: int
) -> tuple[Monitor, Ahead]:
    """The monitor after rows, and forecasts of a horizon from every H-th of them."""
    watch, places = Watch.of(predictor, rows, start.target), places_of(start.state, rows)
    monitor, ahead = start, Ahead.start(len(start.state.ids))
    steps = follow(predictor, start, rows)
    longest = int(rows.lengths.max(initial=0))
    for done in range(0, longest, horizon):
        chosen = np.flatnonzero(rows.lengths >= done + horizon)
        if len(chosen):
            own = monitor.take(places[chosen])
            more = forecast_ahead(watch, own, rows.take(chosen), done, horizon)
            ahead = ahead.plus(places[chosen], more)
        for step in itertools.islice(steps, horizon):
            monitor = step.after
    return monitor, ahead


def history_until(table: Panel, since: Any) -> Panel:
    """The rows of a table before a time, of the series that have a value by then.

    Args:
        table: all rows.
        since: the time, as text, a timestamp or a whole number; None for the last third of rows.

    Raises:
        DataError: if no row comes before it.
        OptionError: if it is no time.
    """
    if since is None:
        return history_before(table, max(int(table.lengths.max()) // SHARE_OF_ROWS, 1))
    is_before = table.schema.times(table.frequency, table.ordinals) < _time(table, since)
    lengths = np.add.reduceat(np.asarray(is_before, np.int64), table.indptr[:-1])
    begun = np.flatnonzero(lengths)
    if not len(begun):
        raise DataError(f"{table.source}: no row comes before {since}; choose a later --since")
    return table.cut(begun, lengths[begun]).drop_unobserved()


def _time(table: Panel, since: Any) -> Any:
    """A time that the rows of a table can be compared with."""
    times = table.schema.times(table.frequency, table.start[:1])
    try:
        if not isinstance(times, pd.DatetimeIndex):
            return int(since)
        time = pd.Timestamp(since)
        return time.tz_localize(times.tz) if time.tz is None else time.tz_convert(times.tz)
    except (TypeError, ValueError, OverflowError):
        example = table.schema.text(table.frequency, int(table.start[0]))
        raise OptionError(
            f"since is {since!r}; give a time as the table has them, such as {example}"
        ) from None


def known_series(predictor: Predictor, table: Panel) -> tuple[Panel, list[str]]:
    """The series of a table that a model's state holds, and notes on the others.

    Raises:
        DataError: if it holds none of them.
    """
    is_known = np.array([bool(found) for found in predictor.state.indices(table.ids.tolist())])
    if not is_known.any():
        raise DataError(
            f"{table.source}: the model knows none of its series ({first_few(table.ids)}); it "
            f"knows {first_few(predictor.state.ids)}"
        )
    notes = []
    if not is_known.all():
        new = table.ids[~is_known]
        notes.append(
            f"series without a state are passed over: {len(new):,} ({first_few(new)}); forecast "
            "update gives them one"
        )
    absent = len(predictor.state.ids) - int(is_known.sum())
    if absent:
        notes.append(f"series without rows: {absent:,} of {len(predictor.state.ids):,}")
    return table.take(np.flatnonzero(is_known)), notes


def in_sample_notes(rows: Panel, trained_until: int | None) -> Iterator[str]:
    """How many rows the training has seen, if any."""
    seen = 0 if trained_until is None else int((rows.ordinals <= trained_until).sum())
    if seen:
        yield (
            f"{seen:,} of {len(rows.target):,} rows lie within the training data: their errors are "
            "optimistic, so that later ones may look like a change; choose a later --since"
        )


def split(predictor: Predictor, table: Panel) -> tuple[Panel | None, Panel]:
    """The rows of a table up to the state of a model, None without any, and those after it."""
    seen = rows_seen(table, predictor.state)
    begun = np.flatnonzero(seen)
    history = table.cut(begun, seen[begun]) if len(begun) else None
    return history, unseen(table, seen)


def _target_place(predictor: Predictor, target: str | None) -> int:
    targets = predictor.config.schema.targets
    if target is None:
        return 0
    if target not in targets:
        raise OptionError(f"target is {target!r}; the model forecasts {', '.join(targets)}")
    return targets.index(target)
