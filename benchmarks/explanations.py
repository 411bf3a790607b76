"""How well explanations find known effects: generated data, whose covariates have known weights.

Each data set is a daily series with a week's rhythm, noise of standard deviation 1, and five
covariates: two of yes and no, two that vary slowly or at random, and one without any effect; the
weights of the others are drawn. A network is trained on it and explained, and the effects of the
future covariates are compared with the true ones: weight times the distance from the mean of the
history.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks._common import MET, show
from forecast import Forecaster
from forecast.evaluation.occlusion import KNOWN

ROWS, HORIZON = 600, 28
RHYTHM = 8.0  # amplitude of the week
WEIGHTS = (0.5, 8.0)  # of a standard deviation of a covariate, log-uniform
NAMES = ("promo", "event", "temperature", "price", "nothing")
MIN_LEAD = 1.5  # times the second largest effect, from which on the largest is clearly so
MIN_FOUND = 0.9  # aim, share of data sets with a clearly largest effect in which it is found
TIMED = 5  # forecasts and explanations, of which the fastest counts


class Data(NamedTuple):
    """A table, and what its covariates do to the steps of the horizon (K, H)."""

    history: pd.DataFrame
    future: pd.DataFrame
    effects: np.ndarray


class Outcome(NamedTuple):
    """How an explanation compares with the truth."""

    lead: float  # of the largest true effect, over the second largest
    finds_largest: bool
    is_ordered: bool
    correlation: float
    error: float  # mean absolute difference of effects, over the mean absolute effect
    nothing: float  # effect of the covariate without any, over the largest
    ratio: float  # of the times of an explanation and of a forecast


def generated(seed: int) -> Data:
    """The data set of a seed."""
    rng = np.random.default_rng(seed)
    rows = ROWS + HORIZON
    slow = np.zeros(rows)
    for row in range(1, rows):
        slow[row] = 0.9 * slow[row - 1] + rng.normal()
    raw = [rng.random(rows) < 0.25, rng.random(rows) < 0.1, slow, rng.normal(size=rows)]
    cells = np.array([*raw, rng.normal(size=rows)], dtype=float)
    low, high = np.log(WEIGHTS)
    sizes = np.exp(rng.uniform(low, high, len(NAMES))) * rng.choice([-1, 1], len(NAMES))
    weights = np.where(np.array(NAMES) == "nothing", 0.0, sizes / cells.std(axis=1))
    days = np.arange(rows)
    y = 100 + RHYTHM * np.sin(2 * np.pi * days / 7) + weights @ cells + rng.normal(size=rows)
    table = pd.DataFrame({"day": pd.date_range("2023-01-01", periods=rows), "y": y})
    table = table.assign(**dict(zip(NAMES, cells, strict=True)))
    distance = cells[:, ROWS:] - cells[:, :ROWS].mean(axis=1, keepdims=True)
    future = table[ROWS:].drop(columns="y")
    return Data(table[:ROWS], future, weights[:, None] * distance)


def compare(data: Data, seed: int, steps: int | None) -> Outcome:
    """Train on a data set, explain the forecast, and compare."""
    options = {"train_horizon": HORIZON, "seed": seed, "steps": steps}
    forecaster = Forecaster(target="y", known=list(NAMES)).set_params(**options)
    model = forecaster.fit(data.history).model_
    explanation = model.explain(HORIZON, data.history, future=data.future)
    found = explanation.effects
    kept = [k for k, factor in enumerate(found.factors) if factor.kind == KNOWN]
    effects = found.effects[kept, 0]  # (K, H), in the order of NAMES
    sizes, true = (np.abs(part).mean(axis=1) for part in (effects, data.effects))
    forecasts = fastest(lambda: model.predict(HORIZON, data.history, future=data.future))
    explanations = fastest(lambda: model.explain(HORIZON, data.history, future=data.future))
    second, largest = np.sort(true)[-2:]
    return Outcome(
        lead=largest / second,
        finds_largest=bool(sizes.argmax() == true.argmax()),
        is_ordered=bool((np.argsort(sizes) == np.argsort(true)).all()),
        correlation=float(np.corrcoef(effects.ravel(), data.effects.ravel())[0, 1]),
        error=float(np.abs(effects - data.effects).mean() / np.abs(data.effects).mean()),
        nothing=float(sizes[NAMES.index("nothing")] / sizes.max()),
        ratio=explanations / forecasts,
    )


def fastest(function: Callable[[], object]) -> float:
    """Seconds that a function takes."""
    seconds = []
    for _ in range(TIMED):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=20, help="data sets")
    parser.add_argument("--steps", type=int, default=None, help="gradient steps")
    options = parser.parse_args(arguments)
    outcomes = [compare(generated(seed), seed, options.steps) for seed in range(options.sets)]
    columns = {
        name: np.array([outcome[k] for outcome in outcomes], float)
        for k, name in enumerate(Outcome._fields)
    }
    rows = [
        [
            name,
            *(f"{value:.3f}" for value in (np.median(part), part.mean(), part.min(), part.max())),
        ]
        for name, part in columns.items()
    ]
    show(f"Explanations of {options.sets} data sets", ["", "median", "mean", "least", "most"], rows)
    is_found, is_clear = columns["finds_largest"] > 0, columns["lead"] >= MIN_LEAD
    found = is_found[is_clear].mean() if is_clear.any() else 1.0
    print(
        f"the largest effect is found in {is_found.sum()} of {len(is_found)}; of those where it is "
        f"{MIN_LEAD} times the next one, in {is_found[is_clear].sum()} of {is_clear.sum()}, "
        f"aim {MIN_FOUND:.0%}: {MET[bool(found >= MIN_FOUND)]}"
    )


if __name__ == "__main__":
    main()
