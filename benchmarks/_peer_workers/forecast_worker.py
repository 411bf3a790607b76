"""This project for `benchmarks.peers`, by the protocol that its peers answer to."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import forecast
from forecast import Forecaster, Model
from installed import bytes_of, closure, versions
from protocol import Job, Series, Training, main, read, timed, train

ALL = 1_000_000  # rows of the longest history


class Ours:
    """Answers to `protocol.Library`."""

    PACKAGES: tuple[str, ...] = ("forecast-rollout",)
    NEEDED = ALL

    def train(self, job: Job, series: Series) -> Training:
        """Everything that `fit` does, the comparison and the intervals too."""
        forecaster = Forecaster(budget=job.seconds, seed=job.seed, **job.settings)
        model = forecaster.fit(self.prepare(series)).model_
        model.save(job.folder / "model.forecast")
        plan, steps = model.trained.plan, model.trained.rounds[-1].step
        return Training(steps, steps * plan.batch_size * plan.window_length)

    def load(self, job: Job) -> Model:
        """The model, with the state after the last rows."""
        return forecast.load(job.folder / "model.forecast")

    def prepare(self, series: Series) -> pd.DataFrame:
        """A long table."""
        return series.table()

    def forecast(self, model: Model, data: pd.DataFrame, horizon: int) -> np.ndarray:
        """All series in one call, from their histories."""
        return values(model.rollout(horizon, data).table, horizon)

    def backtest(self, model: Any, data: pd.DataFrame, job: Job) -> int:
        """`Model.backtest`, with the state carried from cutoff to cutoff."""
        made = model.backtest(data, job.horizon, job.cutoffs, stride=1, levels=(), carry=True).table
        return int(made["forecast"].notna().sum())


def values(table: pd.DataFrame, horizon: int) -> np.ndarray:
    """The forecasts of a table, (S, H)."""
    return np.asarray(table["forecast"].to_numpy().reshape(-1, horizon))


def train_imported(library: Any, folder: Path) -> dict[str, float]:
    """Train, after the import of TensorFlow, which `fit` would do and a forecast does without."""
    importlib.import_module("forecast.training.fit")
    return train(library, folder)


def resume(library: Any, folder: Path) -> dict[str, list[float]]:
    """The seconds of forecasts from the state that the model has kept."""
    job, _, _ = read(folder)
    model = library.load(job)
    return {"resume": timed(job, lambda _: values(model.rollout(job.horizon).table, job.horizon))}


def observe(library: Any, folder: Path) -> dict[str, list[float]]:
    """The seconds from a new row of each series, as an array, to a forecast of the next step."""
    job, series, later = read(folder)
    model = library.load(job)
    if list(model.state.ids) != series.ids:
        raise SystemExit("the state has its series in another order than the rows")
    state = model.state

    def step(turn: int) -> None:
        nonlocal state
        state = model.observe(state, later[:, turn])
        values(model.rollout(1, state=state).table, 1)

    return {"observe": timed(job, step)}


def inventory(library: Any, _: Path) -> dict[str, Any]:
    """The bytes of all that is needed, and of the package, which may be installed as a link."""
    package = Path(forecast.__file__).parent
    own = sum(path.stat().st_size for path in package.rglob("*.py"))
    names = closure(library.PACKAGES)
    needed = sum(map(bytes_of, names - {*library.PACKAGES}))
    return {"size": [own + needed], "versions": versions(names)}


if __name__ == "__main__":
    main(
        Ours(),
        {"train": train_imported, "resume": resume, "observe": observe, "installed": inventory},
    )
