"""Columns beside the target: read, encoded, and carried through a model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forecast
from forecast.data.covariates import (
    Covariate,
    CovariateColumns,
    encode,
    learn,
    read_columns,
    unfamiliar_values,
)
from forecast.data.future_covariates import FutureCovariates
from forecast.data.number_columns import NumberReader
from forecast.data.origin import Place, TableOrigin
from forecast.data.to_panel import to_panel
from forecast.data.to_table import to_table
from forecast.errors import DataError, ForecastError, OptionError

NAN = float("nan")
PRICE = Covariate("price", 2.0, 0.5, (), has_missing=False)
KIND = Covariate("kind", 0.0, 1.0, ("food", "toys"), has_missing=True)
REGION = Covariate("region", 0.0, 1.0, ("east", "west"), has_missing=False)


def columns_of(table, **categorical):
    place = Place(TableOrigin("sales.csv", first_line=2), pd.RangeIndex(len(table)))
    return read_columns(NumberReader(table, place), table.columns, categorical)


def read(cells, **how):
    """A column's cells as (values, categories)."""
    columns = columns_of(pd.DataFrame({"x": cells}), **how)
    return columns.values[:, 0].tolist(), columns.categories[0]


# Reading


@pytest.mark.parametrize(
    ("cells", "values", "categories"),
    [
        ([1, 2.5], [1.0, 2.5], ()),
        (["1", "2.5"], [1.0, 2.5], ()),
        ([True, False], [1.0, 0.0], ()),
        (["true", "False"], [1.0, 0.0], ()),
        (pd.array([3, 4], dtype="Int64"), [3.0, 4.0], ()),
        (["toys", "food"], [1.0, 0.0], ("food", "toys")),
        (pd.Categorical([7, 5]), [1.0, 0.0], ("5", "7")),
    ],
)
def test_a_column_is_numbers_or_categories_in_alphabetical_order(cells, values, categories):
    assert read(cells) == (values, categories)


@pytest.mark.parametrize(
    "cells", [[1.0, None], ["food", None], ["food", " n/a "], pd.array([1, None], dtype="Int64")]
)
def test_a_missing_cell_is_nan(cells):
    values, _ = read(cells)

    assert np.isnan(values).tolist() == [False, True]


def test_a_category_of_whole_numbers_has_one_name_with_and_without_a_point():
    assert read(pd.Categorical([1, 2])) == read(pd.Categorical([1.0, 2.0]))
    assert read([1.0, 2.0], x=True) == ([0.0, 1.0], ("1", "2"))


@pytest.mark.parametrize(
    ("cells", "how", "message"),
    [
        ([1.0, np.inf], {}, "sales.csv, line 3, column 'x': inf is infinite"),
        (["2", "cheap"], {"x": False}, "sales.csv, line 3, column 'x': found 'cheap', where a num"),
        (pd.date_range("2024-01-01", periods=2), {}, "column 'x': found neither numbers nor cat"),
        ([[1], [2]], {}, "column 'x': found neither numbers nor categories"),
    ],
)
def test_a_column_that_is_neither_is_refused(cells, how, message):
    with pytest.raises(DataError, match=message):
        read(cells, **how)


# Encoding


def test_numbers_are_standardised_and_a_missing_one_is_the_mean():
    inputs = PRICE.encode(np.array([2.0, 3.0, NAN]), ())

    assert inputs.tolist() == [[0.0], [2.0], [0.0]]


def test_a_category_is_an_input_of_its_own_and_a_flag_tells_missing_cells():
    inputs = KIND.encode(np.array([1.0, 0.0, 2.0, NAN]), ("food", "toys", "wine"))

    food, toys, unknown, missing = [1, 0, 1], [0, 1, 1], [0, 0, 1], [0, 0, 0]
    assert inputs.tolist() == [toys, food, unknown, missing]
    assert KIND.width == 3


def test_categories_are_told_by_name_whatever_their_places_are():
    inputs = KIND.encode(np.array([0.0, 1.0]), ("apples", "toys"))

    assert inputs[:, :2].tolist() == [[0, 0], [0, 1]]


def test_columns_are_found_by_name_in_the_order_of_the_covariates():
    columns = CovariateColumns(("kind", "price"), np.array([[0.0, 3.0]]), (("food",), ()))

    assert encode(columns, (PRICE, KIND), 1).tolist() == [[2.0, 1.0, 0.0, 1.0]]


def test_what_is_learned_of_a_column():
    table = pd.DataFrame({"price": [1.0, 3.0, None], "kind": ["toys", "food", "toys"]})

    price, kind = learn(columns_of(table), "sales.csv")

    assert price == Covariate("price", 2.0, 1.0, (), has_missing=True)
    assert kind == Covariate("kind", 0.0, 1.0, ("food", "toys"), has_missing=False)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([4.0, 4.0], "column 'x' is 4 everywhere, which carries no information"),
        (["a", "a"], "column 'x' is 'a' everywhere, which carries no information"),
        ([None, None], "sales.csv: column 'x' has no value at all; leave it out"),
        ([f"c{k}" for k in range(101)], "column 'x' has 101 categories, at most 100 are supported"),
    ],
)
def test_a_column_that_says_nothing_or_too_much_is_refused(cells, message):
    with pytest.raises(DataError, match=message):
        learn(columns_of(pd.DataFrame({"x": cells})), "sales.csv")


def test_a_constant_with_missing_cells_still_says_where_they_are():
    (covariate,) = learn(columns_of(pd.DataFrame({"x": [4.0, None]})), "sales.csv")

    assert covariate.encode(np.array([4.0, NAN]), ()).tolist() == [[0.0, 1.0], [0.0, 0.0]]


def test_categories_that_training_has_not_seen_are_named():
    columns = CovariateColumns(("kind",), np.array([[0.0], [1.0]]), (("food", "wine"),))

    assert unfamiliar_values(columns, (PRICE, KIND), "x") == [
        "column 'kind' has categories unseen in training: 'wine'; encoded as zeros"
    ]


def test_a_column_without_any_known_category_is_refused():
    columns = CovariateColumns(("kind",), np.zeros((2, 1)), (("FOOD", "food"),))

    with pytest.raises(DataError, match="'FOOD', but training has seen only 'food', 'toys'"):
        unfamiliar_values(columns, (KIND,), "x")


def test_a_number_far_from_all_that_training_has_seen_is_told():
    columns = CovariateColumns(("price",), np.array([[2.1], [58.0], [NAN]]), ((),))

    assert unfamiliar_values(columns, (PRICE,), "x") == [
        "column 'price' has 58, far from the values seen in training (mean 2, standard deviation "
        "0.5)"
    ]
    assert unfamiliar_values(replace(columns, values=np.array([[6.9]])), (PRICE,), "x") == []


def test_rows_filled_into_a_gap_are_no_missing_cells_of_the_table(shops):
    (price,) = learn(gate(shops, known=["price"]).known, "shops")
    constant = gate(shops.assign(price=3.0), known=["price"])

    assert not price.has_missing
    with pytest.raises(DataError, match="column 'price' is 3 everywhere"):
        learn(constant.known, "shops")


# Through the gate


@pytest.fixture
def shops():
    """Two shops, out of order, with a day missing in the second."""
    return pd.DataFrame(
        {
            "shop": ["b", "a", "b", "a", "a"],
            "day": pd.to_datetime(
                ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-01", "2024-01-03"]
            ),
            "price": [5.0, 2.0, 6.0, 1.0, 3.0],
            "kind": ["x", "y", "x", "x", "y"],
            "region": ["west", "east", "west", "east", "east"],
            "sold": [50.0, 20.0, 60.0, 10.0, 30.0],
        }
    )


def gate(table, **how):
    return to_panel(table, **{"id": "shop", "target": "sold", "frequency": "D", **how})


def test_known_columns_follow_the_rows_and_static_ones_the_series(shops):
    panel = gate(shops, known=["price", "kind"], static=["region"])

    assert panel.target[:, 0].tolist()[:4] == [10, 20, 30, 50]
    assert panel.known.values[:4, 0].tolist() == [1, 2, 3, 5]
    assert panel.known.cells(1).tolist()[:3] == ["x", "y", "y"]
    assert np.isnan(panel.known.values[4]).all()  # the missing day
    assert panel.static.cells(0).tolist() == ["east", "west"]


@pytest.mark.parametrize(
    ("change", "prices"),
    [
        (lambda panel: panel.select(["b"]), [5, None, 6]),
        (lambda panel: panel.until(1), [1, 2, 5, None]),
        (lambda panel: panel.take(np.array([1, 0])), [5, None, 6, 1, 2, 3]),
        (lambda panel: panel.preceded_by(np.array([1, 0])), [None, 1, 2, 3, 5, None, 6]),
    ],
)
def test_known_columns_are_cut_and_moved_with_the_rows(shops, change, prices):
    panel = change(gate(shops, known=["price"], static=["region"]))

    found = [None if np.isnan(value) else value for value in panel.known.values[:, 0]]
    assert found == prices
    assert len(panel.static.values) == len(panel.ids)


def test_a_table_comes_back_with_its_covariates(shops):
    whole = shops.iloc[[3, 1, 4, 0, 2]].reset_index(drop=True)
    table = whole[whole["shop"] == "a"]
    columns = ["shop", "day", "sold", "price", "kind", "region"]

    back = to_table(gate(table, known=["price", "kind"], static=["region"]))

    pd.testing.assert_frame_equal(back, table[columns], check_dtype=False)


def test_covariates_are_neither_guessed_as_the_target_nor_told_as_unused(shops):
    panel = to_panel(shops, id="shop", known=["price", "kind"], static=["region"])

    assert panel.schema.targets == ("sold",)
    assert not any("not used" in note for note in panel.notes)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"known": ["cost"]}, "the table: no column 'cost'; it has 'shop', 'day', 'price'"),
        ({"known": ["sold"]}, "column 'sold' is given for two roles"),
        ({"static": ["price"]}, "column 'price' of series 'a' is both '1.0' and '2.0', but a st"),
        ({"static": ["kind"]}, "column 'kind' of series 'a' is both 'x' and 'y', but a static"),
    ],
)
def test_covariates_that_do_not_fit_the_table_are_refused(shops, how, message):
    with pytest.raises(DataError, match=message):
        gate(shops, **how)


def test_a_table_with_a_column_per_series_has_no_covariates():
    days = pd.date_range("2024-01-01", periods=3)
    wide = pd.DataFrame({"day": days, "a": [1, 2, 3], "b": [1, 2, 4], "price": [1, 2, 3]})

    with pytest.raises(DataError, match="a column per series has no place for 'price'; make it"):
        to_panel(wide, known=["price"])


# In a model


def with_prices(panel, ahead=6, seed=0):
    """The panel with prices, and a panel of as many rows to come for each of its series."""
    rng = np.random.default_rng(seed)
    region = CovariateColumns(
        ("region",), np.arange(len(panel.ids))[:, None] % 2.0, (REGION.categories,)
    )
    prices = CovariateColumns(("price",), rng.normal(2.0, 0.5, (len(panel.target), 1)), ((),))
    series = len(panel.ids)
    later = replace(
        panel,
        indptr=np.arange(series + 1) * ahead,
        start=panel.start + panel.lengths * panel.frequency.step,
        target=np.full((series * ahead, 1), NAN),
        known=CovariateColumns(("price",), rng.normal(2.0, 0.5, (series * ahead, 1)), ((),)),
    )
    return replace(panel, known=prices, static=region), later


@pytest.fixture
def priced(make_model, make_random_panel):
    """A model that takes prices and a region, its panel, and the prices to come."""
    panel, later = with_prices(make_random_panel([20, 13, 9]))
    model = make_model(
        panel, head="student_t", lags=(2,), known=(PRICE,), static=(REGION,), size=0.8
    )
    return model, panel, FutureCovariates.of(later, model.config.known)


def moved(ahead, row, config):
    """The covariates to come with another price in one row."""
    values = ahead.panel.known.values.copy()
    values[row] += 1.0
    return FutureCovariates.of(
        replace(ahead.panel, known=replace(ahead.panel.known, values=values)), config.known
    )


def test_a_price_changes_the_forecast_from_its_step_on_and_of_its_series_alone(priced):
    model, _, ahead = priced

    before = model.predict(6, future=ahead)["forecast"].to_numpy().reshape(3, 6)
    after = model.predict(6, future=moved(ahead, 6 + 3, model.config))["forecast"]
    changed = after.to_numpy().reshape(3, 6) != before

    assert changed.tolist() == [[False] * 6, [False] * 3 + [True] * 3, [False] * 6]


def test_a_price_after_the_horizon_changes_nothing(priced):
    model, _, ahead = priced

    before = model.predict(4, future=ahead)

    assert model.predict(4, future=moved(ahead, 5, model.config)).equals(before)


def test_a_region_changes_the_forecast_of_its_series(priced):
    model, panel, ahead = priced
    other = replace(panel.static, values=1.0 - panel.static.values)

    before = model.predict(3, panel, future=ahead)["forecast"]
    after = model.predict(3, replace(panel, static=other), future=ahead)["forecast"]

    assert (before != after).all()


@pytest.mark.slow
@given(first=st.integers(1, 5), seed=st.integers(0, 9))
@settings(deadline=None, max_examples=20)
def test_split_rollouts_with_prices_are_one(make_model, make_random_panel, first, seed):
    panel, later = with_prices(make_random_panel([12, 9], seed), seed=seed)
    model = make_model(panel, seed, head="student_t", known=(PRICE,), static=(REGION,))
    ahead = FutureCovariates.of(later, model.config.known)

    whole = model.rollout(6, paths=3, future=ahead)
    begun = model.rollout(first, paths=3, future=ahead)
    rest = model.rollout(6 - first, paths=3, state=begun.state, future=ahead)
    branches = model.rollout(6 - first, paths=1, state=begun.branches, future=ahead)

    parts = [part.table["forecast"].to_numpy().reshape(2, -1) for part in (whole, begun, rest)]
    np.testing.assert_allclose(np.concatenate(parts[1:], 1), parts[0], rtol=1e-6)
    later_paths = branches.paths.reshape(2, 3, 6 - first, 1)
    np.testing.assert_allclose(later_paths, whole.paths[:, :, first:], rtol=1e-5)


def test_a_series_with_prices_has_the_same_forecast_alone(priced):
    model, _, ahead = priced

    together = model.rollout(5, paths=2, future=ahead)
    alone = model.rollout(5, paths=2, future=ahead, series=["b"])

    np.testing.assert_allclose(alone.paths[0], together.paths[1], rtol=1e-5)


def test_observing_rows_with_prices_one_by_one_is_observing_them_all(priced, assert_equal_states):
    model, panel, ahead = priced
    rows = replace(ahead.panel, target=np.arange(18.0)[:, None] + 5, static=panel.static)

    at_once = model.observe(model.state, rows)
    one_by_one = model.state
    for t in range(6):
        picked = replace(
            rows,
            indptr=np.arange(4),
            start=rows.start + t * rows.frequency.step,
            target=rows.target[t::6],
            known=rows.known.take(np.arange(t, 18, 6)),
        )
        one_by_one = model.observe(one_by_one, picked)

    assert_equal_states(one_by_one, at_once)


def test_values_alone_are_observed_with_the_prices_given_beside_them(priced):
    model, panel, ahead = priced
    values = np.arange(18.0).reshape(3, 6) + 5
    rows = replace(ahead.panel, target=values.reshape(-1, 1), static=panel.static)

    assert model.observe(model.state, values, future=ahead) == model.observe(model.state, rows)
    with pytest.raises(DataError, match=r"takes the columns \['price'\] too; give the new rows as"):
        model.observe(model.state, values)


def test_a_stream_with_prices_is_the_rollout_and_takes_true_values(priced):
    model, _, ahead = priced

    stream = model.stream(future=ahead)
    steps = [next(stream).value for _ in range(6)]
    with pytest.raises(DataError, match="'price' of series 'a' must be known at 26, and of 2 mo"):
        next(stream)
    fed = model.stream(future=ahead)
    next(fed)
    sent = fed.send([1.0, 2.0, 3.0])

    table = model.predict(6, future=ahead)["forecast"].to_numpy().reshape(3, 6)
    np.testing.assert_allclose(np.stack(steps, 1), table, rtol=1e-6)
    observed = model.observe(model.state, [1.0, 2.0, 3.0], future=ahead)
    np.testing.assert_array_equal(
        sent.value, model.predict(1, state=observed, future=ahead)["forecast"]
    )


def test_a_rollout_that_ends_early_leaves_the_state_of_its_last_step(priced):
    model, _, ahead = priced

    ended = model.rollout(6, until=lambda path: len(path) == 4, future=ahead)

    np.testing.assert_allclose(
        ended.state.memory.network["hidden_0"],
        model.rollout(4, future=ahead).state.memory.network["hidden_0"],
        rtol=1e-5,
        atol=1e-7,
    )


@pytest.mark.slow
def test_the_compiled_rollout_takes_prices_too(priced):
    model, _, ahead = priced

    tables = [model.predict(5, future=ahead, runtime=runtime) for runtime in ("numpy", "compiled")]

    np.testing.assert_allclose(*(table["forecast"] for table in tables), rtol=1e-5)


def test_a_saved_model_knows_its_columns(priced, tmp_path):
    model, _, ahead = priced
    model.save(tmp_path / "model.forecast")

    loaded = forecast.load(tmp_path / "model.forecast")

    assert loaded.config == model.config
    assert loaded.state == model.state
    assert loaded.predict(4, future=ahead).equals(model.predict(4, future=ahead))


# Tables of the steps to come


@pytest.fixture
def shop_model(shops, make_model):
    """A model of the shops that takes their price and kind, and their region."""
    panel = gate(shops, known=["price", "kind"], static=["region"])
    known = learn(panel.known, "shops")
    return make_model(panel, known=known, static=learn(panel.static, "shops"))


def upcoming(days=3, **columns):
    """Rows of the days after those of the shops."""
    day = pd.date_range("2024-01-04", periods=days)
    return pd.DataFrame({"day": day, "price": 4.0, "kind": "y", **columns})


def test_a_table_without_ids_holds_for_every_series(shop_model):
    own = pd.concat([upcoming(shop=name) for name in ("a", "b")])

    shared = shop_model.predict(3, future=upcoming())

    assert shared.equals(shop_model.predict(3, future=own))
    assert shared["day"].nunique() == 3


def test_a_table_without_ids_holds_for_every_series_also_where_ids_are_numbers(shops, make_model):
    numbered = shops.assign(shop=shops["shop"].map({"a": 1, "b": 2}))
    panel = gate(numbered, known=["price", "kind"])
    model = make_model(panel, known=learn(panel.known, "shops"))

    shared = model.predict(3, future=upcoming())

    assert shared["shop"].tolist() == [1, 1, 1, 2, 2, 2]
    own = pd.concat([upcoming(shop=number) for number in (1, 2)])
    assert shared.equals(model.predict(3, future=own))


def test_rows_of_the_future_may_begin_earlier_and_end_later_and_hold_a_target(shop_model, shops):
    later = (upcoming(5, shop=name, sold=1e9) for name in ("b", "a"))
    whole = pd.concat([shops, *later])

    assert shop_model.predict(3, future=whole).equals(shop_model.predict(3, future=upcoming()))


def test_each_layout_of_one_series_has_a_future(make_model):
    days = pd.date_range("2024-01-01", periods=5)
    table = pd.DataFrame({"day": days, "price": [1.0, 2, 3, 4, 6], "sold": [4.0, 3, 2, 1, 2]})
    for form in (table, table.set_index("day")):
        panel = to_panel(form, known=["price"])
        model = make_model(panel, known=learn(panel.known, "x"))
        future = pd.DataFrame({"day": pd.date_range("2024-01-06", periods=2), "price": [2.0, 3.0]})
        future = future.set_index("day") if form is not table else future

        assert len(model.predict(2, future=future)) == 2


@pytest.mark.parametrize(
    ("future", "message"),
    [
        (upcoming(2), "'price', 'kind' of series 'a' must be known at 2024-01-06, and of 1 more"),
        (
            upcoming(1),
            r"must be known at 2024-01-05 … 2024-01-06 \(2 steps\), and of 1 more series; add",
        ),
        (upcoming(shop="a"), "'price', 'kind' of series 'b' must be known at 2024-01-04 … 2024-01"),
        (upcoming(shop="a"), r"every cell filled \(there is none of that series\)"),
        (upcoming(2), r"\(there are those from 2024-01-04 to 2024-01-05\)"),
        (upcoming(price=[4.0, None, 4.0]), "must be known at 2024-01-05, and of 1 more series"),
        (
            upcoming().assign(day=upcoming().day - pd.Timedelta(days=9)),
            "must be known at 2024-01-0",
        ),
        (upcoming().drop(columns="kind"), "no column 'kind'; it has 'day', 'price'"),
        (upcoming(price="cheap"), "column 'price': found 'cheap', where a number should be"),
        (upcoming().assign(day="soon"), "column 'day': "),
        (upcoming().iloc[:0], "no rows"),
        ([4.0, 4.0, 4.0], "the future is a list, where a DataFrame should be"),
    ],
)
def test_a_future_that_does_not_do_says_what_is_missing(shop_model, future, message):
    with pytest.raises(ForecastError, match=message):
        shop_model.predict(3, future=future)


def test_a_cell_may_be_missing_where_training_has_seen_such_but_a_row_may_not(
    make_model, make_panel
):
    panel = make_panel([5.0, 6.0, 7.0])
    prices = CovariateColumns(("price",), np.array([[1.0], [NAN], [3.0]]), ((),), (True,))
    panel = replace(panel, known=prices)
    model = make_model(panel, known=learn(prices, "x"))
    future = pd.DataFrame({"day": [3, 4, 5], "price": [2.0, NAN, 3.0], "store": "a"})

    assert len(model.predict(3, future=future)) == 3
    with pytest.raises(DataError, match="'price' of series 'a' must be known at 4; add those rows"):
        model.predict(3, future=future.drop(index=1))


def test_a_model_asks_for_the_columns_that_it_takes_and_for_no_others(
    shop_model, make_model, make_panel
):
    with pytest.raises(OptionError, match=r"\['price', 'kind'\]; give them with --future FILE"):
        shop_model.predict(3)
    with pytest.raises(OptionError, match="takes no future covariates; train"):
        make_model(make_panel([1.0, 2.0])).predict(1, future=upcoming())


def test_a_category_never_seen_is_told_and_taken_as_none(shop_model):
    ahead = shop_model.future_covariates(upcoming(kind=["z", "x", "y"]))

    assert ahead.panel.notes[-1].startswith("column 'kind' has categories unseen in training: 'z'")
    assert ahead.inputs[:, 1:].tolist() == [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]


def test_rows_of_known_series_need_no_static_columns_but_those_of_new_ones_do(shop_model):
    rows = upcoming(1, shop="a", sold=7.0)

    after = shop_model.observe(shop_model.state, rows)

    assert after.static.tolist() == shop_model.state.static.tolist()
    with pytest.raises(DataError, match=r"'c' comes without the columns \['region'\], which the m"):
        shop_model.observe(shop_model.state, upcoming(2, shop="c", sold=7.0))
    new = shop_model.observe(shop_model.state, upcoming(2, shop="c", sold=7.0, region="west"))
    assert new.static[2].tolist() == shop_model.state.static[1].tolist()


# Training


@pytest.mark.slow
def test_training_learns_what_a_column_says():
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=150)
    offer = rng.random(150) < 0.3
    table = pd.DataFrame({"day": days, "offer": offer, "sold": 10.0 + 20.0 * offer})
    forecaster = forecast.Forecaster(
        **{"target": "sold", "known": "offer", "context": 10, "feedback": "teacher"},
        **{"units": 8, "steps": 80, "learning_rate": 0.02},
    ).fit(table[:140])

    future = forecaster.predict(10, future=table[140:])

    truth = table["sold"][140:].to_numpy()
    assert np.abs(future["forecast"].to_numpy() - truth).mean() < 3.0
    comparison = forecaster.model_.record.comparison
    assert comparison.mase < 0.5 * comparison.naive_mase


@pytest.mark.parametrize("gap", [60, 112, 119])
@pytest.mark.usefixtures("eager")
def test_a_table_with_gaps_anywhere_can_be_trained_on(gap):
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=121)
    table = pd.DataFrame(
        {"day": days, "price": rng.normal(3, 1, 121), "sold": rng.normal(9, 1, 121)}
    )

    model = (
        forecast.Forecaster(target="sold", known="price", steps=1, units=2)
        .fit(table.drop(index=[gap]))
        .model_
    )

    assert not model.config.known[0].has_missing
    assert model.calibration is not None


def test_columns_are_given_by_name_and_once():
    for wrong, message in [
        ({"known": 5}, "known is 5; it must be a list of the names of columns"),
        ({"static": [1]}, r"static is \[1\]; it must be a list of the names of columns"),
        (
            {"known": ["a"], "static": "a"},
            "column 'a' is given twice among also, known and static; give it",
        ),
    ]:
        with pytest.raises(OptionError, match=message):
            forecast.Forecaster(**wrong).check()
