"""What a fit records of its training, and of the steps that it held out."""

import json

import numpy as np
import pytest

import forecast
from forecast import Forecaster, TrainingRecord
from forecast.data.to_panel import to_panel
from forecast.evaluation import holdout
from forecast.inference.network_rollout import make_step

TINY = {"steps": 2, "units": 2, "holdout": 0, "feedback": "teacher"}  # compiles once


def test_the_model_knows_how_it_was_trained(trained):
    record = trained.model_.record

    assert (record.series, record.rows, record.ended) == (2, 120, "planned")
    assert record.library == forecast.__version__
    assert (record.plan.steps, record.plan.units) == (6, 4)
    assert [progress.step for progress in record.rounds] == [1, 2, 3, 4, 5, 6]
    assert record.comparison.steps == record.plan.holdout
    assert record.comparison.series == 2
    assert TrainingRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_a_record_knows_when_the_budget_has_lowered_the_plan(make_record):
    from forecast.training.progress import PlanChange

    record = make_record(ended="budget", changes=(PlanChange(20, 61.5, 40, 30),))

    written = json.loads(json.dumps(record.to_json()))

    assert written["changes"] == [{"step": 20, "seconds": 61.5, "before": 40, "after": 30}]
    assert TrainingRecord.from_json(written) == record
    del written["changes"]  # as in models of version 0.1.0
    assert TrainingRecord.from_json(written) == make_record(ended="budget")


def test_the_comparison_is_that_of_the_last_steps_with_all_before_them(trained, sales):
    comparison = trained.model_.record.comparison
    steps = comparison.steps
    before = sales.groupby("store").head(60 - steps)
    after = sales.groupby("store").tail(steps)

    errors = trained.predict(steps, before)["forecast"].to_numpy() - after["sold"].to_numpy()
    naive = np.concatenate(
        [[*one["sold"].tail(7)] * (steps // 7 + 1) for _, one in before.groupby("store")]
    )
    naive = naive.reshape(2, -1)[:, :steps].ravel() - after["sold"].to_numpy()

    assert comparison.mae == pytest.approx(np.abs(errors).mean(), rel=1e-6)
    assert comparison.naive_mae == pytest.approx(np.abs(naive).mean(), rel=1e-9)


@pytest.mark.usefixtures("eager")
def test_without_a_holdout_there_is_no_comparison_but_there_is_progress(sales):
    heard = []

    model = Forecaster(**TINY).fit(sales, progress=heard.append).model_

    assert model.record.comparison is None
    assert model.record.plan.holdout == 0
    assert [(progress.step, progress.steps) for progress in heard] == [(1, 2), (2, 2)]


@pytest.mark.usefixtures("eager")
def test_an_interrupted_fit_leaves_a_model_that_forecasts(sales):
    def control_c(progress):
        if progress.step == 4:
            raise KeyboardInterrupt

    few = {"units": 2, "batch_size": 4, "feedback": "teacher"}
    forecaster = Forecaster(steps=40, **few).fit(sales, progress=control_c)

    assert forecaster.model_.record.ended == "interrupted"
    assert np.isfinite(forecaster.predict(3)["forecast"]).all()


@pytest.mark.slow
def test_a_wave_without_a_season_is_learned(make_panel):
    wave = make_panel(20 + 5 * np.sin(2 * np.pi * np.arange(150) / 12.3))

    choices = {"steps": 120, "units": 16, "feedback": "free", "seed": 1}
    comparison = Forecaster(**choices).fit(wave).model_.record.comparison

    assert comparison.mae < 0.5 * comparison.naive_mae


@pytest.mark.usefixtures("eager")
def test_no_leak_held_out_values_change_neither_the_weights_nor_the_forecast_held_against_them(
    monkeypatch, make_random_panel, make_panel
):
    series = make_random_panel([40, 40]).target.reshape(2, 40)
    final, tail = series.copy(), series.copy()
    final[:, 35:] *= 7  # held out for the comparison
    final[0, 36] = np.nan
    tail[:, 30:35] *= 7  # held out for the validation
    compared = []

    def note(history, actual, forecast, season):  # noqa: ARG001
        compared.append((history.target.tobytes(), actual.tobytes(), forecast.tobytes()))

    monkeypatch.setattr(holdout, "compare", note)
    choices = {"holdout": 5, "steps": 2, "units": 2, "context": 8, "transform": "auto"}
    plain, other_final, other_tail = (
        Forecaster(**choices).fit(make_panel(*values)).model_ for values in (series, final, tail)
    )

    for name, array in plain.weights.items():
        assert other_final.weights[name].tobytes() == array.tobytes()
    assert compared[1][0] == compared[0][0]
    assert compared[1][1] != compared[0][1]
    assert compared[1][2] == compared[0][2]
    losses, final_losses, tail_losses = (
        [(progress.loss, progress.validation_loss) for progress in model.record.rounds]
        for model in (plain, other_final, other_tail)
    )
    assert final_losses == losses
    assert [loss for loss, _ in tail_losses] == [loss for loss, _ in losses]
    assert all(ours[1] != other[1] for ours, other in zip(losses, tail_losses, strict=True))


# The holdout, and interrupts


@pytest.mark.parametrize("name", ["seq2seq", "attention"])
@pytest.mark.usefixtures("untrained")
def test_the_gap_of_a_decoder_is_that_of_the_decoder_on_the_same_steps(sales, name):
    """Fed with true values or its own, it starts from the memory that the encoder leaves."""
    plain = {"network": name, "transform": "none", "bounds": "none"}
    model = Forecaster(**TINY | {"holdout": 3, **plain}).fit(sales).model_

    panel = to_panel(sales)
    history, actual = panel.until(6), panel.until(3).target.reshape(2, -1)[:, -3:]
    state, fed_true = model.encode(history), []
    cell = make_step(model.config, model.weights)
    value, memory = state.value, state.memory
    scaled = (actual - state.scale.location) / state.scale.scale
    for step, true in enumerate(scaled.T):
        times = state.times_after(step + 1)[step]
        calendar = model.config.frequency.calendar(times, model.config.cycles)
        params, memory = cell.advance(value, memory, calendar)
        fed_true.append(params[:, 0] * state.scale.scale[:, 0] + state.scale.location[:, 0])
        value = true[:, None].astype(np.float32)
    season, past = model.config.season, history.target.reshape(2, -1)
    scale = np.abs(past[:, season:] - past[:, :-season]).mean(axis=1)
    expected = (np.abs(np.stack(fed_true) - actual.T) / scale).mean(axis=1)
    np.testing.assert_allclose(model.record.exposure.one_step, expected, rtol=1e-5)


@pytest.mark.slow
def test_nothing_observed_where_the_validation_lies_is_no_validation(make_panel):
    values = np.sin(np.arange(60.0))
    values[-8:-4] = np.nan

    model = Forecaster(**TINY | {"steps": 40, "holdout": 4}).fit(make_panel(values)).model_

    assert {progress.validation_loss for progress in model.record.rounds} == {None}
    assert (model.record.ended, model.record.kept_step) == ("planned", 40)


@pytest.mark.usefixtures("eager")
def test_training_that_ends_before_a_regimes_turn_says_so(sales):
    short = Forecaster(**TINY | {"steps": 3, "feedback": "teacher>free"}).fit(sales).model_.record
    full = Forecaster(**TINY | {"steps": 8, "feedback": "teacher>free"}).fit(sales).model_.record

    assert (short.phases, full.phases) == (("teacher",), ("teacher", "free"))
    # the last quarter is that of free
    assert (short.phase_starts, full.phase_starts) == ((0,), (0, 6))


@pytest.mark.usefixtures("untrained")
def test_training_records_the_exposure_gap_of_the_validation_tail(sales):
    forecaster = Forecaster(**TINY | {"holdout": 3}).fit(sales)

    gap = forecaster.model_.record.exposure
    assert [len(errors) for errors in (gap.one_step, gap.rollout)] == [3, 3]
    # the same by hand: a model that has seen all but the last 2 x 3 rows
    panel = to_panel(sales)
    history, model = panel.until(6), forecaster.model_
    actual = panel.until(3).target.reshape(2, -1)[:, -3:]
    state = model.encode(history)
    rollout = model.predict(3, state=state)["forecast"].to_numpy().reshape(2, 3)
    ahead = [model.predict(1, state=state)["forecast"]]
    for true in actual.T[:-1]:
        state = model.observe(state, true)
        ahead.append(model.predict(1, state=state)["forecast"])
    season = model.config.season
    past = history.target.reshape(2, -1)
    scale = np.abs(past[:, season:] - past[:, :-season]).mean(axis=1, keepdims=True)
    for found, expected in ((gap.rollout, rollout), (gap.one_step, np.stack(ahead, 1))):
        errors = (np.abs(expected - actual) / scale).mean(axis=0)
        np.testing.assert_allclose(found, errors, rtol=1e-5)


@pytest.mark.parametrize("interrupted", ["comparisons_of", "exposure_of"])
@pytest.mark.usefixtures("untrained")
def test_an_interrupt_after_training_keeps_the_model(monkeypatch, sales, interrupted):
    def control_c(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(holdout, interrupted, control_c)

    model = Forecaster(**TINY | {"holdout": 3}).fit(sales).model_

    assert model.record.exposure is None
    assert (model.record.comparison is None) == (interrupted == "comparisons_of")
    assert len(model.predict(2)) == 4


@pytest.mark.usefixtures("untrained")
def test_without_a_holdout_no_gap_is_recorded(sales):
    assert Forecaster(**TINY | {"holdout": 0}).fit(sales).model_.record.exposure is None
