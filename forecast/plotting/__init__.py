"""Pictures, of what they are given: a forecast, a backtest, a training record.

matplotlib is imported when one is drawn.
"""

from forecast.plotting.attention import plot_attention
from forecast.plotting.backtest import plot_backtest
from forecast.plotting.calibration import plot_calibration
from forecast.plotting.errors import plot_errors
from forecast.plotting.files import picture_kind, write_figure
from forecast.plotting.forecast import plot_forecast
from forecast.plotting.training import plot_training

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
