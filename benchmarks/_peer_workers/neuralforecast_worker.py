"""NeuralForecast for `benchmarks.peers`: its `LSTM`, direct or recurrent, scaled by window."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
import pandas as pd
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MAE
from neuralforecast.models import LSTM
from pytorch_lightning.callbacks import LambdaCallback

from protocol import Clock, Job, Series, Training, main

CONTEXT = 168
QUIET = {
    "accelerator": "cpu",
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "logger": False,
    "enable_checkpointing": False,
}


class Neural:
    """Answers to `protocol.Library`."""

    PACKAGES: tuple[str, ...] = ("neuralforecast",)
    NEEDED = CONTEXT + 1

    def train(self, job: Job, series: Series) -> Training:
        """Mean absolute error of the steps after a context."""
        given = job.settings
        clock = Clock(job.seconds, given["rate"] if given["cosine"] else None)
        model = LSTM(
            h=job.horizon,
            input_size=CONTEXT,
            h_train=job.horizon,
            encoder_n_layers=given["layers"],
            encoder_hidden_size=given["units"],
            decoder_hidden_size=given["units"],
            recurrent=given["recurrent"],
            loss=MAE(),
            max_steps=1_000_000,
            val_check_steps=1_000_000,
            learning_rate=given["rate"],
            batch_size=given["series"],
            windows_batch_size=given["batch"],
            scaler_type=given["scaler"],
            random_seed=job.seed,
            alias="forecast",
            gradient_clip_val=given["clip"],
            callbacks=[
                LambdaCallback(on_train_batch_start=clock.before, on_train_batch_end=clock.after)
            ],
            **QUIET,
        )
        neural = NeuralForecast([model], freq="h")
        neural.fit(self.prepare(series))
        neural.save(str(job.folder / "model"), overwrite=True, save_dataset=True)
        return Training(clock.steps, clock.steps * given["batch"] * job.horizon)

    def load(self, job: Job) -> Any:
        """The model, told again to be quiet."""
        neural = NeuralForecast.load(str(job.folder / "model"))
        neural.models[0].trainer_kwargs.update(QUIET)
        return neural

    def prepare(self, series: Series) -> pd.DataFrame:
        """A long table."""
        return series.table()

    def forecast(self, model: Any, data: pd.DataFrame, horizon: int) -> np.ndarray:
        """All series in one call; it makes no fewer steps than it was trained for."""
        made = model.predict(data)
        steps = model.h
        ids = made["unique_id"].to_numpy()[::steps]
        by_series = made["forecast"].to_numpy().reshape(-1, steps)[:, :horizon]
        return np.asarray(by_series[pd.Index(ids).get_indexer(data["unique_id"].unique())])

    def backtest(self, model: Any, data: pd.DataFrame, job: Job) -> int:
        """`cross_validation` of the fitted model."""
        made = model.cross_validation(
            data, n_windows=job.cutoffs, step_size=1, h=job.horizon, refit=False, use_fitted=True
        )
        return int(made["forecast"].notna().sum())


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    main(Neural())
