"""What the package makes of a damaged file: refused in one line, or as good as the original."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.cli.inspect import description, everything, show_state
from forecast.data.io.tables import read_table
from forecast.data.to_panel import to_panel
from forecast.errors import ForecastError
from forecast.inference.state import State
from forecast.model import Model
from fuzz import originals
from fuzz.damage import Damaged
from fuzz.originals import Original, table
from fuzz.reading import Outcome, _origin, bounded, folder, is_one_line

STEPS = 3  # of the forecasts that are compared
SUFFIXES = {"model": ".forecast", "state": ".state"}


def check(damaged: Damaged) -> Outcome:
    """Load a damaged file, and use what was loaded."""
    kind = damaged.original.kind
    path = folder() / f"damaged{SUFFIXES.get(kind, f'.{kind}')}"
    path.write_bytes(damaged.data)
    try:
        with bounded(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numbers may be absurd
            found = LOADERS.get(kind, _load_table)(path, damaged.original)
    except ForecastError as error:
        message = str(error)
        if is_one_line(message):
            return Outcome("refused as it should be", message.split("/", 3)[-1])
        return Outcome("error", f"not a line for people: {message!r}")
    except Exception as error:
        return Outcome("error", _origin(error))
    if found == "equal" or damaged.may_differ:
        return Outcome("right", found)
    return Outcome("wrong values", found)


def _load_model(path: Path, original: Original) -> str:
    model = Model.load(path)
    table = _predicted(model)
    if model.record:
        model.record.curves()
    json.dumps(everything(model), default=str)
    list(description(str(path), model))
    expected = _forecast(original)
    return "equal" if _same(table, expected) else "another forecast"


def _future(model: Model) -> pd.DataFrame | None:
    """Covariates of the steps to be forecast, where the model needs them."""
    if not model.config.known:
        return None
    days = pd.date_range("2024-01-31", periods=STEPS)
    return pd.DataFrame({"day": days, "price": [3.0] * STEPS})


@cache
def _model_of(data: bytes) -> Model:
    path = folder() / "sound.forecast"
    path.write_bytes(data)
    return Model.load(path)


@cache
def _forecast(original: Original) -> pd.DataFrame:
    return _predicted(_model_of(original.data))


def _predicted(model: Model) -> pd.DataFrame:
    """A short forecast, with intervals where the model can make some without sample paths."""
    forecast: pd.DataFrame = model.predict(
        STEPS, future=_future(model), levels=80 if model.calibration else ()
    )
    return forecast


def _same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether the point forecasts are equal; intervals come from a part without a digest."""
    columns = ["shop", "day", "forecast"]
    return set(columns) <= {*one.columns} and one[columns].equals(other[columns])


def _load_state(path: Path, original: Original) -> str:
    state = State.load(path)
    repr(state)
    for as_json in (True, False):
        with contextlib.redirect_stdout(io.StringIO()):
            show_state(str(path), as_json)
    sound = folder() / "sound.state"
    sound.write_bytes(original.data)
    if state == State.load(sound):
        return "equal"
    for choices in originals.MODELS.values():
        model = originals.model(**dict(choices))
        if model.state.fingerprint == state.fingerprint:
            model.rollout(1, state=state)  # which may refuse it
    return "another state"


def _load_table(path: Path, original: Original) -> str:
    frame, origin = read_table(str(path))
    panel = to_panel(frame, origin, id="shop", time="day", target="sold")
    expected = to_panel(table(), id="shop", time="day", target="sold")
    is_equal = (
        np.array_equal(panel.target, expected.target, equal_nan=True)
        and panel.ids.tolist() == expected.ids.tolist()
        and np.array_equal(panel.ordinals, expected.ordinals)
    )
    return "equal" if is_equal else f"another table than that of the {original.kind}"


LOADERS: dict[str, Any] = {"model": _load_model, "state": _load_state}
