"""Pictures, of what they are given: a forecast, a backtest, a training record.

matplotlib is imported when one is drawn.
"""

from forecast.plotting.attention import plot_attention
from forecast.plotting.calibration import plot_calibration
from forecast.plotting.cutoffs import plot_backtest
from forecast.plotting.errors import plot_errors
from forecast.plotting.future import plot_forecast
from forecast.plotting.history import plot_training
from forecast.plotting.writing import picture_kind, write_figure

__all__ = [
    "picture_kind",
    "plot_attention",
    "plot_backtest",
    "plot_calibration",
    "plot_errors",
    "plot_forecast",
    "plot_training",
    "write_figure",
]
