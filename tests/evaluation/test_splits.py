"""Folds that begin the same number of steps before the end of every series."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import check_cv

from forecast import DataError, OptionError, RollingOrigin

DAYS = pd.date_range("2024-01-01", periods=10)


def table_of(**lengths):
    """Series that all end on the same day, one after the other."""
    parts = [
        pd.DataFrame({"store": name, "day": DAYS[-length:], "sold": np.arange(length)})
        for name, length in lengths.items()
    ]
    return pd.concat(parts, ignore_index=True)


def folds(table, *numbers, **how):
    return [
        (train.tolist(), test.tolist())
        for train, test in RollingOrigin(*numbers, **how).split(table)
    ]


def test_each_fold_is_trained_on_all_that_lies_before_it():
    assert folds(table_of(a=6), 2, 2) == [([0, 1], [2, 3]), ([0, 1, 2, 3], [4, 5])]


def test_every_series_is_cut_the_same_number_of_steps_before_its_own_end():
    table = table_of(a=6, b=4)
    table.loc[table["store"] == "b", "day"] -= pd.Timedelta(days=2)  # it ends earlier

    assert folds(table, 1, 2) == [
        ([0, 1, 2, 3, 6, 7], [4, 8]),
        ([0, 1, 2, 3, 4, 6, 7, 8], [5, 9]),
    ]


def test_a_stride_lets_folds_overlap_or_lie_apart():
    assert folds(table_of(a=6), 2, 2, stride=1) == [
        ([0, 1, 2], [3, 4]),
        ([0, 1, 2, 3], [4, 5]),
    ]
    assert folds(table_of(a=6), 1, 2, stride=3) == [([0, 1], [2]), ([0, 1, 2, 3, 4], [5])]


def test_positions_are_those_of_the_table_whatever_its_order_and_index():
    table = table_of(a=3, b=3).iloc[[5, 0, 4, 1, 3, 2]]

    assert folds(table, 1, 1) == [([1, 2, 3, 4], [0, 5])]
    assert folds(table.set_index(["store", "day"])["sold"], 1, 1) == [([1, 2, 3, 4], [0, 5])]


def test_a_missing_row_counts_as_a_step():
    table = table_of(a=8).drop(index=[1, 6])  # the positions of what is left are 0 to 5

    assert folds(table, 2, 1) == [([0, 1, 2, 3, 4], [5])]


def test_a_series_that_begins_within_a_fold_is_left_out_of_it():
    assert folds(table_of(a=6, b=2), 2, 1) == [([0, 1, 2, 3], [4, 5])]
    assert folds(table_of(a=6, b=3), 2, 1) == [([0, 1, 2, 3, 6], [4, 5, 7, 8])]


def test_a_table_of_one_series_or_with_a_column_for_each_is_cut_by_its_times():
    wide = pd.DataFrame({"day": DAYS, "a": range(10), "b": range(10)})
    one = pd.Series(range(10), DAYS)
    with_text = pd.DataFrame({"day": DAYS, "y": range(10), "weather": ["fair", "foul"] * 5})

    assert folds(wide, 3, 1) == folds(one, 3, 1) == [([*range(7)], [7, 8, 9])]
    assert folds(with_text, 3, 1) == [([*range(7)], [7, 8, 9])]  # the text is no id


def test_columns_can_be_named():
    table = table_of(a=4, b=4).assign(kind="x")
    names = {"id": "who", "time": "when", "frequency": "D"}
    renamed = table.rename(columns={"store": "who", "day": "when"})

    assert folds(renamed, 1, 1, **names) == folds(table, 1, 1)


def test_it_has_the_protocol_of_scikit_learn():
    splitter = RollingOrigin(2, folds=4)

    assert splitter.get_n_splits() == splitter.get_n_splits(None, None, None) == 4
    assert check_cv(splitter) is splitter
    assert deepcopy(splitter) == splitter
    assert repr(RollingOrigin(2))[:34] == "RollingOrigin(horizon=2, folds=3, "
    train, test = next(RollingOrigin(2, 1).split(table_of(a=6), None, None))
    assert train.dtype == test.dtype == np.int64


def test_folds_that_no_series_reaches_back_before_are_refused():
    with pytest.raises(
        DataError, match="the table: 3 folds of 2 steps, 2 apart, need a series of "
    ):
        folds(table_of(a=6), 2, 3)
    assert len(folds(table_of(a=7), 2, 3)) == 3


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"horizon": 0}, "horizon is 0; it must be a whole number of at least 1"),
        ({"horizon": 2, "folds": 1.5}, "folds is 1.5; it must be a whole number"),
        ({"horizon": 2, "stride": 0}, "stride is 0; it must be a whole number of at least 1"),
    ],
)
def test_numbers_out_of_range_are_refused(how, message):
    with pytest.raises(OptionError, match=message):
        RollingOrigin(**how)


def test_two_columns_that_may_name_the_series_are_told():
    table = table_of(a=4, b=4).rename(columns={"store": "who"}).assign(kind=[*"xxxxyyyy"])

    with pytest.raises(DataError, match="the id column may be any of 'who', 'kind'; say which"):
        folds(table, 1, 1)
