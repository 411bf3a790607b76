import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import DataError, OptionError
from forecast.data.covariates import Covariate, CovariateColumns
from forecast.inference.conformal import Calibration
from forecast.inference.state import State
from forecast.monitoring.monitor import Monitor, advanced, begin, default_window, follow
from forecast.monitoring.monitoring import monitor_rows
from forecast.monitoring.statistics import ROWS_BETWEEN

ROWS = 90  # of which a model has seen SEEN
SEEN = 40


def calibrated(model, scores=None):
    """A model whose calibration holds the given scores of its first step."""
    scores = np.linspace(0.02, 3.0, 150) if scores is None else scores
    held_out = np.repeat(scores[:, None, None], 2, axis=1)
    return replace(model, calibration=Calibration.of(held_out))


@pytest.fixture(scope="module")
def table(make_random_panel):
    """Two series of one length."""
    return make_random_panel([ROWS, ROWS], frequency="D", first=19_797)


@pytest.fixture(scope="module")
def model(make_model, table):
    """A model that has seen the first rows of both."""
    return calibrated(make_model(table.until(ROWS - SEEN), season=7, lags=(7,), context=30))


def rows_after(panel, first, count=None):
    """The rows of every series of a panel from a place on."""
    series = np.arange(len(panel.ids))
    lengths = panel.lengths - first if count is None else np.full(len(series), count)
    return panel.cut(series, lengths, np.full(len(series), first))


def test_each_row_is_forecast_from_the_state_before_it(model, table):
    *_, last = follow(model, begin(model), rows_after(table, SEEN, 3))
    before = model.update(rows_after(table, SEEN, 2))

    expected = before.rollout(1, levels=(80, 95)).table
    actual = rows_after(table, SEEN + 2, 1).target[:, 0]
    np.testing.assert_allclose(last.observed.error, actual - expected["forecast"])
    low, high = expected["forecast-lo-80"], expected["forecast-hi-80"]
    assert last.observed.inside[:, 0].tolist() == ((low <= actual) & (actual <= high)).tolist()
    assert last.after.state == model.update(rows_after(table, SEEN, 3)).state


def test_the_naive_forecast_is_the_value_of_a_season_before(model, table):
    values = table.target.reshape(2, ROWS)
    steps = [*follow(model, begin(model), rows_after(table, SEEN))]

    for k, step in enumerate(steps):
        row = SEEN + k
        np.testing.assert_allclose(
            step.observed.naive, values[:, row] - values[:, row - 7], rtol=1e-4
        )


def test_the_history_scales_the_naive_error(model, table):
    values = table.target.reshape(2, ROWS)[:, :SEEN]
    start = begin(model, table.until(ROWS - SEEN))

    expected = np.abs(values[:, 7:] - values[:, :-7]).mean(axis=1)
    np.testing.assert_allclose(start.statistics.naive_scale, expected)


def test_a_history_that_ends_early_is_laid_at_its_times(model, table):
    start = begin(model, table.until(ROWS - SEEN + 3))

    np.testing.assert_allclose(start.season, begin(model).season, rtol=1e-5)


@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(1, 49), max_size=3, unique=True))
def test_rows_in_parts_are_the_same_as_all_at_once(model, table, cuts):
    monitor, edges = begin(model), [0, *sorted(cuts), ROWS - SEEN]
    for first, end in itertools.pairwise(edges):
        monitor = advanced(model, monitor, rows_after(table, SEEN + first, end - first))
    whole = advanced(model, begin(model), rows_after(table, SEEN))

    assert monitor.state == whole.state
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(monitor.arrays()[name], array, err_msg=name)


def test_series_of_different_lengths_are_each_what_they_are_alone(model, table):
    ragged = rows_after(table, SEEN)
    ragged = ragged.cut(np.arange(2), np.array([50, 20]))
    both = advanced(model, begin(model), ragged)
    alone = advanced(model, begin(model), ragged.take(np.array([0])))

    assert both.statistics.rows.tolist() == [50, 20]
    for name, array in both.arrays().items():
        np.testing.assert_allclose(alone.arrays()[name][0], array[0], rtol=1e-6, err_msg=name)


def test_a_monitor_goes_on_from_its_files(model, table, tmp_path):
    start = begin(model, rows_between=500)
    monitor = advanced(model, start, rows_after(table, SEEN, 5))
    monitor.state.save(tmp_path / "states")
    np.savez(tmp_path / "monitor.npz", **monitor.arrays())
    with np.load(tmp_path / "monitor.npz") as arrays:
        again = Monitor.from_arrays(
            State.load(tmp_path / "states"), arrays, monitor.target, monitor.rows_between
        )

    assert (again.target, again.rows_between) == (0, 500)
    rest = rows_after(table, SEEN + 5)
    for name, array in advanced(model, monitor, rest).arrays().items():
        np.testing.assert_array_equal(advanced(model, again, rest).arrays()[name], array)


@pytest.mark.parametrize("head", ["student_t", "negative_binomial", "quantiles"])
def test_every_kind_of_head_can_be_watched(make_model, make_panel, head):
    counts = np.random.default_rng(0).poisson(5, (2, 40)).astype(float)
    network = {"network": "seasonal"} if head == "quantiles" else {}
    panel = make_panel(*counts)
    model = calibrated(make_model(panel.until(10), head=head, **network))

    result = monitor_rows(model, panel, horizon=5)

    assert np.isfinite(result.monitor.statistics.window.error[:, -10:]).all()
    assert result.ahead.values.tolist() == [10, 10]


def test_a_missing_value_is_passed_over(model, table):
    rows = rows_after(table, SEEN)
    gappy = replace(rows, target=rows.target.copy())
    gappy.target[3] = np.nan
    after = advanced(model, begin(model), gappy)

    assert after.statistics.rows.tolist() == [49, 50]


def test_rows_that_do_not_follow_are_refused(model, table):
    with pytest.raises(DataError, match="the next one is that of"):
        advanced(model, begin(model), rows_after(table, SEEN + 1))
    with pytest.raises(DataError, match="--fill-gaps"):
        monitor_rows(model, rows_after(table, SEEN + 1))
    with pytest.raises(DataError, match="series 'z' is in the state not at all"):
        advanced(model, begin(model), replace(table, ids=np.array(["a", "z"])))


def test_each_row_is_observed_once(model, table, monkeypatch):
    seen, observe = [], type(model).observe

    def counted(predictor, state, rows):
        seen.append(rows.lengths.tolist())
        return observe(predictor, state, rows)

    monkeypatch.setattr(type(model), "observe", counted)
    advanced(model, begin(model), rows_after(table, SEEN, 3))

    assert seen == [[1, 1]] * 3


def test_rows_that_are_refused_on_the_way_change_nothing(model, table):
    start = begin(model)
    before = {name: array.copy() for name, array in start.arrays().items()}
    rows = rows_after(table, SEEN, 3)
    rows.target[2] = 1e300

    with pytest.raises(DataError, match="too large for the scale"):
        advanced(model, start, rows)

    for name, array in before.items():
        np.testing.assert_array_equal(start.arrays()[name], array, err_msg=name)


def test_a_gap_is_filled_where_that_is_asked_for(model, table):
    result = monitor_rows(model, rows_after(table, SEEN + 2), fill_gaps=True)

    assert result.monitor.state == model.update(rows_after(table, SEEN + 2), fill_gaps=True).state
    assert result.monitor.statistics.rows.tolist() == [48, 48]


def test_covariates_of_the_rows_are_used(make_model, make_panel):
    values = np.random.default_rng(0).gamma(4, 2, 30)
    price = np.arange(30.0)
    known = CovariateColumns(("price",), price[:, None], ((),))
    panel = replace(make_panel(values), known=known)
    covariate = Covariate("price", 15.0, 9.0, (), has_missing=False)
    model = make_model(panel.until(10), known=(covariate,))

    after = advanced(model, begin(model), rows_after(panel, 20))

    assert after.state == model.update(rows_after(panel, 20)).state


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 1}, "window is 1"),
        ({"window": 10**6}, "window is 1,000,000; it must be at most 10,000 rows"),
        ({"horizon": 0}, "horizon is 0"),
        ({"rows_between": 0}, "rows_between is 0"),
        ({"rows_between": 2.5}, "rows_between is 2.5"),
        ({"target": "came"}, "target is 'came'; the model forecasts sold"),
    ],
)
def test_options_out_of_range_are_refused(model, table, options, message):
    with pytest.raises(OptionError, match=message):
        monitor_rows(model, table, **options)


def test_series_without_a_state_are_reported(model, make_random_panel):
    more = make_random_panel([ROWS] * 3, frequency="D", first=19_797)

    result = monitor_rows(model, more)

    assert result.notes[0].startswith("series without a state are passed over: 1 ('c')")
    with pytest.raises(DataError, match="the model knows none of its series"):
        monitor_rows(model, more.select(["c"]))


def test_without_new_rows_nothing_is_known(model, table):
    result = monitor_rows(model, table.until(ROWS - SEEN))

    assert result.verdict == "There are no new rows: nothing is known."
    assert len(result.table) == 2
    with pytest.raises(OptionError, match="no new rows to draw"):
        result.plot()


def test_a_window_is_whole_seasons_as_far_as_they_are_short():
    assert [default_window(season) for season in (1, 12, 24, 168, 8760)] == [50, 60, 72, 168, 400]


def test_the_default_rate_of_false_alarms_is_the_one_that_is_documented(model):
    assert begin(model).rows_between == ROWS_BETWEEN == 10_000
