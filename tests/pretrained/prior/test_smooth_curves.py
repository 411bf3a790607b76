import numpy as np

from forecast.pretrained.prior.seasons import Seasons
from forecast.pretrained.prior.smooth_curves import gaussian_process


def test_curves_are_smooth_noisy_or_seasonal():
    values = gaussian_process(np.random.default_rng(0), 1000, 240, Seasons(12))

    spread = values.std(axis=1)
    rough = np.abs(np.diff(values, 2)).mean(axis=1) / spread
    yearly = np.abs(values[:, 12:] - values[:, :-12]).mean(axis=1) / spread
    assert (rough < 0.02).mean() > 0.05
    assert (rough > 1).mean() > 0.2
    assert (yearly < 0.3).mean() > 0.1
