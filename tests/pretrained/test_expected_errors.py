import numpy as np
import pytest

from forecast.evaluation.holdout import calibrate
from forecast.inference.conformal import Calibration
from forecast.inference.members import Core
from forecast.pretrained import expected_errors as errors
from forecast.pretrained.practised import KINDS, Kind, with_seasons
from forecast.pretrained.pretraining import pretraining_config
from forecast.pretrained.zero_shot import with_theta

NAN = np.nan


@pytest.fixture(scope="module")
def network(make_weights):
    config = pretraining_config(units=3, layers=1, cell="lstm")
    return config, make_weights(config, size=0.2)


def test_scores_of_all_kinds_with_a_season_count_alike(monkeypatch):
    """Two kinds of three and two steps; of the scores of a step, evenly spaced quantiles."""
    found = {
        1: np.arange(1.0, 13.0).reshape(3, 4, 1),
        4: np.array([[0.5, 1.5, 2.5, 3.5], [60.0, 70.0, 80.0, NAN]])[..., None],
    }
    asked = []

    def of_kind(_config, _weights, kind, rows, seed):
        asked.append((kind.seasons, rows, tuple(seed)))
        return Calibration(found[kind.seasons[0]].astype(np.float32))

    kinds = [Kind(0.5, seasons, (4, 9), (2, 3)) for seasons in ((1, 0), (4, 0), (0, 0))]
    monkeypatch.setattr(errors, "KINDS", kinds)
    monkeypatch.setattr(errors, "SCORES", 2)
    monkeypatch.setattr(errors, "_of_kind", of_kind)

    calibration = errors.expected_errors(None, {}, seed=7)

    assert asked == [
        (seasons, rows, (7, errors.UNSEEN + k, rows))
        for k, seasons in enumerate([(1, 0), (4, 0)])
        for rows in (4, 6, 9)
    ]
    # First step: 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4; second: 5, 6, 7, 8, 60, 70, 80.
    assert calibration.scores[..., 0].tolist() == [[1.0, 3.0], [6.0, 70.0], [9.0, 11.0]]


def test_of_one_kind_they_are_the_errors_on_its_short_and_long_series(monkeypatch, network):
    config, weights = network
    kind = Kind(1.0, (4, 0), (6, 24), (2, 5))
    monkeypatch.setattr(errors, "KINDS", (kind,))
    monkeypatch.setattr(errors, "SERIES", 30)
    monkeypatch.setattr(errors, "SCORES", 9)

    expected = errors.expected_errors(config, weights, seed=7)

    own = []
    for rows in (6, 12, 24):
        rng = np.random.default_rng([7, errors.UNSEEN, rows])
        panel = errors.generated_panel(rng, 30, rows + 5, (4, 0))
        core = with_theta(Core(with_seasons(config, (4, 0)), weights))
        found, _ = calibrate(panel, core, 5, within=5)
        own.append(found.scores[..., 0])
    assert expected.scores.shape == (5, 9, 1)
    for step in range(5):
        scores = np.concatenate([part[step] for part in own])
        scores = scores[np.isfinite(scores)]
        shares = np.mean(scores[:, None] <= expected.scores[step, :, 0], axis=0)
        middles = (np.arange(9) + 0.5) / 9
        assert (shares >= middles - 1e-6).all()
        assert (shares <= middles + 1 / len(scores) + 1e-6).all()


def test_a_generated_panel_holds_the_series_of_the_prior_row_by_row():
    from forecast.pretrained.prior.mixture import draw
    from forecast.pretrained.prior.seasons import Seasons

    panel = errors.generated_panel(np.random.default_rng(1), 5, 30, (7, 0))

    drawn = draw(np.random.default_rng(1), 5, 30, Seasons(7, 0))
    np.testing.assert_array_equal(panel.target.reshape(5, 30), drawn)
    assert panel.ids.tolist() == [0, 1, 2, 3, 4]
    assert panel.lengths.tolist() == [30] * 5


def test_numbers_of_unseen_series_are_beyond_those_of_all_batches():
    assert errors.UNSEEN > 20_000  # batches of the shipped weights
    assert len(KINDS) < errors.UNSEEN
