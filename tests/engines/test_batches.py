from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import DataError, ForecastWarning, OptionError
from forecast.data.to_table import to_table
from forecast.engines.batches import NEW_ROWS, STATE, marked, whole_series
from forecast.engines.tasks import encoding, forecast_batch, forecasting, observing

LEVELS = (50, 80)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(scope="module")
def panel(make_random_panel):
    return make_random_panel([12, 9, 15, 8, 30], frequency="D", missing=0.1)


@pytest.fixture(scope="module")
def model(make_model, panel):
    return make_model(panel, lags=(1, 3), head="student_t")


@pytest.fixture(scope="module")
def history(panel):
    return pa.Table.from_pandas(to_table(panel), preserve_index=False)


def assert_same(table, expected, model):
    """Equal in the order of series and time, numbers to rounding."""
    names = [name for name in (model.config.schema.id, model.config.schema.time) if name]
    table = table.to_pandas() if isinstance(table, pa.Table) else table
    table, expected = (
        part.sort_values([*names, *(["path"] if "path" in part else [])], ignore_index=True)
        for part in (table, expected)
    )
    assert table.columns.tolist() == expected.columns.tolist()
    for name in table:
        if pd.api.types.is_float_dtype(expected[name].dtype):
            np.testing.assert_allclose(table[name], expected[name], **CLOSE)
        else:
            assert table[name].tolist() == expected[name].tolist()


@settings(deadline=None, max_examples=20)
@given(rows=st.integers(1, 100), order=st.permutations(range(74)))
def test_a_forecast_is_the_same_in_parts_of_any_size_and_order(model, panel, history, rows, order):
    shuffled = history.take(pa.array(order))

    found = forecast_batch(model, shuffled, 3, levels=LEVELS, seed=4, rows=rows)

    assert_same(found, model.predict(3, panel, levels=LEVELS, seed=4), model)


@pytest.mark.parametrize("paths", [1, 5])
def test_sample_paths_are_the_same_in_parts(model, panel, history, paths):
    found = forecast_batch(model, history, 3, paths=paths, seed=4, rows=10)

    assert_same(found, model.rollout(3, panel, paths=paths, seed=4).path_table, model)


@pytest.mark.parametrize("rows", [1, 1000])
def test_a_silent_series_is_forecast_from_its_last_row_in_any_part(model, panel, rows):
    """In a whole table other series tell its empty rows from a future that is prepared."""
    silent = panel.target.copy()
    silent[panel.indptr[2] - 3 : panel.indptr[2]] = np.nan
    table = to_table(replace(panel, target=silent))

    found = forecast_batch(model, pa.Table.from_pandas(table, preserve_index=False), 3, rows=rows)

    assert_same(found, model.predict(3, table), model)


def test_what_holds_for_all_parts_is_said_once(make_model, panel, history):
    model = make_model(panel, horizon=2)

    with pytest.warns(ForecastWarning, match="practised 2 of the 5 steps") as caught:
        forecast_batch(model, history, 5, rows=1)

    assert len([one for one in caught if one.category is ForecastWarning]) == 1


def test_id_and_time_have_the_types_of_the_history(model, history):
    fields = [("store", pa.large_string()), ("day", pa.date32()), ("sold", pa.float32())]

    found = forecast_batch(model, history.cast(pa.schema(fields)), 2)

    assert found.schema == pa.schema([*fields[:2], ("forecast", pa.float64())])
    assert found["day"].to_pylist()[:2] == model.predict(2)["day"].dt.date.tolist()[:2]


def test_no_rows_give_no_forecast(model, history):
    found = forecast_batch(model, history.slice(0, 0), 2, levels=80)

    assert found.num_rows == 0
    assert found.column_names == [
        "store", "day", "forecast", "forecast-lo-80", "forecast-hi-80"
    ]  # fmt: skip


def test_a_series_that_cannot_be_used_ends_the_work_with_its_name(model, history):
    twice = pa.concat_tables([history, history.slice(20, 1)])

    with pytest.raises(DataError, match=r"^series 'b', row 9, column 'day': 1970-01-09 is in row"):
        forecast_batch(model, twice, 2)


@pytest.mark.parametrize("rows", [1, 1000])
def test_or_is_reported_beside_the_forecasts_of_the_others(model, panel, history, rows):
    twice = pa.concat_tables([history, history.slice(20, 1)])

    found = forecast_batch(model, twice, 2, reports=True, rows=rows).to_pandas()

    wrong = found[found["error"].notna()]
    assert wrong["store"].tolist() == ["b"]
    assert wrong["error"].item().startswith("series 'b', row 9, column 'day': 1970-01-09 is in row")
    assert wrong[["day", "forecast"]].isna().all(axis=None)
    others = model.predict(2, panel).query("store != 'b'")
    assert_same(found[found["error"].isna()].drop(columns="error"), others, model)


def test_rows_without_an_id_are_refused(model, history):
    nameless = history.set_column(0, "store", pa.nulls(len(history), pa.string()))

    with pytest.raises(DataError, match="store"):
        forecast_batch(model, pa.concat_tables([history, nameless.cast(history.schema)]), 2)


def test_a_table_without_a_column_is_refused(model, history):
    with pytest.raises(DataError, match="no column 'day', which the model was trained with"):
        forecast_batch(model, history.drop_columns("day"), 2)


def test_a_model_of_a_wide_table_is_refused(make_model, make_random_panel, history):
    panel = make_random_panel([9, 9], frequency="D")
    wide = make_model(replace(panel, schema=replace(panel.schema, layout="wide", id=None)))

    with pytest.raises(OptionError, match="an engine needs a model of a long table"):
        forecast_batch(wide, history, 2)


def test_an_option_that_does_not_fit_is_no_series_that_cannot_be_used(model, history):
    with pytest.raises(OptionError, match="horizon is 0"):
        forecast_batch(model, history, 0, reports=True)


# States as rows


def rows_until(history, days):
    times = history["day"].to_pandas()
    first = times.min()
    return history.filter(pa.array((times - first).dt.days < days))


def outcome(task, tables):
    found = task.run(marked(tables, task.id).to_batches(), rows=10)
    return pa.concat_tables([task.schema.empty_table(), *found])


def test_states_observe_new_rows_and_are_forecast(model, history):
    """All but the first days of series that end before are no new rows."""
    old = rows_until(history, 8)
    new = history.filter(pa.array(history["day"].to_pandas() > old["day"].to_pandas().max()))
    states = outcome(encoding(model, {"history": old}), {"history": old})
    assert states.column_names == ["store", "day", "state"]
    tables = {STATE: states, NEW_ROWS: new}

    after = outcome(observing(model, tables), tables)

    expected = model.observe(model.encode(old), new)
    task = forecasting(model, {STATE: after}, 4, levels=(80,))
    assert_same(outcome(task, {STATE: after}), model.predict(4, state=expected, levels=80), model)
    assert (
        after["day"].to_pandas().tolist()
        == model.config.schema.column(expected.frequency, expected.time).tolist()
    )


def test_a_series_without_a_state_gets_one_from_its_rows(model, history):
    old = history.filter(pa.array(history["store"].to_pandas() != "c"))
    states = outcome(encoding(model, {"history": old}), {"history": old})
    new = history.filter(pa.array(history["store"].to_pandas() == "c"))
    tables = {STATE: states, NEW_ROWS: new}

    after = outcome(observing(model, tables), tables)

    whole = outcome(encoding(model, {"history": history}), {"history": history})
    assert after.sort_by("store").equals(whole.sort_by("store"))


# Where batches are cut


@given(
    lengths=st.lists(st.integers(1, 6), max_size=12),
    rows=st.integers(1, 20),
    sizes=st.lists(st.integers(1, 9), min_size=30, max_size=30),
)
def test_batches_are_cut_where_a_series_ends(lengths, rows, sizes):
    ids = pa.array(np.repeat(np.arange(len(lengths)), lengths))
    table = pa.table({"id": ids, "row": pa.array(np.arange(len(ids)))})
    batches, begin = [], 0
    for size in sizes:
        batches += table.slice(begin, size).to_batches()
        begin += size

    parts = list(whole_series(batches, "id", rows))

    seen = table.slice(0, sum(sizes))
    assert pa.concat_tables([table.slice(0, 0), *parts]).equals(seen)
    owners = [{*part["id"].to_pylist()} for part in parts]
    assert sum(map(len, owners)) == len({*seen["id"].to_pylist()})
    longest = max(lengths, default=0)
    assert all(rows <= part.num_rows < rows + longest for part in parts[:-1])
    assert not parts or parts[-1].num_rows <= rows + longest + max(sizes)


def test_rows_without_an_id_are_kept_together():
    table = pa.table({"id": ["a", "b", "b", None, None, None]})

    parts = list(whole_series(table.to_batches(max_chunksize=2), "id", 1))

    assert [part["id"].to_pylist() for part in parts] == [["a"], ["b", "b"], [None] * 3]


def test_a_table_of_one_series_is_never_cut():
    batches = pa.table({"row": pa.array(range(50))}).to_batches(max_chunksize=7)

    (part,) = whole_series(batches, None, 10)

    assert part["row"].to_pylist() == list(range(50))
