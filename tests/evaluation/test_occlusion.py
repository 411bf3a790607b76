"""What inputs do to a forecast, on a network whose step is a weighted sum that can be followed."""
# ruff: noqa: ARG002, ARG003, ARG004 - what all networks take

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast import DataError, Forecaster, OptionError
from forecast.data.covariates import Covariate, CovariateColumns
from forecast.data.future_covariates import FutureCovariates
from forecast.evaluation.occlusion import KNOWN, LAGS, PAST, ROWS, STATIC, lag_groups, stretches
from forecast.inference.encoding import encode
from forecast.inference.members import Core
from forecast.model import Model
from forecast.nn import NETWORKS
from forecast.nn.layers import Linear

PRICE = Covariate("price", 2.0, 1.0, (), has_missing=False)
PROMO = Covariate("promo", 0.0, 1.0, ("no", "yes"), has_missing=False)
SIZE = Covariate("size", 0.0, 1.0, (), has_missing=False)


@dataclass(frozen=True)
class WeightedSum:
    """A network without memory: a step is a weighted sum of its inputs."""

    head: Any

    LAG_FLAGS = False
    ENCODES = False
    FEEDS_BACK = True

    @classmethod
    def of(cls, xp, sizes, arrays):
        return cls(Linear.of(xp, "head", arrays))

    @classmethod
    def shapes(cls, sizes):
        return Linear.shapes("head", sizes.inputs, sizes.outputs)

    @staticmethod
    def state_shapes(sizes, batch_size):
        return {}

    @staticmethod
    def initial_state(batch_size):
        return {}

    def observe(self, x, state):
        return state

    def advance(self, x, state):
        return self.head(x), state

    def absorb(self, run, x, state):
        return state


@pytest.fixture
def make_sum(make_config, monkeypatch):
    """Makes a model whose scaled value is a weighted sum of the inputs that are named.

    Inputs: last, the lags, whether the last one was observed, then those of covariates.
    """
    monkeypatch.setitem(NETWORKS, "sum", WeightedSum)

    def make(panel, weights, **choices):
        config = make_config(panel, network="sum", **choices)
        kernel = np.zeros((config.inputs, 1), np.float32)
        for place, weight in weights.items():
            kernel[place] = weight
        arrays = {"head.kernel": kernel, "head.bias": np.zeros(1, np.float32)}
        core = Core(config, arrays)
        state = encode(panel, config, core.step, core.fingerprint)
        return Model(config=config, weights=arrays, state=state)

    return make


def columns(categories=((),), **cells):
    """Columns of covariates."""
    return CovariateColumns(tuple(cells), np.column_stack([*cells.values()]), tuple(categories))


def with_price(panel, price, promo=None):
    """The panel with the prices of its rows, and perhaps promotions."""
    rows = len(panel.target)
    cells = {"price": np.resize(price, rows)}
    categories = [()]
    if promo is not None:
        cells["promo"] = np.resize(promo, rows)
        categories.append(PROMO.categories)
    return replace(panel, known=columns(categories, **cells))


def future_of(panel, steps, known, **cells):
    """The covariates of the steps behind a panel of one series."""
    rows = panel.cut(np.array([0]), np.array([steps]), np.array([0]))
    start = panel.start + panel.lengths * panel.frequency.step
    categories = [covariate.categories for covariate in known]
    rows = replace(rows, start=start, known=columns(categories, **cells))
    return FutureCovariates.of(rows, known)


def effect_of(explanation, kind, place=0):
    """The effect of one factor of a kind, (S, H)."""
    effects = explanation.effects
    own = [k for k, factor in enumerate(effects.factors) if factor.kind == kind]
    return effects.effects[own[place]]


def scale_of(model):
    return model.state.scale.scale[0, 0]


# Covariates


def test_the_effect_of_a_price_is_its_weight_times_its_distance_from_the_usual_one(
    make_sum, make_panel
):
    panel = with_price(make_panel([5.0, 7.0] * 8), [1.0, 3.0])  # 2 on average
    model = make_sum(panel, {2: 0.5}, known=(PRICE,))
    future = future_of(panel, 3, (PRICE,), price=[1.0, 2.0, 4.0])

    explanation = model.explain(3, panel, future=future)

    np.testing.assert_allclose(
        effect_of(explanation, KNOWN), [0.5 * scale_of(model) * np.array([-1, 0, 2])], atol=1e-6
    )
    assert (effect_of(explanation, PAST) == 0).all()  # the network has no memory


def test_a_covariate_without_weight_has_exactly_no_effect(make_sum, make_panel):
    panel = with_price(make_panel([5.0, 7.0, 6.0, 9.0] * 4), [1.0, 3.0, 2.0], [0.0, 1.0, 1.0])
    model = make_sum(panel, {2: 0.5}, known=(PRICE, PROMO))
    future = future_of(panel, 2, (PRICE, PROMO), price=[1.0, 4.0], promo=[0.0, 1.0])

    explanation = model.explain(2, panel, future=future)

    assert explanation.summary["factor"][0] == "price"
    assert (effect_of(explanation, KNOWN, 1) == 0).all()


def test_the_effect_of_a_category_is_that_of_its_weight_less_the_share_of_days_that_have_it(
    make_sum, make_panel
):
    panel = with_price(make_panel([5.0, 7.0] * 8), [2.0], [0.0, 0.0, 0.0, 1.0])  # a quarter
    model = make_sum(panel, {4: 2.0}, known=(PRICE, PROMO))
    future = future_of(panel, 2, (PRICE, PROMO), price=[2.0, 2.0], promo=[1.0, 0.0])

    explanation = model.explain(2, panel, future=future)

    expected = 2.0 * scale_of(model) * np.array([[0.75, -0.25]])
    np.testing.assert_allclose(effect_of(explanation, KNOWN, 1), expected, atol=1e-6)


def test_single_effects_of_a_sum_leave_nothing_to_interactions(make_sum, make_panel):
    panel = with_price(make_panel([5.0, 7.0] * 8), [1.0, 3.0], [0.0, 0.0, 0.0, 1.0])
    model = make_sum(panel, {2: 0.5, 4: 2.0}, known=(PRICE, PROMO))
    future = future_of(panel, 2, (PRICE, PROMO), price=[1.0, 3.0], promo=[1.0, 0.0])

    groups = model.explain(2, panel, future=future).groups.set_index("kind")

    assert groups.loc[KNOWN, "joint"] > 0
    assert groups.loc[KNOWN, "interactions"] == pytest.approx(0, abs=1e-6)


def test_a_price_that_never_changed_has_an_effect_where_it_will(make_sum, make_panel):
    panel = with_price(make_panel([5.0, 7.0] * 8), [2.0])
    model = make_sum(panel, {2: 0.5}, known=(PRICE,))
    future = future_of(panel, 2, (PRICE,), price=[2.0, 3.0])

    explanation = model.explain(2, panel, future=future)

    expected = 0.5 * scale_of(model) * np.array([[0.0, 1.0]])
    np.testing.assert_allclose(effect_of(explanation, KNOWN), expected, atol=1e-6)
    assert (effect_of(explanation, PAST) == 0).all()


def test_cells_that_are_missing_in_the_history_are_not_drawn(make_sum, make_panel):
    panel = with_price(make_panel([5.0, 7.0] * 8), [1.0, np.nan, 3.0, np.nan])
    model = make_sum(panel, {2: 0.5}, known=(PRICE,))
    future = future_of(panel, 1, (PRICE,), price=[2.5])

    effect = effect_of(model.explain(1, panel, future=future), KNOWN)

    np.testing.assert_allclose(effect, [[0.5 * scale_of(model) * 0.5]], atol=1e-6)


def test_a_static_covariate_takes_the_values_of_all_series(make_sum, make_panel):
    panel = make_panel([5.0, 7.0] * 4, [5.0, 7.0] * 4)
    panel = replace(panel, static=columns(size=[1.0, 3.0]))
    model = make_sum(panel, {2: 1.0}, static=(SIZE,))

    both, one = model.explain(2, panel), model.explain(2, panel, series=["b"])

    np.testing.assert_allclose(
        effect_of(both, STATIC), scale_of(model) * np.array([[-1, -1], [1, 1]]), atol=1e-6
    )
    np.testing.assert_allclose(effect_of(one, STATIC), effect_of(both, STATIC)[1:], atol=1e-6)


# Lags and the history


def test_without_a_lag_a_step_has_the_mean_of_its_scale(make_sum, make_panel):
    values = [4.0, 6.0, 5.0, 9.0, 4.0, 6.0, 5.0, 9.0]  # 6 on average
    model = make_sum(make_panel(values), {1: 1.0}, lags=(4,))

    explanation = model.explain(4, make_panel(values))

    np.testing.assert_allclose(explanation.effects.forecast, [[4, 6, 5, 9]], atol=1e-5)
    np.testing.assert_allclose(effect_of(explanation, LAGS), [[-2, 0, -1, 3]], atol=1e-5)


def test_a_stretch_of_the_history_has_the_effect_of_its_rows_being_missing(make_sum, make_panel):
    panel = make_panel([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    model = make_sum(panel, {0: 1.0})  # the last value once more

    explanation = model.explain(2, panel)

    names = [factor.name for factor in explanation.effects.factors]
    assert names == ["the last 2 rows", "rows 3 to 4 back", "rows before the last 4"]
    np.testing.assert_allclose(explanation.effects.forecast, [[6, 6]], rtol=1e-6)
    np.testing.assert_allclose(effect_of(explanation, ROWS), [[3.5, 3.5]], rtol=1e-6)  # less 2.5
    np.testing.assert_allclose(effect_of(explanation, ROWS, 1), [[0, 0]], atol=1e-5)


def test_a_series_that_would_have_no_value_left_has_no_effect_of_a_stretch(make_sum, make_panel):
    panel = make_panel([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 2.0])
    model = make_sum(panel, {0: 1.0})

    explanation = model.explain(2, panel)

    effect = effect_of(explanation, ROWS)
    assert np.isnan(effect).tolist() == [[False] * 2, [True] * 2]
    assert explanation.summary["absolute"][0] == pytest.approx(3.5)  # of the series that has one


def test_lags_that_follow_each_other_are_left_out_together():
    assert lag_groups((7, 14)) == [(7,), (14,)]
    assert lag_groups((2, 12, 13, 24, 0, 0)) == [(2,), (12, 13), (24,)]
    assert lag_groups(()) == lag_groups((1, 0)) == []


@pytest.mark.parametrize("rows", [1, 7, 8, 14, 15, 30, 500])
def test_stretches_cover_every_row_once_unless_there_is_one_only(rows):
    ranges = stretches(rows, 7)

    covered = [row for first, end in ranges for row in range(first, end)]
    assert covered == ([*range(rows)] if rows > 7 else [])


# Of any model


def test_an_explanation_is_that_of_the_forecast_that_rollout_makes(make_model, make_panel):
    rng = np.random.default_rng(1)
    panel = make_panel(rng.gamma(4, 2, 40), rng.gamma(4, 2, 30))
    model = make_model(panel, lags=(3,))

    explanation = model.explain(5, panel)

    forecast = model.predict(5, panel)["forecast"]
    assert explanation.table["forecast"][:10].tolist() == forecast.tolist()
    assert len(explanation.table) == len(explanation.effects.factors) * 10


def test_a_series_has_the_same_effects_alone_and_among_others(make_model, make_panel):
    rng = np.random.default_rng(2)
    panel = make_panel(rng.gamma(4, 2, 40), rng.gamma(4, 2, 40))
    panel = with_price(panel, rng.gamma(2, 1, 80))
    model = make_model(panel, known=(PRICE,))
    future = [future_of(panel.take(np.array([s])), 4, (PRICE,), price=[1, 2, 3, 4]) for s in (0, 1)]

    alone = model.explain(4, panel.take(np.array([1])), future=future[1])
    shared = replace(future[0], is_shared=True)
    among = model.explain(4, panel, future=shared).effects.effects[:, 1]

    np.testing.assert_allclose(alone.effects.effects[:, 0], among, rtol=1e-4, atol=1e-5)


def test_a_mean_of_members_is_explained_as_it_is_forecast(sales):
    from forecast.data.to_panel import to_panel

    model = Model.untrained(to_panel(sales))

    explanation = model.explain(7, sales)

    forecast = model.predict(7, sales)["forecast"]
    np.testing.assert_allclose(explanation.effects.forecast.ravel(), forecast, rtol=1e-6)
    assert {LAGS, ROWS} == {factor.kind for factor in explanation.effects.factors}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "price"}, "target is 'price'; the model forecasts sold"),
        ({"draws": 0}, "draws"),
        ({"seed": -1}, "seed"),
        ({"series": ["z"]}, "no series"),
    ],
)
def test_what_cannot_be_explained_is_one_line(options, message, make_model, make_panel):
    panel = make_panel([1.0, 2.0, 4.0])

    with pytest.raises((OptionError, DataError), match=message):
        make_model(panel).explain(2, panel, **options)


def test_a_table_whose_time_has_the_name_of_an_effect_is_refused(make_model, make_panel):
    panel = make_panel([1.0, 2.0, 4.0])
    panel = replace(panel, schema=replace(panel.schema, time="factor"))

    with pytest.raises(DataError, match="the effects have a column 'factor' of their own"):
        make_model(panel).explain(1, panel).table  # noqa: B018 - the access is the test


def test_the_words_name_the_largest_effects_and_what_is_left(make_sum, make_panel):
    panel = with_price(make_panel([5.0, 7.0] * 8), [1.0, 3.0], [0.0, 0.0, 0.0, 1.0])
    model = make_sum(panel, {2: 0.5, 4: 2.0}, known=(PRICE, PROMO))
    future = future_of(panel, 2, (PRICE, PROMO), price=[1.0, 3.0], promo=[1.0, 0.0])

    explanation = model.explain(2, panel, future=future)
    sentences = [*explanation.sentences()]

    assert sentences[0].startswith("Mean absolute effect on sold over 2 steps of 1 series")
    assert sentences[1].startswith("future covariates, drawn from their history: promo 1 (")
    assert any(line.startswith("future: all at once") for line in sentences)
    assert repr(explanation).startswith("Explanation(1 series, 2 steps; promo, price")


@pytest.mark.slow
def test_a_trained_network_says_which_covariates_matter_and_how_much():
    rng = np.random.default_rng(0)
    rows, horizon, times = 400, 14, np.arange(414)
    promo, other = (rng.random(len(times)) < 0.25).astype(float), rng.normal(size=len(times))
    temperature = rng.normal(size=len(times))
    y = 50 + 8 * np.sin(2 * np.pi * times / 7) + 10 * promo + 3 * temperature
    table = pd.DataFrame({"day": pd.date_range("2023-01-01", periods=len(times)), "y": y})
    table = table.assign(promo=promo, temperature=temperature, other=other)
    known = ["promo", "temperature", "other"]
    model = Forecaster(target="y", known=known, steps=250, seed=1).fit(table[:rows]).model_

    explanation = model.explain(horizon, table[:rows], future=table[rows:].drop(columns="y"))

    covariates = explanation.summary.query(f"kind == '{KNOWN}'")
    assert covariates["factor"].tolist() == known
    effect = effect_of(explanation, KNOWN)[0]
    true = 10 * (promo[rows:] - promo[:rows].mean())
    assert np.corrcoef(effect, true)[0, 1] > 0.98
    np.testing.assert_allclose(effect, true, atol=2.5)
