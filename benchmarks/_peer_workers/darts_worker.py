"""Darts for `benchmarks.peers`: `RNNModel` on series scaled one by one, fed its own values."""

from __future__ import annotations

import logging
import pickle
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from darts import TimeSeries
from darts.dataprocessing.transformers import Scaler
from darts.models import RNNModel
from pytorch_lightning.callbacks import LambdaCallback
from sklearn.preprocessing import StandardScaler

from protocol import Clock, Job, Series, Training, main

CONTEXT, WINDOW = 168, 216  # rows before a forecast, and in a training window
QUIET = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}


class Scaled(NamedTuple):
    """A model of scaled series, and their scaler."""

    model: Any
    scaler: Any


class Darts:
    """Answers to `protocol.Library`."""

    PACKAGES: tuple[str, ...] = ("darts[torch]",)
    NEEDED = CONTEXT

    def train(self, job: Job, series: Series) -> Training:
        """Mean absolute error of every step of a window."""
        given = job.settings
        clock = Clock(job.seconds, given["rate"] if given["cosine"] else None)
        scaler = Scaler(StandardScaler())
        scaled = scaler.fit_transform(self.prepare(series))
        model = RNNModel(
            input_chunk_length=CONTEXT,
            training_length=WINDOW,
            model="LSTM",
            hidden_dim=given["units"],
            n_rnn_layers=given["layers"],
            batch_size=given["batch"],
            loss_fn=torch.nn.L1Loss(),
            optimizer_kwargs={"lr": given["rate"]},
            add_encoders={"cyclic": {"future": ["hour"]}} if given["calendar"] else None,
            n_epochs=1_000_000,
            random_state=job.seed,
            work_dir=str(job.folder),
            pl_trainer_kwargs={
                **QUIET,
                "gradient_clip_val": given["clip"],
                "callbacks": [
                    LambdaCallback(
                        on_train_batch_start=clock.before, on_train_batch_end=clock.after
                    )
                ],
            },
        )
        model.fit(scaled)
        model.trainer_params["callbacks"] = []
        model.save(str(job.folder / "model.pt"), clean=True)
        (job.folder / "scaler.pickle").write_bytes(pickle.dumps(scaler))
        return Training(clock.steps, clock.steps * given["batch"] * WINDOW)

    def load(self, job: Job) -> Scaled:
        """The model, without a trainer, and the scaler."""
        model = RNNModel.load(str(job.folder / "model.pt"), pl_trainer_kwargs=QUIET)
        return Scaled(model, pickle.loads((job.folder / "scaler.pickle").read_bytes()))

    def prepare(self, series: Series) -> list[Any]:
        """A `TimeSeries` for each series."""
        return [
            TimeSeries.from_times_and_values(
                pd.date_range(start, periods=len(row), freq="h"), row.astype(np.float32)
            )
            for start, row in zip(series.starts, series.rows, strict=True)
        ]

    def forecast(self, model: Scaled, data: list[Any], horizon: int) -> np.ndarray:
        """All series in one call, as large batches."""
        scaled = model.scaler.transform(data)
        made = model.model.predict(horizon, scaled, batch_size=1_024, verbose=False)
        back = model.scaler.inverse_transform(made)
        return np.stack([one.values()[:, 0] for one in back])

    def backtest(self, model: Scaled, data: list[Any], job: Job) -> int:
        """`historical_forecasts`, its own way."""
        made = model.model.historical_forecasts(
            model.scaler.transform(data),
            start=-(job.cutoffs + job.horizon - 1),
            start_format="position",
            forecast_horizon=job.horizon,
            stride=1,
            retrain=False,
            last_points_only=False,
            verbose=False,
        )
        back = model.scaler.inverse_transform(made)
        return sum(len(one) for forecasts in back for one in forecasts)


if __name__ == "__main__":
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    main(Darts())
