from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data.origin import TableOrigin
from forecast.service.plain_rows import plain_panel
from forecast.service.records import frame

ORIGIN = TableOrigin("rows")


@pytest.fixture(scope="module", params=["D", "h", "MS", "B", "1"])
def model(request, make_model, make_random_panel):
    return make_model(make_random_panel([9, 12, 10], frequency=request.param))


def plain(rows, model):
    return plain_panel(rows, model.config, lambda ids: {*ids} <= {*model.state.ids.tolist()})


def rows_after(model, data):
    """A row for each of some series, some steps after its state, as a client may write it."""
    config, rows = model.config, []
    ids = data.draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True))
    ahead = data.draw(st.integers(-20, 400))
    for name in ids:
        ordinal = int(model.state.select([name]).time[0]) + ahead * config.frequency.step
        time = config.frequency.times(np.array([ordinal]))[0]
        if config.frequency.unit == "integer":
            written = int(time)
        else:
            written = data.draw(st.sampled_from([str(time), time.isoformat()]))
            written = written.removesuffix(data.draw(st.sampled_from([":00", " 00:00:00", ""])))
        value = data.draw(st.floats(-1e6, 1e6) | st.integers(-1000, 1000) | st.none())
        rows.append({"store": name, "day": written, "sold": value})
    return rows


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_plain_rows_are_read_as_a_table_is(model, data):
    rows = rows_after(model, data)

    ours = plain(rows, model)

    theirs = model.panel(frame(rows), ORIGIN, all_missing=True)
    assert ours is not None
    for name in ("ids", "indptr", "start", "target"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    assert ours.frequency == theirs.frequency
    assert ours.source == theirs.source


ROW = {"store": "a", "day": "1970-01-20", "sold": 1.0}


@pytest.mark.parametrize(
    "rows",
    [
        [{**ROW, "day": "20.01.1970"}],
        [{**ROW, "day": "1970-02-30"}],
        [{**ROW, "day": "1970-01-20T00:00:00Z"}],
        [{**ROW, "day": 20}],
        [{**ROW, "day": True}],
        [{**ROW, "sold": "1"}],
        [{**ROW, "sold": True}],
        [{**ROW, "sold": 2**60}],
        [{**ROW, "sold": float("inf")}],
        [{**ROW, "store": "unknown"}],
        [{**ROW, "more": 1}],
        [{"store": "a", "day": "1970-01-20"}],
        [ROW, {**ROW, "day": "1970-01-21"}],
    ],
)
def test_other_rows_are_left_to_the_reader_of_tables(make_model, make_random_panel, rows):
    assert plain(rows, make_model(make_random_panel([9], frequency="D"))) is None


def test_a_saturday_among_business_days_is_left_to_it_too(make_model, make_random_panel):
    model = make_model(make_random_panel([9], frequency="B"))

    assert plain([{**ROW, "day": "1970-01-16"}], model) is not None
    assert plain([{**ROW, "day": "1970-01-17"}], model) is None


def test_times_of_another_type_than_dates_are_left_to_it(make_model, make_random_panel):
    panel = make_random_panel([9], frequency="D")
    model = make_model(replace(panel, schema=replace(panel.schema, time_dtype="date")))

    assert plain([ROW], model) is None
