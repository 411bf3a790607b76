"""Backtests of the pretrained network: no forecast, interval or limit depends on later rows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import Forecaster
from forecast.errors import DataError, ForecastWarning
from forecast.evaluation.rolling_origin import history_before
from forecast.inference.bounds import non_negative
from forecast.model import Model
from forecast.pretrained.zero_shot import as_of, shortcomings, zero_shot

HORIZON, CUTOFFS, STRIDE = 3, 3, 2
ROWS_AFTER = [HORIZON + STRIDE * k for k in (2, 1, 0)]  # of each cutoff
CHOICES = {"stride": STRIDE, "levels": (50, 80), "baselines": ["naive"]}


def backtest(panel, model=None):
    """The backtest of a zero-shot model that was made of all rows of the panel."""
    model = model or Model.untrained(panel, calibrated=False)
    return model.backtest(panel, HORIZON, CUTOFFS, **CHOICES)


def counts(rng, *lengths):
    """Counts, whose forecasts are limited to 0 or above."""
    return [rng.poisson(20, length).astype(float) for length in lengths]


def changed(panel, rows_after, value):
    """The panel with other values in the last rows of each series."""
    target = panel.target.copy()
    for end in panel.indptr[1:]:
        target[end - rows_after : end] = value
    return replace(panel, target=target)


def numbers(found):
    """The forecasts and the ends of the intervals of each cutoff, (cutoff, series, ...)."""
    parts = [found.forecasts["forecast"], *(end for ends in found.ends.values() for end in ends)]
    return np.stack(parts, axis=1).reshape(CUTOFFS, -1, len(parts), HORIZON)


@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 100),
    k=st.integers(0, CUTOFFS - 1),
    value=st.sampled_from([-1e6, 0.5, 1e6, np.nan]),
)
def test_values_after_a_cutoff_change_nothing_that_is_forecast_up_to_it(make_panel, seed, k, value):
    panel = make_panel(*counts(np.random.default_rng(seed), 26, 32))
    other = changed(panel, ROWS_AFTER[k], value)

    before, after = numbers(backtest(panel)), numbers(backtest(other))

    np.testing.assert_array_equal(before[: k + 1], after[: k + 1])


def test_values_before_the_first_cutoff_do_calibrate_its_intervals(make_panel):
    panel = make_panel(*counts(np.random.default_rng(1), 40, 50))
    target = panel.target.copy()
    target[20] += 40  # beyond the rows that set the scale, within those that calibrate

    found, other = (numbers(backtest(p))[0] for p in (panel, replace(panel, target=target)))

    np.testing.assert_array_equal(found[1, 0], other[1, 0])  # the forecast of the other series
    assert (found[1, 1:] != other[1, 1:]).any()


def test_a_model_that_was_made_of_all_rows_is_as_honest_as_one_that_was_not(make_panel):
    panel = make_panel(*counts(np.random.default_rng(2), 40, 50))
    history = history_before(panel, ROWS_AFTER[0])

    whole, early = backtest(panel), backtest(panel, Model.untrained(history))
    by_forecaster = Forecaster(steps=0).backtest(panel, HORIZON, CUTOFFS, **CHOICES)

    np.testing.assert_array_equal(numbers(whole), numbers(early))
    np.testing.assert_array_equal(numbers(whole), numbers(by_forecaster))
    assert whole.notes == ()


def test_limits_are_inferred_from_the_history_unless_they_were_given(make_panel):
    panel = make_panel(*counts(np.random.default_rng(3), 40))
    later_below_zero = changed(panel, 2, -5.0)
    history = panel.until(5)

    inferred = as_of(zero_shot(later_below_zero, calibrated=False), later_below_zero, history)
    given_ones = as_of(zero_shot(panel, bounds=(1, 30), calibrated=False), panel, history)

    assert inferred.config.bounds == (non_negative,)
    assert given_ones.config.bounds == ((1, 30),)


def test_its_season_and_its_weights_stay_those_of_the_model(make_panel):
    panel = make_panel(*counts(np.random.default_rng(4), 40))
    model = zero_shot(panel, season=5, calibrated=False)
    weights = {name: 2 * array for name, array in model.weights.items()}

    found = as_of(replace(model, weights=weights), panel, panel.until(5))

    assert found.config.season == 5
    assert found.weights is weights


@pytest.mark.parametrize(
    ("lengths", "season", "message"),
    [
        ([40], 301, "has not practised a season of 301 steps: compare it with baselines"),
        ([40, 2, 1], None, r"^2 series have fewer than 3 values \('b', 'c'\): little more than"),
        ([40, 2], None, r"^1 series has fewer than 3 values \('b'\): "),
    ],
)
def test_what_was_not_practised_is_reported_in_python_too(make_panel, lengths, season, message):
    panel = make_panel(*counts(np.random.default_rng(7), *lengths))

    with pytest.warns(ForecastWarning, match=message):
        Forecaster(season=season, steps=0).fit(panel)


@pytest.mark.parametrize(("others", "value", "is_far"), [(3.0, 71.0, True), (4.0, 71.0, False)])
def test_a_value_far_from_all_others_is_reported(make_panel, others, value, is_far):
    """Around a median of 10 the third farthest value is 3 or 4 away, and the farthest 61."""
    values = np.tile([10.0, 11.0, 9.0, 10.0], 10)
    values[[5, 6, 30]] = 10 + others, 10 - others, value
    panel = make_panel(np.tile([1.0, 2.0], 20), values, frequency="MS")

    notes = [*shortcomings(panel, zero_shot(panel, calibrated=False).config)]

    expected = (
        "1 series has a value far from all others ('b': 71 at "
        f"{panel.schema.text(panel.frequency, int(panel.start[1]) + 30)}): correct it or leave it "
        "empty, since the forecast is made in units of the spread"
    )
    assert notes == ([expected] if is_far else [])


def test_two_seasons_are_looked_at_together_where_they_were_practised(make_panel):
    (values,) = counts(np.random.default_rng(8), 1_200)

    found = {}
    for frequency in ("D", "5min"):
        panel = make_panel(values, frequency=frequency)
        config = zero_shot(panel, season=None if frequency == "D" else 100, calibrated=False).config
        found[frequency] = config.seasons
        assert [*shortcomings(panel, config)] == []

    assert found == {"D": (7, 364), "5min": (100, 0)}


def test_by_default_cutoffs_lie_in_the_last_third(make_panel):
    panel = make_panel(*counts(np.random.default_rng(5), 60))

    found = Model.untrained(panel, calibrated=False).backtest(panel, 5, 4, baselines=["naive"])

    ends = panel.ordinals[-1] - found.cutoffs
    assert ends.tolist() == [20, 15, 10, 5]


def test_a_series_that_is_too_short_is_refused_before_anything_is_computed(make_panel):
    panel = make_panel(*counts(np.random.default_rng(6), 7))

    with pytest.raises(DataError, match="3 cutoffs need a series of more than 7 rows"):
        backtest(panel)
