import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecast.nn.heads import quantiles as head

ONE = np.log(np.expm1(1.0 - head.MIN_DISTANCE))  # raw parameter of the distance 1
EVEN = np.array([0.0, *[ONE] * 10])  # quantiles -5, -4, ..., 4, 5
raw_parameters = arrays(np.float64, (3, head.PARAMETERS), elements=st.floats(-30, 30))


def raw(distances):
    """Raw parameters of distances."""
    return np.log(np.expm1(np.asarray(distances, float) - head.MIN_DISTANCE))


def expected_quantiles(params):
    """The quantiles (11, B) of raw parameters (B, 11) of one target."""
    distances = np.logaddexp(0.0, params[:, 1:]) + head.MIN_DISTANCE
    below = params[:, :1] - np.cumsum(distances[:, :5], axis=1)
    above = params[:, :1] + np.cumsum(distances[:, 5:], axis=1)
    return np.concatenate([below[:, ::-1], params[:, :1], above], axis=1).T


def test_parameters_are_the_median_then_distances_downward_and_upward_from_it():
    params = np.array([[10.0, *raw([1, 2, 3, 4, 5]), *raw([0.5, 1, 1, 1, 2])]])

    found = np.concatenate(head.quantiles(np, params), axis=-1)

    expected = [-5, 0, 4, 7, 9, 10, 10.5, 11.5, 12.5, 13.5, 15.5]
    np.testing.assert_allclose(found, [expected])
    assert head.center(np, params).tolist() == [[10.0]]


def test_the_parameters_of_several_targets_lie_side_by_side():
    one, other = EVEN, np.array([100.0, *raw(np.arange(1, 11))])
    both = np.stack([one, other], axis=-1).reshape(1, -1)

    for level in (0.03, 0.5, 0.99):
        found = head.quantile(np, both, level)
        alone = [head.quantile(np, params[None], level).item() for params in (one, other)]
        np.testing.assert_allclose(found, [alone])
    assert head.center(np, both).tolist() == [[0.0, 100.0]]


@given(raw_parameters)
@settings(deadline=None, max_examples=50)
def test_quantiles_never_cross(params):
    found = np.concatenate(head.quantiles(np, params), axis=-1)

    assert (np.diff(found, axis=-1) > 0).all()
    np.testing.assert_allclose(found, expected_quantiles(params).T, rtol=1e-9, atol=1e-9)


@given(raw_parameters, arrays(np.float64, (3, 1), elements=st.floats(-200, 200)))
@settings(deadline=None, max_examples=50)
def test_the_loss_is_twice_the_mean_quantile_loss(params, value):
    by_level = [
        np.where(value[:, 0] >= q, level * (value[:, 0] - q), (1 - level) * (q - value[:, 0]))
        for level, q in zip(head.LEVELS, expected_quantiles(params), strict=True)
    ]

    found = head.loss(np, params, value)

    np.testing.assert_allclose(found[:, 0], 2 * np.mean(by_level, axis=0), rtol=1e-9, atol=1e-9)


def test_the_loss_of_even_quantiles_by_hand():
    below, above = (0.025, 0.1, 0.2, 0.3, 0.4), (0.6, 0.7, 0.8, 0.9, 0.975)
    distances = (5, 4, 3, 2, 1)
    by_side = sum(level * d for level, d in zip(below, distances, strict=True)) + sum(
        (1 - level) * d for level, d in zip(above, reversed(distances), strict=True)
    )

    assert head.loss(np, EVEN[None], np.array([[0.0]])).item() == pytest.approx(2 * by_side / 11)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (0.5, 0.0),
        (0.9, 4.0),
        (0.45, -0.5),  # half-way between the levels 0.4 and 0.5
        (0.0625, -4.5),  # half-way between 0.025 and 0.1
        (0.025 / 4, -6.0),  # the probability falls from 0.1 to its quarter over a distance of 1
        (0.025 / 16, -7.0),
        (1 - 0.025 / 4, 6.0),
    ],
)
def test_quantiles_between_and_beyond_the_levels_by_hand(level, expected):
    assert head.quantile(np, EVEN[None], level).item() == pytest.approx(expected)


@given(raw_parameters)
@settings(deadline=None, max_examples=50)
def test_the_quantile_function_passes_through_the_levels_and_has_no_jump(params):
    for level, expected in zip(head.LEVELS, expected_quantiles(params), strict=True):
        for near in (level, level - 1e-12, level + 1e-12):
            found = head.quantile(np, params, near)[:, 0]
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@given(raw_parameters)
@settings(deadline=None, max_examples=20)
def test_draws_lie_below_a_quantile_as_often_as_its_level_says(params):
    count = 2_000
    even = np.broadcast_to((np.arange(count) + 0.5) / count, (3, count)).T  # all but random
    uniforms = np.stack([even[..., None], np.full((count, 3, 1), np.nan)], axis=-1)

    draws = head.sample(np, np.broadcast_to(params, (count, *params.shape)), uniforms)

    assert (np.diff(draws, axis=0) > 0).all()
    for level in (0.001, 0.01, 0.05, 0.25, 0.5, 0.77, 0.95, 0.999):
        below = (draws <= head.quantile(np, params, level)).mean(axis=0)
        np.testing.assert_allclose(below, level, atol=1.01 / count)


def test_single_precision_stays_single():
    params = EVEN.astype(np.float32)[None]

    assert head.loss(np, params, np.ones((1, 1), np.float32)).dtype == np.float32
    assert head.quantile(np, params, 0.9).dtype == np.float32
    assert head.sample(np, params, np.full((1, 1, 2), 0.99, np.float32)).dtype == np.float32


def test_numpy_and_tensorflow_give_the_same_numbers(tensors):
    rng = np.random.default_rng(0)
    params = rng.normal(0, 2, (50, 2 * head.PARAMETERS)).astype(np.float32)
    value, uniforms = rng.normal(0, 3, (50, 2)), rng.uniform(size=(50, 2, 2))
    value, uniforms = value.astype(np.float32), uniforms.astype(np.float32)
    uniforms[:3, :, 0] = [[1e-6], [0.5], [1 - 1e-6]]

    for function, given_too in [(head.loss, value), (head.sample, uniforms), (head.quantile, 0.01)]:
        expected = function(np, params, given_too)
        np.testing.assert_allclose(
            function(tensors, params, given_too), expected, rtol=1e-5, atol=1e-5
        )
