"""The data that `benchmarks.peers` compares methods on, and one method in its own folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks._common import Usage, run_alone
from benchmarks._peer_entries import ENTRIES, OURS, Entry
from benchmarks.deepar import rows_to_forecast
from benchmarks.m4_hourly import HORIZON, SEASON, scores
from forecast.evaluation.baselines import seasonal_naive

WORKERS = Path(__file__).with_name("_peer_workers")
COMMAND = str(Path(sys.executable).with_name("forecast"))


class Rows(NamedTuple):
    """The hourly series, and the actuals after them."""

    ids: np.ndarray  # (S,)
    indptr: np.ndarray  # (S + 1,)
    target: np.ndarray  # (N,)
    start: np.ndarray  # (S,) as text
    later: np.ndarray  # (S, H)
    naive: np.ndarray  # (S, H), seasonal naive forecast

    @classmethod
    def read(cls, folder: Path, validation: bool, series: int) -> Rows:
        """The first series of the competition, or all."""
        panel, later = rows_to_forecast(folder, validation)
        kept = slice(min(series, len(panel.ids)))
        indptr = panel.indptr[: kept.stop + 1]
        return cls(
            panel.ids[kept],
            indptr,
            panel.target[: indptr[-1], 0],
            np.array(panel.frequency.times(panel.start).astype(str))[kept],
            later[kept],
            seasonal_naive(panel, SEASON, HORIZON)[kept, :, 0],
        )

    def table(self, values: np.ndarray, counts: np.ndarray) -> pd.DataFrame:
        """A long table of values, `counts` of each series."""
        steps = np.concatenate([np.arange(count) for count in counts])
        ids = np.repeat(self.ids, counts)
        return pd.DataFrame({"unique_id": ids, "ds": steps, "y": values.ravel()})

    def score(self, forecast: np.ndarray) -> dict[str, list[float]]:
        """sMAPE and MASE of forecasts (S, H)."""
        later = self.table(self.later, np.full(len(self.ids), HORIZON))
        later["forecast"] = forecast.ravel()
        score = scores(later, self.table(self.target, np.diff(self.indptr)))["forecast"]
        return {"smape": [score.smape], "mase": [score.mase]}


class Bench:
    """One method in a folder of its own."""

    def __init__(self, entry: Entry, rows: Rows, folder: Path, options: Any) -> None:
        """Write the series to the folder."""
        self.entry, self.rows, self.options = entry, rows, options
        self.is_ours = entry.worker == ENTRIES[OURS].worker
        self.folder = folder
        folder.mkdir()
        np.savez(
            folder / "series.npz",
            target=rows.target,
            indptr=rows.indptr,
            start=rows.start.astype(str),
            ids=rows.ids.astype(str),
            later=rows.later,
        )

    def ask(self, task: str, seed: int = 0, cutoffs: int = 0) -> tuple[dict[str, Any], Usage]:
        """The worker's answer, and the resources its process used."""
        job = {
            "seconds": self.options.seconds,
            "horizon": HORIZON,
            "rounds": self.options.rounds,
            "cutoffs": cutoffs,
            "seed": seed,
            "settings": {**self.entry.settings, **self.options.settings},
        }
        (self.folder / "job.json").write_text(json.dumps(job))
        python = sys.executable if self.is_ours else self.options.python
        worker = str(WORKERS / f"{self.entry.worker}.py")
        usage = run_alone([python, "-W", "ignore", worker, task, str(self.folder)], self.folder)
        answer: dict[str, Any] = json.loads(usage.output.splitlines()[-1])
        return answer, usage

    def train(self, seed: int) -> dict[str, list[float]]:
        """Train, forecast and score."""
        result, usage = self.ask("train", seed)
        self.forecast()
        forecast = pd.read_csv(self.folder / "forecast.csv").sort_values(["unique_id", "ds"])
        score = self.rows.score(forecast["forecast"].to_numpy().reshape(-1, HORIZON))
        return {**{name: [value] for name, value in result.items()}, "peak": [usage.peak], **score}

    def forecast(self) -> Usage:
        """A cold process that writes the forecasts of all series."""
        if not self.is_ours:
            return self.ask("predict")[1]
        command = [COMMAND, "predict", "--horizon", str(HORIZON), "--out", "forecast.csv"]
        return run_alone([sys.executable, *command], self.folder)

    def backtest(self) -> tuple[dict[str, list[float]], str | None]:
        """The seconds of the backtest, and a note where fewer cutoffs were measured."""
        requested = self.options.cutoffs
        cutoffs = min(requested, self.entry.cutoffs or requested)
        result, _ = self.ask("backtest", cutoffs=cutoffs)
        scaled = {"backtest": [seconds * requested / cutoffs for seconds in result["backtest"]]}
        note = f"{cutoffs} of the {requested} cutoffs were measured, and scaled up"
        return scaled, note if cutoffs < requested else None
