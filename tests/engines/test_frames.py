"""The same verbs on frames of Dask, Spark and Ray, each real, as on a table of pandas."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast import DataError, Model, OptionError
from forecast.data.to_panel import to_panel
from forecast.engines import tasks
from forecast.engines.frames import engine_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),  # Spark's toPandas
    pytest.mark.filterwarnings("ignore:toPandas attempted Arrow"),  # what failed follows
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Spark's socket to Java stays open
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),  # of its own settings
]
LEVELS = (50, 80)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
ENGINES = ["dask", "spark", pytest.param("ray", marks=pytest.mark.ray)]


@pytest.fixture(params=ENGINES)
def spread(request):
    """Turns a table of pandas into a frame of several partitions, its rows in any order."""
    if request.param == "dask":
        import dask.dataframe as dd

        make = lambda table: dd.from_pandas(table, npartitions=3)  # noqa: E731
    elif request.param == "ray":
        data = request.getfixturevalue("ray_data")
        make = lambda table: data.from_pandas(table).repartition(3)  # noqa: E731
    else:
        session = request.getfixturevalue("spark")
        make = lambda table: session.createDataFrame(table).repartition(3)  # noqa: E731
    return lambda table: make(table.sample(frac=1, random_state=0, ignore_index=True))


def collected(frame, **options):
    """The rows of a frame in pandas; options are Dask's."""
    if hasattr(frame, "compute"):
        return frame.compute(**options)
    return frame.toPandas() if hasattr(frame, "toPandas") else frame.to_pandas()


def assert_same(frame, expected, by=("shop", "date")):
    """Equal but for the order of series, numbers to rounding."""
    by = [*by, *(["path"] if "path" in expected else [])]
    found = collected(frame).sort_values(by, ignore_index=True)
    expected = expected.sort_values(by, ignore_index=True)
    assert found.columns.tolist() == expected.columns.tolist()
    for name in found:
        if pd.api.types.is_float_dtype(expected[name].dtype):
            np.testing.assert_allclose(found[name], expected[name], **CLOSE)
        else:
            assert found[name].tolist() == expected[name].tolist()


def shops(lengths=(12, 9, 15, 8, 30), seed=0):
    rng = np.random.default_rng(seed)
    tables = []
    for k, length in enumerate(lengths):
        dates = pd.date_range("2024-03-25", periods=length)  # clocks change on the 31st
        sold = rng.gamma(4.0, 2.5, length)
        price = rng.normal(size=length).round(2)
        columns = {"shop": f"shop {k}", "date": dates, "sold": sold, "price": price}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def future_of(table, steps, seed=1):
    rng = np.random.default_rng(seed)
    rows = []
    for name, own in table.groupby("shop"):
        dates = pd.date_range(own["date"].max(), periods=steps + 1)[1:]
        rows.append(pd.DataFrame({"shop": name, "date": dates, "price": rng.normal(size=steps)}))
    return pd.concat(rows, ignore_index=True)


@pytest.fixture(scope="module")
def table():
    return shops().drop(columns="price")


@pytest.fixture(scope="module")
def model(make_model, table):
    return make_model(to_panel(table), lags=(1, 3), head="student_t")


@pytest.fixture(scope="module")
def priced(make_model):
    """A model with a covariate, and its table."""
    from forecast.data import covariates

    table = shops()
    panel = to_panel(table, id="shop", time="date", target="sold", known=["price"])
    return make_model(panel, known=covariates.learn(panel.known, "the table")), table


def test_a_forecast_with_intervals(spread, model, table):
    frame = model.predict(3, spread(table), levels=LEVELS, seed=4)

    assert type(frame) is type(spread(table))
    assert_same(frame, model.predict(3, table, levels=LEVELS, seed=4))


def test_sample_paths(spread, model, table):
    forecast = model.rollout(2, spread(table), paths=3, seed=4)

    assert_same(forecast.path_table, model.rollout(2, table, paths=3, seed=4).path_table)


def test_covariates_of_each_series_and_of_all(spread, priced):
    model, table = priced
    own = future_of(table, 4)
    days = pd.date_range(table["date"].min(), periods=60)
    shared = pd.DataFrame({"date": days, "price": np.sin(np.arange(60.0))})
    for future in (own, shared):
        expected = model.predict(4, table, future=future)
        assert_same(model.predict(4, spread(table), future=spread(future)), expected)
    assert_same(model.predict(4, spread(table), future=shared), expected)


def test_states_are_kept_advanced_and_forecast(spread, model, table):
    is_old = table["date"] < "2024-04-01"
    old, new = table[is_old], table[~is_old]

    states = model.observe(model.encode(spread(old)), spread(new))

    expected = model.observe(model.encode(old), new)
    assert_same(
        model.predict(4, state=states, levels=80), model.predict(4, state=expected, levels=80)
    )


def test_a_single_series_needs_no_id(spread, make_model, table):
    one = table[table["shop"] == "shop 4"].drop(columns="shop").reset_index(drop=True)
    model = make_model(to_panel(one))

    assert_same(model.predict(2, spread(one)), model.predict(2, one), by=["date"])


def test_columns_of_odd_names_and_those_that_are_not_needed(spread, make_model, table):
    names = {"shop": 'shop "no."', "date": "day.of sale", "sold": "Umsatz.in €"}
    odd = table.rename(columns=names)
    model = make_model(to_panel(odd))

    frame = model.predict(2, spread(odd.assign(note=["a"] * len(odd))))

    assert_same(frame, model.predict(2, odd), by=('shop "no."', "day.of sale"))


def test_a_backtest(spread, model, table):
    asked = {"horizon": 3, "cutoffs": 3, "levels": 80}

    found = model.backtest(spread(table), **asked)

    expected = model.backtest(
        table, **asked, stride=3, baselines=["naive", "seasonal_naive", "drift"]
    )
    assert_same(found.table, expected.table, by=("shop", "cutoff", "date"))
    means = collected(found.by_forecast).groupby("model").mean(numeric_only=True)
    overall = expected.overall.drop(columns=["wql", "owa"], errors="ignore").sort_index()
    np.testing.assert_allclose(means[overall.columns].astype(float), overall, **CLOSE)


def test_a_bad_row_ends_the_work_with_one_line(spread, model, table):
    twice = pd.concat([table, table[20:21]], ignore_index=True)

    with pytest.raises(Exception) as caught:  # noqa: PT011 - of the engine
        collected(model.predict(2, spread(twice)))

    lines = [line for line in str(caught.value).splitlines() if "series 'shop 1', row" in line]
    assert len(lines) == 1
    assert "2024-04-02 is in row" in lines[0]
    assert "Traceback" not in str(caught.value)
    assert "\tat " not in str(caught.value)


def test_or_is_reported(spread, model, table):
    twice = pd.concat([table, table[20:21]], ignore_index=True)

    found = collected(model.predict(2, spread(twice), bad_series="report"))

    assert found[found["error"].notna()]["shop"].tolist() == ["shop 1"]
    expected = model.predict(2, table).query("shop != 'shop 1'")
    good = found[found["error"].isna()].drop(columns="error").sort_values(["shop", "date"])
    np.testing.assert_allclose(good["forecast"], expected["forecast"], **CLOSE)


def test_workers_import_no_tensorflow(spread, model, table):
    """Within what runs there; Dask's threads are those of this process, so it gets others."""
    engine = engine_of(spread(table))
    frame = engine.prepared(spread(table), model)
    task = tasks.forecasting(model, {"history": engine.schema(frame)}, 2)
    forecast = task.work

    def work(*given):
        found = forecast(*given)
        heavy = {"tensorflow", "keras", "sklearn", "matplotlib"} & sys.modules.keys()
        if heavy:
            raise AssertionError(heavy)
        return found

    frame = engine.run(replace(task, work=work), {"history": frame}, frame)

    found = collected(frame, scheduler="processes")
    assert len(found) == 2 * table["shop"].nunique()


# Refusals, before anything is computed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 0}, "horizon is 0"),
        (
            {"horizon": 2, "bad_series": "skip"},
            "bad_series is 'skip'; it must be one of",
        ),
        ({"horizon": 2, "series": ["shop 1"]}, "filter the frame"),
        ({"horizon": 2, "levels": 100}, "100"),
    ],
)
def test_options_are_refused_at_once(options, message, model, table):
    import dask.dataframe as dd

    with pytest.raises(OptionError, match=message):
        model.predict(history=dd.from_pandas(table, npartitions=2), **options)


def test_a_backtest_is_refused_at_once(model, table):
    import dask.dataframe as dd

    frame = dd.from_pandas(table, npartitions=2)
    untrained = Model.untrained(to_panel(table))
    for options, message in [
        ({"cutoffs": 0}, "cutoffs is 0"),
        ({"baselines": ["best"]}, "there are naive"),
        ({"bad_series": "skip"}, "it must be one of raise, report"),
    ]:
        with pytest.raises(OptionError, match=message):
            model.backtest(frame, 2, **options)
    with pytest.raises(OptionError, match="on an engine backtest a model that was trained"):
        untrained.backtest(frame, 2)


def test_a_missing_column_is_named_at_once(model, table):
    import dask.dataframe as dd

    frame = dd.from_pandas(table.rename(columns={"date": "day"}), npartitions=2)

    with pytest.raises(DataError, match="no column 'date', which the model was trained with"):
        model.predict(2, frame)


def test_frames_of_two_kinds_are_refused(model, table):
    import dask.dataframe as dd

    states = model.encode(dd.from_pandas(table, npartitions=2))

    with pytest.raises(
        OptionError, match="state is a dask DataFrame, new rows is a pandas DataFrame"
    ):
        model.observe(states, table)


def test_what_would_be_passed_over_is_refused(model, table):
    import dask.dataframe as dd

    frame = dd.from_pandas(table, npartitions=2)
    states = model.encode(frame)

    with pytest.raises(OptionError, match="a history or a state to continue, not both"):
        model.predict(2, frame, state=states)
    with pytest.raises(OptionError, match="fill_gaps= and future= do not go with frames"):
        model.observe(states, frame, fill_gaps=True)
