"""Files of every format that is read, as they were written once: a later version reads them too.

A new format adds a file here; none is made again, since what they hold is a promise.
"""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

import forecast
from forecast import State
from forecast.engines import state_store
from forecast.engines.state_store import StateStore
from forecast.inference import serialization, state

FILES = Path(__file__).parent
NORTH = [20.542060516633587, 20.361155931029437, 20.550687954835368]
SOUTH = [208.60168746396855, 208.55604211458856, 208.26329867361946]
SEASONAL_NORTH = [18.316211531470493, 19.290007888308644, 20.106922709365037]
SEASONAL_SOUTH = [201.1124570386052, 202.84405027623427, 195.88600015641862]


def forecasts(table):
    return table["forecast"].to_numpy()


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (5, NORTH + SOUTH),
        (6, NORTH + SOUTH),
        (7, SEASONAL_NORTH + SEASONAL_SOUTH),
    ],
)
def test_a_model_of_every_format_forecasts_what_it_did(number, expected):
    model = forecast.load(FILES / f"model_{number}.forecast")

    table = model.predict(3)

    assert table["store"].tolist() == ["north"] * 3 + ["south"] * 3
    assert table["day"].iloc[0].isoformat() == "2024-01-31T00:00:00"
    np.testing.assert_allclose(forecasts(table), expected, rtol=1e-6)


def test_a_state_of_every_format_is_gone_on_with():
    model = forecast.load(FILES / "model_6.forecast")

    table = model.predict(3, state=State.load(FILES / "state_2.forecast"))

    np.testing.assert_allclose(forecasts(table), NORTH + SOUTH, rtol=1e-6)


def test_a_store_of_every_format_is_opened_and_updated(tmp_path):
    path = shutil.copy(FILES / "store_1.db", tmp_path)
    model = forecast.load(FILES / "model_6.forecast")

    with StateStore(path, model) as store:
        states = store.states(["south"])
        table = model.predict(3, state=states)
        assert len(store) == 2
    np.testing.assert_allclose(forecasts(table), SOUTH, rtol=1e-6)


def test_there_is_a_file_of_every_format_that_is_read():
    def numbers(pattern):
        return tuple(sorted(int(path.stem.split("_")[1]) for path in FILES.glob(pattern)))

    assert numbers("model_*.forecast") == serialization.READ_FORMATS
    assert numbers("state_*.forecast") == (state.FORMAT,)
    assert numbers("store_*.db") == (state_store.FORMAT,)


@pytest.mark.parametrize("path", sorted(FILES.glob("model_*.forecast")), ids=lambda path: path.stem)
def test_a_file_is_of_the_format_that_its_name_says(path):
    with zipfile.ZipFile(path) as file:
        about = json.loads(file.read("config.json"))

    assert str(about["format"]) == path.stem.split("_")[1]
