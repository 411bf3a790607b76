import os
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import ArtifactError, DataError, OptionError
from forecast.data.to_table import to_table
from forecast.engines.state_store import StateStore, Updated


@pytest.fixture(scope="module")
def panel(make_random_panel):
    return make_random_panel([12, 9, 15, 8, 30], frequency="D", missing=0.1)


@pytest.fixture(scope="module")
def table(panel):
    return to_table(panel)


@pytest.fixture(scope="module")
def model(make_model, panel):
    return make_model(panel, lags=(1, 3))


@pytest.fixture
def store(tmp_path, model):
    with StateStore(tmp_path / "all.states", model) as store:
        yield store


def kept(store):
    """All states, in the order of the ids."""
    (state,) = store.parts()
    return state


def until(table, day):
    return table[table["day"] < pd.Timestamp("1970-01-01") + pd.Timedelta(days=day - 1)]


def test_states_come_back_from_the_file(store, model, table):
    done = store.update(table)

    assert done == Updated(rows=74, seen=0, series=5, new=5)
    assert len(store) == 5
    assert kept(store) == model.encode(table)
    assert store.states(["e", "b", "unknown"]).ids.tolist() == ["b", "e"]
    assert store.states(["unknown"]) is None


def test_they_are_those_of_a_process_before(tmp_path, model, table):
    with StateStore(tmp_path / "all.states", model) as store:
        store.update(table)
    with StateStore(tmp_path / "all.states", model) as store:
        assert kept(store) == model.encode(table)


def test_new_rows_advance_the_states_of_their_series_alone(store, model, table):
    store.update(until(table, 9))

    done = store.update(table[table["day"] >= "1970-01-09"].query("store != 'c'"))

    some = table.query("store != 'c' or day < '1970-01-09'")
    assert done == Updated(rows=4 + 1 + 22, seen=0, series=3, new=0)
    assert kept(store) == model.observe(
        model.encode(until(table, 9)), some[some["day"] >= "1970-01-09"]
    )


@settings(deadline=None, max_examples=15)
@given(days=st.lists(st.integers(2, 32), min_size=1, max_size=5))
def test_rows_that_were_seen_are_passed_over(days, model, table, tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "all.states"
    seen, first = 0, min(days[0], 32)
    expected = model.encode(until(table, first))
    with StateStore(path, model) as store:
        for day in days:
            rows = until(table, day)
            done = store.update(rows)
            assert done.rows + done.seen == len(rows)
            assert done.seen == min(seen, len(rows))
            new = rows.drop(until(rows, first).index)
            if len(new):
                expected, first = model.observe(expected, new), day
            seen = max(seen, len(rows))
        assert kept(store) == expected


def test_parts_are_walked_in_the_order_of_the_ids(store, table):
    store.update(table)

    parts = [part.ids.tolist() for part in store.parts(series=2)]

    assert parts == [["a", "b"], ["c", "d"], ["e"]]


def test_whole_numbers_are_ids_too(tmp_path, make_model, make_random_panel):
    panel = make_random_panel([9, 12, 9], ids=[10, 9, -1])
    model = make_model(panel)

    with StateStore(tmp_path / "all.states", model) as store:
        store.update(panel)

        assert kept(store).ids.tolist() == [-1, 9, 10]
        assert store.states([9]) == model.state.select([9])


def test_a_gap_is_refused_and_nothing_changes(store, model, table):
    store.update(until(table, 5))

    with pytest.raises(DataError, match="'a'"):
        store.update(table[table["day"] >= "1970-01-07"])

    assert kept(store) == model.encode(until(table, 5))


def test_no_other_process_can_write_while_states_are_advanced(store, model, table, monkeypatch):
    store.update(until(table, 9))
    seen = []
    observe = type(model).observe

    def observe_and_look(self, *given, **options):
        other = sqlite3.connect(store.path, timeout=0.0)
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
        seen.append(True)
        return observe(self, *given, **options)

    monkeypatch.setattr(type(model), "observe", observe_and_look)
    store.update(table)

    assert seen


def test_a_forecast_of_other_states_is_another_forecast(tmp_path, store, table):
    out = str(tmp_path / "out")
    store.update(until(table, 9))
    list(store.forecast(out, 3))
    assert [done.rows for done in store.forecast(out, 3)] == [5]
    store.update(table)

    with pytest.raises(DataError, match=r"part-000000\.parquet, which is no part of this forecast"):
        list(store.forecast(out, 3))


def test_times_of_any_number_of_series_are_no_overflow(tmp_path, make_model, make_random_panel):
    """Microseconds since 1970, whose sum over some thousand series is above 2**63."""
    panel = make_random_panel([3] * 6_000, ids=[*range(6_000)], frequency="D", first=20_000)
    model = make_model(panel)
    with StateStore(tmp_path / "all.states", model) as store:
        store.update(panel)

        *_, done = store.forecast(str(tmp_path / "out"), 1, series=4_000)

    assert (done.rows, done.parts, done.forecasts) == (6_000, 2, 6_000)


def test_a_damaged_store_is_one_line(tmp_path, model, table):
    path = tmp_path / "all.states"
    with StateStore(path, model) as store:
        store.update(table)
    content = bytearray(path.read_bytes())
    content[4096:] = b"x" * (len(content) - 4096)
    path.write_bytes(content)

    malformed = pytest.raises(
        ArtifactError, match=r"all\.states: .*database disk image is malformed"
    )
    with malformed, StateStore(path, model) as store:
        list(store.parts())


def test_a_store_of_another_model_is_refused(tmp_path, model, make_model, panel):
    StateStore(tmp_path / "all.states", model).close()
    other = make_model(panel, lags=(1, 3), seed=7)

    with pytest.raises(ArtifactError, match=r"all.states: its states belong to model \w{8}, this"):
        StateStore(tmp_path / "all.states", other)


@pytest.mark.parametrize("content", [b"day,sold\n1,2\n" * 99, b"\0" * 5000])
def test_another_file_is_refused_and_stays_as_it_is(tmp_path, model, content):
    path = tmp_path / "sales.csv"
    path.write_bytes(content)

    with pytest.raises(ArtifactError, match=r"sales.csv: not a readable store of states"):
        StateStore(path, model)

    assert path.read_bytes() == content


def test_another_database_is_refused(tmp_path, model):
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("CREATE TABLE sales (day, sold)")
    database.close()

    with pytest.raises(ArtifactError, match=r"shop.db: no store of states; name another file"):
        StateStore(tmp_path / "shop.db", model)


def test_a_file_that_lost_its_states_is_no_new_store(tmp_path, model):
    (tmp_path / "all.states").touch()

    with pytest.raises(
        ArtifactError, match=r"all.states: an empty file, .* remove it to begin again"
    ):
        StateStore(tmp_path / "all.states", model)


def test_a_store_is_made_whole_with_nothing_beside_it(tmp_path, model):
    StateStore(tmp_path / "all.states", model).close()

    assert [path.name for path in tmp_path.iterdir()] == ["all.states"]
    with (
        StateStore(tmp_path / "all.states", model) as store,
        pytest.raises(ArtifactError, match="has no series; make their states from histories"),
    ):
        list(store.forecast(str(tmp_path / "out"), 2))


def test_rows_may_be_missing_before_the_new_ones_if_that_is_asked_for(store, model, table):
    old, new = until(table, 9), table[table["day"] > "1970-01-11"]
    store.update(old)

    with pytest.raises(DataError, match="--fill-gaps"):
        store.update(new)
    store.update(new, fill_gaps=True)

    expected = model.observe(model.encode(old), new, fill_gaps=True)
    found = store.states(expected.ids.tolist())
    assert found.time.tolist() == expected.time.tolist()


def test_a_folder_that_is_not_there_is_named(tmp_path, model):
    with pytest.raises(ArtifactError, match=r"nowhere/all.states: there is no such folder"):
        StateStore(tmp_path / "nowhere" / "all.states", model)


def test_a_store_of_a_newer_format_is_refused(tmp_path, model):
    StateStore(tmp_path / "all.states", model).close()
    with sqlite3.connect(tmp_path / "all.states") as database:
        database.execute("UPDATE model SET format = 9")
    database.close()

    with pytest.raises(ArtifactError, match=r"its format 9 is not 1; a newer version"):
        StateStore(tmp_path / "all.states", model)


UPDATE = """
import sys
import pandas as pd
from forecast import load
from forecast.engines.state_store import StateStore

model, table = load("m.forecast"), pd.read_pickle("new.pkl")
with StateStore("all.states", model) as store:
    print("ready", flush=True)
    for name, rows in table.groupby("store"):
        store.update(rows)
"""


@pytest.mark.slow
def test_an_update_that_is_killed_loses_nothing_and_is_run_again(
    tmp_path, make_model, make_random_panel
):
    panel = make_random_panel([9] * 300, ids=[f"s{k:03}" for k in range(300)], frequency="D")
    model, table = make_model(panel), to_table(panel)
    old, new = until(table, 9), table[table["day"] >= "1970-01-09"]
    model.save(tmp_path / "m.forecast")
    new.to_pickle(tmp_path / "new.pkl")
    with StateStore(tmp_path / "all.states", model) as store:
        store.update(old)
    rng, between = np.random.default_rng(0), 0

    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", UPDATE], cwd=tmp_path, stdout=subprocess.PIPE
        )
        process.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.2))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        with StateStore(tmp_path / "all.states", model) as store:
            times = kept(store).time
            done = int((times == times.max()).sum())
            assert len(times) == 300
            assert {*times.tolist()} <= {times.max(), times.max() - panel.frequency.step}
            between += 0 < done < 300

    with StateStore(tmp_path / "all.states", model) as store:
        store.update(new)
        assert kept(store) == model.observe(model.encode(old), new)
    assert between  # at least one was killed in the middle


def test_states_are_put_where_there_are_none_or_earlier_ones(store, model, table):
    store.update(until(table, 9))
    early, late = model.encode(until(table, 5)), model.encode(table)

    store.put(early.select(["a", "b"]))
    before = kept(store)
    store.put(late.select(["b", "c"]))

    assert before == model.encode(until(table, 9))
    assert store.states(["b", "c"]) == late.select(["b", "c"])
    assert store.states(["a"]) == before.select(["a"])


def test_states_of_another_model_are_not_put_in(store, make_model, panel):
    with pytest.raises(OptionError, match="belongs to"):
        store.put(make_model(panel, seed=9).state)


def test_series_are_found_by_a_part_of_their_id_in_capitals_or_not(store, table):
    store.update(table.replace({"store": {"a": "Zürich", "b": "100%", "c": "B_1"}}))

    days = {name: time // 86_400_000_000 for name, time in store.last_times().items()}
    assert days == {"100%": 8, "B_1": 14, "Zürich": 11, "d": 7, "e": 29}
    assert [*store.last_times("b")] == ["B_1"]
    assert [*store.last_times("%")] == ["100%"]
    assert [*store.last_times("ZUR")] == [*store.last_times("zür")] == ["Zürich"]
    assert not store.has([2**70])
    assert [*store.last_times(after="B_1", limit=2)] == ["Zürich", "d"]
    assert store.has(["d", "e"])
    assert not store.has(["d", "a"])


def test_a_transaction_within_another_is_undone_alone(store, model, table):
    with store.transaction():
        store.update(until(table, 5))
        with pytest.raises(DataError, match="1970-01-05"):
            store.update(table[table["day"] > "1970-01-08"])
        store.update(until(table, 6))

    assert kept(store) == model.observe(
        model.encode(until(table, 5)), table[table["day"] == "1970-01-05"]
    )


def test_what_is_remarkable_about_new_rows_is_told_before_they_are_taken_in(store, table):
    store.update(until(table, 9))
    rows = table[(table["day"] >= "1970-01-05") & (table["day"] <= "1970-01-10")]
    odd = rows.assign(sold=rows["sold"].where(rows["day"] < "1970-01-10", 1e6))
    late = odd[(odd["store"] != "a") | (odd["day"] > "1970-01-09")]
    panel = store.model.panel(pd.concat([late, odd[odd["store"] == "c"].assign(store="f")]))

    assert store.news(panel) == [
        "missing rows inserted before the new ones: 1 ('a')",
        "unusually large values, please check: 'a', 'c', 'e'",
        "new series: 1 ('f')",
    ]
    assert store.news(panel.select(["d"])) == []


def test_states_that_change_nothing_are_no_change_of_the_store(store, model, table):
    store.update(table)
    before = store._read("SELECT changes FROM model")

    store.put(model.encode(until(table, 5)))

    assert store._read("SELECT changes FROM model") == before
