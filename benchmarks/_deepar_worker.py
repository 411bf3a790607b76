"""GluonTS DeepAR for `benchmarks.deepar`, run by the interpreter of another environment.

    python _deepar_worker.py train FOLDER    trains, and writes sample paths
    python _deepar_worker.py serve FOLDER    forecasts untrained, once per line of standard input

The folder holds `series.npz` and `job.json`; it imports nothing of the project, which is not
installed there.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
from gluonts.torch.model.deepar import DeepAREstimator

Entries = list[dict[str, Any]]


def entries(folder: Path, holdout: int = 0) -> Entries:
    """The series in GluonTS's form, without their last `holdout` rows."""
    with np.load(folder / "series.npz") as file:
        rows, starts = np.split(file["target"], file["indptr"][1:-1]), file["start"]
    return [
        {
            "start": pd.Period(start, freq="h"),
            "target": row[: len(row) - holdout],
            "item_id": str(k),
        }
        for k, (start, row) in enumerate(zip(starts, rows, strict=True))
    ]


def estimator(job: dict[str, Any], folder: Path) -> Any:
    """DeepAR with the settings of a job, trained for exactly its seconds."""
    return DeepAREstimator(
        freq="h",
        prediction_length=job["horizon"],
        num_parallel_samples=job["paths"],
        **job["settings"],
        trainer_kwargs={
            "max_epochs": -1,
            "max_time": {"seconds": job["seconds"]},
            "accelerator": "cpu",
            "default_root_dir": folder,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "num_sanity_val_steps": 0,
            "logger": False,
        },
    )


def sample_paths(predictor: Any, series: Entries, paths: int) -> np.ndarray:
    """Sample paths (S, n, H)."""
    return np.stack([forecast.samples for forecast in predictor.predict(series, num_samples=paths)])


def train(job: dict[str, Any], folder: Path) -> None:
    """Train, write `paths.npz`, and print seconds and gradient steps."""
    deepar, holdout = estimator(job, folder), job["holdout"]
    begin = time.perf_counter()
    trained = deepar.train_model(
        entries(folder, holdout), entries(folder) if holdout else None, cache_data=True
    )
    seconds = time.perf_counter() - begin
    trained.predictor.batch_size = job["series_at_once"]
    np.savez(
        folder / "paths.npz", paths=sample_paths(trained.predictor, entries(folder), job["paths"])
    )
    print(json.dumps({"seconds": seconds, "steps": trained.trainer.global_step}))


def serve(job: dict[str, Any], folder: Path) -> None:
    """Print the number of inputs of a step; then the seconds of a forecast for each line read."""
    deepar, series = estimator(job, folder), entries(folder)
    network = deepar.create_lightning_module()
    predictor = deepar.create_predictor(deepar.create_transformation(), network)
    predictor.batch_size = job["series_at_once"]
    print(json.dumps({"inputs": network.model.rnn_input_size}), flush=True)
    for _ in sys.stdin:
        begin = time.perf_counter()
        sample_paths(predictor, series, job["paths"])
        print(json.dumps({"seconds": time.perf_counter() - begin}), flush=True)


if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    job_folder = Path(sys.argv[2])
    requested = json.loads((job_folder / "job.json").read_text())
    pl.seed_everything(requested["seed"], verbose=False)
    {"train": train, "serve": serve}[sys.argv[1]](requested, job_folder)
