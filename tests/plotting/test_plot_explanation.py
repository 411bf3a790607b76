"""The picture of an explanation shows the largest effects, and those by step."""

import numpy as np
import pytest

from forecast.evaluation.occlusion import KNOWN, Effects, Factor
from forecast.plotting import plot_explanation

pytestmark = pytest.mark.slow


def effects_of(*sizes, series=1):
    """Effects that are the same at each of three steps."""
    factors = tuple(Factor(KNOWN, f"price {k}", (k,)) for k in range(len(sizes)))
    return Effects(
        ids=np.arange(series),
        times=np.zeros((series, 3), np.int64),
        forecast=np.ones((series, 3)),
        factors=factors,
        effects=np.array(sizes)[:, None, None] * np.ones((len(sizes), series, 3)),
        joint={},
    )


def test_bars_are_absolute_and_in_order_and_lines_are_signed():
    figure = plot_explanation(effects_of(1.0, -3.0, 2.0), "sold")

    bars, steps = figure.axes
    assert [bar.get_width() for bar in bars.patches] == [3.0, 2.0, 1.0]
    assert [label.get_text() for label in bars.get_yticklabels()] == [
        "price 1",
        "price 2",
        "price 0",
    ]
    lines = {line.get_label(): line.get_ydata().tolist() for line in steps.lines[1:]}
    assert lines["price 1"] == [-3.0] * 3
    assert figure.get_suptitle() == "What moves the forecast of sold: 1 series"


def test_of_many_factors_the_largest_are_shown_and_the_title_says_so():
    figure = plot_explanation(effects_of(*range(1, 21), series=2), "sold")

    assert len(figure.axes[0].patches) == 12
    assert len(figure.axes[1].lines) == 1 + 4
    assert figure.get_suptitle().splitlines()[1] == "the 12 largest of 20 effects"


def test_an_effect_that_no_series_has_is_drawn_as_none():
    figure = plot_explanation(effects_of(1.0, np.nan), "sold")

    assert [bar.get_width() for bar in figure.axes[0].patches] == [1.0, 0.0]
    assert len(figure.axes[1].lines) == 1 + 1
