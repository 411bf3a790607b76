import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from forecast.inference.random_streams import BITS, Branch, branches, series_key, uniforms


def one_series(seed=0, name="a", first=1, horizon=1000, count=6):
    return uniforms(seed, [name], [Branch(0, 1)], np.array([first]), horizon, count)[:, 0]


WEYL = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B


def philox(counter, key):
    """Four 64-bit numbers: Philox4x64-10 as printed in Salmon et al. (2011)."""
    words = [counter >> 64 * k & 2**64 - 1 for k in range(4)]
    for _ in range(10):
        high, low = divmod(0xD2E7470EE14C6C93 * words[0], 2**64)
        top, bottom = divmod(0xCA5A826395121157 * words[2], 2**64)
        words = [top ^ words[1] ^ key[0], bottom, high ^ words[3] ^ key[1], low]
        key = [(k + w) % 2**64 for k, w in zip(key, WEYL, strict=True)]
    return words


def test_the_numbers_of_a_step_are_those_of_philox_at_the_counter_of_the_step():
    drawn = one_series(seed=1, name="north", first=-3, horizon=2, count=6)

    blocks = [
        [w for k in (1, 2) for w in philox((step + 2**63) * 2 + k, [1, series_key("north")])]
        for step in (-3, -2)
    ]
    expected = [[((w >> 41) + 0.5) / 2**23 for w in block[:6]] for block in blocks]
    assert drawn.tolist() == expected


def test_the_numbers_are_these_on_every_machine():
    assert series_key("north") == 6164347370713582292
    drawn = one_series(seed=1, name="north", horizon=1, count=2)
    assert (drawn * 2**BITS).tolist() == [[961163.5, 6430509.5]]


def test_the_shape_is_steps_series_numbers():
    ids = ["a", "b", "c"]
    drawn = uniforms(0, ids, branches(ids), np.array([1, 1, 1]), horizon=4, count=5)

    assert drawn.shape == (4, 3, 5)
    assert drawn.dtype == np.float32


def test_the_numbers_are_uniform_and_independent_of_each_other():
    drawn = one_series(horizon=20_000)

    assert stats.kstest(drawn.ravel(), "uniform").pvalue > 0.05
    for step, place in [(0, 1), (1, 0), (1, 1)]:  # with the neighbour in time and in place
        left = drawn[: len(drawn) - step, : 6 - place].ravel()
        assert abs(np.corrcoef(left, drawn[step:, place:].ravel())[0, 1]) < 0.01


def test_no_number_is_ever_zero_or_one():
    ends = (np.array([0, 2**BITS - 1]) + 0.5) / 2**BITS

    assert ends.astype(np.float32).tolist() == ends.tolist()  # exact in float32
    assert ends[0] > 0
    assert ends[1] < 1
    drawn = one_series(horizon=20_000)
    assert (ends[0] <= drawn.min()) & (drawn.max() <= ends[1])


@pytest.mark.parametrize("other", [{"seed": 1}, {"name": "b"}, {"first": 3000}])
def test_another_seed_series_or_time_has_other_numbers(other):
    same = np.isin(one_series(**other), one_series())

    assert same.mean() < 0.01  # 6,000 of 8 million values: as many as chance allows


def test_neighbouring_steps_share_no_number():
    drawn = one_series(horizon=50, count=7)

    assert len(np.unique(drawn)) == 350


@given(
    steps=st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=5),
    count=st.integers(1, 9),
    seed=st.integers(0, 2**63),
    data=st.data(),
)
@settings(deadline=None, max_examples=30)
def test_company_the_numbers_of_a_series_do_not_depend_on_the_others(steps, count, seed, data):
    ids = [f"series {k}" for k in range(len(steps))]
    drawn = uniforms(seed, ids, branches(ids), np.array(steps), 3, count)
    some = data.draw(st.lists(st.integers(0, len(steps) - 1), min_size=1, unique=True))

    names = [ids[s] for s in some]
    alone = uniforms(seed, names, branches(names), np.array(steps)[some], 3, count)

    assert alone.tolist() == drawn[:, some].tolist()


@given(
    first=st.integers(-(10**15), 10**15),
    skipped=st.integers(0, 40),
    count=st.integers(1, 9),
)
@settings(deadline=None, max_examples=30)
def test_the_numbers_of_a_step_do_not_depend_on_where_the_rollout_began(first, skipped, count):
    early = one_series(first=first, horizon=skipped + 3, count=count)
    late = one_series(first=first + skipped, horizon=3, count=count)

    assert late.tolist() == early[skipped:].tolist()


def test_a_series_is_known_by_the_text_of_its_id():
    assert series_key(7) == series_key("7")
    assert series_key("7") != series_key("8")


# Branches


def test_a_branch_is_told_by_how_often_its_series_came_before():
    assert branches(["b", "a", "b", "b"]) == [(0, 3), (0, 1), (1, 3), (2, 3)]
    assert branches([]) == []


@given(
    ids=st.lists(st.sampled_from("abc"), min_size=1, max_size=6),
    count=st.integers(1, 5),
    seed=st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=30)
def test_the_branches_of_a_series_share_out_the_numbers_that_it_would_have_alone(ids, count, seed):
    first = np.array([5 + ord(name) for name in ids])  # each series at a time of its own

    drawn = uniforms(seed, ids, branches(ids), first, 3, count)

    for name in set(ids):
        rows = [row for row, other in enumerate(ids) if other == name]
        alone = one_series(seed, name, 5 + ord(name), 3, count * len(rows))
        assert np.concatenate(drawn[:, rows].transpose(1, 0, 2), axis=1).tolist() == alone.tolist()
