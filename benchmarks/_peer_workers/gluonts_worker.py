"""GluonTS for `benchmarks.peers`: DeepAR, whose forecast is the median of sample paths."""

from __future__ import annotations

import logging
from itertools import islice
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
from gluonts.dataset.split import split
from gluonts.torch.model.deepar import DeepAREstimator
from gluonts.torch.model.predictor import PyTorchPredictor

from protocol import Clock, Job, Series, Training, main

CONTEXT = 168
LONGEST_LAG = 721  # of the lags that it takes by default for hours
AT_ONCE = 64  # series in a forecast


class DeepAR:
    """Answers to `protocol.Library`."""

    PACKAGES: tuple[str, ...] = ("gluonts[torch]",)
    NEEDED = CONTEXT + LONGEST_LAG

    def train(self, job: Job, series: Series) -> Training:
        """The likelihood of every step of context and horizon; lags and calendar are its own."""
        given = job.settings
        pl.seed_everything(job.seed, verbose=False)
        clock = Clock(job.seconds, given["rate"] if given["cosine"] else None)
        estimator = DeepAREstimator(
            freq="h",
            prediction_length=job.horizon,
            context_length=CONTEXT,
            num_layers=given["layers"],
            hidden_size=given["units"],
            lr=given["rate"],
            batch_size=given["batch"],
            trainer_kwargs={
                "max_epochs": -1,
                "accelerator": "cpu",
                "default_root_dir": job.folder,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "logger": False,
                "callbacks": [
                    pl.callbacks.LambdaCallback(
                        on_train_batch_start=clock.before, on_train_batch_end=clock.after
                    )
                ],
            },
        )
        predictor = estimator.train(self.prepare(series), cache_data=True)
        folder = job.folder / "model"
        folder.mkdir(exist_ok=True)
        predictor.serialize(folder)
        return Training(clock.steps, clock.steps * given["batch"] * (CONTEXT - 1 + job.horizon))

    def load(self, job: Job) -> Any:
        """The predictor."""
        predictor = PyTorchPredictor.deserialize(Path(job.folder / "model"), device="cpu")
        predictor.batch_size = AT_ONCE
        return predictor

    def prepare(self, series: Series) -> list[dict[str, Any]]:
        """An entry for each series."""
        return [
            {"start": pd.Period(start, freq="h"), "target": row.astype(np.float32), "item_id": name}
            for name, start, row in zip(series.ids, series.starts, series.rows, strict=True)
        ]

    def forecast(self, model: Any, data: list[dict[str, Any]], horizon: int) -> np.ndarray:
        """The medians of as many paths as it draws by default, of no more steps than are asked."""
        model.prediction_net.model.prediction_length = horizon
        return np.stack([np.median(one.samples, axis=0) for one in model.predict(data)])

    def backtest(self, model: Any, data: list[dict[str, Any]], job: Job) -> int:
        """A forecast of each of the windows that its own `split` makes."""
        _, template = split(data, offset=-(job.cutoffs + job.horizon - 1))
        windows = template.generate_instances(job.horizon, windows=job.cutoffs, distance=1)
        model.prediction_net.model.prediction_length = job.horizon
        made = model.predict(windows.input)
        return sum(np.median(one.samples, axis=0).size for one in islice(made, len(windows)))


if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    main(DeepAR())
