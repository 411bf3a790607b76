import numpy as np
import pytest
from statsforecast.models import AutoETS, AutoTheta

from forecast.evaluation.statsforecast_baselines import auto_ets, auto_theta

pytestmark = pytest.mark.slow

NAN = np.nan


@pytest.mark.parametrize(("ours", "theirs"), [(auto_ets, AutoETS), (auto_theta, AutoTheta)])
def test_each_series_and_target_is_fitted_by_itself(make_random_panel, ours, theirs):
    panel = make_random_panel([30, 41], 3, targets=2)

    forecast = ours(panel, 4, 6)

    for s in range(2):
        for d in range(2):
            values = panel.target[panel.indptr[s] : panel.indptr[s + 1], d]
            expected = theirs(season_length=4).forecast(values, 6)["mean"]
            np.testing.assert_allclose(forecast[s, :, d], expected)


def test_a_missing_value_is_taken_as_the_one_before_it(make_panel):
    rng = np.random.default_rng(0)
    values = rng.random(20)
    holed = values.copy()
    holed[[5, 6]], values[[5, 6]] = NAN, values[4]

    one, other = (auto_theta(make_panel(series), 1, 3) for series in (values, [NAN, NAN, *holed]))

    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("method", [auto_ets, auto_theta])
def test_a_short_series_repeats_its_last_value(make_panel, method):
    panel = make_panel([NAN, NAN], [1.0, 3.0, NAN], np.ones(8), np.arange(8.0))

    forecast = method(panel, 12, 2)[..., 0]

    np.testing.assert_allclose(forecast[:3], [[NAN, NAN], [3, 3], [1, 1]])
    assert np.isfinite(forecast[3]).all()


def test_a_forecast_that_is_not_finite_is_replaced_by_the_last_value(make_panel):
    values = 1e300 * (10 + np.sin(np.arange(40.0)))  # whose squares are no numbers

    forecast = auto_theta(make_panel(values), 7, 2)[0, :, 0]

    assert forecast.tolist() == [values[-1]] * 2


def test_a_series_that_no_model_can_be_fitted_to_repeats_its_last_value(make_panel, monkeypatch):
    def unfitted(*_):
        raise Exception("no model able to be fitted")  # as statsforecast does

    monkeypatch.setattr(AutoETS, "forecast", unfitted)

    assert auto_ets(make_panel(np.arange(9.0)), 7, 2)[0, :, 0].tolist() == [8, 8]


def test_other_errors_of_statsforecast_are_not_hidden(make_panel, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("elsewhere")

    monkeypatch.setattr(AutoETS, "forecast", broken)

    with pytest.raises(ZeroDivisionError, match="elsewhere"):
        auto_ets(make_panel(np.arange(9.0)), 7, 2)
