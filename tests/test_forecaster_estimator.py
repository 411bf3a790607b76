"""The forecaster keeps the rules of scikit-learn's estimators."""

import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from forecast import Forecaster, Model, OptionError, RollingOrigin
from forecast.evaluation.scoring import score

TINY = {"steps": 2, "units": 2, "holdout": 0, "feedback": "teacher"}  # compiles once


def test_every_choice_is_a_parameter_that_can_be_read_and_set():
    forecaster = Forecaster(head="student_t", units=8)

    signature = inspect.signature(Forecaster.__init__).parameters
    assert forecaster.get_params().keys() == signature.keys() - {"self"}
    assert forecaster.get_params()["units"] == 8
    assert forecaster.set_params(units=16, seed=5) is forecaster
    assert (forecaster.units, forecaster.seed, forecaster.head) == (16, 5, "student_t")
    with pytest.raises(ValueError, match="Invalid parameter 'depth'"):
        forecaster.set_params(depth=3)


def test_making_one_keeps_the_choices_as_they_are_and_checks_nothing():
    choices = {"units": "many", "budget": object()}

    forecaster = Forecaster(**choices)

    assert all(getattr(forecaster, name) is value for name, value in choices.items())


def test_choices_are_given_by_name_only():
    with pytest.raises(TypeError, match="positional"):
        Forecaster("store")


def test_a_clone_has_the_choices_but_not_the_fit(trained):
    copy = clone(trained)

    assert copy.get_params() == trained.get_params()
    assert not hasattr(copy, "model_")


def test_it_shows_the_choices_that_were_made():
    assert repr(Forecaster(units=8, seed=2)) == "Forecaster(seed=2, units=8)"


@pytest.mark.parametrize("method", ["predict", "rollout"])
def test_before_a_fit_it_says_that_it_is_not_fitted(method):
    with pytest.raises(NotFittedError, match="This Forecaster instance is not fitted yet"):
        getattr(Forecaster(), method)(3)


def test_what_a_fit_finds_ends_in_an_underscore(trained):
    found = vars(trained).keys() - trained.get_params().keys()

    assert found == {"model_"}
    assert isinstance(trained.model_, Model)


# scikit-learn's own checks of an estimator, those that put no array of numbers through it
CHECKS = (
    *("do_not_raise_errors_in_init_or_set_params", "estimator_cloneable", "estimator_repr"),
    *("estimator_tags_renamed", "estimators_unfitted", "get_params_invariance", "mixin_order"),
    *("no_attributes_set_in_init", "parameters_default_constructible", "set_params"),
    *("valid_tag_types",),
)


def test_scikit_learn_finds_that_its_rules_are_kept():
    from sklearn.utils import estimator_checks  # which brings much along

    for name in CHECKS:
        getattr(estimator_checks, f"check_{name}")("Forecaster", Forecaster(units=8))


def test_a_fit_can_be_pickled_by_those_who_want_to(trained):
    copy = pickle.loads(pickle.dumps(trained))

    assert copy.predict(3).equals(trained.predict(3))
    assert copy.get_params() == trained.get_params()


def test_a_fit_is_scored_on_the_rows_that_follow_it(trained):
    rows = trained.predict(5).assign(sold=lambda table: table["forecast"] + 1.0)

    assert trained.score(rows) == trained.score(rows, None) == score(trained.model_, rows) < 0
    with pytest.raises(NotFittedError, match="This Forecaster instance is not fitted yet"):
        Forecaster().score(rows)


@pytest.mark.usefixtures("untrained")
def test_folds_of_a_panel_are_scored_one_by_one(sales):
    forecaster = Forecaster(**TINY)

    scores = cross_val_score(forecaster, sales, cv=RollingOrigin(horizon=7, folds=2))

    by_hand = []
    for cutoff in (46, 53):
        fitted = clone(forecaster).fit(sales.groupby("store").head(cutoff))
        rows = sales.groupby("store").nth(slice(cutoff, cutoff + 7))
        by_hand.append(fitted.score(rows))
    assert scores.tolist() == by_hand


@pytest.mark.usefixtures("untrained")
def test_a_grid_is_searched_over_time_and_the_best_goes_on_with_all_rows(sales):
    table = sales[sales["store"] == "north"].drop(columns="store").set_index("day")
    grid = {"units": [2, 3]}
    cv = TimeSeriesSplit(n_splits=2, test_size=5)

    search = GridSearchCV(Forecaster(**TINY), grid, cv=cv, error_score="raise").fit(table)

    assert search.best_params_["units"] in (2, 3)
    assert search.best_score_ == max(search.cv_results_["mean_test_score"]) < 0
    assert search.predict(3)["day"][0] == table.index[-1] + pd.Timedelta(days=1)


@pytest.mark.usefixtures("untrained")
def test_known_columns_are_taken_from_the_rows_of_a_fold(sales):
    table = sales.assign(price=np.arange(len(sales)) % 5 + 1.0)

    scores = cross_val_score(
        Forecaster(known="price", target="sold", **TINY), table, cv=RollingOrigin(5, folds=1)
    )

    assert np.isfinite(scores).all()


def test_a_chain_of_pandas_gives_the_history_first(trained, sales):
    history = sales[sales["day"] < "2024-02-01"]

    chained = history.pipe(trained.predict, horizon=2)

    assert chained.equals(trained.predict(2, history))
    with pytest.raises(OptionError, match="horizon is a table; say how many steps, as in predict"):
        history.pipe(trained.predict)
