"""What pictures show: which lines, of which series, with which titles and labels."""

import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.dates import num2date

from forecast.backtest import Backtest
from forecast.errors import DataError, OptionError
from forecast.evaluation.baselines import BASELINES
from forecast.evaluation.cutoff_forecasts import Past
from forecast.evaluation.metrics import scaled_errors
from forecast.model import attention_weights
from forecast.plotting import (
    FeedbackPhase,
    TrainingCurves,
    attention_series,
    plot_attention,
    plot_backtest,
    plot_calibration,
    plot_errors,
    plot_forecast,
    plot_training,
    write_figure,
)
from forecast.plotting.backtest import non_overlapping
from forecast.plotting.calibration import coverage_error
from forecast.plotting.series_choice import choose_series
from forecast.plotting.style import BLUE, GREEN, ORANGE, PURPLE, VERMILION, shorten

pytestmark = pytest.mark.slow

NAN = np.nan
AWKWARD = ["$x^2$", "a\nb", "$", "x" * 200, "<b>", "Zürich"]


@pytest.fixture
def make_backtest(make_panel):
    """A backtest of given forecasts; by default the actual values are 0 and the scale is 1."""

    def make(forecast, ids=None, cutoffs=None, actual=0.0, ends=None, others=None, change=1.0):
        forecast = np.asarray(forecast, float)
        count = len(forecast)
        panel = make_panel([1.0, 2.0], frequency="D")
        zero = np.zeros(count)
        return Backtest(
            ids=np.array(ids or ["a"] * count, object),
            cutoffs=np.asarray(np.arange(count) * 86_400_000_000 * forecast.shape[1])
            if cutoffs is None
            else np.asarray(cutoffs) * 86_400_000_000,
            actual=np.broadcast_to(actual, forecast.shape).astype(float),
            forecasts={"forecast": forecast, **(others or {})},
            ends=ends or {},
            past=Past(np.full(count, change), zero, zero, zero, zero),
            season=1,
            target="sold",
            schema=panel.schema,
            frequency=panel.frequency,
        )

    return make


def titles(figure):
    return [axis.get_title(loc="left") for axis in figure.axes]


def lines_of(axis):
    """The lines of a picture by their names, the last one of each."""
    return {line.get_label(): line.get_ydata() for line in axis.lines}


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def drawn(figure):
    """Draw it, as a file would be; what cannot be drawn fails here."""
    figure.draw_without_rendering()
    return figure


# Which series


def test_few_series_are_all_drawn():
    assert choose_series(1)[1:] == (("",), "")
    assert choose_series(12).description == "all 12 series"
    assert choose_series(2).description == "both series"
    assert choose_series(12).indices.tolist() == list(range(12))


def test_of_many_the_first_ones_are_drawn_if_no_error_is_known():
    assert choose_series(13).indices.tolist() == list(range(12))
    assert choose_series(13).description == "the first 12 of 13 series"
    assert (
        choose_series(20_000, np.full(20_000, NAN), max_shown=1).description
        == "the first of 20,000 series"
    )


def test_of_many_the_best_the_median_and_the_worst_are_drawn_if_errors_are_known():
    errors = np.array([5.0, NAN, 1.0, 4.0, 2.0, NAN, 3.0])

    single = choose_series(7, errors, "MASE", max_shown=3)
    double = choose_series(7, errors[[0, 0, 2, 3, 4, 4, 6]], "MASE", max_shown=6, per_rank=2)

    assert single.indices.tolist() == [2, 6, 0]
    assert single.ranks == ("best", "median", "worst")
    assert single.description == "the best, the median and the worst of 7 series by MASE"
    assert double.indices.tolist() == [2, 4, 5, 6, 0, 1]
    assert double.ranks == ("best", "best", "median", "median", "worst", "worst")
    assert double.description.startswith("the 2 best, the 2 around the median and the 2 worst of 7")


def test_names_are_shortened_to_one_line():
    assert shorten("a\nb\tc", 10) == "a b c"
    assert shorten("x" * 200, 28) == "x" * 18 + "…" + "x" * 9
    assert len(shorten("x" * 200, 28)) == 28


# A forecast


def test_a_forecast_is_drawn_after_its_history_with_its_intervals(make_model, make_random_panel):
    panel = make_random_panel([40, 40], frequency="D", first=19_800)
    model = make_model(panel, head="normal")
    forecast = model.rollout(3, panel, levels=(50, 80), paths=200)

    figure = drawn(plot_forecast(model.config, forecast, panel))

    axis = figure.axes[1]
    table = forecast.table[3:]
    line = lines_of(axis)
    last = panel.target[-1, 0]
    assert titles(figure) == ["a", "b"]
    assert figure.get_suptitle() == "Forecast of 3 steps (daily)\nboth series"
    assert legend(figure) == ["observed", "80 % interval", "50 % interval", "forecast"]
    np.testing.assert_array_equal(line["observed"], panel.target[-24:, 0])
    np.testing.assert_array_equal(line["forecast"], [last, *table["forecast"]])
    np.testing.assert_array_equal(axis.lines[1].get_xdata()[1:], table["day"].to_numpy())
    wide = axis.collections[0].get_datalim(axis.transData).get_points()[:, 1]
    assert wide[0] == pytest.approx(table["forecast-lo-80"].min())
    assert wide[1] == pytest.approx(table["forecast-hi-80"].max())
    assert (figure.get_supylabel(), axis.get_xlabel()) == ("sold", "day")


def test_forecasts_of_other_models_are_drawn_for_the_series_that_they_have(
    make_model, make_random_panel
):
    panel = make_random_panel([20, 25])
    model, other = make_model(panel, seed=1), make_model(panel.select(["b"]), seed=2)
    forecast, theirs = model.rollout(3, panel), other.rollout(3)

    figure = drawn(plot_forecast(model.config, forecast, panel, others={"other": theirs}))

    lines = [{line.get_label(): line for line in axes.get_lines()} for axes in figure.axes]
    assert [*map(set, lines)] == [{"observed", "forecast"}, {"observed", "forecast", "other"}]
    drawn_line = lines[1]["other"]
    assert drawn_line.get_ydata().tolist() == theirs.table["forecast"].tolist()
    assert drawn_line.get_xdata().tolist() == lines[1]["forecast"].get_xdata()[1:].tolist()
    assert drawn_line.get_color() == VERMILION
    assert legend(figure) == ["observed", "forecast", "other"]


def test_a_forecast_without_a_history_follows_what_the_state_keeps(make_model, make_random_panel):
    panel = make_random_panel([20])
    model = make_model(panel, lags=(4,))

    figure = drawn(plot_forecast(model.config, model.rollout(1)))

    np.testing.assert_allclose(
        lines_of(figure.axes[0])["observed"], panel.target[-4:, 0], rtol=1e-5
    )
    assert figure.get_suptitle() == "Forecast of 1 step (every step of integer time)"


def test_ticks_are_whole_steps_and_values_without_a_factor(make_model, make_panel):
    large = make_panel(1e8 * np.arange(1.0, 9.0), frequency="D", first=19_800)
    model = make_model(large)

    axis = drawn(plot_forecast(model.config, model.rollout(1, large), large)).axes[0]

    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert "200M" in labels
    assert axis.get_xlim() == pytest.approx((19_800 - 0.08, 19_808 + 0.08))


def test_one_step_is_one_tick(make_backtest):
    axis = drawn(plot_errors(make_backtest([[1.0]]))).axes[0]

    assert axis.get_xlim() == (0.5, 1.5)
    assert [tick for tick in axis.get_xticks() if 0.5 <= tick <= 1.5] == [1.0]


def test_missing_values_interrupt_the_line_and_an_isolated_one_is_a_dot(make_model, make_panel):
    panel = make_panel([1.0, 2.0, NAN, 3.0, NAN, 4.0, 5.0])
    model = make_model(panel)

    axis = drawn(plot_forecast(model.config, model.rollout(2, panel), panel)).axes[0]

    assert np.flatnonzero(np.isnan(lines_of(axis)["observed"])).tolist() == [2, 4]
    assert axis.lines[0].get_marker() == "o"
    assert axis.lines[0].get_markevery() == [3]
    assert axis.lines[1].get_marker() == ""


@pytest.mark.parametrize(("count", "across"), [(1, 1), (3, 1), (4, 2), (12, 3), (13, 3)])
def test_many_series_are_small_pictures_side_by_side(make_model, make_random_panel, count, across):
    panel = make_random_panel([9] * count, frequency="D", first=19_800)
    model = make_model(panel)

    figure = drawn(plot_forecast(model.config, model.rollout(2, panel), panel))

    assert len(figure.axes) == min(count, 12)
    assert figure.axes[0].get_gridspec().ncols == across
    assert [axis.get_xlabel() for axis in figure.axes[-across:]] == ["day"] * across
    labelled = [axis.xaxis.get_tick_params()["labelbottom"] for axis in figure.axes]
    assert labelled == [False] * (len(labelled) - across) + [True] * across


def test_of_ten_thousand_series_those_whose_errors_are_known_are_chosen(
    make_model, make_random_panel
):
    panel = make_random_panel([6] * 40)
    model = make_model(panel)
    errors = {name: float(place) for place, name in enumerate(panel.ids.tolist())}

    figure = plot_forecast(model.config, model.rollout(2, panel), panel, errors)

    names = panel.ids[[0, 1, 2, 3, 18, 19, 20, 21, 36, 37, 38, 39]].tolist()
    ranks = ["best"] * 4 + ["median"] * 4 + ["worst"] * 4
    assert titles(figure) == [f"{a} ({b})" for a, b in zip(names, ranks, strict=True)]
    assert "the 4 best, the 4 around the median and the 4 worst of 40 series" in (
        figure.get_suptitle()
    )


def test_awkward_names_are_drawn_as_they_are(make_model, make_random_panel, tmp_path):
    panel = make_random_panel([9] * 6, ids=AWKWARD)
    model = make_model(panel)

    figure = plot_forecast(model.config, model.rollout(2, panel), panel)
    write_figure(figure, tmp_path / "p.png")

    assert titles(figure)[:3] == ["$x^2$", "a b", "$"]
    assert len(titles(figure)[3]) == 42
    assert not any(axis.title.get_parse_math() for axis in figure.axes if axis.get_title())


def test_glyphs_that_the_font_lacks_are_boxes_and_no_warning(
    make_model, make_random_panel, tmp_path
):
    panel = make_random_panel([9], ids=["売上 😀"])
    model = make_model(panel)

    write_figure(plot_forecast(model.config, model.rollout(2, panel), panel), tmp_path / "p.png")

    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_dates_that_cannot_be_drawn_are_refused(make_model, make_random_panel):
    panel = make_random_panel([9], frequency="MS", first=12 * 7_000)
    model = make_model(panel)

    with pytest.raises(OptionError, match="shows dates up to 9000-01-01, the forecast ends"):
        plot_forecast(model.config, model.rollout(400))


# Attention


def test_attention_weights_are_drawn_for_the_first_series(make_model, make_random_panel):
    panel = make_random_panel([9] * 13, frequency="D", first=19_800)
    forecast = make_model(panel).rollout(2)
    weights = [*np.random.default_rng(0).random((12, 2, 5))]

    figure = drawn(plot_attention(forecast, weights))

    images = [axes.images[0] for axes in figure.axes if axes.images]
    assert attention_series(forecast).tolist() == list(range(12))
    np.testing.assert_array_equal([image.get_array() for image in images], weights)
    assert {image.get_clim() for image in images} == {(0.0, np.max(weights))}
    assert figure.get_suptitle().endswith("\nthe first 12 of 13 series")
    assert titles(figure)[:2] == ["a", "b"]


def test_the_attention_of_a_model_is_drawn_up_to_the_end_of_each_forecast(
    make_model, make_random_panel
):
    model = make_model(make_random_panel([9, 9]), network="attention", context=5, size=1.0)
    ended = model.rollout(4, until=lambda path: len(path) == 2)
    table = model.attention(2)["weight"].to_numpy().reshape(2, 2, 5)

    weights = attention_weights(model, ended)

    assert [matrix.shape for matrix in attention_weights(model, model.rollout(4))] == [(4, 5)] * 2
    np.testing.assert_allclose(weights, table, rtol=1e-5)


# A backtest


def test_forecasts_are_drawn_in_alternating_colours_with_the_actual_values(make_backtest):
    forecast = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    ends = {80.0: (forecast - 1, forecast + 1), 20.0: (forecast, forecast)}
    backtest = make_backtest(forecast, actual=forecast + 0.5, ends=ends)

    figure = drawn(plot_backtest(backtest))

    axis = figure.axes[0]
    paths = [line for line in axis.lines if line.get_label() == "forecast"]
    assert [line.get_ydata().tolist() for line in paths] == forecast.tolist()
    assert len({line.get_color() for line in paths}) == 2
    assert lines_of(axis)["actual"].tolist() == [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    days = [num2date(day).day for day in axis.lines[-1].get_xdata(orig=False)]
    assert days == [2, 3, 4, 5, 6, 7]
    assert titles(figure) == ["a (MASE 0.500)"]
    assert figure.get_suptitle() == "Forecasts of 2 steps (daily) and the actual values"
    assert legend(figure) == ["80 % interval", "forecast", "actual"]


def test_forecasts_that_overlap_are_left_out_from_the_last_one_back(make_backtest):
    backtest = make_backtest(np.zeros((5, 2)), cutoffs=[0, 1, 2, 3, 4])

    assert non_overlapping(backtest).tolist() == [0, 2, 4]
    assert plot_backtest(backtest).get_suptitle().endswith("\n3 of 5 cutoffs")


def test_rows_between_cutoffs_are_not_drawn(make_backtest):
    backtest = make_backtest([[0.0], [0.0]], cutoffs=[0, 3], actual=[[1.0], [2.0]])

    axis = drawn(plot_backtest(backtest)).axes[0]

    np.testing.assert_array_equal(lines_of(axis)["actual"], [1.0, NAN, NAN, 2.0])
    assert axis.lines[-1].get_markevery() == [0, 3]


def test_without_actual_values_the_forecast_is_drawn_and_no_error_is_known(make_backtest):
    figure = drawn(plot_backtest(make_backtest([[1.0, 2.0]], actual=NAN)))

    assert titles(figure) == ["a (no error known)"]
    assert lines_of(figure.axes[0])["forecast"].tolist() == [1.0, 2.0]
    assert drawn(plot_errors(make_backtest([[1.0, 2.0]], actual=NAN))).axes


def test_of_many_series_the_best_the_median_and_the_worst_are_drawn(make_backtest):
    errors = np.arange(13.0)[::-1, None] + 1
    backtest = make_backtest(errors, ids=[f"s{k}" for k in range(13)], cutoffs=np.zeros(13, int))

    figure = drawn(plot_backtest(backtest))

    assert titles(figure) == [
        "s12 (best, MASE 1.00)",
        "s6 (median, MASE 7.00)",
        "s0 (worst, MASE 13.0)",
    ]
    assert figure.get_suptitle().endswith("the best, the median and the worst of 13 series by MASE")


def test_errors_by_step_are_those_of_the_tables(make_backtest):
    rng = np.random.default_rng(0)
    others = {"naive": rng.normal(size=(6, 3)), "seasonal_naive": rng.normal(size=(6, 3))}
    actual = np.where(rng.random((6, 3)) < 0.2, NAN, 0.0)
    backtest = make_backtest(rng.normal(size=(6, 3)), actual=actual, others=others, change=2.0)

    figure = drawn(plot_errors(backtest))

    axis, table = figure.axes[0], backtest.by_step["mase"].unstack("model")
    line = lines_of(axis)
    np.testing.assert_allclose(line["model"], table["forecast"])
    np.testing.assert_allclose(line["seasonal naive"], table["seasonal_naive"])
    texts = {text.get_text() for text in axis.texts}
    assert texts == {"model", "naive", "seasonal naive"}
    assert figure.get_supylabel() == "mean absolute scaled error (MASE)"
    assert axis.get_xlabel() == "step of the horizon (daily)"
    assert axis.get_ylim()[0] == 0
    assert not axis.collections  # a band would need more series


def test_the_error_of_a_series_in_a_title_is_that_of_the_table(make_backtest):
    actual = [[0.0, NAN, NAN], [0.0, 0.0, 0.0]]
    backtest = make_backtest([[4.0, 9.0, 9.0], [1.0, 1.0, 2.0]], actual=actual)

    figure = drawn(plot_backtest(backtest))

    assert backtest.by_series.loc[("a", "forecast"), "mase"] == 2  # of 4, 1, 1 and 2
    assert titles(figure) == ["a (MASE 2.00)"]


def test_every_baseline_has_its_own_colour_and_style(make_backtest):
    others = {name: np.full((2, 3), k) for k, name in enumerate(BASELINES)}

    axis = plot_errors(make_backtest(np.ones((2, 3)), others=others)).axes[0]

    looks = {(line.get_color(), line.get_linestyle()) for line in axis.lines}
    assert len(looks) == 1 + len(BASELINES)
    assert {text.get_text() for text in axis.texts} >= {"auto ets", "naive2"}


def test_labels_of_lines_that_end_together_do_not_overlap(make_backtest):
    same = np.full((1, 2), 0.5)
    backtest = make_backtest(same, others={"naive": same, "drift": same})

    axis = drawn(plot_errors(backtest)).axes[0]

    texts = sorted(axis.texts, key=lambda text: text.xyann[1])
    places = [text.xyann[1] for text in texts]
    assert np.diff(places) == pytest.approx(0.07 * axis.get_ylim()[1])
    assert places[1] == pytest.approx(0.5)
    # a stroke leads from the end of its line to a name that was moved
    assert [text.arrow_patch is not None for text in texts] == [True, False, True]
    assert [text.xy[1] for text in texts] == [0.5] * 3


def test_where_no_series_has_a_scale_errors_are_in_units_of_the_target(make_backtest):
    backtest = make_backtest([[3.0, 4.0]], change=NAN)

    figure = drawn(plot_errors(backtest))

    assert scaled_errors(backtest, "forecast").measure == "MAE"
    assert figure.get_supylabel() == "mean absolute error (MAE) of sold"
    assert lines_of(figure.axes[0])["model"].tolist() == [3.0, 4.0]


def test_many_series_have_a_band_of_the_errors_on_most_of_them(make_backtest):
    errors = np.arange(11.0)[:, None] * [1.0, 2.0]
    backtest = make_backtest(errors, ids=[f"s{k}" for k in range(11)])

    figure = drawn(plot_errors(backtest))

    points = figure.axes[0].collections[0].get_paths()[0].vertices
    at_first = points[points[:, 0] == 1, 1]
    assert (at_first.min(), at_first.max()) == (1.0, 9.0)
    assert figure.get_suptitle() == (
        "Error by step of the horizon: the mean of 11 forecasts of 11 series\n"
        "shaded: the model's error on the middle 80% of the series"
    )


def test_a_step_without_actual_values_is_left_out_of_the_band(make_backtest):
    actual = np.zeros((11, 2))
    actual[:, 1] = NAN

    figure = drawn(
        plot_errors(make_backtest(np.ones((11, 2)), [f"s{k}" for k in range(11)], actual=actual))
    )

    np.testing.assert_array_equal(lines_of(figure.axes[0])["model"], [1.0, NAN])
    assert figure.axes[0].lines[0].get_markevery() == [0]


# Calibration


def test_the_empirical_coverage_is_drawn_against_the_nominal_one(make_backtest):
    actual = np.array([[1.0, 1.0], [1.0, 9.0], [9.0, NAN]])
    zero = np.zeros((3, 2))
    ends = {50.0: (zero, zero + 5), 90.0: (zero, zero + 9)}

    figure = drawn(plot_calibration(make_backtest(zero, actual=actual, ends=ends)))

    (axis,) = figure.axes
    assert axis.containers[0].lines[0].get_xydata().tolist() == [[50.0, 60.0], [90.0, 100.0]]
    assert axis.lines[0].get_xydata().tolist() == [[0, 0], [100, 100]]
    assert legend(figure) == ["nominal coverage", "empirical coverage"]
    assert figure.get_suptitle() == "Coverage of prediction intervals: 3 forecasts of 1 series"


def test_with_enough_forecasts_the_coverage_by_step_is_drawn_too(make_backtest):
    actual = np.tile([[1.0, 9.0]], (20, 1))
    actual[:5, 0] = 9.0
    zero = np.zeros((20, 2))

    figure = drawn(
        plot_calibration(make_backtest(zero, actual=actual, ends={80.0: (zero, zero + 5)}))
    )

    left, right = figure.axes
    assert lines_of(right)["80 %"].tolist() == [75.0, 0.0]
    assert [tick for tick in right.get_yticks() if tick <= 102] == [0, 20, 40, 60, 80, 100]
    assert right.get_ylim() == left.get_ylim()
    assert legend(figure) == ["nominal coverage", "empirical coverage (95 % confidence)"]
    assert left.containers[0].has_yerr


def test_the_standard_error_clusters_by_series_since_their_values_are_not_independent(
    make_backtest,
):
    actual = np.repeat([[1.0], [1.0], [1.0], [9.0], [9.0]], 4, axis=1)
    ends = {50.0: (np.zeros((5, 4)), np.full((5, 4), 5.0))}

    five = make_backtest(np.zeros((5, 4)), list("abcde"), actual=actual, ends=ends)

    expected = np.std([1, 1, 1, 0, 0], ddof=1) / np.sqrt(5)
    assert coverage_error(five, 50.0) == pytest.approx(expected)
    assert np.isnan(coverage_error(five.take(np.arange(4)), 50.0))


def test_without_intervals_there_is_no_picture_of_them(make_backtest):
    with pytest.raises(OptionError, match="the backtest has no intervals, since the model has"):
        plot_calibration(make_backtest([[1.0]]))


# Training


def curves(*losses, **others):
    """Curves of a training from (step, training loss, validation loss)."""
    steps, training, validation = np.array(losses, float).T
    named = {"training": training, "validation": validation}
    return TrainingCurves(steps.astype(int), named, seconds=3.2, **others)


def test_losses_are_drawn_with_the_feedback_phases_and_the_kept_weights():
    losses = (10, 3.0, 4.0), (20, 2.0, 2.5), (40, 1.0, 3.0)
    phases = (FeedbackPhase("teacher", 0), FeedbackPhase("free", 30))

    figure = drawn(plot_training(curves(*losses, kept_step=20, phases=phases)))

    axes, line = figure.axes[0], lines_of(figure.axes[0])
    assert line["training"].tolist() == [3.0, 2.0, 1.0]
    assert line["validation"].tolist() == [4.0, 2.5, 3.0]
    assert line["weights kept (step 20)"] == [0, 1]
    assert axes.lines[0].get_xdata().tolist() == [10, 20, 40]
    assert [text.get_text() for text in axes.texts] == ["feedback: teacher", "free"]
    assert (axes.patches[0].get_x(), axes.patches[0].get_width()) == (30, 10)
    assert figure.get_suptitle() == "Training: 40 gradient steps in 3 s"
    assert (axes.get_xlabel(), figure.get_supylabel()) == ("gradient step", "loss")


def test_without_a_validation_there_is_one_curve():
    figure = drawn(plot_training(curves((10, 3.0, NAN))))

    assert legend(figure) == ["training"]
    assert figure.axes[0].lines[0].get_markevery() == [0]


def test_an_empty_phase_is_not_drawn():
    phases = (FeedbackPhase("teacher", 0), FeedbackPhase("scheduled", 10))

    axes = drawn(plot_training(curves((10, 3.0, NAN), phases=phases))).axes[0]

    assert [text.get_text() for text in axes.texts] == ["feedback: teacher"]


# From the model and the backtest


def test_a_model_draws_its_forecast_its_training_and_its_attention(
    make_model, make_random_panel, make_record
):
    panel = make_random_panel([9], frequency="D", first=19_800)
    model = replace(
        make_model(panel, network="attention", context=5, horizon=7), record=make_record()
    )

    by_default, shorter = model.plot(), model.plot("forecast", 4, panel)

    assert by_default.get_suptitle() == "Forecast of 7 steps (daily)"
    assert shorter.get_suptitle() == "Forecast of 4 steps (daily)"
    np.testing.assert_array_equal(lines_of(shorter.axes[0])["observed"], panel.target[:, 0])
    assert model.plot("training").get_suptitle() == "Training: 40 gradient steps in 3 s"
    assert model.plot("attention").axes[0].images[0].get_array().shape == (7, 5)


def test_the_curves_of_a_training_are_those_of_its_record(make_record):
    made = make_record().curves()

    assert made.steps.tolist() == [10, 40]
    assert made.losses["training"].tolist() == [3.0, 1.0]
    np.testing.assert_array_equal(made.losses["validation"], [NAN, 2.0])
    assert (made.seconds, made.kept_step) == (3.2, 40)
    assert made.phases == (("teacher", 0), ("free", 30))


def test_a_model_without_a_training_record_has_no_curves(make_model, make_random_panel):
    with pytest.raises(OptionError, match="the model has no training record"):
        make_model(make_random_panel([9])).plot("training")


def test_a_model_refuses_what_it_cannot_draw(make_model, make_random_panel):
    model = make_model(make_random_panel([9]))

    with pytest.raises(OptionError, match="kind is 'pie'; it must be one of forecast, training"):
        model.plot("pie")
    with pytest.raises(OptionError, match="takes no horizon, history or options"):
        model.plot("training", horizon=3)
    with pytest.raises(OptionError, match="the network 'lstm' has no attention"):
        model.plot("attention")


def test_a_backtest_draws_its_forecasts_its_errors_and_its_calibration(make_backtest):
    zero = np.zeros((1, 2))
    backtest = make_backtest(zero, ends={80.0: (zero, zero)})

    first_words = [
        backtest.plot(kind).get_suptitle().split()[0] for kind in ("errors", "calibration")
    ]

    assert first_words == ["Error", "Coverage"]
    assert backtest.plot().get_suptitle() == backtest.plot("forecasts").get_suptitle()
    with pytest.raises(OptionError, match="kind is 'pie'; it must be one of forecasts, errors"):
        backtest.plot("pie")


# Files and colours


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_picture_is_the_same_file(tmp_path, kind):
    drawn_curves = curves((10, 3.0, NAN))

    for name in ("a", "b"):
        write_figure(plot_training(drawn_curves), tmp_path / f"{name}.{kind}")

    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_a_picture_needs_a_known_suffix_and_an_existing_folder(tmp_path):
    figure = plot_training(curves((10, 3.0, NAN)))

    with pytest.raises(OptionError, match=re.escape("must end in .png, .svg, .pdf")):
        write_figure(figure, tmp_path / "a.gif")
    with pytest.raises(DataError, match="nowhere"):
        write_figure(figure, tmp_path / "nowhere" / "a.png")


def test_colours_are_those_of_okabe_and_ito_for_colour_blind_readers():
    okabe_ito = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"}

    assert {BLUE, VERMILION, GREEN, PURPLE, ORANGE} == okabe_ito
