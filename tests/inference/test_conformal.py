"""Intervals that are as wide as the errors of held-out rollouts were."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import forecast
from forecast.data import scaling
from forecast.errors import ArtifactError, OptionError
from forecast.evaluation import holdout
from forecast.inference import conformal as calibrations
from forecast.inference.bounds import between
from forecast.inference.conformal import Calibration
from forecast.inference.intervals import MIN_PATHS, MIN_SPREAD

NAN = float("nan")
EXTRAPOLATED = "ignore:intervals beyond step"


def of_one_step(*scores):
    return Calibration(np.array(scores, np.float32).reshape(1, -1, 1))


@pytest.fixture
def calibrated(make_model, make_random_panel):
    """A point model whose errors at the first two steps are known."""
    scores = np.stack([np.arange(1, 25) / 24, np.arange(1, 25) / 6], axis=0)[..., None]
    model = make_model(make_random_panel([12, 9]), lags=(2,))
    return replace(model, calibration=Calibration(scores.astype(np.float32)))


# How wide


@pytest.mark.parametrize(("level", "width"), [(80, 8.0), (50, 5.0), (51, 6.0), (90, 9.0), (1, 1.0)])
def test_the_width_is_the_score_whose_rank_the_level_asks_for(level, width):
    nine = of_one_step(*range(1, 10))  # the rank is (9 + 1) * level / 100, rounded up

    assert nine.widths(level, 1).tolist() == [[width]]


@pytest.mark.slow
@given(st.integers(4, 30), st.sampled_from([50, 75, 80]))
def test_a_new_score_is_held_as_often_as_the_level_says(count, level):
    scores = np.random.default_rng(count).permutation(count + 1).astype(np.float32)

    held = sum(
        scores[k] <= of_one_step(*np.sort(np.delete(scores, k))).widths(level, 1).item()
        for k in range(count + 1)
    )

    assert held == np.ceil((count + 1) * level / 100)  # each is as likely to be the new one


def test_a_level_that_so_few_scores_cannot_tell_is_refused():
    with pytest.raises(
        OptionError, match=r"an interval of 95 % needs at least 19 held-out values, t"
    ):
        of_one_step(*range(18)).widths(95, 1)

    assert of_one_step(*range(19)).widths(95, 1).item() == 18


# Beyond the calibrated steps


def of_curve(*means):
    """A calibration of one target whose nine errors of each step lie evenly around a mean."""
    return Calibration(np.array(means)[:, None, None] * np.linspace(0.5, 1.5, 9)[:, None])


def test_beyond_its_steps_the_widest_interval_grows_as_the_errors_of_a_random_walk_at_least():
    falling = Calibration(np.array([[1, 5], [2, 3]], np.float32)[..., None])

    assert falling.steps == 2
    assert falling.growth[0] < 0
    assert falling.widths(60, 4)[:, 0].tolist() == [5, 3, 5, 5]
    assert falling.widths(60, 1)[:, 0].tolist() == [5]
    assert falling.widening(2)[:, 0].tolist() == [1, 1]
    expected = [1, 1, *np.sqrt(np.arange(3, 9) / 2)]
    np.testing.assert_allclose(falling.widening(8)[:, 0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("exponent", "kept"), [(0.0, 0.5), (0.5, 0.5), (0.8, 0.8), (1.0, 1.0), (1.7, 1.0)]
)
def test_the_exponent_is_that_of_the_calibrated_steps_between_a_random_walk_and_a_trend(
    exponent, kept
):
    curve = of_curve(*np.arange(1, 7) ** exponent)

    assert curve.growth[0] == pytest.approx(exponent, abs=1e-9)
    assert curve.widening(600)[[5, 11, 599], 0] == pytest.approx([1, 2**kept, 100**kept])


def test_where_paths_spread_by_themselves_widths_need_not_grow():
    assert of_curve(1, 1, 1).widening(9, least_growth=0.0)[:, 0].tolist() == [1] * 9
    assert of_curve(1, 2, 3).widening(9, least_growth=0.0)[-1, 0] == pytest.approx(3)


@pytest.mark.parametrize("means", [(1.0,), (0.0, 0.0), (0.0, 1.0)])
def test_one_step_with_errors_tells_no_growth(means):
    assert of_curve(*means).growth.tolist() == [0.0]
    assert of_curve(*means).widening(8)[-1, 0] == pytest.approx((8 / len(means)) ** 0.5)


@given(st.integers(1, 8), st.integers(1, 40), st.floats(0.001, 1000), st.sampled_from([0.0, 0.5]))
def test_widening_never_falls_nor_explodes_and_knows_no_scale(steps, horizon, factor, least):
    scores = np.random.default_rng(steps).lognormal(size=(steps, 30, 2))

    found = Calibration(scores).widening(horizon, least)

    assert (found[:steps] == 1).all()
    assert (np.diff(found, axis=0) >= 0).all()
    assert (found <= max(horizon / steps, 1) * (1 + 1e-9)).all()
    np.testing.assert_allclose(Calibration(factor * scores).widening(horizon, least), found)


def test_scores_of_a_step_are_sorted_and_missing_ones_left_out():
    scores = np.arange(240, 0, -1.0).reshape(120, 2, 1)
    scores[5, 0] = NAN

    kept = Calibration.of(scores).scores[..., 0]

    assert kept[1].tolist() == [*range(1, 240, 2)]
    assert kept[0, :-1].tolist() == [k for k in range(2, 241, 2) if k != 230]
    assert np.isnan(kept[0, -1])


def test_few_scores_of_a_step_are_joined_by_those_of_the_steps_around_it():
    scores = np.arange(40.0)[:, None, None] + np.array([0.0, 100.0, 200.0, 300.0])[:, None]

    kept = Calibration.of(scores).scores[..., 0]

    first = {*range(40), *range(100, 140), *range(200, 240)}  # two steps on to reach a hundred
    second = {*first}  # one step to either side
    assert {*kept[0][np.isfinite(kept[0])]} == first
    assert {*kept[1][np.isfinite(kept[1])]} == second


def test_of_many_scores_some_of_every_size_are_kept():
    kept = Calibration.of(np.arange(100_001.0)[:, None, None]).scores

    assert kept.shape == (1, calibrations.MAX_SCORES, 1)
    assert (kept[0, 0, 0], kept[0, -1, 0]) == (0, 100_000)
    assert np.abs(np.diff(kept[0, :, 0]) - 100_000 / (calibrations.MAX_SCORES - 1)).max() <= 1


def test_nothing_observed_is_no_calibration():
    assert Calibration.of(np.full((3, 2, 1), NAN)) is None


# Joined with the scores of others


def test_joined_with_others_a_step_has_its_own_scores_and_quantiles_of_theirs():
    own = Calibration(np.array([[[1.0], [5.0], [NAN]]], np.float32))
    others = Calibration(np.arange(1.0, 21.0, dtype=np.float32).reshape(2, 10, 1))

    joined = own.joined(others, 2)

    # Of ten scores the third and the eighth hold a quarter and three quarters.
    first, second = joined.scores[..., 0]
    np.testing.assert_array_equal(first, [1, 3, 5, 8, NAN])
    np.testing.assert_array_equal(second, [13, 18, NAN, NAN, NAN])
    assert joined.steps == 2


def test_joined_with_others_of_fewer_steps_the_last_steps_are_its_own():
    own = Calibration(np.array([[[1.0]], [[5.0]]], np.float32))

    joined = own.joined(of_one_step(2.0), 1)

    np.testing.assert_array_equal(joined.scores[..., 0], [[1, 2], [5, NAN]])


def test_expected_scores_count_beside_those_of_rollouts_and_alone_where_there_are_none():
    expected = of_one_step(*range(1, 301))

    alone = Calibration.of(np.full((3, 1, 1), NAN), expected)
    beside = Calibration.of(np.array([[[0.5]]]), expected)

    assert alone is expected
    np.testing.assert_allclose(beside.scores[0, :, 0], [0.5, *range(1, 301)])


def test_joined_with_others_missing_scores_of_theirs_count_for_nothing():
    own = of_one_step(1.0)
    others = of_one_step(*range(1, 11), *[NAN] * 30)

    np.testing.assert_array_equal(own.joined(others, 2).scores[0, :, 0], [1, 3, 8])


def test_of_as_many_scores_as_there_are_each_is_taken_once():
    others = of_one_step(*range(1, 8))

    joined = of_one_step(0.5, 0.7).joined(others, 7)

    np.testing.assert_allclose(joined.scores[0, :, 0], [0.5, 0.7, *range(1, 8)])


# Around a forecast


def test_an_interval_of_a_point_forecast_is_the_width_in_units_of_the_scale(calibrated):
    table = calibrated.predict(2, levels=80)

    middle = table["forecast"].to_numpy().reshape(2, 2)
    reach = np.array([20 / 24, 20 / 6]) * calibrated.state.scale.scale
    np.testing.assert_allclose(table["forecast-lo-80"], (middle - reach).ravel(), rtol=1e-5)
    np.testing.assert_allclose(table["forecast-hi-80"], (middle + reach).ravel(), rtol=1e-5)


def test_under_a_logarithm_an_interval_is_a_factor_to_either_side(make_model, make_random_panel):
    model = make_model(make_random_panel([12, 9]), power=0.0)
    model = replace(model, calibration=of_one_step(*np.full(19, 0.5)))

    table = model.predict(1, levels=95)

    factor = np.exp(0.5 * model.state.scale.scale[:, 0])
    np.testing.assert_allclose(table["forecast-hi-95"] / table["forecast"], factor, rtol=1e-5)
    np.testing.assert_allclose(table["forecast"] / table["forecast-lo-95"], factor, rtol=1e-5)


def test_an_interval_keeps_the_bounds(calibrated):
    table = calibrated.predict(2, levels=80, bounds=between(9.0, 11.0))

    assert table["forecast-lo-80"].min() == pytest.approx(9.0, abs=1e-5)
    assert table["forecast-hi-80"].max() == pytest.approx(11.0, abs=1e-5)


@pytest.mark.filterwarnings(EXTRAPOLATED)
def test_an_interval_ends_where_its_series_does(calibrated):
    table = calibrated.predict(5, levels=80, until=lambda path: len(path) == 3)

    assert len(table) == 6
    assert table.notna().all(axis=None)


@pytest.mark.filterwarnings(EXTRAPOLATED)
def test_beyond_the_calibrated_steps_the_ends_of_a_point_forecast_move_apart(calibrated):
    within, further = (calibrated.predict(steps, levels=80) for steps in (2, 8))

    assert further.iloc[[0, 1, 8, 9]].reset_index(drop=True).equals(within)
    middle = further["forecast"].to_numpy().reshape(2, 8)
    reach = 20 / 6 * calibrated.state.scale.scale  # the exponent is 2, and 1 the largest
    times = np.array([1, 1.5, 2, 2.5, 3, 3.5, 4])
    for side, sign in (("lo", -1), ("hi", 1)):
        ends = further[f"forecast-{side}-80"].to_numpy().reshape(2, 8)
        np.testing.assert_allclose(ends[:, 1:], middle[:, 1:] + sign * reach * times, rtol=1e-4)


@pytest.mark.filterwarnings(EXTRAPOLATED)
@pytest.mark.parametrize("power", [0.0, 0.5])
def test_under_a_transform_an_upper_end_does_not_explode_nor_a_lower_one_fall_below_zero(
    make_model, make_random_panel, power
):
    model = make_model(make_random_panel([12, 9]), power=power)
    model = replace(model, calibration=of_one_step(*np.full(19, 3.0)))

    table = model.predict(900, levels=95)

    flat = model.state.scale.scale[:, :1] * 3
    centre = scaling.transform(table["forecast"].to_numpy().reshape(2, 900), (power,))
    flat_end = scaling.inverse((centre + flat)[..., None], (power,))[..., 0]
    centre, lower, upper = (
        table[name].to_numpy().reshape(2, 900)
        for name in ("forecast", "forecast-lo-95", "forecast-hi-95")
    )
    expected = centre + (flat_end - centre) * np.sqrt(np.arange(1, 901))
    np.testing.assert_allclose(upper, expected, rtol=1e-3)
    assert (lower >= 0).all()
    assert (np.diff(upper - centre, axis=1)[:, 100:] > 0).all()


@pytest.mark.filterwarnings(EXTRAPOLATED)
def test_with_a_distribution_the_spread_of_the_paths_is_the_unit(make_model, make_random_panel):
    model = make_model(make_random_panel([12, 9]), head="student_t")
    model = replace(model, calibration=of_one_step(*np.full(19, 1.5)))

    forecast = model.rollout(3, levels=80, paths=250)

    scale = model.state.scale.scale[:, None]
    middle = forecast.table["forecast"].to_numpy().reshape(2, 3)
    spread = np.abs(forecast.paths[..., 0] - middle[:, None]).mean(axis=1)
    reach = (forecast.table["forecast-hi-80"] - forecast.table["forecast"]).to_numpy()
    widest = np.maximum.accumulate(spread, axis=1)  # beyond the calibrated step it does not shrink
    np.testing.assert_allclose(reach.reshape(2, 3), 1.5 * widest, rtol=1e-3)
    assert (spread > MIN_SPREAD * scale[..., 0]).all()


def test_the_percentiles_of_the_paths_are_there_on_request(make_model, make_random_panel):
    model = make_model(make_random_panel([12, 9]), head="student_t")
    with_scores = replace(model, calibration=of_one_step(*np.full(19, 1.5)))

    forecast = with_scores.rollout(3, levels=80, intervals="paths")

    low = np.percentile(forecast.paths[..., 0], 10, axis=1).ravel()
    assert forecast.table["forecast-lo-80"].tolist() == low.tolist()
    assert forecast.table.equals(model.predict(3, levels=80))


# From held-out rows


@pytest.fixture
def each_step_alone(monkeypatch):
    monkeypatch.setattr(calibrations, "MIN_SCORES", 1)


@pytest.mark.usefixtures("each_step_alone")
@pytest.mark.parametrize(
    ("power", "within", "history"), [(1.0, None, None), (0.5, None, None), (1.0, 4, 9), (1.0, 8, 1)]
)
def test_scores_are_the_errors_of_forecasts_from_truncated_histories(
    make_model, make_random_panel, power, within, history
):
    panel = make_random_panel([20, 17], missing=0.2)
    model = make_model(panel, lags=(2,), power=power)
    errors = {step: [] for step in range(3)}

    for cutoff in range(within or 6, 0, -1):
        past = panel.until(cutoff)
        rows = np.minimum(past.lengths, history or 20)
        past = past.cut(np.arange(2), rows, past.lengths - rows)
        if np.isnan(past.target).all():
            continue
        past = past.drop_unobserved()
        state = model.encode(past)
        steps = min(cutoff, 3)
        path = model.predict(steps, state=state)["forecast"].to_numpy().reshape(-1, steps)
        for s, name in enumerate(past.ids):
            end = panel.indptr[1:][panel.ids.tolist().index(name)]
            truth = panel.target[end - cutoff : end - cutoff + steps, 0]
            apart = scaling.transform(truth, (power,)) - scaling.transform(path[s], (power,))
            for step, error in enumerate(np.abs(apart) / state.scale.scale[s, 0]):
                errors[step] += [] if np.isnan(error) else [error]
    found, _ = holdout.calibrate(panel, model, holdout=3, within=within, history=history)

    for step in range(3):
        scores = found.scores[step, :, 0]
        np.testing.assert_allclose(
            scores[np.isfinite(scores)], np.sort(errors[step]), rtol=1e-4, atol=1e-5
        )


def test_coverage_is_that_of_intervals_made_from_rows_before(make_model, make_random_panel):
    panel = make_random_panel([15] * 60)
    panel.target[panel.indptr[1:] - 1] *= 2.0  # louder than the rows before
    model = make_model(panel)
    errors = {}
    for cutoff in (2, 1):
        state = model.encode(panel.until(cutoff))
        path = model.predict(1, state=state)["forecast"].to_numpy()
        truth = panel.target[panel.indptr[1:] - cutoff, 0]
        errors[cutoff] = np.abs(truth - path) / state.scale.scale[:, 0]

    _, shares = holdout.calibrate(panel, model, holdout=1)

    before = np.sort(errors[2])
    for level, rank in (("80", 49), ("95", 58)):  # of 60, rounded up: 61 * 0.8 and 61 * 0.95
        assert shares[level] == pytest.approx(100 * (errors[1] <= before[rank - 1]).mean())
    assert shares["80"] < 70


def test_coverage_is_reported_for_the_levels_with_enough_scores(make_model, make_panel):
    panel = make_panel(*[[*range(10), last] for last in (9.0, 2.0, 90.0, 8.0)])
    model = make_model(panel)
    for part in model.weights.values():
        part[:] = 0.0  # the mean of the last 8 rows is forecast: 4.5 for 9, then 5.5

    calibration, shares = holdout.calibrate(panel, model, holdout=1)

    assert calibration.scores.shape == (1, 8, 1)
    assert shares == {"80": 75.0}  # four errors are enough for 80 %, not for 95 %


def zero_inflated(rng, rows):
    """Counts of which most are 0."""
    return rng.poisson(2.0, rows) * (rng.random(rows) < 0.15).astype(float)


@pytest.mark.parametrize("head", ["point", "student_t", "negative_binomial"])
def test_the_coverage_of_counts_at_their_bound_is_that_of_the_intervals_that_are_given(
    make_model, make_panel, head, monkeypatch
):
    monkeypatch.setattr(holdout, "CALIBRATION_PATHS", MIN_PATHS)  # as many as a forecast takes
    panel = make_panel(*[zero_inflated(np.random.default_rng(seed), 24) for seed in range(30)])
    model = make_model(panel, head=head, bounds=between(0, None), size=0.8)

    _, told = holdout.calibrate(panel, model, holdout=1)

    start = model.encode(panel.until(2))
    paths = MIN_PATHS if head == "student_t" else 0
    earlier = model.rollout(1, state=start, paths=paths)
    centre = earlier.table["forecast"].to_numpy()
    errors = np.abs(panel.target[panel.indptr[1:] - 2, 0] - centre)
    unit = start.scale.scale[:, 0]
    if head == "student_t":
        unit = np.abs(earlier.paths[..., 0, 0] - centre[:, None]).mean(axis=1)
    known = replace(model, calibration=of_one_step(*np.sort(errors / unit)))
    table = known.predict(1, levels=(80, 95), state=model.encode(panel.until(1)))
    actual = panel.target[panel.indptr[1:] - 1, 0]
    for level in ("80", "95"):
        low, high = (table[f"forecast-{side}-{level}"].to_numpy() for side in ("lo", "hi"))
        assert (low == 0).mean() > 0.8
        assert told[level] == pytest.approx(100 * ((low <= actual) & (actual <= high)).mean())


def test_rollouts_begin_evenly_over_both_tails():
    assert holdout._cutoffs(6, count=1_000) == [1, 2, 3, 4, 5, 6]
    assert holdout._cutoffs(96, count=2) == [48, 96]
    assert holdout._cutoffs(96, count=4) == [24, 48, 72, 96]
    assert holdout._cutoffs(2, count=0) == [1, 2]
    assert holdout._cutoffs(400, count=1_000) == [*range(2, 402, 2)]


def test_without_held_out_rows_there_is_no_calibration(make_model, make_random_panel):
    panel = make_random_panel([9])
    model = make_model(panel)

    assert holdout.calibrate(panel, model, holdout=0) == (None, {})


def test_training_calibrates_and_tells_what_its_intervals_held(trained):
    model = trained.model_

    assert model.calibration.steps == model.record.plan.holdout
    assert model.record.coverage.keys() == {"80", "95"}
    assert all(0 <= share <= 100 for share in model.record.coverage.values())


# In a file


def test_a_saved_model_makes_the_same_intervals(calibrated, tmp_path):
    calibrated.save(tmp_path / "model.forecast")

    loaded = forecast.load(tmp_path / "model.forecast")

    assert loaded.predict(2, levels=80).equals(calibrated.predict(2, levels=80))


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.array([[[2.0], [1.0]]]), "its calibration holds impossible errors"),
        (np.array([[[-1.0], [1.0]]]), "its calibration holds impossible errors"),
        (np.array([[[NAN], [1.0]]]), "its calibration holds impossible errors"),
        (np.empty((0, 2, 1)), "its calibration holds impossible errors"),
        (np.array([[[1.0], [np.inf]]]), "scores holds numbers that are not finite"),
        (np.array([[[1.0, 1.0]]]), "scores has shape"),
        (np.array([1.0]), "not enough values to unpack|damaged"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(calibrated, tmp_path, archive, scores, message):
    path = tmp_path / "model.forecast"
    calibrated.save(path)
    archive.change(
        path,
        "calibration.safetensors",
        lambda arrays: arrays.update(scores=scores.astype(np.float32)),
    )

    with pytest.raises(ArtifactError, match=message):
        forecast.load(path)
