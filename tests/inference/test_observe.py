"""New rows taken in: invariant 3, forks, late starters, and rows that are out of place."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data.scaling import Scale
from forecast.data.to_panel import to_panel
from forecast.data.to_table import to_table
from forecast.errors import DataError, OptionError
from forecast.inference import encoding
from forecast.inference.encoding import encode, history_scale

NAN = np.nan
CLOSE = {"rtol": 1e-5, "atol": 1e-6}

lags = st.sets(st.integers(2, 8), max_size=2).map(lambda found: tuple(sorted(found)))
heads = st.sampled_from(["point", "student_t"])
rows_before_and_after = st.lists(
    st.tuples(st.integers(1, 15), st.integers(1, 10)), min_size=1, max_size=4
)


def assert_same_state(state, other):
    assert state.ids.tolist() == other.ids.tolist()
    for name, array in state.arrays().items():
        np.testing.assert_allclose(array, other.arrays()[name], **CLOSE, err_msg=name)


def first_rows(panel, lengths):
    return panel.cut(np.arange(len(panel.ids)), np.asarray(lengths))


def last_rows(panel, begin):
    """The panel without the first rows of each series."""
    begin = np.asarray(begin)
    keep = np.concatenate(
        [
            np.arange(a + b, e)
            for a, b, e in zip(panel.indptr, begin, panel.indptr[1:], strict=False)
        ]
    )
    return type(panel)(
        panel.ids,
        np.concatenate([[0], np.cumsum(panel.lengths - begin)]),
        panel.start + begin * panel.frequency.step,
        panel.target[keep],
        panel.frequency,
        panel.schema,
    )


def encoded_under(scale, model, panel):
    """The state of a whole history under a given scale."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "history_scale", lambda *_: scale)
        return encode(panel, model.config, model.step, model.state.fingerprint)


# Invariant 3


@given(rows=rows_before_and_after, lags=lags, head=heads, seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=40)
def test_streaming_new_rows_at_once_one_by_one_or_with_the_whole_history_are_the_same(
    make_model, make_random_panel, rows, lags, head, seed
):
    before, after = (np.array(part) for part in zip(*rows, strict=True))
    whole = make_random_panel((before + after).tolist(), seed, 0.3, frequency="D", first=19_800)
    whole.target[whole.indptr[:-1]] = 7.0  # so that every beginning has a value to scale by
    model = make_model(whole, seed, lags=lags, head=head, layers=2, cycles=("week",))
    begin = first_rows(whole, before)
    scale = history_scale(begin, begin.target, model.config.context)
    state = model.encode(begin)

    at_once = model.observe(state, last_rows(whole, before))
    one_by_one = state
    for k in range(int(after.max())):
        here = np.flatnonzero(after > k)
        some = first_rows(whole, np.minimum(before + k + 1, before + after)).take(here)
        one_by_one = model.observe(one_by_one, last_rows(some, (before + k)[here]))

    assert_same_state(at_once, encoded_under(scale, model, whole))
    assert_same_state(one_by_one, at_once)
    assert {array.dtype.name for array in at_once.memory.network.values()} == {"float32"}


@given(cut=st.integers(1, 11), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=20)
def test_streaming_many_series_in_lockstep_is_exact(
    make_model, make_random_panel, assert_equal_states, cut, seed
):
    whole = make_random_panel([12, 12, 12], seed, 0.2)
    model = make_model(whole, seed, lags=(3,))
    whole.target[whole.indptr[:-1]] = 7.0
    state = model.encode(whole.until(12 - cut))

    at_once = model.observe(state, last_rows(whole, [cut] * 3))
    for k in range(cut, 12):
        state = model.observe(state, whole.target.reshape(3, 12)[:, k])

    assert_equal_states(state, at_once)


def test_the_numbers_of_one_observed_row_by_hand(make_model, make_panel):
    model = make_model(make_panel([4.0, 8.0]), context=2, lags=(3,))  # scaled by 6 and 2

    state = model.observe(model.state, [12.0])

    assert state.value.tolist() == [[3.0]]
    np.testing.assert_array_equal(state.memory.recent[..., 0], [[-1.0, 1.0]])
    assert state.time.tolist() == [2]
    assert (state.extent.low.item(), state.extent.high.item()) == (4.0, 12.0)
    assert state.scale == Scale(np.array([[6.0]]), np.array([[2.0]]))


# The kinds of rows


def test_a_table_a_panel_and_an_array_of_the_same_rows_lead_to_the_same_state(
    make_model, make_random_panel
):
    whole = make_random_panel([9, 9], frequency="h", first=400_000)
    model = make_model(whole, lags=(2,), cycles=("day",))
    state, new = model.encode(whole.until(3)), last_rows(whole, [6, 6])

    observed = model.observe(state, new)

    assert model.observe(state, to_table(new)) == observed
    assert model.observe(state, to_table(new).sample(frac=1, random_state=0)) == observed
    assert model.observe(state, new.target.reshape(2, 3)) == observed
    assert model.observe(state, new.target.reshape(2, 3).tolist()) == observed


def test_one_number_is_a_row_of_one_series(make_model, make_panel):
    model = make_model(make_panel([4.0, 8.0]))

    assert model.observe(model.state, 5) == model.observe(model.state, [[5.0]])


def test_a_missing_value_is_observed_as_missing(make_model, make_panel):
    model = make_model(make_panel([4.0, 8.0], [1.0, 3.0]))

    state = model.observe(model.state, [NAN, 2.0])

    assert np.isnan(state.value[:, 0]).tolist() == [True, False]
    assert state.extent.high[:, 0].tolist() == [8.0, 3.0]


def test_a_table_without_any_value_is_taken_as_rows_of_a_silent_sensor(make_model, make_panel):
    model = make_model(make_panel([4.0, 8.0]))
    silent = pd.DataFrame({"store": ["a", "a"], "day": [2, 3], "sold": [NAN, NAN]})

    assert model.observe(model.state, silent) == model.observe(model.state, [[NAN, NAN]])


def test_a_new_series_without_any_value_is_refused(make_model, make_panel):
    model = make_model(make_panel([4.0, 8.0]))
    silent = pd.DataFrame({"store": ["new"], "day": [2], "sold": [NAN]})

    with pytest.raises(DataError, match="the table: series 'new' has no observed value; leave it"):
        model.observe(model.state, silent)


def test_some_series_move_on_and_the_others_stay(make_model, make_random_panel, make_panel):
    model = make_model(make_random_panel([5, 6, 7]), lags=(2,))
    new = make_panel([3.0, 4.0], ids=["b"], first=6)

    state = model.observe(model.state, new)

    assert state.ids.tolist() == ["a", "b", "c"]
    assert state.time.tolist() == [4, 7, 6]
    assert state.select(["a", "c"]) == model.state.select(["a", "c"])
    assert state.select(["b"]) == model.observe(model.state.select(["b"]), [[3.0, 4.0]])


def test_a_late_starter_gets_a_state_from_its_own_rows(make_model, make_random_panel, make_panel):
    model = make_model(make_random_panel([5, 6]), lags=(2,))
    late = make_panel([3.0, 4.0, 2.0], ids=["late"], first=90)
    together = make_panel([1.0], [3.0, 4.0, 2.0], ids=["a", "late"], first=[5, 90])

    state = model.observe(model.state, together)

    assert state.ids.tolist() == ["a", "b", "late"]
    assert state.select(["late"]) == model.encode(late)
    assert state.select(["b"]) == model.state.select(["b"])
    assert state.time.tolist() == [5, 5, 92]


def test_numbers_find_the_series_whose_ids_are_text_of_them(make_model, make_panel):
    model = make_model(make_panel([4.0, 8.0], [2.0, 3.0], ids=["7", "x"]))

    state = model.observe(model.state, make_panel([5.0], ids=[7], first=2))

    assert state.ids.tolist() == ["7", "x"]
    assert state.time.tolist() == [2, 1]


@pytest.mark.parametrize("layout", ["long", "wide", "one column", "series", "two levels"])
def test_new_rows_come_in_the_layout_of_the_training_table(make_model, layout):
    days = pd.date_range("2024-01-01", periods=12, freq="D", name="day")
    wide = pd.DataFrame({"n": np.arange(12.0), "s": np.arange(12.0) % 5}, index=days)
    long = wide.melt(ignore_index=False, var_name="shop", value_name="sold").reset_index()
    table = {
        "long": long,
        "wide": wide.reset_index(),
        "one column": wide.reset_index(),
        "series": wide["s"],
        "two levels": long.set_index(["shop", "day"]),
    }[layout]
    whole = to_panel(table, frequency="D")
    model = make_model(whole, lags=(2,))
    state = model.encode(whole.until(2))
    level = table.index if layout in ("series", "two levels") else table.set_index("day").index
    new = table[(level.get_level_values("day") > "2024-01-10")]
    new = new[["day", "s"]] if layout == "one column" else new

    after = model.observe(state, new)

    seen = ["s"] if layout == "one column" else after.ids.tolist()
    ends = model.encode(whole).select(seen).time
    assert after.select(seen).time.tolist() == ends.tolist()
    assert after.ids.tolist() == state.ids.tolist()
    assert after == model.observe(state, last_rows(whole, whole.lengths - 2).select(seen))


# Values that nobody shares


def test_purity_observing_changes_nothing_of_the_state_before(make_model, make_random_panel):
    model = make_model(make_random_panel([5, 5]), lags=(3,))
    before = {name: array.copy() for name, array in model.state.arrays().items()}

    after = model.observe(model.state, [[1.0, 2.0], [3.0, 4.0]])

    for name, array in model.state.arrays().items():
        np.testing.assert_array_equal(array, before[name])
    for array in after.arrays().values():  # some are shared with the state before
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 99


def test_forks_see_their_own_values_and_not_those_of_their_twins(make_model, make_random_panel):
    model = make_model(make_random_panel([8, 8]), lags=(2,), size=0.8)
    low, high = (model.observe(model.state, [value, 5.0]) for value in (1.0, 40.0))
    branches = model.observe(model.state.select(["a"]).repeat(2), [1.0, 40.0])

    alone = [model.predict(4, state=state)["forecast"].to_numpy() for state in (low, high)]
    together = model.predict(4, state=branches)["forecast"].to_numpy().reshape(2, 4)

    assert not np.allclose(alone[0][:4], alone[1][:4])
    np.testing.assert_array_equal(alone[0][4:], alone[1][4:])  # b has seen the same in both
    np.testing.assert_allclose(together, [alone[0][:4], alone[1][:4]], rtol=1e-5)


def test_a_branch_is_told_by_its_place_not_by_its_id(make_model, make_random_panel, make_panel):
    model = make_model(make_random_panel([5]))

    with pytest.raises(DataError, match=r"series 'a' is in the state 2 times; give .* an array"):
        model.observe(model.state.repeat(2), make_panel([5.0], first=5))


# Rows that are out of place


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (4, "begin at 4, but the next one is that of 5; leave out the rows up to 4"),
        (2, "begin at 2, but the next one is that of 5; leave out the rows up to 4"),
        (8, "begin at 8, but the next one is that of 5; add the rows between, .* --fill-gaps"),
    ],
)
def test_rows_that_are_not_the_next_ones_are_refused(make_model, make_panel, first, message):
    model = make_model(make_panel([1.0, 2.0, 3.0, 4.0, 5.0]))

    with pytest.raises(DataError, match=f"the rows of series 'a' {message}"):
        model.observe(model.state, make_panel([7.0, 8.0], first=first))


def test_rows_between_two_steps_are_refused(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0], frequency="10"))
    shifted = make_panel([3.0], frequency="10", first=2)
    shifted.start[:] = 25

    with pytest.raises(DataError, match="begin at 25, but the next one is that of 20; steps are"):
        model.observe(model.state, shifted, fill_gaps=True)


def test_other_series_out_of_place_are_counted(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0], [1.0, 2.0], [1.0, 2.0]))

    with pytest.raises(DataError, match=r"series 'b' .*; the same holds for 1 more series"):
        model.observe(model.state, make_panel([3.0], [3.0], [3.0], first=[2, 5, 5]))


def test_a_gap_is_filled_as_missing_when_asked_for(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0], [1.0, 2.0]), lags=(2,))
    new = make_panel([5.0], [6.0, 7.0, 8.0], first=[4, 2])

    state = model.observe(model.state, new, fill_gaps=True)

    assert state == model.observe(model.state, [[NAN, NAN, 5.0], [6.0, 7.0, 8.0]])


def test_a_gap_within_a_table_is_refused_or_filled_too(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0]))
    gapped = pd.DataFrame({"store": "a", "day": [2, 3, 6], "sold": [1.0, 2.0, 3.0]})

    with pytest.raises(DataError, match=r"row 2, column 'day': 6 follows 3, where 4 is expected"):
        model.observe(model.state, gapped)
    with pytest.raises(DataError, match="6 of series 'a' follows 3, where 4 is expected"):
        model.observe(model.state, pd.concat([gapped, gapped.assign(store="b")]))
    assert model.observe(model.state, gapped, fill_gaps=True) == model.observe(
        model.state, [[1.0, 2.0, NAN, NAN, 3.0]]
    )


def test_a_gap_without_end_is_taken_for_a_mistyped_time(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0]))

    with pytest.raises(DataError, match="999,999,998 rows between are too many; correct the times"):
        model.observe(model.state, make_panel([1.0], first=10**9), fill_gaps=True)


@pytest.mark.parametrize(
    ("frequency", "longest"), [("1", 100_000), ("s", 100_000), ("h", 87_600), ("MS", 120)]
)
def test_a_gap_may_be_as_long_as_ten_years_or_a_hundred_thousand_rows(
    make_model, make_panel, frequency, longest
):
    model = make_model(make_panel([1.0, 2.0], frequency=frequency))

    def after(missing):
        new = make_panel([1.0], frequency=frequency, first=2 + missing)
        return model.observe(model.state, new, fill_gaps=True)

    with pytest.raises(DataError, match=f"{longest + 1:,} rows between are too many"):
        after(longest + 1)
    if longest < 1000:
        assert after(longest).time[0] == 122


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, 2.0, 3.0], r"shape \(3,\); the state holds 2 series: give \(2,\) .* or \(2, k\)"),
        (5.0, r"shape \(\); the state holds 2 series"),
        (np.zeros((2, 1, 1)), r"shape \(2, 1, 1\)"),
        (np.zeros((2, 0)), r"shape \(2, 0\)"),
        (["a", "b"], "give a table or numbers"),
        (None, "new rows are NoneType None; give a table or numbers"),
        (np.array(["2024-01-01", "2024-01-02"], "M8[D]"), "give a table or numbers"),
        ([1.0, 10**400], "give a table or numbers"),
        ([1j, 2.0], "give a table or numbers"),
        ({"a": 1.0}, r"new values are those of \['a'\]; the state holds 2 series, give a value"),
        ([1.0, 1e300], "series 'b' has a value 1e\\+300, too large for the scale of the series"),
        ([1.0, np.inf], "series 'b' has an infinite new value; use NaN"),
    ],
)
def test_values_that_are_no_next_rows_are_refused(make_model, make_panel, values, message):
    model = make_model(make_panel([1.0, 2.0], [3.0, 5.0]))

    with pytest.raises(DataError, match=message):
        model.observe(model.state, values)


def test_values_may_be_given_by_id_in_any_order(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0], [3.0, 5.0]))

    assert model.observe(model.state, {"b": 7.0, "a": 4.0}) == model.observe(
        model.state, [4.0, 7.0]
    )


def test_a_masked_value_is_missing(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0], [3.0, 5.0]))

    state = model.observe(model.state, np.ma.array([9, 4], mask=[True, False]))

    assert state == model.observe(model.state, [NAN, 4.0])


def test_a_new_series_beyond_all_numbers_is_refused(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0]))

    with pytest.raises(DataError, match="series 'z' has a value 1e\\+308, too large"):
        model.observe(model.state, make_panel([1e308, -1e308], ids=["z"], first=2))


def test_values_that_the_transform_cannot_take_are_refused(make_model, make_panel):
    model = make_model(make_panel([4.0, 16.0]), power=0.0)

    with pytest.raises(
        DataError,
        match=r"series 'a' has a value -1, .* positive values only; leave the value empty",
    ):
        model.observe(model.state, [-1.0])


def test_rows_of_another_frequency_are_refused(make_model, make_panel):
    model = make_model(make_panel([4.0, 16.0], frequency="D"))

    with pytest.raises(DataError, match="its rows are hourly, those of the state are daily"):
        model.observe(model.state, make_panel([4.0], frequency="h", first=48))


def test_a_state_of_another_model_is_refused(make_model, make_panel):
    one, other = (make_model(make_panel([4.0, 16.0]), seed) for seed in (0, 1))

    for use in (one.observe, lambda state, _: next(one.stream(state))):
        with pytest.raises(OptionError, match="the state belongs to model"):
            use(other.state, [5.0])


# In the model


def test_an_updated_model_forecasts_from_its_new_rows(make_model, make_random_panel):
    model = make_model(make_random_panel([8]))

    after = model.update([[3.0, 4.0]])

    assert after.state == model.observe(model.state, [[3.0, 4.0]])
    assert after.predict(3)["day"].tolist() == [10, 11, 12]
    assert model.predict(3)["day"].tolist() == [8, 9, 10]
    assert after.weights is model.weights


def test_day_and_month_are_read_as_in_the_training_table(make_model, make_panel):
    panel = make_panel([1.0, 2.0], frequency="D", first=19_754)  # 2024-02-01 and the day after
    panel.schema.__dict__["time_dtype"] = "text:%d/%m/%Y"
    model = make_model(panel)
    new = pd.DataFrame({"store": ["a"], "day": ["03/02/2024"], "sold": [3.0]})

    state = model.observe(model.state, new)

    assert state.frequency.text(int(state.time[0])) == "2024-02-03"


# Tables unlike those of the training


def test_a_single_series_is_the_known_one_whatever_it_is_called(make_model):
    model = make_model(to_panel(pd.Series([1.0, 2.0, 4.0], name="load")))

    for rows in (
        pd.Series([5.0], index=[3]),
        pd.Series([5.0], index=[3], name="other"),
        pd.DataFrame({"unique_id": "air", "ds": [3], "y": [5.0]}),
    ):
        after = model.observe(model.state, rows)

        assert after == model.observe(model.state, [5.0])
        assert after.ids.tolist() == ["load"]


HOURS = pd.date_range("2024-01-01", periods=4, freq="h")


@pytest.mark.parametrize(
    ("known", "new", "message"),
    [
        (HOURS.tz_localize("UTC"), HOURS, "have no time zone, those .* trained on have one"),
        (HOURS, HOURS.tz_localize("UTC"), "have a time zone, those .* trained on have none"),
    ],
)
def test_times_with_a_zone_and_times_without_are_not_mixed(make_model, known, new, message):
    model = make_model(to_panel(pd.Series(np.arange(3.0), index=known[:3])))

    with pytest.raises(DataError, match=message):
        model.observe(model.state, pd.Series([1.0], index=new[3:]))


def test_times_of_another_zone_are_the_same_times(make_model):
    known = HOURS.tz_localize("Europe/Berlin")
    model = make_model(to_panel(pd.Series(np.arange(3.0), index=known[:3])))

    after = model.observe(model.state, pd.Series([1.0], index=known[3:].tz_convert("UTC")))

    assert after == model.observe(model.state, [1.0])


def test_a_time_is_told_in_the_zone_of_the_table(make_model):
    known = HOURS.tz_localize("Europe/Berlin")
    model = make_model(to_panel(pd.Series(np.arange(2.0), index=known[:2])))

    with pytest.raises(
        DataError, match=r"begin at 2024-01-01 03:00:00\+01:00, .* 02:00:00\+01:00;"
    ):
        model.observe(model.state, pd.Series([1.0], index=known[3:]))


@pytest.fixture
def wide(make_model):
    days = pd.date_range("2024-01-01", periods=5, freq="D")
    return make_model(
        to_panel(pd.DataFrame({"day": days, "a": np.arange(5.0), "b": 2.0, "c": np.arange(5.0)}))
    )


@pytest.mark.parametrize(
    ("row", "seen"),
    [
        ({"a": [1.0], "b": [None], "c": [None]}, [1.0, NAN, NAN]),
        ({"a": [NAN], "b": [NAN], "c": [NAN]}, [NAN, NAN, NAN]),
        ({"c": ["3"], "a": [""], "b": ["2.5"]}, [NAN, 2.5, 3.0]),
    ],
)
def test_silent_series_of_a_wide_table_are_missing_values(wide, row, seen):
    after = wide.observe(wide.state, pd.DataFrame({"day": pd.to_datetime(["2024-01-06"]), **row}))

    assert after == wide.observe(wide.state, seen)


def test_text_in_a_series_of_a_wide_table_is_refused(wide):
    row = {"day": pd.to_datetime(["2024-01-06"]), "a": ["oops"], "b": [1.0], "c": [2.0]}

    with pytest.raises(DataError, match="column 'a': found 'oops', where a number should be"):
        wide.observe(wide.state, pd.DataFrame(row))


def test_one_series_of_a_wide_table_may_come_alone(wide):
    rows = pd.DataFrame({"day": pd.to_datetime(["2024-01-06"]), "b": [7.0]})

    after = wide.observe(wide.state, rows)

    assert after.ids.tolist() == ["a", "b", "c"]
    assert (after.time - wide.state.time).tolist() == [0, after.frequency.step, 0]


@pytest.mark.parametrize("name", ["x", "01", "1.5", "99999999999999999999"])
def test_an_id_that_the_type_of_the_known_ones_would_change_is_refused(make_model, name):
    known = pd.DataFrame({"shop": [1, 1, 2, 2], "ds": [0, 1, 0, 1], "y": [1.0, 2.0, 3.0, 4.0]})
    model = make_model(to_panel(known))
    rows = pd.DataFrame({"shop": ["1", name], "ds": [2, 2], "y": [1.0, 2.0]})

    with pytest.raises(DataError, match=f"the id '{name}' does not fit .* whose type is int64"):
        model.observe(model.state, rows)


def test_ids_read_as_another_type_become_those_of_the_training(make_model):
    known = pd.DataFrame({"shop": [1, 1, 2, 2], "ds": [0, 1, 0, 1], "y": [1.0, 2.0, 3.0, 4.0]})
    model = make_model(to_panel(known))
    rows = pd.DataFrame({"shop": ["1", "3"], "ds": [2, 2], "y": [1.0, 2.0]})

    after = model.observe(model.state, rows)

    assert after.ids.tolist() == [1, 2, 3]
    assert model.predict(1, state=after)["shop"].tolist() == [1, 2, 3]
