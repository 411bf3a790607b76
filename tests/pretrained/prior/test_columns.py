import numpy as np
import pytest

from forecast.pretrained.prior import columns


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_chance_is_a_column_of_that_share(rng):
    flags = columns.chance(rng, 10_000, 0.3)

    assert flags.shape == (10_000, 1)
    assert flags.mean() == pytest.approx(0.3, abs=0.02)


def test_columns_have_their_medians_and_bounds(rng):
    even = columns.uniform(rng, 10_000, -1.0, 3.0)
    by_logarithm = columns.log_uniform(rng, 10_000, 0.1, 10.0)
    normal = columns.log_normal(rng, 10_000, 0.2, 1.5)

    assert (even.min() >= -1, even.max() <= 3) == (True, True)
    assert (by_logarithm.min() >= 0.1, by_logarithm.max() <= 10) == (True, True)
    assert np.median(even) == pytest.approx(1, abs=0.1)
    assert np.median(by_logarithm) == pytest.approx(1, rel=0.1)
    assert np.median(normal) == pytest.approx(0.2, rel=0.1)
    assert np.log(normal).std() == pytest.approx(1.5, rel=0.05)


def test_signs_are_positive_with_their_probability(rng):
    signs = columns.sign(rng, 10_000, 0.8)

    assert {*signs.ravel()} == {-1.0, 1.0}
    assert (signs > 0).mean() == pytest.approx(0.8, abs=0.02)


def test_a_scale_multiplies_whole_series(rng):
    scaled = columns.scale(rng, np.array([[1.0, 2.0], [1.0, 3.0]]))

    np.testing.assert_allclose(scaled[:, 1] / scaled[:, 0], [2.0, 3.0])
    assert (scaled[:, 0] >= 0.3).all()
    assert (scaled[:, 0] <= 3e4).all()
    assert scaled[0, 0] != scaled[1, 0]


def test_standardized_rows_have_mean_0_and_deviation_1_and_constant_ones_are_zeros():
    rows = columns.standardize(np.array([[1.0, 3.0], [5.0, 5.0]]))

    assert rows.tolist() == [[-1.0, 1.0], [0.0, 0.0]]
