import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import DataError
from forecast.inference.members import Core
from forecast.inference.predictor import Predictor
from forecast.inference.state_records import from_records, to_records
from forecast.inference.theta_member import ThetaMember


@pytest.fixture(scope="module")
def model(make_model, make_random_panel):
    panel = make_random_panel([9, 12, 15, 8], missing=0.2)
    return make_model(panel, lags=(1, 3), head="student_t")


@settings(deadline=None)
@given(order=st.permutations(range(4)).flatmap(lambda p: st.integers(1, 4).map(lambda n: p[:n])))
def test_any_series_come_back_from_their_records(model, order):
    records = to_records(model.state)
    ids = model.state.ids[list(order)].tolist()

    found = from_records([records[k] for k in order], ids, model.state.take(np.array([3])))

    assert found == model.state.take(np.array(order))


@pytest.mark.parametrize("kind", ["seasonal", "theta", "attention", "integers"])
def test_members_networks_and_ids_of_all_kinds_come_back(kind, make_model, make_random_panel):
    panel = make_random_panel([9, 12], ids=[7, 9] if kind == "integers" else None)
    model = make_model(panel, network=kind if kind in ("seasonal", "attention") else "lstm")
    if kind == "theta":
        core = Core(model.config, model.weights, (ThetaMember(4),), (0.5, 0.5))
        model = Predictor.after(panel, core)
    ids = model.state.ids.tolist()

    assert from_records(to_records(model.state), ids, model.state) == model.state
    assert len({*map(len, to_records(model.state))}) == 1


@pytest.mark.parametrize("place", [20, 21, 60, -1])
def test_a_changed_byte_is_noticed_and_the_series_named(model, place):
    records = to_records(model.state)
    wrong = bytearray(records[2])
    wrong[place] ^= 1
    records[2] = bytes(wrong)

    with pytest.raises(DataError, match=r"the state of series 'c' is damaged; encode its history"):
        from_records(records, model.state.ids.tolist(), model.state)


def test_a_record_that_is_cut_short_is_noticed(model):
    records = to_records(model.state)

    with pytest.raises(DataError, match="series 'a' is damaged"):
        from_records([records[0][:-4]], ["a"], model.state)


@pytest.mark.parametrize("record", [b"", b"x" * 400])
def test_a_foreign_record_is_refused(model, record):
    with pytest.raises(DataError, match="series 'a' belongs to another model"):
        from_records([record], ["a"], model.state)


def test_a_record_of_another_model_is_refused(model, make_model, make_random_panel):
    other = make_model(make_random_panel([9]), seed=5, lags=(1, 3), head="student_t")

    with pytest.raises(DataError, match="series 'a' belongs to another model; encode its history"):
        from_records(to_records(other.state), ["a"], model.state)
