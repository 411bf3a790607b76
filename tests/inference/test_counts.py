"""Counts: a head of their own, a unit instead of a scale, and paths of whole numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast import Forecaster
from forecast.data import scaling
from forecast.errors import DataError, OptionError
from forecast.inference.conformal import Calibration
from forecast.inference.network_rollout import make_step
from forecast.training.windows import Windows

NAN = float("nan")


@pytest.fixture
def counts(make_panel):
    rng = np.random.default_rng(0)
    return make_panel(rng.poisson(0.4, 30), rng.poisson(20.0, 24))


@pytest.fixture
def model(make_model, counts):
    choices = {"head": "negative_binomial", "lags": (2,), "powers": (1.0,), "context": 8}
    return make_model(counts, 1, size=0.8, **choices)


def test_the_unit_of_counts_is_one_more_than_their_mean():
    values = np.array([[[0.0], [NAN], [4.0]], [[0.0], [0.0], [0.0]], [[NAN], [NAN], [NAN]]])

    location, scale = scaling.measure_counts(values)

    assert location.ravel().tolist() == [0, 0, 0]
    assert scale.ravel().tolist() == [3, 1, 1]


def test_a_state_holds_the_unit_of_the_last_rows(model, counts):
    last = [counts.target[22:30], counts.target[46:54]]

    assert model.state.scale.location.ravel().tolist() == [0, 0]
    np.testing.assert_allclose(model.state.scale.scale[:, 0], [1 + part.mean() for part in last])


def test_the_logarithm_of_the_unit_is_the_last_of_what_a_window_knows(counts):
    known = np.arange(54, dtype=np.float32)[:, None]
    windows = Windows(
        counts.target, known, counts.indptr, (), context=4, window_length=6, counts=True
    )

    batch = windows.gather(np.array([0, 1]), np.array([3, 5]))

    units = [1 + counts.target[3:7].mean(), 1 + counts.target[35:39].mean()]
    assert batch.step_features.shape == (2, 6, 2)
    assert batch.step_features[0, :, 0].tolist() == [3, 4, 5, 6, 7, 8]
    np.testing.assert_allclose(batch.step_features[:, 0, 1], np.log(units), rtol=1e-6)
    assert (batch.step_features[..., 1] == batch.step_features[:, :1, 1]).all()


def test_the_head_is_given_the_unit_of_its_series(model):
    cell = make_step(model.config, model.weights)
    known = np.log(model.state.scale.scale).astype(np.float32)

    params, _ = cell.advance(model.state.value, model.state.memory, known)

    assert params.shape == (2, 3)
    assert params[:, 2].tolist() == known[:, 0].tolist()


def test_no_path_has_a_fraction_or_less_than_nothing(model):
    paths = model.rollout(9, paths=40).paths

    assert (paths == np.rint(paths)).all()
    assert paths.min() == 0
    assert paths.max() > 1


def test_intervals_of_counts_are_percentiles_of_the_paths(model):
    forecast = model.rollout(4, levels=80)

    low, high = (
        forecast.table[f"forecast-{side}-80"].to_numpy().reshape(2, 1, 4) for side in ("lo", "hi")
    )
    inside = (forecast.paths[..., 0] >= low) & (forecast.paths[..., 0] <= high)
    assert (low == np.rint(low)).all()
    assert (high == np.rint(high)).all()
    assert (inside.mean(axis=1) >= 0.8).all()


@pytest.mark.filterwarnings("ignore:the bounds:forecast.ForecastWarning")
def test_calibrated_ends_of_counts_are_counts_to_the_outer_side(model):
    scores = np.full((1, 19, 1), 0.7, np.float32)
    calibrated = replace(model, calibration=Calibration(scores))

    table = calibrated.predict(4, levels=80, intervals="calibrated", bounds=(0, 9))

    low, high = table["forecast-lo-80"], table["forecast-hi-80"]
    assert (low == np.rint(low)).all()
    assert (high == np.rint(high)).all()
    assert (low <= table["forecast"]).all()
    assert (high >= table["forecast"]).all()


def test_quantiles_of_a_step_are_counts(model):
    step = next(model.stream(quantiles=(0.1, 0.5, 0.99)))

    assert (step.quantiles == np.rint(step.quantiles)).all()
    assert (step.value != np.rint(step.value)).all()  # a mean


@pytest.mark.filterwarnings("ignore:the bounds:forecast.ForecastWarning")
def test_between_bounds_that_are_no_counts_paths_are_counts(model):
    paths = model.rollout(9, paths=40, bounds=(0.5, 3.5)).paths

    assert set(np.unique(paths)) == {1.0, 2.0, 3.0}


@pytest.mark.filterwarnings("ignore:the bounds:forecast.ForecastWarning")
def test_bounds_without_a_count_between_are_refused_for_paths(model):
    assert model.predict(2, bounds=(0.2, 0.8))["forecast"].between(0.2, 0.8).all()
    with pytest.raises(OptionError, match=r"no whole number from 0\.2 to 0\.8, but sample paths"):
        model.rollout(2, paths=3, bounds=(0.2, 0.8))


def test_totals_of_counts_are_means_so_that_they_add_up(model):
    forecast = model.rollout(4, paths=50)

    each, whole = (
        model.totals(forecast, by="all", over=over)["forecast"] for over in (None, "all")
    )

    assert each.sum() == pytest.approx(whole.item())
    assert whole.item() == pytest.approx(forecast.paths.sum(axis=(0, 2, 3)).mean())


def test_new_rows_that_are_no_counts_are_refused_too(model):
    with pytest.raises(
        DataError, match=r"series 'a' has 2\.5 at 30, but the head 'negative_binomia"
    ):
        model.observe(model.state.select(["a"]), [2.5])


@pytest.mark.slow
def test_counts_go_the_same_way_compiled(model):
    ours, theirs = (model.rollout(4, runtime=runtime) for runtime in ("numpy", "compiled"))
    paths = [model.rollout(4, paths=20, runtime=one).paths for one in ("numpy", "compiled")]

    np.testing.assert_allclose(theirs.table["forecast"], ours.table["forecast"], rtol=1e-5)
    assert (paths[0] != paths[1]).mean() < 0.02


def test_split_rollouts_of_counts_are_one(model):
    whole = model.rollout(6, paths=5)
    begun = model.rollout(2, paths=5)
    rest = model.rollout(4, paths=1, state=begun.branches)

    assert (rest.paths.reshape(2, 5, 4, 1) == whole.paths[:, :, 2:]).all()


@pytest.mark.slow
@pytest.mark.parametrize("feedback", ["teacher", "free"])
def test_training_learns_how_often_nothing_is_sold(feedback):
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=120)
    sold = np.where(days.day_of_week == 5, 30, 0) + rng.poisson(0.3, 120)
    table = pd.DataFrame({"day": days, "sold": sold})

    model = Forecaster(
        **{"head": "negative_binomial", "feedback": feedback, "seed": 1},
        **{"units": 8, "steps": 60, "context": 14, "learning_rate": 0.02},
    ).fit(table)
    paths = model.rollout(14, paths=100).paths[0, ..., 0]

    saturday = model.rollout(14).table["day"].dt.day_of_week == 5
    assert (paths == np.rint(paths)).all()
    assert paths[:, saturday].mean() > 10 * paths[:, ~saturday].mean()
    assert (paths[:, ~saturday] == 0).mean() > 0.4
    assert model.model_.config.bounds == ((0.0, None),)


def test_what_is_no_count_is_refused(sales):
    whole = sales.assign(sold=sales["sold"].round())
    broken, negative = whole.copy(), whole.copy()
    broken.loc[3, "sold"], negative.loc[70, "sold"] = 2.5, -1

    for table, message in [
        (broken, "series 'north' has 2.5 at 2024-01-04, but the head 'negative_binomial' is for c"),
        (negative, "series 'south' has -1 at 2024-01-11, but the head"),
    ]:
        with pytest.raises(DataError, match=message):
            Forecaster(head="negative_binomial").fit(table)
    with pytest.raises(OptionError, match="transform is 'log', but the head 'negative_binomial' t"):
        Forecaster(head="negative_binomial", transform="log").check()
