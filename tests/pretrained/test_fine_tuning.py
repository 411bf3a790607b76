"""Training from the pretrained network: where it starts, what is chosen, and what it keeps."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import DataError, Forecaster
from forecast.data.to_panel import to_panel
from forecast.fitting import windows_of
from forecast.inference.members import Core
from forecast.inference.predictor import Predictor
from forecast.pretrained.fine_tuning import RATE, choose_fine_tuning, starts_pretrained
from forecast.pretrained.first_weights import NEW_RATE, first_start
from forecast.pretrained.zero_shot import shipped, zero_shot
from forecast.report.text_summary import summary
from forecast.training.options import TrainingOptions

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def table_of(lengths, seed=0, freq="MS", missing=0.0):
    """A long table of series of noise about a season, with two targets and covariates."""
    rng = np.random.default_rng(seed)
    parts = []
    for k, length in enumerate(lengths):
        values = 50 + 10 * np.sin(np.arange(length) / 2) + rng.normal(0, 3, (2, length)).cumsum(1)
        values[0, 1:-1][rng.random(length - 2) < missing] = np.nan
        parts.append(
            pd.DataFrame(
                {
                    "unique_id": f"s{k}",
                    "ds": pd.date_range("2001-01-01", periods=length, freq=freq),
                    "y": values[0],
                    "other": values[1],
                    "price": rng.normal(size=length),
                    "shop": rng.choice(["open", "shut"], length),
                    "city": f"city {k % 2}",
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def panel_of(lengths, seed=0, freq="MS", missing=0.0, **roles):
    return to_panel(table_of(lengths, seed, freq, missing), target="y", **roles)


def untrained_of(panel):
    """The pretrained network alone."""
    return zero_shot(panel, calibrated=False, members=1)


def start_of(panel, **options):
    """The network before the first gradient step."""
    config, _ = choose_fine_tuning(TrainingOptions(start="pretrained", **options), panel)
    return Predictor.after(panel, Core(config, first_start(config).weights))


def future_of(panel, steps):
    """Prices and openings of the next steps of each series."""
    times = panel.frequency.times(
        panel.start[0]
        + panel.lengths[0] * panel.frequency.step
        + np.arange(steps) * panel.frequency.step
    )
    return pd.DataFrame({"ds": times, "price": np.linspace(-2, 2, steps), "shop": "open"})


def last_rows(panel, steps):
    """The known columns of the last steps of each series."""
    times = panel.frequency.times(panel.ordinals)
    rows = np.concatenate([np.arange(end - steps, end) for end in panel.indptr[1:]])
    return pd.DataFrame(
        {
            "unique_id": np.repeat(panel.ids, steps),
            "ds": times[rows],
            "price": panel.known.values[rows, 0],
        }
    )


def assert_same_forecasts(one, other, **options):
    """The centres and the sample paths of 7 steps."""
    future = options.pop("future", None)
    own = one.rollout(7, paths=3, future=future, **options)
    expected = other.rollout(7, paths=3)
    name = one.config.schema.targets[0] if one.config.targets > 1 else "forecast"
    np.testing.assert_allclose(own.table[name], expected.table["forecast"], **CLOSE)
    if one.config.targets == 1:
        np.testing.assert_allclose(own.paths, expected.paths, **CLOSE)


# The network before the first step


@given(
    seed=st.integers(0, 2**16),
    length=st.integers(60, 250),
    freq=st.sampled_from(["MS", "D", "QS", "h"]),
    missing=st.sampled_from([0.0, 0.2]),
    known=st.sampled_from([(), ("price",), ("price", "shop")]),
    static=st.sampled_from([(), ("city",)]),
)
@settings(deadline=None, max_examples=10)
def test_before_the_first_step_forecasts_are_those_of_the_pretrained_network(
    seed, length, freq, missing, known, static
):
    rows = {"lengths": (length, length), "seed": seed, "freq": freq, "missing": missing}
    panel = panel_of(**rows, known=known, static=static)
    start = start_of(panel)
    future = future_of(panel, 7) if known else None

    assert len(start.weights["decoder_0.kernel"]) == start.config.inputs + 2
    assert_same_forecasts(start, untrained_of(panel_of(**rows)), future=future)


def test_further_targets_leave_the_forecast_of_the_first_one_alone():
    panel = panel_of([80, 65], also=["other"])

    start = start_of(panel)

    assert start.config.targets == 2
    assert_same_forecasts(start, untrained_of(panel_of([80, 65])))


def test_a_further_target_starts_with_the_weights_of_its_own_past_and_no_remainder():
    weights = start_of(panel_of([80], also=["other"])).weights
    known = shipped().weights

    bias, kernel = weights["head.bias"], weights["head.kernel"]
    assert bias[:2].tolist() == [known["head.bias"][0], 0.0]
    assert not kernel[:, 1].any()
    np.testing.assert_array_equal(bias[2::2], known["head.bias"][1:])
    np.testing.assert_array_equal(bias[3::2], known["head.bias"][1:])
    first = weights["decoder_0.kernel"]
    assert not first[1 : 4 * 7 : 2].any()  # the recurrent layers see the first target alone


@pytest.mark.parametrize(
    ("head", "feedback"),
    [(head, "teacher") for head in ("quantiles", "normal", "student_t")]
    + [("normal", regimes) for regimes in ("free", "scheduled", "teacher,free")],
)
def test_other_heads_and_regimes_start_from_the_same_forecasts(head, feedback):
    panel = panel_of([80, 65])

    start = start_of(panel, head=head, feedback=feedback)

    assert not start.config.direct
    expected = untrained_of(panel).rollout(7).table
    pd.testing.assert_frame_equal(start.rollout(7).table, expected, rtol=1e-5)


@pytest.mark.parametrize("head", ["normal", "student_t"])
def test_another_head_starts_nearly_as_wide_as_the_quantiles(head):
    panel = panel_of([80, 65, 90, 70])
    levels = (0.1, 0.9)

    widths = []
    for name in ("quantiles", head):
        step = start_of(panel, head=name, feedback="teacher")
        first = step.rollout(1, paths=2000, seed=1)
        low, high = np.quantile(first.paths[:, :, 0], levels, axis=1)
        widths.append(high - low)

    assert ((widths[1] / widths[0] > 0.7) & (widths[1] / widths[0] < 1.1)).all()


@pytest.mark.parametrize(
    ("options", "direct"),
    [
        ({}, True),
        ({"feedback": "free"}, True),
        ({"feedback": "teacher,free"}, True),
        ({"feedback": "teacher"}, False),
        ({"feedback": "free,scheduled"}, False),
        ({"head": "normal"}, False),
    ],
)
def test_quantiles_are_those_of_each_step_where_the_network_ends_in_its_own_rollouts(
    options, direct
):
    config = start_of(panel_of([80]), **options).config

    assert (config.direct, config.histories, config.reads_alone) == (direct, True, True)


@pytest.mark.slow
def test_the_compiled_runtime_starts_from_the_same_forecasts():
    panel = panel_of([80, 80], known=["price"], static=["city"])

    assert_same_forecasts(
        start_of(panel),
        untrained_of(panel_of([80, 80])),
        future=future_of(panel, 7),
        runtime="compiled",
    )


# Where a training starts


@pytest.mark.parametrize(
    ("options", "is_pretrained"),
    [
        ({}, True),
        ({"start": "auto", "season": 4, "bounds": "none", "budget": "1m", "seed": 3}, True),
        ({"members": 1, "holdout": 5}, True),
        ({"start": "pretrained", "steps": 5}, True),
        ({"start": "scratch"}, False),
        ({"steps": 5}, False),
        ({"head": "student_t"}, False),
        ({"learning_rate": 1e-3}, False),
        ({"holidays": "DE"}, False),
    ],
)
def test_short_series_start_from_the_pretrained_network_if_nothing_else_is_asked_for(
    options, is_pretrained
):
    assert starts_pretrained(TrainingOptions(**options), panel_of([80, 65])) == is_pretrained


def test_series_of_more_than_400_rows_are_learned_from_nothing():
    options = TrainingOptions()

    assert starts_pretrained(options, panel_of([400, 400, 900]))
    assert not starts_pretrained(options, panel_of([401, 401, 20]))


def test_a_table_with_columns_of_its_own_is_learned_from_nothing():
    panel = panel_of([80], known=["price"])

    assert not starts_pretrained(Forecaster(known=["price"]), panel)
    assert starts_pretrained(Forecaster(start="pretrained", known=["price"]), panel)


# What is chosen


@pytest.mark.parametrize(
    ("members", "roles", "chosen"),
    [
        (None, {}, 2),
        (1, {}, 1),
        (3, {}, 3),
        (None, {"known": ["price"]}, 1),
        (None, {"static": ["city"]}, 1),
        (None, {"also": ["other"]}, 1),
    ],
)
def test_theta_takes_part_by_default_unless_there_are_inputs_that_it_does_not_know(
    members, roles, chosen
):
    options = TrainingOptions(start="pretrained", members=members)

    _, plan = choose_fine_tuning(options, panel_of([80, 65], **roles))

    assert plan.members == chosen


def test_the_configuration_is_that_of_the_pretrained_network_and_what_the_table_has_beyond_it():
    panel = panel_of([80, 65], freq="D", also=["other"], known=["price"], static=["city"])

    config, plan = choose_fine_tuning(
        TrainingOptions(start="pretrained", holidays="DE", steps=7, seed=1), panel
    )

    known = zero_shot(panel_of([80, 65], freq="D"), calibrated=False).config
    for name in ("network", "head", "cell", "layers", "units", "residual", "seasons", "lags"):
        assert getattr(config, name) == getattr(known, name)
    assert (config.direct, config.context, config.season) == (True, known.context, known.season)
    assert (config.powers[0], config.bounds[0]) == (1.0, known.bounds[0])
    assert [c.name for c in config.known] == ["price"]
    assert [c.name for c in config.static] == ["city"]
    assert config.holidays == "DE"
    assert (plan.feedback, plan.windows, plan.steps) == (("free",), "histories", 7)


@pytest.mark.parametrize(
    ("freq", "rows", "cycles"),
    [("MS", 80, ()), ("D", 80, ()), ("D", 800, ()), ("h", 80, ()), ("h", 20_000, ("year",))],
)
def test_calendar_cycles_that_are_seasons_of_the_network_are_no_new_inputs(freq, rows, cycles):
    assert start_of(panel_of([rows], freq=freq)).config.cycles == cycles


def test_a_window_holds_as_many_rows_as_the_network_reads_or_the_longest_series_has():
    for rows, expected in ((40, 36), (400, 144)):
        panel = panel_of([rows, 12])
        config, plan = choose_fine_tuning(TrainingOptions(start="pretrained"), panel)

        source = windows_of(panel, config, plan)

        assert source.context == expected
        assert source.window_length == expected + plan.train_horizon
        assert (source.scale_rows, source.season) == (36, 12)


@pytest.mark.parametrize(("rows", "holdout"), [(13, 3), (19, 3), (40, 5), (400, 24)])
def test_enough_rows_are_held_out_to_choose_by(rows, holdout):
    panel = panel_of([rows])

    assert choose_fine_tuning(TrainingOptions(start="pretrained"), panel).plan.holdout == holdout
    given = TrainingOptions(start="pretrained", holdout=2)
    assert choose_fine_tuning(given, panel).plan.holdout == 2


def test_a_series_that_is_too_short_is_refused():
    with pytest.raises(DataError, match="the longest series has 11 rows; training needs one"):
        choose_fine_tuning(TrainingOptions(start="pretrained"), panel_of([11]))


# Trainings


@pytest.mark.slow
def test_a_window_in_training_gives_what_a_rollout_from_its_cutoff_gives():
    from forecast.training.fit import make_network
    from forecast.training.keras_model import RaggedInputs

    panel = panel_of([24, 17], freq="QS", missing=0.1, known=["price"])
    options = TrainingOptions(start="pretrained", train_horizon=5, holdout=2, bounds="none")
    config, plan = choose_fine_tuning(options, panel)
    source, weights = windows_of(panel, config, plan), first_start(config).weights

    parts = source.gather(np.arange(2), panel.lengths - 5, panel.lengths)
    network = make_network(config, plan, 0, source)
    network.assign(weights)
    params = network(RaggedInputs(parts.values, parts.step_features, parts.begins))

    start = Predictor.after(panel.until(5), Core(config, weights))
    rollout = (
        start.rollout(5, future=last_rows(panel, 5)).table["forecast"].to_numpy().reshape(2, 5)
    )
    median = params.numpy()[:, source.context :, 0]
    scale = start.state.scale
    np.testing.assert_allclose(median * scale.scale + scale.location, rollout, **CLOSE)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_what_makes_the_validation_worse_is_not_kept():
    table = table_of([24], freq="QS")[["unique_id", "ds", "y"]]
    untrained = Forecaster(steps=0).fit(table)

    tuned = Forecaster(start="pretrained", steps=2, learning_rate=10.0).fit(table)

    record = tuned.model_.trained
    assert (record.kept_step, record.steps_on_all_rows) == (0, 0)
    np.testing.assert_allclose(tuned.predict(6)["forecast"], untrained.predict(6)["forecast"])
    assert "  weights: the pretrained ones, since training made the validation loss worse" in (
        summary(tuned.model_)
    )


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_training_is_repeated_on_all_rows_and_gives_calibrated_intervals():
    table = table_of([24, 24], freq="QS", missing=0.1)
    options = {"start": "pretrained", "learning_rate": 1e-4, "target": "y", "known": ["price"]}

    model = Forecaster(**options, steps=3).fit(table[["unique_id", "ds", "y", "price"]]).model_

    known = first_start(model.config).weights
    assert (model.trained.kept_step, model.trained.steps_on_all_rows) == (3, 3)
    whole = Forecaster(**options, steps=3, holdout=0).fit(model.panel(table)).model_
    for name, array in model.weights.items():
        np.testing.assert_array_equal(array, whole.weights[name])
    assert not np.array_equal(model.weights["head.kernel"], known["head.kernel"])
    assert model.weights["decoder_0.kernel"][22].any()  # the price has found its way in
    assert model.calibration is not None
    assert not model.is_zero_shot
    future = future_of(model.panel(table), 3)[["ds", "price"]]
    forecast = model.predict(3, levels=80, future=future)
    assert (forecast["forecast-lo-80"] < forecast["forecast"]).all()
    assert (forecast["forecast"] < forecast["forecast-hi-80"]).all()


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("head", "feedback"), [("normal", "scheduled"), ("student_t", "free"), ("quantiles", "teacher")]
)
def test_other_heads_and_regimes_are_trained(head, feedback):
    table = table_of([24, 20], freq="QS", missing=0.1)[["unique_id", "ds", "y"]]
    options = {"head": head, "feedback": feedback, "steps": 2, "holdout": 3}

    model = Forecaster(start="pretrained", **options).fit(table).model_

    assert model.trained.phases == (feedback,)
    assert model.trained.steps_on_all_rows == 2
    before = first_start(model.config).weights
    assert all((model.weights[name] != array).any() for name, array in before.items())
    forecast = model.predict(3, levels=80)
    assert (forecast["forecast-lo-80"] < forecast["forecast"]).all()
    assert (forecast["forecast"] < forecast["forecast-hi-80"]).all()


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_new_inputs_learn_faster_than_those_of_the_pretrained_network():
    table = table_of([24, 24], freq="QS")[["unique_id", "ds", "y", "price"]]
    options = {"start": "pretrained", "steps": 1, "holdout": 0, "known": ["price"]}

    model = Forecaster(**options).fit(table).model_

    moved = np.abs(
        model.weights["decoder_0.kernel"] - first_start(model.config).weights["decoder_0.kernel"]
    )
    is_new = np.arange(len(moved)) == len(moved) - 3  # before the two counts
    # the first step of Adam is as long as the learning rate
    np.testing.assert_allclose(np.median(moved[is_new]), NEW_RATE * RATE, rtol=0.02)
    np.testing.assert_allclose(np.median(moved[~is_new]), RATE, rtol=0.02)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_an_interrupted_repetition_leaves_the_weights_of_the_first_training():
    table = table_of([24], freq="QS")[["unique_id", "ds", "y"]]
    options = {"start": "pretrained", "steps": 2, "learning_rate": 1e-4}
    rounds = []

    def interrupt(progress):
        rounds.append(progress.step)
        if len(rounds) > 2:
            raise KeyboardInterrupt

    model = Forecaster(**options).fit(table, progress=interrupt).model_

    assert rounds == [1, 2, 1]
    assert (model.trained.kept_step, model.trained.steps_on_all_rows) == (2, 0)
