"""`Forecaster.tune`: options chosen by the error of forecasts, set, and trained with."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone

from forecast import DataError, Forecaster, ForecastError, OptionError
from forecast.datasets import load
from forecast.fitting import candidate
from forecast.tuning.search import Pruned

UNITS = {"units": [2, 3, 5]}


@pytest.fixture
def seen(untrained, monkeypatch):  # noqa: ARG001 - whose trainings are recorded
    """What each training is given: its rows, its plan and its budget."""
    trainings = []
    fit = sys.modules["forecast.training.fit"].fit

    def record(config, plan, windows, seed, budget, *_):
        trainings.append(SimpleNamespace(plan=plan, windows=windows, budget=budget, seed=seed))
        return fit(config, plan, windows, seed)

    monkeypatch.setattr(sys.modules["forecast.training.fit"], "fit", record)
    return trainings


@pytest.mark.usefixtures("untrained")
def test_the_best_options_are_set_and_its_model_is_that_of_a_fit_with_them(sales):
    tuned = Forecaster(seed=1).tune(sales, space=UNITS)

    best = tuned.tuning_.options
    assert tuned.units == best["units"]
    by_hand = Forecaster(seed=1, **best).fit(sales)
    assert tuned.predict(7).equals(by_hand.predict(7))
    assert tuned.model_.record == by_hand.model_.record
    assert tuned.budget == "5m"


@pytest.mark.usefixtures("untrained")
def test_a_clone_is_not_tuned_and_has_the_chosen_options(sales):
    tuned = Forecaster(seed=1).tune(sales, space=UNITS)

    assert clone(tuned).get_params() == tuned.get_params()
    assert not hasattr(clone(tuned), "tuning_")


@pytest.mark.usefixtures("untrained")
def test_the_error_of_a_trial_is_that_of_a_training_before_the_first_cutoff(sales):
    tuned = Forecaster(seed=1).tune(sales, space=UNITS, horizon=5)

    place = sales.groupby("store").cumcount()
    model = Forecaster(seed=1).fit(sales[place < 60 - 20]).model_  # cutoffs 20, 15 and 10 before
    chosen = model.backtest(sales[place < 55], 5, 3, stride=5, levels=()).overall
    last = model.backtest(sales, 5, 1, levels=()).overall
    default = tuned.tuning_.default
    assert default.error == pytest.approx(chosen.loc["forecast", "mase"], rel=1e-9)
    assert default.test_error == pytest.approx(last.loc["forecast", "mase"], rel=1e-9)
    assert tuned.tuning_.naive_error == pytest.approx(chosen.loc["seasonal_naive", "mase"])


def test_trials_see_the_rows_before_the_first_cutoff_and_the_last_training_all(seen, sales):
    Forecaster(seed=1, start="scratch").tune(sales, space=UNITS, horizon=5)

    assert [np.diff(one.windows.indptr).tolist() for one in seen] == [[40, 40]] * 4 + [[60, 60]]
    assert {one.seed for one in seen} == {1}
    assert sorted(one.plan.units for one in seen[:4]) == [2, 3, 5, 32]


def test_the_time_is_shared_evenly_and_what_is_left_is_for_the_last_training(seen, sales):
    rates = {"learning_rate": (1e-3, 1e-2)}

    Forecaster(seed=1, start="scratch").tune(sales, trials=3, space=rates, budget=100)
    *trials, last = (one.budget for one in seen)
    assert trials == [25.0] * 3
    assert 25.0 <= last <= 100.0

    seen.clear()
    limited = Forecaster(seed=1, start="scratch", budget=10)
    limited.tune(sales, trials=3, space=rates, budget=100)
    assert [one.budget for one in seen] == [10.0] * 4  # its own limit of any training


@pytest.mark.usefixtures("untrained")
def test_the_space_that_suits_the_table_is_tried_by_default(sales):
    tuning = Forecaster(seed=1, units=4).tune(sales, trials=3).tuning_

    assert [*tuning.default.options] == [
        *("network", "context", "layers", "learning_rate", "batch_size", "feedback", "transform"),
    ]
    assert tuning.default.options["context"] == 7


@pytest.mark.usefixtures("untrained")
def test_stopped_and_called_again_it_goes_on(sales, tmp_path):
    whole = Forecaster(seed=1).tune(sales, trials=6)
    storage = tmp_path / "sales.journal"

    part = Forecaster(seed=1).tune(sales, trials=3, storage=storage)
    resumed = Forecaster(seed=1).tune(sales, trials=6, storage=storage)

    columns = ["trial", "state", "error", *whole.tuning_.default.options]
    assert resumed.tuning_.table[columns].equals(whole.tuning_.table[columns])
    assert part.tuning_.table[columns].equals(whole.tuning_.table[columns][:3])
    assert resumed.predict(3).equals(whole.predict(3))


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"seed": 2}, "seed"),
        ({"head": "student_t"}, "options"),
        ({"space": {"units": [2, 4]}}, "space"),
        ({"horizon": 5}, "horizon and cutoffs"),
        ({"cutoffs": 2}, "cutoffs"),
        ({"table": 1.5}, "table"),
    ],
)
def test_trials_of_another_table_or_request_are_not_gone_on_with(sales, tmp_path, change, what):
    storage = tmp_path / "sales.journal"
    Forecaster(seed=1).tune(sales, trials=2, space=UNITS, storage=storage)
    table = sales.assign(sold=sales["sold"] * change.pop("table", 1.0))
    options = {"seed": 1, **{name: change.pop(name) for name in ("seed", "head") if name in change}}

    with pytest.raises(ForecastError, match=f"its trials are of another {what};"):
        Forecaster(**options).tune(table, trials=2, storage=storage, **{"space": UNITS, **change})


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(
    ("options", "choice", "message"),
    [
        ({"steps": 0}, {}, "steps is 0: the pretrained network forecasts as it is"),
        ({}, {"trials": 0}, "trials is 0; it must be a whole number of at least 1"),
        ({}, {"budget": "1m"}, "budget is '1m': 1.94 s for each of 30 trials"),
        ({}, {"budget": "soon"}, "budget is 'soon'; give seconds, or text"),
        ({}, {"space": {"unit": [1]}}, "'unit' is not an option of the training"),
        ({"units": 8}, {"space": UNITS}, "units is set to 8, and is to be tried too"),
        ({"network": "gru"}, {}, "network is 'gru'"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(sales, options, choice, message):
    with pytest.raises(OptionError, match=message):
        Forecaster(**options).tune(sales, **choice)


@pytest.mark.usefixtures("untrained")
def test_a_table_that_is_too_short_is_refused_with_what_to_do(sales):
    short = sales.groupby("store").head(14)

    with pytest.raises(DataError, match="needs one with at least 12; the last 4 rows of each"):
        Forecaster().tune(short)
    with pytest.raises(DataError, match="6 cutoffs need a series of more than 70 rows"):
        Forecaster().tune(sales, horizon=10, cutoffs=6, stride=10)


@pytest.mark.usefixtures("untrained")
def test_without_optuna_nothing_is_begun(sales, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)

    with pytest.raises(ForecastError, match="tuning needs the package optuna"):
        Forecaster().tune(sales)


@pytest.mark.usefixtures("untrained")
def test_covariates_come_along(sales):
    table = sales.assign(price=np.arange(len(sales)) % 5, region=sales["store"])

    tuned = Forecaster(known="price", static="region").tune(table, trials=2, space=UNITS)

    assert tuned.tuning_.default.error > 0
    assert [one.name for one in tuned.model_.config.known] == ["price"]


# Real trainings


@pytest.mark.slow
def test_a_better_choice_wins():
    """A network that hardly moves from its random weights loses to one that learns."""
    forecaster = Forecaster(units=8, steps=40, feedback="teacher", transform="log", seed=1)

    tuned = forecaster.tune(load("air_passengers"), space={"learning_rate": [1e-7, 2e-2]})

    idle = next(t for t in tuned.tuning_.trials if t.options["learning_rate"] == 1e-7)
    assert tuned.tuning_.best is not idle
    assert tuned.tuning_.best.error < 0.9 * idle.error
    assert tuned.model_.record.plan.learning_rate >= 5e-3


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_training_is_looked_at_after_each_round_and_can_be_ended_there(make_random_panel):
    panel, shares, errors = make_random_panel([60]), [], []

    def look(share, network):
        shares.append(share)
        errors.append(network().predict(2)["forecast"].tolist())
        if share >= 0.5:
            raise Pruned

    with pytest.raises(Pruned):
        candidate(Forecaster(units=2, steps=4, feedback="teacher"), panel, 60.0, None, look)

    assert shares == [0.25, 0.5]
    assert errors[0] != errors[1]  # the network of that moment
    predictor = candidate(
        Forecaster(units=2, steps=4, feedback="teacher"), panel, 60.0, None, lambda *_: None
    )
    assert len(predictor.predict(2)) == 2  # the next training is not disturbed
