from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from forecast import DataError
from forecast.data.covariates import Covariate
from forecast.service import cold_start
from forecast.service.cold_start import in_place_of, nearest, typical

REGION = Covariate("region", 0.0, 1.0, ("east", "west"), has_missing=False)
SIZE = Covariate("size", 100.0, 50.0, (), has_missing=False)


@pytest.fixture
def model(make_model, make_random_panel):
    """Five series; encoded: region east or west, and size 50, 100 or 150 as -1, 0 or 1."""
    model = make_model(make_random_panel([9, 9, 9, 9, 12]))
    static = [[1, 0, -1], [1, 0, 1], [0, 1, -1], [0, 1, 0], [0, 1, 1]]
    state = replace(model.state, static=np.array(static, np.float32))
    return replace(model, config=replace(model.config, static=(REGION, SIZE)), state=state)


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"region": "west"}, [2, 3, 4]),
        ({"region": "west", "size": 150}, [3, 4]),  # of 3 the 2 nearest
        ({"region": "east", "size": 55}, [0, 1]),
        ({"size": 145.0}, [1, 3, 4]),  # of 5 the 3 nearest
        ({"region": None, "size": 145.0}, [1, 3, 4]),
    ],
)
def test_the_nearest_series_have_the_static_covariates_that_are_given(model, given, places):
    assert nearest(model.state, model.config, given).tolist() == places


def test_of_many_series_that_are_equally_near_some_are_taken_evenly(model, monkeypatch):
    monkeypatch.setattr(cold_start, "MOST", 3)

    assert nearest(model.state, model.config, {}).tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"area": 3}, "the column 'area', but the static covariates of the model are 'region'"),
        ({"region": "north"}, "column 'region' has 'north', but training has seen only"),
        ({"size": "large"}, "column 'size' has 'large', where a number belongs"),
    ],
)
def test_static_covariates_that_mean_nothing_are_refused(model, given, words):
    with pytest.raises(DataError, match=words):
        nearest(model.state, model.config, given)


def test_the_series_that_end_when_most_do_stand_for_a_new_one(model):
    start = in_place_of(model.state, "new")

    assert start.ids.tolist() == ["new"] * 4
    assert start.time.tolist() == [8] * 4  # one that ends later may be mistyped
    np.testing.assert_array_equal(start.value, model.state.value[:4])
    assert in_place_of(model.state.take(np.array([0, 4])), "new").time.tolist() == [11]


def test_typical_is_the_median_and_intervals_hold_those_of_most_series(model):
    table = pd.DataFrame(
        {
            "store": "new",
            "day": [9, 10] * 3,
            "forecast": [1.0, 2.0, 3.0, 4.0, 8.0, 9.0],
            "forecast-lo-80": [0.0, 0.0, 1.0, 1.0, 2.0, 2.0],
            "forecast-hi-80": [2.0, 3.0, 4.0, 5.0, 9.0, 10.0],
        }
    )
    forecast = SimpleNamespace(table=table, steps=np.array([2, 2, 2]), schema=model.config.schema)

    found = typical(forecast, (80.0,))

    assert found["day"].tolist() == [9, 10]
    assert found["forecast"].tolist() == [3.0, 4.0]
    assert found["forecast-lo-80"].tolist() == pytest.approx([0.2, 0.2])  # tenth percentile
    assert found["forecast-hi-80"].tolist() == pytest.approx([8.0, 9.0])  # ninetieth
