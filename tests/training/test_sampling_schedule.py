"""The share of true values that a training feeds, from its start to its end."""

import numpy as np
import pytest

from forecast.training.feedback.sampling_schedule import SCHEDULES, ratio


def test_every_schedule_goes_from_the_start_to_the_end_and_never_back():
    for name in SCHEDULES:
        shares = [ratio(name, (0.9, 0.2), done) for done in np.linspace(0, 1, 21)]

        assert shares[-1] == pytest.approx(0.2)
        assert name == "constant" or shares[0] == pytest.approx(0.9)
        assert shares == sorted(shares, reverse=True)


def test_schedules_by_hand():
    assert ratio("constant", (1.0, 0.3), 0.0) == 0.3
    assert ratio("linear", (1.0, 0.0), 0.25) == 0.75
    assert ratio("sigmoid", (1.0, 0.0), 0.5) == pytest.approx(0.5)
    half = (0.01**0.5 - 0.01) / 0.99  # a hundredth is left of an exponential decay at the end
    assert ratio("exponential", (1.0, 0.0), 0.5) == pytest.approx(half)
    assert ratio("linear", (0.2, 0.8), 0.5) == 0.5  # a share may grow too
