"""Sound files to be damaged: models, states, workbooks, Parquet and gzipped tables."""

from __future__ import annotations

import gzip
import io
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecast.data.io.tables import write_table
from forecast.data.to_panel import to_panel
from forecast.evaluation.comparison import Comparison, Exposure
from forecast.inference.conformal import Calibration
from forecast.inference.encoding import encode
from forecast.inference.members import Core
from forecast.inference.network_rollout import make_step
from forecast.model import Model
from forecast.nn import NETWORKS
from forecast.training.options import TrainingOptions
from forecast.training.plan import choose
from forecast.training.progress import Progress
from forecast.training_record import TrainingRecord
from fuzz.reading import folder

ROWS = 30
COMPARISON = Comparison(4, 2, 1, 0.8, 9.5, 1.2, 1.0, 11.0, 1.5)
MODELS: dict[str, dict[str, Any]] = {
    "point": {},
    "paths": {"head": "student_t", "network": "attention"},
    "known": {"known": ("price",), "static": ("region",), "head": "normal"},
    "counts": {"head": "negative_binomial"},
}


class Original(NamedTuple):
    """A sound file."""

    kind: str  # "model", "state", "xlsx", "parquet", "csv.gz"
    data: bytes
    is_checked: bool  # its own sums cover every byte that a reader uses


@cache
def table() -> pd.DataFrame:
    """Two shops, thirty days, whole numbers above 0."""
    rng = np.random.default_rng(3)
    days = pd.date_range("2024-01-01", periods=ROWS)
    parts = [
        pd.DataFrame(
            {
                "shop": shop,
                "day": days,
                "sold": rng.integers(3, 40, ROWS),
                "price": rng.integers(10, 30, ROWS) / 4,
                "region": region,
            }
        )
        for shop, region in (("Bonn", "west"), ("Jena", "east"))
    ]
    return pd.concat(parts, ignore_index=True)


def model(**choices: Any) -> Model:
    """A model of random weights that has seen the table, with a record as after a training."""
    roles = {name: choices.pop(name) for name in ("known", "static") if name in choices}
    panel = to_panel(table(), id="shop", time="day", target="sold", **roles)
    config, plan = choose(TrainingOptions(units=2, layers=1, holdout=4, **choices), panel)
    rng = np.random.default_rng(1)
    shapes = NETWORKS[config.network].shapes(config.blueprint.sizes)
    weights = {name: rng.normal(0, 0.3, shape).astype("float32") for name, shape in shapes.items()}
    state = encode(panel, config, make_step(config, weights), Core(config, weights).fingerprint)
    scores = np.sort(rng.gamma(1.0, 1.0, (4, 9, 1)), axis=1).astype("float32")
    record = TrainingRecord(
        library="0.1.0",
        series=2,
        rows=len(panel.target),
        last=int(panel.ordinals.max()),
        plan=plan,
        rounds=(Progress(10, 40, 1.0, 3.0, None), Progress(40, 40, 3.2, 1.0, 2.0)),
        ended="planned",
        kept_step=40,
        phases=("teacher",),
        phase_starts=(0,),
        comparison=COMPARISON,
        also={},
        exposure=Exposure([1.0, 1.1], [1.0, 1.3]),
        coverage={"80": 79.0, "95": 96.0},
        notes=("frequency: daily, inferred from the timestamps",),
    )
    return Model(
        config=config,
        weights=weights,
        state=state,
        calibration=Calibration(scores) if config.head == "point" else None,
        record=record,
    )


@cache
def originals() -> tuple[Original, ...]:
    """All of them."""
    models = [model(**dict(choices)) for choices in MODELS.values()]
    path = folder() / "original"
    files = []
    for one in models:
        one.save(path)
        files.append(Original("model", path.read_bytes(), True))
    models[1].state.save(path)
    files.append(Original("state", path.read_bytes(), True))
    models[0].state.save(path)
    files.append(Original("state", path.read_bytes(), True))
    files += [
        Original("xlsx", _written(folder() / "original.xlsx"), False),
        Original("parquet", _written(folder() / "original.parquet"), True),
        Original("parquet", _unchecked_parquet(), False),
        Original("csv.gz", gzip.compress(table().to_csv(index=False).encode(), mtime=0), True),
    ]
    return tuple(files)


def _written(path: Path) -> bytes:
    write_table(table(), str(path))
    return path.read_bytes()


def _unchecked_parquet() -> bytes:
    stream = io.BytesIO()
    table().to_parquet(stream, index=False, compression="gzip")
    return stream.getvalue()
