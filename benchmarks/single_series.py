"""Accuracy on single series, one at a time: trained, untrained, and statistical models.

Series: classics of statsmodels and sktime, and the datasets of the package. Each is forecast from
ten cutoffs spread evenly over its last fifth. Statistical models are statsforecast's AutoETS and
AutoTheta, fitted anew at each cutoff; a network is trained once, on the rows before the first one.

By default the last fifth is not read: the last fifth of the rows before is forecast instead, as
while choosing anything. With --test it is read.

Measures: MASE, scaled by the rows before each cutoff, the mean over cutoffs; the mean rank of each
method over the series; empirical coverage of 80 % and 95 % intervals of the trained model; seconds
of its training.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks._common import show
from forecast import Forecaster
from forecast.backtest import Backtest
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel
from forecast.datasets import load

CUTOFFS = 10
TEST_SHARE = 0.2  # of the rows
LEVELS = (80, 95)
TRAINED, UNTRAINED = "trained", "untrained"
METHODS = {"auto_ets": "AutoETS", "auto_theta": "AutoTheta", "seasonal_naive": "seasonal naive"}
HOURS = 4_000  # last rows of the longest series, which statistical models can be fitted to


class Series(NamedTuple):
    """A series, and how it is forecast.

    Attributes:
        read: gives its values, in order.
        start: first time.
        frequency: alias of pandas.
        horizon: steps H of a forecast.
    """

    read: Callable[[], Any]
    start: str
    frequency: str
    horizon: int

    def panel(self) -> Panel:
        """The series as a panel."""
        values = np.asarray(self.read(), float)
        times = pd.date_range(self.start, periods=len(values), freq=self.frequency)
        return to_panel(pd.DataFrame({"unique_id": "y", "ds": times, "y": values}))


def own(name: str, series: str | None = None, last: int | None = None) -> Callable[[], Any]:
    """The values of a dataset of the package, or of one of its series."""

    def read() -> Any:
        table = load(name)
        if series is not None:
            table = table[table[table.columns[0]] == series]
        return table[table.columns[-1]].to_numpy()[-last if last else None :]

    return read


def of_statsmodels(name: str, column: str) -> Callable[[], Any]:
    """A column of a dataset of statsmodels."""

    def read() -> Any:
        from statsmodels import datasets

        return getattr(datasets, name).load_pandas().data[column]

    return read


def sea_temperature() -> Any:
    """Monthly means of statsmodels' elnino, whose rows are years."""
    from statsmodels import datasets

    return datasets.elnino.load_pandas().data.iloc[:, 1:].to_numpy().ravel()


def of_sktime(name: str, column: str | None = None) -> Callable[[], Any]:
    """A dataset of sktime, or a column of one."""

    def read() -> Any:
        from sktime import datasets

        data = getattr(datasets, f"load_{name}")()
        if column is None:
            return data
        first = data[1] if isinstance(data, tuple) else data
        return first[column]

    return read


MIN_ROWS = 12  # before the first cutoff, to train on

SERIES = {
    "air passengers": Series(own("air_passengers"), "1949-01-01", "MS", 12),
    "jobs in government": Series(own("us_employment", "government"), "2006-01-01", "MS", 12),
    "jobs in construction": Series(own("us_employment", "construction"), "2006-01-01", "MS", 12),
    "CO2": Series(own("co2"), "1958-03-29", "W-SAT", 26),
    "temperature in Seattle": Series(own("seattle_temperature"), "2012-01-01", "D", 14),
    "traffic": Series(own("traffic", last=HOURS), "2015-01-01", "h", 48),
    "lynx": Series(of_sktime("lynx"), "1821-01-01", "YS", 6),
    "shampoo": Series(of_sktime("shampoo_sales"), "1991-01-01", "MS", 6),
    "PBS": Series(of_sktime("PBS_dataset"), "1991-07-01", "MS", 12),
    "income": Series(of_sktime("uschange", "Income"), "1970-01-01", "QS", 8),
    "sunspots": Series(of_statsmodels("sunspots", "SUNACTIVITY"), "1700-01-01", "YS", 6),
    "Nile": Series(of_statsmodels("nile", "volume"), "1871-01-01", "YS", 6),
    "real GDP": Series(of_statsmodels("macrodata", "realgdp"), "1959-01-01", "QS", 8),
    "unemployment": Series(of_statsmodels("macrodata", "unemp"), "1959-01-01", "QS", 8),
    "consumer prices": Series(of_statsmodels("macrodata", "cpi"), "1959-01-01", "QS", 8),
    "sea temperature": Series(sea_temperature, "1950-01-01", "MS", 12),
}


def without_test(panel: Panel, horizon: int, test: bool) -> Panel:
    """The rows that may be looked at."""
    return panel if test else panel.until(test_rows(panel, horizon))


def test_rows(panel: Panel, horizon: int) -> int:
    """Rows of the test part: a fifth, and at least so many that there are ten cutoffs."""
    return max(int(TEST_SHARE * panel.lengths[0]), horizon + CUTOFFS - 1)


def rows_to_train_on(series: Series, test: bool) -> int:
    """Rows before the first cutoff."""
    panel = without_test(series.panel(), series.horizon, test)
    return int(panel.lengths[0]) - test_rows(panel, series.horizon)


def backtest(panel: Panel, horizon: int, baselines: Sequence[str], **options: Any) -> Backtest:
    """A backtest with training options, from cutoffs over the last fifth."""
    stride = max((test_rows(panel, horizon) - horizon) // (CUTOFFS - 1), 1)
    return Forecaster(**options).backtest(
        panel, horizon, CUTOFFS, stride=stride, levels=LEVELS, baselines=baselines
    )


def measured(series: Series, test: bool, options: dict[str, Any]) -> dict[str, float]:
    """MASE of each method, and the trained model's coverage and seconds."""
    panel = without_test(series.panel(), series.horizon, test)
    begin = time.perf_counter()
    trained = backtest(panel, series.horizon, (), **options)
    seconds = time.perf_counter() - begin
    untrained = backtest(panel, series.horizon, [*METHODS], steps=0)
    errors = untrained.overall["mase"]
    ours = trained.overall.loc["forecast"]
    return {
        TRAINED: ours["mase"],
        UNTRAINED: errors["forecast"],
        **{label: errors[name] for name, label in METHODS.items()},
        **{f"{level} %": ours[f"coverage-{level}"] for level in LEVELS},
        "s": seconds,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table: a row for each series, and the mean ranks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test", action="store_true", help="forecast the test parts")
    parser.add_argument("--only", nargs="*", help="names of series", default=[*SERIES])
    parser.add_argument("--option", nargs="*", default=[], help="of the training, name=value")
    given = parser.parse_args(arguments)
    options = dict(part.split("=", 1) for part in given.option)
    values = {name: int(value) if value.isdigit() else value for name, value in options.items()}
    rows: dict[str, dict[str, float]] = {}
    for name in given.only:
        if rows_to_train_on(SERIES[name], given.test) < MIN_ROWS:
            print(f"{name}: too short without its test part")
            continue
        rows[name] = measured(SERIES[name], given.test, values)
        print(name, {key: round(value, 3) for key, value in rows[name].items()}, flush=True)
    methods = [TRAINED, UNTRAINED, *METHODS.values()]
    errors = pd.DataFrame(rows).T
    ranks = errors[methods].rank(axis=1).mean()
    naive = errors["seasonal naive"]
    ratios = np.exp(np.log(errors[methods].div(naive, axis=0)).mean())
    table = [[name, *(f"{row[key]:.3f}" for key in methods)] for name, row in rows.items()]
    table.append(["mean rank", *(f"{ranks[key]:.2f}" for key in methods)])
    table.append(["geometric mean of ratios", *(f"{ratios[key]:.3f}" for key in methods)])
    show("MASE", ["", *methods], table)
    inside = errors[[f"{level} %" for level in LEVELS]].mean()
    print("mean coverage of the trained model:", inside.round(1).to_dict())


if __name__ == "__main__":
    main()
