import numpy as np
import pytest
from scipy import stats

from forecast.monitoring.self_starting import LARGEST_SCORE, RunningMoments


def learned(values):
    """The moments of one stream after some values, each judged by those before it."""
    moments = RunningMoments.start(1, 1)
    for value in values:
        row = np.array([[value]])
        moments = moments.learned(row, moments.score(row))
    return moments


def test_moments_are_those_of_all_values():
    values = np.random.default_rng(0).normal(5, 2, 30)
    moments = learned(values)

    assert moments.mean[0, 0] == pytest.approx(values.mean())
    assert moments.squares[0, 0] / 29 == pytest.approx(values.var(ddof=1))


def test_a_value_has_the_normal_score_of_its_prediction_interval():
    values = np.random.default_rng(0).normal(5, 2, 30)
    score = learned(values).score(np.array([[9.0]]))[0, 0]

    distance = (9 - values.mean()) / (values.std(ddof=1) * np.sqrt(1 + 1 / 30))
    assert score == pytest.approx(stats.norm.ppf(stats.t.cdf(distance, 29)))


def test_scores_of_normal_values_are_standard_normal_from_the_first_one_on():
    rng, scores = np.random.default_rng(1), []
    for _ in range(300):
        values = rng.normal(-3, 7, 40)
        scores.append(learned(values[:-1]).score(values[None, -1:])[0, 0])

    assert stats.kstest(scores, "norm").pvalue > 0.05


def test_nothing_is_said_before_enough_is_known():
    assert np.isnan(learned(range(19)).score(np.array([[3.0]])))
    assert not np.isnan(learned(range(20)).score(np.array([[3.0]])))


def test_a_single_value_counts_for_so_much_at_most():
    moments = learned(np.random.default_rng(0).normal(size=30))

    assert moments.score(np.array([[1e9]])) == LARGEST_SCORE
    assert moments.score(np.array([[-1e9]])) == -LARGEST_SCORE


def test_a_stream_that_never_changes_finds_only_changes_unusual():
    moments = learned([4.0] * 20)

    assert moments.score(np.array([[4.0]])) == 0.0
    assert moments.score(np.array([[4.1]])) == LARGEST_SCORE


def test_correlated_scores_are_shrunk_and_others_hardly():
    rng = np.random.default_rng(2)
    noise, correlated = rng.normal(size=400), np.zeros(400)
    for t in range(1, 400):
        correlated[t] = 0.6 * correlated[t - 1] + noise[t]

    assert learned(noise).shrinkage[0, 0] > 0.85
    assert learned(correlated).shrinkage[0, 0] == pytest.approx(np.sqrt(0.4 / 1.6), abs=0.1)


def test_the_uncertainty_of_a_mean_falls_with_the_rows_behind_it():
    assert learned([1.0, 2.0] * 30).mean_uncertainty(12.0)[0, 0] == 12.0 / 60


def test_outliers_are_learned_as_far_as_four_spreads_from_the_mean():
    moments = learned(np.random.default_rng(0).normal(5, 2, 30))
    mean, spread = moments.mean[0, 0], moments.spread[0, 0]

    assert moments.capped(np.array([[1e9]]))[0, 0] == pytest.approx(mean + 4 * spread)
    assert moments.capped(np.array([[5.0]])) == 5.0
    assert learned([1.0, 2.0]).capped(np.array([[1e9]])) == 1e9  # nothing is known yet
    assert learned([3.0] * 20).capped(np.array([[1e9]])) == 7.0  # as if the spread were 1


def test_outliers_among_the_first_values_are_capped_by_all_of_them():
    first = np.array([[-1.0, -1.0, 0.0, 1.0, 1e9]])
    moments = RunningMoments.start(2, 2).relearned(np.array([1]), 0, first)
    cap = 4 * 1.4826  # their median is 0, and their median absolute deviation 1

    assert moments.mean[:, 0].tolist() == pytest.approx([0.0, (cap - 1) / 5])
    assert moments.squares[1, 0] == pytest.approx(3 + cap**2 - (cap - 1) ** 2 / 5)
    assert not moments.mean[:, 1].any()
