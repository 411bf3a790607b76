"""Which members a model keeps, and how much each counts."""

import numpy as np
import pytest

from forecast.evaluation import combination
from forecast.evaluation.combination import MemberPaths, combined, member_paths
from forecast.inference.members import Core, NetworkMember
from forecast.inference.theta_member import ThetaMember

STEPS = 3


@pytest.fixture(scope="module")
def panel(make_panel):
    """Lines: the theta method knows them, a network of random weights does not."""
    return make_panel(*(np.arange(24.0) * slope for slope in range(1, 31)))


@pytest.fixture(scope="module")
def core(make_model, panel):
    model = make_model(panel)
    return Core(model.config, model.weights)


def seen(paths, actual):
    return MemberPaths(np.array(paths, float), np.array(actual, float), np.ones(len(actual)))


def test_the_error_is_mase_of_the_mean_of_the_members():
    paths = MemberPaths(
        np.array([[[1.0, 2.0]], [[3.0, 4.0]]]), np.array([[2.0, np.nan]]), np.array([0.5])
    )

    assert paths.error(np.array([0.5, 0.5])) == 0.0
    assert paths.error(np.array([1.0, 0.0])) == 2.0


def test_the_member_that_is_right_counts_most_and_one_that_is_wrong_is_left_out(panel, core):
    found = combined(panel, core, (ThetaMember(1),), STEPS)

    assert found.others == (ThetaMember(1),)
    assert found.shares == pytest.approx((0.0, 1.0), abs=1e-9)


@pytest.mark.parametrize(("series", "first"), [(1, 8.7 / 11), (30, 29.0 / 40)])
def test_with_few_series_shares_are_nearly_those_of_the_errors_alone(
    monkeypatch, panel, core, series, first
):
    """Errors of 1 and -2: the best tenths are 7 and 3, inverse squares 8 and 2 of ten."""
    paths = seen([np.ones((series, 2)), np.full((series, 2), -2.0)], np.zeros((series, 2)))
    monkeypatch.setattr(combination, "member_paths", lambda *_: paths)

    found = combined(panel, core, (ThetaMember(1),), STEPS)

    assert found.shares == pytest.approx((first, 1 - first))


def test_a_further_member_that_is_worth_nothing_is_left_out(monkeypatch, panel, core):
    paths = seen([np.ones((200, 2)), np.zeros((200, 2))], np.ones((200, 2)))
    monkeypatch.setattr(combination, "member_paths", lambda *_: paths)

    found = combined(panel, core, (ThetaMember(1),), STEPS)

    assert (found.others, found.shares) == ((), (1.0,))


def test_without_held_out_rows_all_members_count_alike(panel, core):
    found = combined(panel, core, (ThetaMember(1), NetworkMember(core.config, core.weights)), 0)

    assert found.shares == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert len(found.others) == 2


def test_the_last_rows_decide(monkeypatch, panel, core):
    asked = []
    monkeypatch.setattr(combination, "member_paths", lambda *given: asked.append(given))

    combined(panel, core, (ThetaMember(1),), STEPS)

    ((rows, everyone, steps),) = asked
    assert (rows, steps) == (panel, STEPS)
    assert everyone.shares == (0.5, 0.5)


def test_a_panel_whose_errors_have_no_scale_tells_nothing(make_panel, core):
    assert member_paths(make_panel(np.ones(20)), core, STEPS) is None
