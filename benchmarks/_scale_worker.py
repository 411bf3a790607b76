"""A way to forecast the Parquet files of a folder, alone in a process: `_scale_worker.py WAY OUT`.

In the current folder lie the files, in `lake/`, and the model. Printed are the seconds that an
engine took to start, and those of the whole, without those that the start of Python takes.
"""

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


BEGIN = time.perf_counter()


def started() -> None:
    """Print how long an engine has taken to start."""
    print(time.perf_counter() - BEGIN)


def plain(out: str) -> None:
    """One call on a table that is whole in memory."""
    import pandas as pd

    load(MODEL).predict(HORIZON, pd.read_parquet("lake")).to_parquet(out)


def lake(out: str) -> None:
    """Part by part."""
    from forecast.engines.lake import Lake, forecast_lake

    files = [str(path) for path in sorted(Path("lake").iterdir())]
    for _ in forecast_lake(load(MODEL), Lake.of(files), out, HORIZON):
        pass


def spark(out: str) -> None:
    """On Spark with two workers on this machine."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.memory", "2g").config("spark.log.level", "ERROR")
    session = builder.getOrCreate()
    started()
    frame = load(MODEL).predict(HORIZON, session.read.parquet("lake"))
    frame.write.parquet(out)


def dask(out: str) -> None:
    """On Dask with two processes on this machine."""
    import dask
    import dask.dataframe as dd

    frame: Any = load(MODEL).predict(HORIZON, dd.read_parquet("lake"))
    with dask.config.set(scheduler="processes", num_workers=2):
        frame.to_parquet(out)


def ray(out: str) -> None:
    """On Ray with two workers on this machine."""
    import ray
    from ray.data import DataContext, read_parquet

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    started()
    DataContext.get_current().default_hash_shuffle_parallelism = PARTS
    frame: Any = load(MODEL).predict(HORIZON, read_parquet("lake"))
    frame.write_parquet(out)


def train(out: str, steps: str) -> None:  # noqa: ARG001 - the model stays
    """A training on as many series as there is room for; printed is what drawing them took."""
    import pandas as pd

    from forecast import Forecaster
    from forecast.engines.sampling import draw

    begin = time.perf_counter()
    sample = draw("lake/*.parquet")
    table = pd.read_parquet("lake") if sample is None else sample.table
    print(time.perf_counter() - begin, len(table))
    Forecaster(steps=int(steps), budget=3_600).fit(table).model_.save(MODEL)


def states(out: str) -> None:  # noqa: ARG001 - the store stays
    """Update a store by the rows in `today/`, or make it of those in `lake/`."""
    from forecast.engines.batches import NEW_ROWS
    from forecast.engines.lake import Lake, in_order
    from forecast.engines.state_store import StateStore

    folder, model = Path("today" if Path(STATES).exists() else "lake"), load(MODEL)
    rows = Lake.of([str(path) for path in sorted(folder.iterdir())])
    with StateStore(STATES, model) as store:
        for _ in store.update_in_parts(in_order({NEW_ROWS: rows}, model.config.schema.id)):
            pass


WAYS: dict[str, Callable[..., None]] = {
    way.__name__: way for way in (plain, lake, spark, dask, ray, train, states)
}

if __name__ == "__main__":
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    WAYS[sys.argv[1]](*sys.argv[2:])
    print(time.perf_counter() - BEGIN)
