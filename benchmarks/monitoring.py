"""How often a monitor raises false alarms, and how late true ones.

Generated daily series of several kinds, half of whose rows a model is made from and half of which
it is monitored on. Without a break every alarm is false. With one, at the same row of every series,
an alarm counts if it is raised from that row on; one before it is false. The unit of a level shift
is the standard deviation of the noise. Series are monitored in panels, as many as share one
threshold.

The constants of the monitor were chosen on independent, autocorrelated and heavy-tailed numbers and
on these kinds of series with the seeds 5 and 100; what is reported has the seed 200.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import poisson

from benchmarks._common import show
from forecast import Forecaster
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel
from forecast.datasets import load
from forecast.model import Model
from forecast.monitoring.charts import NEVER
from forecast.monitoring.monitor import begin, follow
from forecast.monitoring.monitoring import Monitoring, split
from forecast.monitoring.statistics import LEVELS, ROWS_BETWEEN, TESTS, Statistics, in_alarm
from forecast.monitoring.thresholds import Limits, limits
from forecast.pretrained.prior.mixture import DISTURBANCES, draw
from forecast.pretrained.prior.seasons import Seasons

WEEK = 7
LEVEL, NOISE = 50.0, 2.5  # of the series, and its standard deviation
USUAL_RATE = 8.0  # of counts
FIRST_DAY = pd.Timestamp("2020-01-01")
DATASETS = ("air_passengers", "co2", "seattle_temperature", "us_employment", "traffic")
MOST_ROWS = 2_000  # of a data set, the last ones


class Kind(NamedTuple):
    """A kind of series: what is expected of each row, and the noise around it, (S, T) each."""

    expected: Callable[[np.random.Generator, int, np.ndarray], np.ndarray]
    noise: Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


class Outcome(NamedTuple):
    """What monitoring N series has given.

    Attributes:
        first: row of the first alarm of each series (N,), its number of rows where there is none.
        test: which of TESTS raised the first alarm (N,).
        lasting: whether an alarm persists after the last row (N,).
        rows: that were monitored of each series.
    """

    first: np.ndarray
    test: np.ndarray
    lasting: np.ndarray
    rows: int


class Break(NamedTuple):
    """What happens to series from a row on.

    Attributes:
        shift: of the level, in standard deviations of the noise.
        factor: of the noise.
        late: rows by which the season is late.
    """

    shift: float = 0.0
    factor: float = 1.0
    late: int = 0


def weekly(rng: np.random.Generator, series: int, time: np.ndarray) -> np.ndarray:
    """A level, and the same random profile each week."""
    profile = 5 * rng.normal(size=(series, WEEK))
    return np.asarray(LEVEL + profile[:, time % WEEK])


def constant(rng: np.random.Generator, series: int, time: np.ndarray) -> np.ndarray:  # noqa: ARG001
    """Nothing but a level."""
    return np.full((series, len(time)), LEVEL)


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Independent normal noise."""
    return np.asarray(NOISE * rng.normal(size=shape))


def autoregressive(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Normal noise with a correlation of 0.6 from row to row."""
    return NOISE * filtered(rng.normal(size=shape), 0.6)


def heavy_tailed(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Student's noise of three degrees of freedom."""
    return np.asarray(NOISE * rng.standard_t(3, size=shape) / np.sqrt(3))


def skewed(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Gamma noise of shape 2 around its mean."""
    return np.asarray(NOISE * (rng.gamma(2, size=shape) / np.sqrt(2) - np.sqrt(2)))


def changing_spread(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Noise whose spread wanders: no break, but no constancy either."""
    spread = np.exp(0.3 * filtered(rng.normal(size=shape), 0.8))
    return np.asarray(NOISE * spread * rng.normal(size=shape))


def filtered(noise: np.ndarray, correlation: float) -> np.ndarray:
    """An autoregression of unit variance, (S, T)."""
    values = noise.copy()
    for t in range(1, noise.shape[1]):
        values[:, t] = correlation * values[:, t - 1] + np.sqrt(1 - correlation**2) * noise[:, t]
    return values


KINDS = {
    "season": Kind(weekly, normal),
    "autoregressive": Kind(constant, autoregressive),
    "heavy tails": Kind(weekly, heavy_tailed),
    "skewed": Kind(weekly, skewed),
    "season and ar": Kind(weekly, autoregressive),
    "changing spread": Kind(weekly, changing_spread),
}
ALL_KINDS = [*KINDS, "counts", "prior"]
COUNTS = "counts"  # Poisson, with a weekly profile
PRIOR = "prior"  # series of the prior of the pretrained network, without disturbances
CHANGING = ("regimes", "structural", "growth_curve", "life_cycle")  # families that break by design
BREAKS = {
    "none": Break(),
    "level 1": Break(shift=1.0),
    "level 2": Break(shift=2.0),
    "level 4": Break(shift=4.0),
    "scale 2": Break(factor=2.0),
    "scale 3": Break(factor=3.0),
    "season": Break(late=3),
}


def has_break(kind: str, broken: Break) -> bool:
    """Whether a kind of series can break so."""
    if kind == PRIOR:
        return broken == Break()
    return not broken.late or kind == COUNTS or KINDS[kind].expected is weekly


def values_of(kind: str, broken: Break, shape: tuple[int, int], at: int, seed: int) -> np.ndarray:
    """Series of a kind (S, T) that break at a row; without a break they are the same otherwise."""
    rng, (series, rows) = np.random.default_rng(seed), shape
    after = np.arange(rows) >= at
    if kind == COUNTS:
        return counts_of(weekly(rng, series, np.arange(rows)), broken, after, rng)
    if kind == PRIOR:
        values = draw(rng, series, rows, Seasons(WEEK), without=[*DISTURBANCES, *CHANGING])
        return np.asarray(values, np.float64)
    expected = KINDS[kind].expected(rng, series, np.arange(rows))
    late = np.roll(expected, broken.late, axis=1)
    noise = KINDS[kind].noise(rng, shape)
    shifted = late + broken.shift * NOISE + broken.factor * noise
    return np.asarray(np.where(after, shifted, expected + noise))


def counts_of(
    expected: np.ndarray, broken: Break, after: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Poisson counts; those with a larger spread are negative binomial."""
    uniforms = rng.random(expected.shape)  # so that rows before a break do not depend on it
    rate = USUAL_RATE * np.exp((expected - LEVEL) / 15)
    late = np.roll(rate, broken.late, axis=1) + broken.shift * np.sqrt(USUAL_RATE)
    rate = np.where(after, late, rate)
    excess = (broken.factor**2 - 1) / USUAL_RATE  # the variance is rate + excess * rate^2
    if excess:
        rate = np.where(after, rate * rng.gamma(1 / excess, excess, rate.shape), rate)
    return np.asarray(poisson.ppf(uniforms, rate), np.float64)


def table_of(values: np.ndarray) -> pd.DataFrame:
    """Series (S, T) as a long table of daily rows."""
    series, rows = values.shape
    return pd.DataFrame(
        {
            "series": np.repeat([f"{s:05}" for s in range(series)], rows),
            "day": np.tile(pd.date_range(FIRST_DAY, periods=rows), series),
            "y": values.ravel(),
        }
    )


def outcome(model: Model, table: Panel, together: int) -> Outcome:
    """Monitor the rows after a model's state, in panels of so many series."""
    history, rows = split(model, table)
    monitor, begun = begin(model, history), rows.start
    shared = limits(
        together, len(TESTS), monitor.statistics.window.error.shape[1], LEVELS, ROWS_BETWEEN
    )
    for step in follow(model, monitor, rows, shared):
        monitor = step.after
    return outcome_of(monitor.statistics, begun, rows, shared)


def outcome_of(now: Statistics, begun: np.ndarray, rows: Panel, shared: Limits) -> Outcome:
    """The first alarm of each series after its last row."""
    length = int(rows.lengths.max())
    place = (now.alarms.at - begun[:, None]) // rows.frequency.step
    place = np.where(now.alarms.at == NEVER, length, place)
    lasting = np.asarray(in_alarm(now, shared).any(axis=1))
    return Outcome(place.min(axis=1), place.argmin(axis=1), lasting, length)


def measured(kind: str, name: str, options: argparse.Namespace) -> Iterator[list[str]]:
    """A row of the table for each break of a kind of series."""
    half, at = options.rows, options.rows + options.rows // 3
    shape, model = (options.series, 2 * half), None
    for label in options.breaks:
        broken = BREAKS[label]
        if has_break(kind, broken):
            values = values_of(kind, broken, shape, at, options.seed)
            model = model or made(name, values[:, :half], options)  # before the break all are alike
            found = outcome(model, model.panel(table_of(values)), options.together)
            yield row_of(f"{name}: {kind}, {label}", found, at - half, options.together)


def made(name: str, values: np.ndarray, options: argparse.Namespace) -> Model:
    """A model of the rows before those that are monitored."""
    table = table_of(values)
    if name == "pretrained":
        return Model.untrained(to_panel(table))
    forecaster = Forecaster(
        start="scratch", steps=options.steps, units=16, transform="none", seed=options.seed
    )
    return forecaster.fit(table).model_


def row_of(label: str, found: Outcome, at: int, together: int) -> list[str]:
    """A row of the table; without a break its delays and shares stay empty."""
    is_broken = not label.endswith("none")
    begin = at if is_broken else found.rows
    is_false, has_alarm = found.first < begin, found.first < found.rows
    is_true = has_alarm & ~is_false
    delays = found.first[is_true] - at + 1
    panels = is_false[: len(is_false) // together * together].reshape(-1, together)
    counts = np.bincount(found.test[has_alarm], minlength=len(TESTS))
    tests = [f"{TESTS[k]} {counts[k]}" for k in np.argsort(-counts)[:2] if counts[k]]
    late = [f"{np.quantile(delays, q):.0f}" if len(delays) else "" for q in (0.5, 0.9)]
    return [
        label,
        f"{is_false.mean():.1%}",
        "" if is_broken else f"{np.mean(panels.any(axis=1)):.0%}",
        f"{is_true.mean():.1%}" if is_broken else "",
        *late,
        f"{found.lasting.mean():.1%}",
        ", ".join(tests),
    ]


def on_datasets(options: argparse.Namespace) -> Iterator[list[str]]:
    """The alarms on the last third of real data, by models of the rows before."""
    for name in DATASETS:
        table = to_panel(load(name))
        lengths = np.minimum(table.lengths, MOST_ROWS)
        table = table.cut(np.arange(len(lengths)), lengths, table.lengths - lengths)
        history = table.until(int(lengths.max()) // 3)
        forecaster = Forecaster(start="scratch", steps=options.steps, seed=options.seed)
        yield dataset_row(f"trained: {name}", forecaster.fit(history).model_.monitor(table))
        yield dataset_row(f"pretrained: {name}", Model.untrained(table).monitor(table))


def dataset_row(label: str, result: Monitoring) -> list[str]:
    """A row of the table of data sets."""
    measures, series = result.overall, {finding.series for finding in result.findings}
    return [
        label,
        *(str(measures[name]) for name in ("series", "rows")),
        *(f"{measures[name]:.2f}" for name in ("mase", "mase_naive")),
        f"{measures['coverage-80']:.0%}",
        str(len(series)),
        str(measures["alarms"]),
        result.verdict,
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=20, help="of each kind, with and without")
    parser.add_argument("--together", type=int, default=20, help="series that share a threshold")
    parser.add_argument("--rows", type=int, default=300, help="before and after the model is made")
    parser.add_argument("--steps", type=int, default=300, help="gradient steps of a training")
    parser.add_argument("--seed", type=int, default=200)
    parser.add_argument("--kinds", nargs="+", choices=ALL_KINDS, default=ALL_KINDS)
    parser.add_argument(
        "--models", nargs="+", choices=("trained", "pretrained"), default=("trained", "pretrained")
    )
    parser.add_argument("--breaks", nargs="+", choices=[*BREAKS], default=[*BREAKS])
    parser.add_argument("--data", action="store_true", help="real data sets instead")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    if options.data:
        header = [
            "model: data",
            "series",
            "rows",
            "MASE",
            "of naive",
            "in 80 %",
            "alarms",
            "lasting",
            "verdict",
        ]
        show("Alarms on the last third of real data", header, [*on_datasets(options)])
        return
    header = ["model: kind, break", "false", "panels", "found", "delay", "90 %", "lasting", "tests"]
    rows = [
        row
        for name in options.models
        for kind in options.kinds
        for row in measured(kind, name, options)
    ]
    title = (
        f"{options.series} series of each kind, {options.rows} rows each, a break at row "
        f"{options.rows // 3}; false: series with an alarm before a break, panels of "
        f"{options.together} with any; delay in rows, median and 90 %"
    )
    show(title, header, rows)


if __name__ == "__main__":
    main()
