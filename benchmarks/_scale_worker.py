"""A way to forecast the Parquet files of a folder, alone in a process.

    _scale_worker.py WAY [--steps N] OUT [OUT …]

In the current folder lie the files, in `lake/`, and the model. Printed are the seconds that an
engine takes to start, and those of each run, without those that the start of Python takes.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forecast import load

HORIZON = 28
PARTS = 16  # of Ray's shuffle
MODEL, STATES = "model.forecast", "all.states"

Run = Callable[[str], object]  # to a place


def plain() -> Run:
    """One call on a table that is whole in memory."""
    import pandas as pd

    return lambda out: load(MODEL).predict(HORIZON, pd.read_parquet("lake")).to_parquet(out)


def lake() -> Run:
    """Part by part."""
    from forecast.engines.lake import Lake, forecast_lake

    files = [str(path) for path in sorted(Path("lake").iterdir())]
    return lambda out: list(forecast_lake(load(MODEL), Lake.of(files), out, HORIZON))


def spark() -> Run:
    """On Spark with two workers on this machine."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.memory", "2g").config("spark.log.level", "ERROR")
    session = builder.getOrCreate()

    def run(out: str) -> None:
        forecast: Any = load(MODEL).predict(HORIZON, session.read.parquet("lake"))
        forecast.write.parquet(out)

    return run


def dask() -> Run:
    """On Dask with two processes on this machine."""
    import dask
    import dask.dataframe as dd

    dask.config.set(scheduler="processes", num_workers=2)

    def run(out: str) -> None:
        forecast: Any = load(MODEL).predict(HORIZON, dd.read_parquet("lake"))
        forecast.to_parquet(out)

    return run


def ray() -> Run:
    """On Ray with two workers on this machine."""
    import ray
    from ray.data import DataContext, read_parquet

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    DataContext.get_current().default_hash_shuffle_parallelism = PARTS

    def run(out: str) -> None:
        forecast: Any = load(MODEL).predict(HORIZON, read_parquet("lake"))
        forecast.write_parquet(out)

    return run


def draw() -> Run:
    """As many series as there is room for, for a training."""
    import pandas as pd

    from forecast.engines import sampling

    def run(out: str) -> None:
        sample = sampling.draw("lake/*.parquet")
        table = pd.read_parquet("lake") if sample is None else sample.table
        table.to_parquet(out)

    return run


def train(steps: int) -> Run:
    """A training on as many series as there is room for; the model takes the place of another."""
    from forecast import Forecaster
    from forecast.engines import sampling

    def run(_: str) -> None:
        import pandas as pd

        sample = sampling.draw("lake/*.parquet")
        table = pd.read_parquet("lake") if sample is None else sample.table
        Forecaster(steps=steps, budget=3_600).fit(table).model_.save(MODEL)

    return run


def states() -> Run:
    """Update a store, which stays, by the rows in `today/`, or make it of those in `lake/`."""
    from forecast.engines.batches import NEW_ROWS
    from forecast.engines.lake import Lake, in_order
    from forecast.engines.state_store import StateStore

    def run(_: str) -> None:
        folder, model = Path("today" if Path(STATES).exists() else "lake"), load(MODEL)
        rows = Lake.of([str(path) for path in sorted(folder.iterdir())])
        with StateStore(STATES, model) as store:
            list(store.update_in_parts(in_order({NEW_ROWS: rows}, model.config.schema.id)))

    return run


def tonight() -> Run:
    """Forecast all series of the store."""
    from forecast.engines.state_store import StateStore

    def run(out: str) -> None:
        with StateStore(STATES, load(MODEL)) as store:
            list(store.forecast(out, HORIZON))

    return run


WAYS: dict[str, Callable[..., Run]] = {
    way.__name__: way for way in (plain, lake, spark, dask, ray, draw, train, states, tonight)
}

if __name__ == "__main__":
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("outs", nargs="+")
    parser.add_argument("--steps", type=int, nargs=1, default=[], help="of a training")
    options = parser.parse_args()
    begin = time.perf_counter()
    run = WAYS[options.way](*options.steps)
    print(time.perf_counter() - begin)
    for out in options.outs:
        begin = time.perf_counter()
        run(out)
        print(time.perf_counter() - begin)
