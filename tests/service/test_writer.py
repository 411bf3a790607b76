import sqlite3
import threading

import pytest

from forecast import ArtifactError, DataError
from forecast.engines.state_store import StateStore, Updated
from forecast.service.writer import Writer


@pytest.fixture(scope="module")
def model(make_model, make_random_panel):
    return make_model(make_random_panel([9, 9, 9]))


class Slow(StateStore):
    """A store whose first transaction waits until it may begin."""

    def __init__(self, path, model):
        super().__init__(path, model)
        self.may_begin, self.begun = threading.Event(), 0

    def transaction(self):
        if not self._database.in_transaction:
            self.may_begin.wait(10)
            self.begun += 1
        return super().transaction()


@pytest.fixture
def store(tmp_path, model):
    store = Slow(tmp_path / "all.states", model)
    store.may_begin.set()
    store.put(model.state)
    store.may_begin.clear()
    store.begun = 0
    return store


def rows(make_panel, name, first, *values):
    return make_panel(list(values), ids=[name], first=first)


def test_rows_that_wait_share_a_transaction_and_each_gets_its_own_answer(store, make_panel):
    writer = Writer(store)
    first = writer.take(rows(make_panel, "a", 9, 1.0))
    waiting = [
        writer.take(rows(make_panel, "a", 10, 2.0, 3.0)),
        writer.take(rows(make_panel, "b", 11, 2.0)),  # its next row is 9
        writer.take(rows(make_panel, "c", 9, 2.0)),
    ]

    store.may_begin.set()

    assert first.result(10).done == Updated(rows=1, seen=0, series=1, new=0)
    assert waiting[0].result(10).done.rows == 2
    with pytest.raises(DataError, match="series 'b'"):
        waiting[1].result(10)
    assert waiting[2].result(10).done.rows == 1
    assert store.begun <= 2
    assert store.last_times() == {"a": 11, "b": 8, "c": 9}
    writer.close()


def test_rows_that_nobody_waits_for_any_more_are_not_taken_in(store, make_panel):
    writer = Writer(store)
    writer.take(rows(make_panel, "a", 9, 1.0))
    given_up = writer.take(rows(make_panel, "b", 9, 1.0))
    given_up.cancel()
    store.may_begin.set()

    last = writer.take(rows(make_panel, "c", 9, 1.0))

    assert last.result(10).done.rows == 1
    assert store.last_times() == {"a": 9, "b": 8, "c": 9}
    writer.close()


def test_where_the_file_cannot_be_written_all_hear_of_it_and_the_next_ones_are_tried(
    store, make_panel, tmp_path
):
    store.may_begin.set()
    store._database.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(tmp_path / "all.states", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer = Writer(store)

    refused = writer.take(rows(make_panel, "a", 9, 1.0))
    with pytest.raises(ArtifactError, match="database is locked"):
        refused.result(10)
    other.execute("ROLLBACK")

    assert writer.take(rows(make_panel, "a", 9, 1.0)).result(10).done.rows == 1
    writer.close()
    other.close()


def test_what_waits_when_it_is_closed_is_taken_in(store, make_panel, model, tmp_path):
    writer = Writer(store)
    waiting = [writer.take(rows(make_panel, name, 9, 1.0)) for name in "abc"]
    store.may_begin.set()

    writer.close()

    assert [one.result(0).done.rows for one in waiting] == [1, 1, 1]
    with StateStore(tmp_path / "all.states", model) as again:
        assert again.last_times() == {"a": 9, "b": 9, "c": 9}


def test_a_full_disk_keeps_nothing_of_the_transaction_and_the_next_one_goes_on(store, make_panel):
    store.may_begin.set()
    (pages,) = store._database.execute("PRAGMA page_count").fetchone()
    store._database.execute(f"PRAGMA max_page_count = {pages}")
    writer = Writer(store)
    many = make_panel(*[[1.0, 2.0]] * 300, ids=[f"new {k:03}" for k in range(300)])

    with pytest.raises(ArtifactError, match="full"):
        writer.take(many).result(10)
    store._database.execute("PRAGMA max_page_count = 100000")

    assert writer.take(rows(make_panel, "a", 9, 1.0)).result(10).done.rows == 1
    assert writer.take(many).result(10).done.new == 300
    assert len(store) == 303
    writer.close()


def test_what_is_remarkable_is_told_with_the_answer_and_taken_rows_are_told_in_order(
    store, make_panel
):
    told = []
    writer = Writer(store, told.append)
    store.may_begin.set()
    large = writer.take(rows(make_panel, "a", 9, 1e6))
    refused = writer.take(rows(make_panel, "b", 12, 1.0))
    skipped = writer.take(rows(make_panel, "b", 12, 1.0), fill_gaps=True)

    assert large.result(10).notes == ["unusually large values, please check: 'a'"]
    assert refused.exception(10) is not None
    assert skipped.result(10).notes == ["missing rows inserted before the new ones: 3 ('b')"]
    writer.close()
    assert [panel.ids.tolist() for panel in told] == [["a"], ["b"]]
