"""Whether sample paths of a trained network have the variance of the process it was trained on.

A first-order autoregression with normal noise: the variance of its k-th step ahead, and that of the
sum of H steps, are known in closed form. A network is trained on some of its series under each
feedback regime, and rolled out. Marginals, drawn for each step independently, have the variance of
the step, but not that of the sum.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from benchmarks._common import MET, show
from forecast import Forecaster
from forecast.data.frequency import parse
from forecast.data.panel import Panel
from forecast.data.schema import Schema

AR_COEFFICIENT = 0.8
MAX_VARIANCE_ERROR = 0.10  # aim, relative, of the sum
REGIMES = ("teacher", "teacher,free", "free")


def autoregression(series: int, rows: int, seed: int = 0) -> Panel:
    """Series y[t] = 0.8 y[t-1] + e[t], e standard normal, from the stationary state on."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(series, rows))
    noise[:, 0] /= np.sqrt(1 - AR_COEFFICIENT**2)
    for t in range(1, rows):
        noise[:, t] += AR_COEFFICIENT * noise[:, t - 1]
    return Panel(
        ids=np.arange(series),
        indptr=np.arange(series + 1) * rows,
        start=np.zeros(series, np.int64),
        target=noise.reshape(-1, 1),
        frequency=parse("1"),
        schema=Schema("long", "unique_id", "ds", ("y",), "int64", "int64"),
    )


def variances(horizon: int) -> tuple[np.ndarray, float]:
    """The variance of each step ahead (H,), and that of their sum."""
    steps = np.arange(1, horizon + 1)
    noise_weights = (1 - AR_COEFFICIENT**steps) / (1 - AR_COEFFICIENT)  # in the sum
    return (1 - AR_COEFFICIENT ** (2 * steps)) / (1 - AR_COEFFICIENT**2), float(
        (noise_weights**2).sum()
    )


def measure(panel: Panel, feedback: str, options: argparse.Namespace) -> list[str]:
    """The variances of paths, of their first and last step and of their sum, as shares."""
    forecaster = Forecaster(
        head="normal",
        feedback=feedback,
        transform="none",
        context=options.context,
        train_horizon=options.horizon,
        holdout=options.horizon,
        units=16,
        steps=options.steps,
        seed=options.seed,
        budget=3_600,
    ).fit(panel)
    paths = np.asarray(forecaster.rollout(options.horizon, paths=options.paths).paths)[..., 0]
    by_step, total = variances(options.horizon)
    spread = paths.var(axis=1).mean(axis=0)  # (H,)
    joint = paths.sum(axis=2).var(axis=1).mean()
    shares = (
        spread[0] / by_step[0],
        spread[-1] / by_step[-1],
        joint / total,
        spread.sum() / total,
    )
    verdict = MET[abs(joint / total - 1) <= MAX_VARIANCE_ERROR]
    return [feedback, *(f"{share:.2f}" for share in shares), verdict]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--regimes", nargs="+", choices=REGIMES, default=REGIMES)
    parser.add_argument("--series", type=int, default=40)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--context", type=int, default=480)
    parser.add_argument("--horizon", type=int, default=24)
    parser.add_argument("--paths", type=int, default=400)
    parser.add_argument("--steps", type=int, default=400, help="gradient steps")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    panel = autoregression(options.series, options.rows)
    rows = [measure(panel, feedback, options) for feedback in options.regimes]
    header = ["feedback", "first step", "last step", "sum", "sum of marginals"]
    title = (
        f"Variances of {options.paths} paths as shares of the true ones, {options.horizon} steps"
    )
    show(title, [*header, f"sum within {MAX_VARIANCE_ERROR:.0%}"], rows)


if __name__ == "__main__":
    main()
