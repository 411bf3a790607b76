"""Gaussian processes of composed kernels: smooth curves."""

from __future__ import annotations

import numpy as np

from forecast.pretrained.prior.columns import Floats, chance, log_uniform, scale, uniform
from forecast.pretrained.prior.processes import rough_process, smooth_process
from forecast.pretrained.prior.seasons import Seasons, season


def gaussian_process(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Sums and products of Gaussian processes, (B, T).

    KernelSynth of Ansari et al. (2024), "Chronos: learning the language of time series": squared
    exponential, Matérn, periodic, linear and white-noise kernels, added or multiplied.
    """
    slow = smooth_process(rng, steps, log_uniform(rng, series, 0.03, 1.0) * steps)
    rough = rough_process(rng, steps, log_uniform(rng, series, 0.02, 1.0) * steps)
    line = rng.standard_normal((series, 1)) * np.linspace(-1.0, 1.0, steps)
    envelope = smooth_process(rng, steps, log_uniform(rng, series, 0.1, 2.0) * steps)
    growing = 1 + uniform(rng, series, -1.0, 1.0) * np.linspace(-1.0, 1.0, steps)
    kind = rng.integers(3, size=(series, 1))
    swing = np.where(kind == 0, 1.0, np.where(kind == 1, 1 + 0.5 * envelope, growing))
    wave = season(rng, series, steps, seasons) * swing
    white = rng.standard_normal((series, steps))
    values = np.zeros((series, steps))
    for part, probability in ((slow, 1.0), (rough, 0.3), (line, 0.4), (wave, 0.6), (white, 0.5)):
        weight = chance(rng, series, probability) * log_uniform(rng, series, 0.05, 1.0)
        values += weight * part
    values *= log_uniform(rng, series, 0.02, 1.0)
    return scale(rng, 1 + values)
